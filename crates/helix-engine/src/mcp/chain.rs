//! A walk as a plan.

use helix_plan::{
    Cardinality, Catalog, Comparison, Direction, Entry, Expr, ExprKind, FieldRef, GroupTag, ItemKind, ItemType, Kind,
    Literal, Program, Query, ScalarType, Slot, SlotId, Source, Step, Traversal, Type, TypeId, ValueType,
};
use uuid::Uuid;

use super::tools::{Condition, EndKind, Filter, Given, Hop, Operator, Order, Tool};
use crate::error::{EngineError, Result};
use crate::interpret::once::{self, boolean, compare, expr, integer, literal, null, string};
use crate::value::date;

/// The key of what a walk found.
pub(super) const FOUND: &str = "found";

/// What is asked of a walk.
pub(super) enum Ask<'a> {
    /// Items by their position.
    Items {
        /// The first.
        start: usize,
        /// Behind the last; all others when it is not given.
        end: Option<usize>,
    },
    /// What the items have in common.
    Group {
        /// The fields.
        properties: &'a [String],
        /// Whether the items are shown.
        items: bool,
    },
}

/// A query that reads what is asked of a walk, and what kind of items it gives.
///
/// # Errors
///
/// [`EngineError::BadValue`] when a step names a type or a field that is not declared, or none comes first.
pub(super) fn plan(program: &Program, chain: &[Tool], ask: &Ask<'_>) -> Result<(Query, ItemKind)> {
    let mut walk = Walk { catalog: &program.catalog, slots: Vec::new() };
    let (mut traversal, item) = walk.traversal(chain)?;
    match ask {
        Ask::Items { start: 0, end: None } => {}
        Ask::Items { start, end } => {
            let (start, end) = (integer(*start), integer(end.unwrap_or(usize::MAX)));
            traversal.steps.push(Step::Range { start, end });
        }
        Ask::Group { properties, items } => {
            traversal.cardinality = Cardinality::One;
            traversal.steps.push(walk.group(item, properties, *items)?);
        }
    }
    let ty = Type { kind: Kind::Item(item), many: traversal.cardinality == Cardinality::Many };
    let traversal = traversal.through_indexes(&program.catalog);
    let value = expr(ExprKind::Traversal(Box::new(traversal)), ty);
    let query = once::reading(walk.slots, vec![Entry { key: FOUND.to_owned(), value }]);
    Ok((query, item.kind))
}

struct Walk<'c> {
    catalog: &'c Catalog,
    slots: Vec<Slot>,
}

/// A traversal in the making, and the type of its items.
struct Stream {
    steps: Vec<Step>,
    item: ItemType,
}

