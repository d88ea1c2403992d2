//! What elements are pushed into at the end of a stream: a slice of it, its first element, its elements in order.

use std::cmp::Ordering;

use helix_plan::Direction as Order;

use super::Flow;
use crate::error::Result;
use crate::value::Value;
use crate::value::compare::sort;

/// Keeps elements: at most so many, after others that are left out.
#[derive(Debug)]
pub struct Slice<T> {
    skip: usize,
    len: usize,
    elements: Vec<T>,
}

impl<T> Slice<T> {
    /// Keeps everything.
    #[must_use]
    pub const fn all() -> Self {
        Self { skip: 0, len: usize::MAX, elements: Vec::new() }
    }

    /// Keeps the elements from `start` up to but not including `end`, counted from zero.
    #[must_use]
    pub const fn range(start: usize, end: usize) -> Self {
        Self { skip: start, len: end.saturating_sub(start), elements: Vec::new() }
    }

    /// Whether it will ever keep anything.
    #[must_use]
    pub const fn wants_any(&self) -> bool {
        self.len > 0
    }

    /// Takes an element.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    #[inline]
    pub fn take(&mut self, element: T) -> Result<Flow> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(Flow::Continue);
        }
        self.elements.push(element);
        Ok(if self.elements.len() < self.len { Flow::Continue } else { Flow::Stop })
    }

    /// What was kept, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.elements
    }
}

/// Keeps the first element.
#[derive(Clone, Copy, Debug)]
pub struct First<T>(Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> First<T> {
    /// Takes an element.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    #[inline]
    pub fn take(&mut self, element: T) -> Result<Flow> {
        self.0.get_or_insert(element);
        Flow::stop()
    }

    /// The element, if there was one.
    #[must_use]
    pub fn get(self) -> Option<T> {
        self.0
    }
}

/// Sorts elements by their keys; those with equal keys stay as they came.
#[derive(Debug)]
pub struct Keyed<'a, T> {
    order: Order,
    /// How many are wanted.
    len: usize,
    elements: Vec<(Value<'a>, T)>,
    /// The last key that is wanted, when there were enough elements to tell.
    last: Option<Value<'a>>,
}

impl<'a, T> Keyed<'a, T> {
    /// Sorts all elements.
    #[must_use]
    pub const fn all(order: Order) -> Self {
        Self::top(order, usize::MAX)
    }

    /// Keeps the first `len` elements of that order only.
    #[must_use]
    pub const fn top(order: Order, len: usize) -> Self {
        Self { order, len, elements: Vec::new(), last: None }
    }

    /// Takes an element with its key.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    #[inline]
    pub fn take(&mut self, key: Value<'a>, element: T) -> Result<Flow> {
        let is_late = self.last.is_some_and(|last| compare(self.order, &last, &key).is_le());
        if !is_late {
            self.elements.push((key, element));
            // With room for as many again, each is moved a bounded number of times.
            if self.elements.len() >= self.len.max(MIN_SORTED).saturating_mul(2) {
                self.cut();
            }
        }
        Ok(Flow::Continue)
    }

    /// Leaves out what is not wanted.
    fn cut(&mut self) {
        let order = self.order;
        self.elements.sort_by(|(a, _), (b, _)| compare(order, a, b));
        self.elements.truncate(self.len);
        self.last = self.elements.last().map(|(key, _)| *key);
    }

    /// The elements in order.
    #[must_use]
    pub fn sorted(mut self) -> Vec<T> {
        self.cut();
        self.elements.into_iter().map(|(_, element)| element).collect()
    }
}

/// As many elements are sorted at once, even where fewer are wanted.
const MIN_SORTED: usize = 64;

fn compare(order: Order, a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match order {
        Order::Ascending => sort(a, b),
        Order::Descending => sort(b, a),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_top_of_an_order_is_its_beginning(
            keys in prop::collection::vec(prop::option::weighted(0.9, 0_i64..40), 0..1_000),
            len in prop_oneof![0_usize..5, 0_usize..200, Just(usize::MAX)],
            is_ascending: bool,
        ) {
            let order = if is_ascending { Order::Ascending } else { Order::Descending };
            let mut top = Keyed::top(order, len);
            let mut all = Keyed::all(order);
            for (element, key) in keys.iter().enumerate() {
                let key = key.map_or(Value::Null, Value::Int);
                top.take(key, element).unwrap();
                all.take(key, element).unwrap();
            }
            prop_assert!(len > keys.len() || top.elements.len() <= 2 * len.max(MIN_SORTED));
            let mut expected = all.sorted();
            prop_assert_eq!(expected.len(), keys.len());
            expected.truncate(len);
            prop_assert_eq!(top.sorted(), expected);
        }
    }
}
