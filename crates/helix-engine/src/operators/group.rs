//! Groups of items that have something in common.

use std::collections::{HashMap, HashSet};

use helix_plan::GroupTag;

use super::datum::{Datum, Item};
use super::{Flow, Run};
use crate::error::Result;
use crate::ids::ItemId;
use crate::value::{Value, json};

/// Puts items into groups, by what they have in common.
#[derive(Debug, Default)]
pub struct Groups<'a> {
    groups: Vec<Group<'a>>,
    /// Where the group of some values is, by those as JSON.
    places: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
struct Group<'a> {
    by: Vec<(&'a str, Value<'a>)>,
    count: u64,
    /// The items, each once, where they are shown.
    items: Vec<Item<'a>>,
    known: HashSet<ItemId>,
}

impl<'a> Groups<'a> {
    /// Takes an item's values by their names, and the item itself where groups show theirs.
    ///
    /// # Errors
    ///
    /// Never; it is the end of a chain that may fail.
    pub fn take(&mut self, by: &[(&'a str, Value<'a>)], item: Option<Item<'a>>) -> Result<Flow> {
        let mut identity = Vec::with_capacity(16 * by.len());
        for (_, value) in by {
            json::write(value, &mut identity);
            identity.push(0);
        }
        let place = *self.places.entry(identity).or_insert(self.groups.len());
        if place == self.groups.len() {
            self.groups.push(Group { by: by.to_vec(), count: 0, items: Vec::new(), known: HashSet::new() });
        }
        let group = &mut self.groups[place];
        group.count += 1;
        if let Some(item) = item.filter(|item| group.known.insert(item.id)) {
            group.items.push(item);
        }
        Flow::more()
    }

    /// The groups, in the order in which they appeared. `items` says whether they show theirs.
    #[must_use]
    pub fn finish(self, run: &Run<'a, '_>, items: bool, tag: GroupTag) -> Datum<'a> {
        let mut names: HashSet<String> = HashSet::new();
        let mut members = Vec::with_capacity(self.groups.len());
        for group in self.groups {
            let name = unique(group.name(), &mut names);
            let values = if items {
                let items: Vec<Datum<'a>> = group.items.into_iter().map(Datum::Item).collect();
                run.stream(&items)
            } else {
                let present = group.by.into_iter().filter(|(_, value)| !value.is_null());
                let present: Vec<_> = present.map(|(name, value)| (name, Datum::Value(value))).collect();
                Datum::Object(run.members(&present))
            };
            let count = Datum::Value(Value::from(group.count));
            let shown = Datum::Object(run.members(&[("values", values), ("count", count)]));
            members.push((&*run.arena.alloc_str(&name), shown));
        }
        let groups = Datum::Object(run.members(&members));
        Datum::Object(run.members(&[(tag.name(), groups)]))
    }
}

impl Group<'_> {
    /// The values as text, joined.
    fn name(&self) -> String {
        self.by.iter().map(|(_, value)| text(value)).collect::<Vec<_>>().join("_")
    }
}

/// A value as text: as in JSON, without quotes.
fn text(value: &Value<'_>) -> String {
    if let Value::Str(text) = value {
        return (*text).to_owned();
    }
    let mut out = Vec::new();
    json::write(value, &mut out);
    let text = String::from_utf8_lossy(&out);
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text).to_owned()
}

/// The name, or with a number behind it when another group has it.
fn unique(name: String, names: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}#{number}"));
    let mut all = std::iter::once(name.clone()).chain(numbered);
    let free = all.find(|name| !names.contains(name)).unwrap_or(name);
    names.insert(free.clone());
    free
}