impl Walk<'_> {
    fn traversal(&mut self, chain: &[Tool]) -> Result<(Traversal, ItemType)> {
        let Some((first, rest)) = chain.split_first() else {
            return Err(bad("the walk is empty: begin with n_from_type, e_from_type or a search".to_owned()));
        };
        let (source, item) = self.source(first)?;
        let mut stream = Stream { steps: Vec::new(), item };
        for tool in rest {
            self.step(&mut stream, tool)?;
        }
        let traversal = Traversal { source, steps: stream.steps, cardinality: Cardinality::Many };
        Ok((traversal, stream.item))
    }

    fn source(&mut self, tool: &Tool) -> Result<(Source, ItemType)> {
        Ok(match tool {
            Tool::NFromType { node_type } => {
                let item = self.find(ItemKind::Node, node_type)?;
                (Source::All(item), item)
            }
            Tool::EFromType { edge_type } => {
                let item = self.find(ItemKind::Edge, edge_type)?;
                (Source::All(item), item)
            }
            Tool::SearchKeyword { query, label, limit } => {
                let item = self.find(ItemKind::Node, label)?;
                let (text, k) = (Box::new(string(query)), Box::new(integer(*limit)));
                (Source::SearchText { node: item.id, text, k }, item)
            }
            Tool::SearchVectorText { query, label, k } => {
                let item = self.find(ItemKind::Vector, label)?;
                let vector = ValueType::List(Box::new(ValueType::Scalar(ScalarType::F64)));
                let embedded = expr(ExprKind::Embed(Box::new(string(query))), Type::one(Kind::Value(vector)));
                let (query, k) = (Box::new(embedded), Box::new(integer(*k)));
                (Source::SearchVector { vector: item.id, query, k }, item)
            }
            Tool::OutStep(_)
            | Tool::InStep(_)
            | Tool::OutEStep(_)
            | Tool::InEStep(_)
            | Tool::FilterItems { .. }
            | Tool::OrderBy { .. }
            | Tool::SearchVector { .. } => {
                return Err(bad("no items yet: begin with n_from_type, e_from_type or a search".to_owned()));
            }
        })
    }

    fn step(&mut self, stream: &mut Stream, tool: &Tool) -> Result<()> {
        match tool {
            Tool::OutStep(hop) => self.hop(stream, hop, true, false),
            Tool::InStep(hop) => self.hop(stream, hop, false, false),
            Tool::OutEStep(hop) => self.hop(stream, hop, true, true),
            Tool::InEStep(hop) => self.hop(stream, hop, false, true),
            Tool::FilterItems { filter } => self.filter(stream, filter),
            Tool::OrderBy { properties, order } => {
                let current = self.slot(stream.item);
                let key = match self.field(stream.item, properties) {
                    Some(field) => self.read(current, stream.item, field),
                    None => null(),
                };
                let direction = match order {
                    Order::Asc => Direction::Ascending,
                    Order::Desc => Direction::Descending,
                };
                stream.steps.push(Step::Order { current, key, direction });
                Ok(())
            }
            Tool::SearchVector { vector, k, min_score } => {
                if stream.item.kind != ItemKind::Vector {
                    return Err(bad(format!("`{}` are no vectors to search", self.catalog.name(stream.item))));
                }
                let components = vector.iter().map(|component| Literal::F64(*component)).collect();
                let ty = ValueType::List(Box::new(ValueType::Scalar(ScalarType::F64)));
                let query = expr(ExprKind::Literal(Literal::List(components)), Type::one(Kind::Value(ty)));
                stream.steps.push(Step::SearchVector { query, k: integer(*k) });
                if let Some(least) = min_score {
                    let current = self.slot(stream.item);
                    let left = self.read(current, stream.item, FieldRef::Score);
                    let right = literal(Literal::F64(*least), ScalarType::F64);
                    let predicate = compare(Comparison::Greater, left, right);
                    stream.steps.push(Step::Filter { current, predicate });
                }
                Ok(())
            }
            Tool::NFromType { .. }
            | Tool::EFromType { .. }
            | Tool::SearchVectorText { .. }
            | Tool::SearchKeyword { .. } => Err(bad("this step begins a walk".to_owned())),
        }
    }

    /// Along edges. From items that the edges do not join, there is nowhere to go.
    fn hop(&mut self, stream: &mut Stream, hop: &Hop, out: bool, edges: bool) -> Result<()> {
        let edge = self.find(ItemKind::Edge, &hop.edge_label)?;
        let ends = &self.catalog.edges[edge.id.index()];
        let (near, far) = if out { (ends.from, ends.to) } else { (ends.to, ends.from) };
        let kind = match hop.edge_type {
            Some(EndKind::Node) => Some(ItemKind::Node),
            Some(EndKind::Vec) => Some(ItemKind::Vector),
            None => None,
        };
        if stream.item != near || (!edges && kind.is_some_and(|kind| kind != far.kind)) {
            let current = self.slot(stream.item);
            stream.steps.push(Step::Filter { current, predicate: boolean(false) });
        }
        stream.item = if edges { edge } else { far };
        stream.steps.push(step_along(edge.id, far, out, edges));
        match &hop.filter {
            Some(filter) => self.filter(stream, filter),
            None => Ok(()),
        }
    }

    fn filter(&mut self, stream: &mut Stream, filter: &Filter) -> Result<()> {
        let current = self.slot(stream.item);
        let mut all = Vec::new();
        let groups = filter.properties.iter();
        let groups: Vec<Expr> = groups
            .map(|group| {
                let conditions = group.iter().map(|condition| self.condition(current, stream.item, condition));
                expr(ExprKind::And(conditions.collect()), Type::scalar(ScalarType::Boolean))
            })
            .collect();
        if !groups.is_empty() {
            all.push(expr(ExprKind::Or(groups), Type::scalar(ScalarType::Boolean)));
        }
        for tool in &filter.filter_traversals {
            let ty = Type::one(Kind::Item(stream.item));
            let source = Source::Expr(Box::new(expr(ExprKind::Slot(current), ty)));
            let mut further = Stream { steps: Vec::new(), item: stream.item };
            self.step(&mut further, tool)?;
            let traversal = Traversal { source, steps: further.steps, cardinality: Cardinality::Many };
            all.push(expr(ExprKind::Exists(Box::new(traversal)), Type::scalar(ScalarType::Boolean)));
        }
        if !all.is_empty() {
            let predicate = expr(ExprKind::And(all), Type::scalar(ScalarType::Boolean));
            stream.steps.push(Step::Filter { current, predicate });
        }
        Ok(())
    }

    /// A condition: of several values any will do, and of the elements of an array field any. What an item does not have
    /// fulfils none.
    fn condition(&mut self, current: SlotId, item: ItemType, condition: &Condition) -> Expr {
        let Some(field) = self.field(item, &condition.key) else { return boolean(false) };
        let (_, ty) = self.catalog.describe(item, field);
        let (scalar, is_list) = match &ty {
            ValueType::List(element) => (element.as_scalar(), true),
            other => (other.as_scalar(), false),
        };
        let Some(scalar) = scalar else { return boolean(false) };
        let comparison = match condition.operator {
            Operator::Equal => Comparison::Equal,
            Operator::NotEqual => Comparison::NotEqual,
            Operator::Greater => Comparison::Greater,
            Operator::Less => Comparison::Less,
            Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
            Operator::LessOrEqual => Comparison::LessOrEqual,
        };
        let literals = condition.values.iter().filter_map(|value| literal_of(value, scalar));
        let any = literals.map(|value| {
            let left = self.read(current, item, field);
            compare(comparison, if is_list { elements(left, scalar) } else { left }, value)
        });
        expr(ExprKind::Or(any.collect()), Type::scalar(ScalarType::Boolean))
    }

    fn group(&mut self, item: ItemType, properties: &[String], items: bool) -> Result<Step> {
        if properties.is_empty() {
            return Err(bad("`properties` names no field".to_owned()));
        }
        let current = self.slot(item);
        let mut by: Vec<Entry> = Vec::with_capacity(properties.len());
        for property in properties {
            if by.iter().any(|entry| entry.key == *property) {
                continue;
            }
            let value = match self.field(item, property) {
                Some(field) => self.read(current, item, field),
                None => null(),
            };
            by.push(Entry { key: property.clone(), value });
        }
        Ok(Step::Group { current, by, items, tag: GroupTag::Count })
    }

    fn find(&self, kind: ItemKind, name: &str) -> Result<ItemType> {
        let word = match kind {
            ItemKind::Node => "node",
            ItemKind::Edge => "edge",
            ItemKind::Vector => "vector",
        };
        self.catalog.find(kind, name).ok_or_else(|| bad(format!("there is no {word} type `{name}`")))
    }

    /// A readable field by name.
    fn field(&self, item: ItemType, name: &str) -> Option<FieldRef> {
        let all = self.catalog.all_fields(item);
        all.into_iter().rev().find(|field| self.catalog.describe(item, *field).0 == name)
    }

    fn slot(&mut self, item: ItemType) -> SlotId {
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot { name: "_".to_owned(), ty: Type::one(Kind::Item(item)) });
        id
    }

    fn read(&self, current: SlotId, item: ItemType, field: FieldRef) -> Expr {
        let (_, ty) = self.catalog.describe(item, field);
        let slot = expr(ExprKind::Slot(current), Type::one(Kind::Item(item)));
        expr(ExprKind::Field { item: Box::new(slot), field }, Type::one(Kind::Value(ty)))
    }
}

