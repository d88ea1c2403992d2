//! What an index can tell of the items that a traversal wants: its access path.
//!
//! An index only narrows what is looked at. Conditions are tested and orders sorted all the same, so that an access path never
//! changes an answer.

use serde::{Deserialize, Serialize};

use crate::{
    Catalog, Comparison, Direction, EdgeEnd, Expr, ExprKind, FieldId, FieldRef, Fold, Index, ItemKind, ItemType, Kind,
    Literal, Reach, ScalarType, SlotId, Source, Step, Traversal, Type,
};

/// Items among which all are that a condition holds for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Lookup {
    /// Those with an id, or with one of a list of ids.
    Id(Box<Expr>),
    /// The nodes whose indexed field equals a value, or one of a list of values.
    Value {
        /// A field with an index.
        field: FieldId,
        /// The value or values; null finds nothing.
        value: Box<Expr>,
    },
    /// The nodes whose indexed field is within bounds, both of which are taken to belong to it. At least one is given.
    Between {
        /// A field with an index.
        field: FieldId,
        /// The least value; null finds nothing.
        from: Option<Box<Expr>>,
        /// The greatest value; null finds nothing.
        to: Option<Box<Expr>>,
    },
    /// What any of several finds.
    Any(Vec<Lookup>),
    /// The edges with an end that has an id, or one of a list of ids.
    End {
        /// Which end.
        end: EdgeEnd,
        /// The id or ids.
        id: Box<Expr>,
    },
    /// The items whose ids are within bounds, both of which are taken to belong to it. At least one is given.
    IdBetween {
        /// The least id; null finds nothing.
        from: Option<Box<Expr>>,
        /// The greatest id; null finds nothing.
        to: Option<Box<Expr>>,
    },
}

impl Traversal {
    /// The same traversal, with a source that reads an index where its first steps let it.
    #[must_use]
    pub fn through_indexes(self, catalog: &Catalog) -> Self {
        let Source::All(item) = self.source else { return self };
        let paths = |current: &SlotId| Paths { catalog, item, current: *current };
        let found = match &self.steps[..] {
            [Step::Filter { .. }, ..] => {
                let predicates = self.steps.iter().map_while(|step| match step {
                    Step::Filter { current, predicate } => Some((paths(current), predicate)),
                    _ => None,
                });
                all_of(predicates).map(|lookup| Source::Lookup { item, lookup })
            }
            [Step::Order { current, key, direction }, after @ ..] => match Reach::of(after) {
                Reach::All => None,
                Reach::First => paths(current).leading(key, *direction, true, one(key)),
                Reach::Until(end) => paths(current).leading(key, *direction, true, end.clone()),
            },
            [Step::Map { current, value }, Step::Fold(Fold::Least), ..] => {
                paths(current).leading(value, Direction::Ascending, false, one(value))
            }
            [Step::Map { current, value }, Step::Fold(Fold::Greatest), ..] => {
                paths(current).leading(value, Direction::Descending, false, one(value))
            }
            _ => None,
        };
        Self { source: found.unwrap_or(self.source), ..self }
    }
}

/// The constant 1, at the place of another expression.
fn one(at: &Expr) -> Expr {
    Expr { kind: ExprKind::Literal(Literal::Integer(1)), ty: Type::scalar(ScalarType::U64), span: at.span }
}

/// Where to look for items of a type.
#[derive(Clone, Copy)]
struct Paths<'c> {
    catalog: &'c Catalog,
    item: ItemType,
    /// The slot that holds an item while it is looked at.
    current: SlotId,
}