fn step_along(edge: TypeId, far: ItemType, out: bool, edges: bool) -> Step {
    match (out, edges) {
        (true, true) => Step::OutEdges { edge },
        (false, true) => Step::InEdges { edge },
        (true, false) => Step::Out { edge, to: far },
        (false, false) => Step::In { edge, from: far },
    }
}

/// The elements of an array, of which a comparison takes any.
fn elements(array: Expr, ty: ScalarType) -> Expr {
    let source = Source::Elements(Box::new(array));
    let traversal = Traversal { source, steps: Vec::new(), cardinality: Cardinality::Many };
    let ty = Type { kind: Kind::Value(ValueType::Scalar(ty)), many: true };
    expr(ExprKind::Traversal(Box::new(traversal)), ty)
}

/// A value as one of a type; numbers meet numbers.
fn literal_of(value: &Given, ty: ScalarType) -> Option<Expr> {
    let found = match (value, ty) {
        (Given::Text(text), ScalarType::String) => Literal::String(text.clone()),
        (Given::Text(text), ScalarType::Id) => Literal::Id(Uuid::parse_str(text).ok()?.as_u128()),
        (Given::Text(text), ScalarType::Date) => {
            let date = date::parse(text)?;
            Literal::Date { seconds: date.seconds, nanoseconds: date.nanoseconds }
        }
        (Given::Boolean(value), ScalarType::Boolean) => Literal::Boolean(*value),
        (Given::Number(digits), ty) if ty.is_number() => {
            match (digits.parse(), digits.parse(), digits.parse::<f64>()) {
                (Ok(number), _, _) => Literal::Integer(number),
                (Err(_), Ok(number), _) => Literal::Unsigned(number),
                (Err(_), Err(_), Ok(number)) if ty == ScalarType::F32 => Literal::F32(number as f32),
                (Err(_), Err(_), Ok(number)) => Literal::F64(number),
                (Err(_), Err(_), Err(_)) => return None,
            }
        }
        (Given::Text(_) | Given::Boolean(_) | Given::Number(_), _) => return None,
    };
    Some(literal(found, ty))
}