impl Paths<'_> {
    /// Where all items are for which a predicate holds. For the others it is false, and does not fail.
    fn lookup(self, predicate: &Expr) -> Option<Lookup> {
        match &predicate.kind {
            ExprKind::And(parts) => all_of(parts.iter().map(|part| (self, part))),
            ExprKind::Or(parts) if !parts.is_empty() => {
                let mut any = Vec::with_capacity(parts.len());
                for part in parts {
                    match self.lookup(part)? {
                        Lookup::Any(further) => any.extend(further),
                        found => any.push(found),
                    }
                }
                Some(if any.len() == 1 { any.remove(0) } else { Lookup::Any(any) })
            }
            ExprKind::Compare { comparison, left, right } => self.comparison(*comparison, left, right),
            _ => None,
        }
    }

    fn comparison(self, comparison: Comparison, left: &Expr, right: &Expr) -> Option<Lookup> {
        let field = self.field(left)?;
        let is_one = matches!(comparison, Comparison::IsIn) || !right.ty.many;
        if !self.is_known(right) || !matches!(right.ty.kind, Kind::Value(_)) || !is_one {
            return None;
        }
        let right = Box::new(right.clone());
        match (field, comparison) {
            (FieldRef::Id, Comparison::Equal | Comparison::IsIn) => Some(Lookup::Id(right)),
            (FieldRef::Id, Comparison::Greater | Comparison::GreaterOrEqual) => {
                Some(Lookup::IdBetween { from: Some(right), to: None })
            }
            (FieldRef::Id, Comparison::Less | Comparison::LessOrEqual) => {
                Some(Lookup::IdBetween { from: None, to: Some(right) })
            }
            (FieldRef::FromNode, Comparison::Equal | Comparison::IsIn) => {
                Some(Lookup::End { end: EdgeEnd::From, id: right })
            }
            (FieldRef::ToNode, Comparison::Equal | Comparison::IsIn) => {
                Some(Lookup::End { end: EdgeEnd::To, id: right })
            }
            (FieldRef::Declared(field), _) if self.has_index(field) => match comparison {
                Comparison::Equal | Comparison::IsIn => Some(Lookup::Value { field, value: right }),
                Comparison::Greater | Comparison::GreaterOrEqual => {
                    Some(Lookup::Between { field, from: Some(right), to: None })
                }
                Comparison::Less | Comparison::LessOrEqual => {
                    Some(Lookup::Between { field, from: None, to: Some(right) })
                }
                Comparison::NotEqual | Comparison::Contains => None,
            },
            _ => None,
        }
    }

    /// The items that lead in the order of a key, when that is an indexed field or the id.
    fn leading(self, key: &Expr, direction: Direction, absent: bool, len: Expr) -> Option<Source> {
        let len = Box::new(len);
        match self.field(key)? {
            FieldRef::Id => Some(Source::Extent { item: self.item, direction, len }),
            FieldRef::Declared(field) if self.has_index(field) => {
                Some(Source::Leading { node: self.item.id, field, direction, absent, len })
            }
            _ => None,
        }
    }

    /// The field of the current item that an expression is.
    fn field(self, expr: &Expr) -> Option<FieldRef> {
        match &expr.kind {
            ExprKind::Field { item, field } if item.kind == ExprKind::Slot(self.current) => Some(*field),
            _ => None,
        }
    }

    fn has_index(self, field: FieldId) -> bool {
        let field = &self.catalog.fields(self.item)[field.index()];
        self.item.kind == ItemKind::Node && field.index != Index::None && field.ty.as_scalar().is_some()
    }

    /// Whether an expression has a value before any item is looked at.
    fn is_known(self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Now => true,
            ExprKind::Slot(slot) => *slot != self.current,
            ExprKind::Field { item, field: _ } => matches!(item.kind, ExprKind::Slot(slot) if slot != self.current),
            ExprKind::Member { object, index: _ } => self.is_known(object),
            ExprKind::List(elements) => elements.iter().all(|element| self.is_known(element)),
            _ => false,
        }
    }
}

impl Lookup {
    /// Where what both find is: what finds less as a rule, or both bounds of one field.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Between { field, from: Some(from), to: None },
                Self::Between { field: same, from: None, to: Some(to) },
            )
            | (
                Self::Between { field, from: None, to: Some(to) },
                Self::Between { field: same, from: Some(from), to: None },
            ) if field == same => Self::Between { field, from: Some(from), to: Some(to) },
            (Self::IdBetween { from: Some(from), to: None }, Self::IdBetween { from: None, to: Some(to) })
            | (Self::IdBetween { from: None, to: Some(to) }, Self::IdBetween { from: Some(from), to: None }) => {
                Self::IdBetween { from: Some(from), to: Some(to) }
            }
            (a, b) => {
                if b.rank() < a.rank() {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// What finds little comes first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Value { .. } | Self::End { .. } => 1,
            Self::Any(_) => 2,
            Self::Between { from: Some(_), to: Some(_), .. } | Self::IdBetween { from: Some(_), to: Some(_) } => 3,
            Self::Between { .. } | Self::IdBetween { .. } => 4,
        }
    }
}

/// Where all items are for which each of some predicates holds, tested in turn.
fn all_of<'p>(predicates: impl Iterator<Item = (Paths<'p>, &'p Expr)>) -> Option<Lookup> {
    let mut best: Option<Lookup> = None;
    for (paths, predicate) in predicates {
        if let Some(found) = paths.lookup(predicate) {
            best = Some(match best {
                Some(best) => best.and(found),
                None => found,
            });
        }
        // What comes behind is not tested where this one fails.
        if can_fail(predicate) {
            break;
        }
    }
    best
}

/// Whether an expression may be an error for some items.
fn can_fail(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Literal(_) | ExprKind::Now | ExprKind::Slot(_) => false,
        ExprKind::Field { item, field: _ } => !matches!(item.kind, ExprKind::Slot(_)),
        ExprKind::Compare { comparison: _, left, right } => can_fail(left) || can_fail(right),
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::List(parts) => parts.iter().any(can_fail),
        ExprKind::Not(operand) => can_fail(operand),
        _ => true,
    }
}