fn bad(message: String) -> EngineError {
    EngineError::BadValue(message)
}

#[cfg(test)]
mod tests {
    use helix_plan::{Field, Index, Lookup, NodeType, Return};

    use super::super::members::Members;
    use super::*;

    fn program() -> Program {
        let field = |name: &str, index| Field {
            name: name.to_owned(),
            ty: ValueType::Scalar(ScalarType::I64),
            index,
            default: None,
        };
        let fields = vec![field("age", Index::Secondary), field("size", Index::None)];
        let nodes = vec![NodeType { name: "User".to_owned(), fields }];
        Program::new(Catalog { version: 1, nodes, ..Catalog::default() }, Vec::new(), Vec::new())
    }

    fn source(steps: serde_json::Value, end: Option<usize>) -> Source {
        let text = |step: &serde_json::Value| step.to_string().into_bytes();
        let read = |text: Vec<u8>| Tool::read_named(&Members::of_body(&text).expect("an object")).expect("a step");
        let steps: Vec<Tool> = steps.as_array().expect("steps").iter().map(text).map(read).collect();
        let (query, _) = plan(&program(), &steps, &Ask::Items { start: 0, end }).expect("a plan");
        match query.returns {
            Return::Object(mut entries) => match entries.remove(0).value.kind {
                ExprKind::Traversal(traversal) => traversal.source,
                other => panic!("{other:?}"),
            },
            Return::Null => panic!("nothing is returned"),
        }
    }

    #[test]
    fn walks_use_indexes() {
        let all = serde_json::json!({"tool_name": "n_from_type", "args": {"node_type": "User"}});
        let filter = |key: &str, operator: &str| {
            let condition = serde_json::json!([[{"key": key, "value": 3, "operator": operator}]]);
            let args = serde_json::json!({"filter": {"properties": condition}});
            serde_json::json!([all, {"tool_name": "filter_items", "args": args}])
        };
        let is_value = |source: &Source| matches!(source, Source::Lookup { lookup: Lookup::Value { .. }, .. });
        let is_range = |source: &Source| matches!(source, Source::Lookup { lookup: Lookup::Between { .. }, .. });
        assert!(is_value(&source(filter("age", "=="), None)));
        assert!(is_range(&source(filter("age", ">="), None)));
        assert!(matches!(source(filter("size", "=="), None), Source::All(_)));
        let order = serde_json::json!({"tool_name": "order_by", "args": {"properties": "age", "order": "desc"}});
        let ordered = serde_json::json!([all, order]);
        assert!(matches!(source(ordered.clone(), Some(10)), Source::Leading { .. }));
        assert!(matches!(source(ordered, None), Source::All(_)), "all of them are sorted");
    }
}
