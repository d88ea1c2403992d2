//! A plan as a compact text: names instead of ids, types where a value comes into being.

use helix_plan::{
    Access, Assignment, Cardinality, Catalog, Comparison, Direction, EdgeEnd, Entry, Expr, ExprKind, FieldId, FieldRef,
    Fold, ForBinding, ItemType, Kind, Literal, Lookup, PathAlgorithm, PathSearch, Program, Query, ReadClass, Return,
    SlotId, Source, Statement, StatementKind, Step, Traversal, Type,
};

/// All queries of a program.
#[must_use]
pub fn program(program: &Program) -> String {
    program.queries.iter().map(|one| query(&program.catalog, one)).collect()
}

/// One query of a program with this catalog.
#[must_use]
pub fn query(catalog: &Catalog, query: &Query) -> String {
    Explain { catalog, query }.query()
}

struct Explain<'a> {
    catalog: &'a Catalog,
    query: &'a Query,
}

impl Explain<'_> {
    fn query(&self) -> String {
        let params = self.query.params.iter().map(|param| format!("{}: {}", self.slot(param.slot), param.ty));
        let access = match (self.query.access, self.query.class) {
            (Access::Write, _) => "write",
            (Access::Read, ReadClass::Short) => "read, short",
            (Access::Read, ReadClass::Long) => "read, long",
        };
        let params = params.collect::<Vec<_>>().join(", ");
        let mut out = format!("{}({params}) {access}\n", self.query.name);
        self.statements(&self.query.body, "  ", &mut out);
        match &self.query.returns {
            Return::Null => out.push_str("  return null\n"),
            Return::Object(entries) => out.push_str(&format!("  return {}\n", self.entries(entries))),
        }
        out
    }

    fn statements(&self, statements: &[Statement], indent: &str, out: &mut String) {
        for statement in statements {
            let line = match &statement.kind {
                StatementKind::Assign { slot, value } => {
                    format!("{}: {} = {}", self.slot(*slot), self.ty(&value.ty), self.expr(value))
                }
                StatementKind::Evaluate(expr) => self.expr(expr),
                StatementKind::Drop(expr) => format!("drop {}", self.expr(expr)),
                StatementKind::For { list, binding, body: _ } => {
                    let binding = match binding {
                        ForBinding::Element(slot) => self.slot(*slot),
                        ForBinding::Members(members) => {
                            let member = |(index, slot): &(u16, SlotId)| format!("{} = .{index}", self.slot(*slot));
                            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
                        }
                    };
                    format!("for {binding} in {}", self.expr(list))
                }
            };
            out.push_str(&format!("{indent}{line}\n"));
            if let StatementKind::For { body, .. } = &statement.kind {
                self.statements(body, &format!("{indent}  "), out);
            }
        }
    }

    fn slot(&self, slot: SlotId) -> String {
        format!("{}%{}", self.query.slots[slot.index()].name, slot.0)
    }

    fn name(&self, item: ItemType) -> &str {
        self.catalog.name(item)
    }

    fn ty(&self, ty: &Type) -> String {
        let kind = match &ty.kind {
            Kind::Null => "null".to_owned(),
            Kind::Value(value) => value.to_string(),
            Kind::Item(item) => self.name(*item).to_owned(),
            Kind::Shaped(item) => format!("shaped {}", self.name(*item)),
            Kind::Composite => "object".to_owned(),
            Kind::Path => "path".to_owned(),
        };
        if ty.many { format!("many {kind}") } else { kind }
    }

    fn entries(&self, entries: &[Entry]) -> String {
        let entry = |entry: &Entry| format!("{}: {}", entry.key, self.expr(&entry.value));
        format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
    }

    fn exprs(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.expr(expr)).collect::<Vec<_>>().join(", ")
    }

    fn fields(&self, item: ItemType, fields: &[Assignment]) -> String {
        let name = |field: &Assignment| &self.catalog.fields(item)[field.field.index()].name;
        let field = |field: &Assignment| format!("{}: {}", name(field), self.expr(&field.value));
        format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
    }

    fn expr(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Null => "null".to_owned(),
            ExprKind::Literal(literal) => format!("{}{}", literal_text(literal), self.suffix(&expr.ty)),
            ExprKind::Now => "now".to_owned(),
            ExprKind::Slot(slot) => self.slot(*slot),
            ExprKind::Field { item, field } => {
                let name = match (field, expr_item(item)) {
                    (FieldRef::Declared(_), Some(ty)) => self.catalog.describe(ty, *field).0.to_owned(),
                    (field, _) => format!("<{field:?}>"),
                };
                format!("{}.{name}", self.expr(item))
            }
            ExprKind::Member { object, index } => format!("{}.{index}", self.expr(object)),
            ExprKind::Traversal(traversal) => self.traversal(traversal),
            ExprKind::Exists(traversal) => format!("exists({})", self.stream(traversal)),
            ExprKind::Compare { comparison, left, right } => {
                format!("({} {} {})", self.expr(left), symbol(*comparison), self.expr(right))
            }
            ExprKind::And(operands) => format!("and({})", self.exprs(operands)),
            ExprKind::Or(operands) => format!("or({})", self.exprs(operands)),
            ExprKind::Not(operand) => format!("not({})", self.expr(operand)),
            ExprKind::Math { function, arguments } => {
                format!("{function:?}({}):{}", self.exprs(arguments), self.ty(&expr.ty))
            }
            ExprKind::List(elements) => format!("[{}]", self.exprs(elements)),
            ExprKind::Object(entries) => self.entries(entries),
            ExprKind::Embed(text) => format!("embed({})", self.expr(text)),
            ExprKind::AddNode { node, fields } => {
                let item = ItemType::node(*node);
                format!("add {} {}", self.name(item), self.fields(item, fields))
            }
            ExprKind::AddEdge { edge, from, to, fields } => {
                let item = ItemType::edge(*edge);
                let fields = self.fields(item, fields);
                format!("add {} {fields} from {} to {}", self.name(item), self.expr(from), self.expr(to))
            }
            ExprKind::AddVector { vector, data, fields } => {
                let item = ItemType::vector(*vector);
                format!("add {} {} at {}", self.name(item), self.fields(item, fields), self.expr(data))
            }
            ExprKind::AddVectors { vector, data } => {
                format!("add each {} at {}", self.name(ItemType::vector(*vector)), self.expr(data))
            }
            ExprKind::Required { value, name: _ } => format!("required {}", self.expr(value)),
            ExprKind::Optional(value) => format!("given {}", self.expr(value)),
        }
    }

    fn suffix(&self, ty: &Type) -> String {
        format!(":{}", self.ty(ty))
    }

    fn traversal(&self, traversal: &Traversal) -> String {
        let word = match traversal.cardinality {
            Cardinality::Many => "many",
            Cardinality::One => "one",
            Cardinality::Optional => "opt",
        };
        format!("{word}({})", self.stream(traversal))
    }

    fn stream(&self, traversal: &Traversal) -> String {
        let source = match &traversal.source {
            Source::All(item) => format!("all {}", self.name(*item)),
            Source::ById { item, ids } => format!("{} by id {}", self.name(*item), self.exprs(ids)),
            Source::ByIndex { node, field, value } => {
                let item = ItemType::node(*node);
                format!("{} by {} {}", self.name(item), self.declared(item, *field), self.expr(value))
            }
            Source::Lookup { item, lookup } => format!("all {} {}", self.name(*item), self.lookup(*item, lookup)),
            Source::Extent { item, direction, len } => {
                let end = match direction {
                    Direction::Ascending => "oldest",
                    Direction::Descending => "newest",
                };
                format!("{} {end} {}", self.expr(len), self.name(*item))
            }
            Source::Leading { node, field, direction, absent, len } => {
                let item = ItemType::node(*node);
                let end = match direction {
                    Direction::Ascending => "least",
                    Direction::Descending => "greatest",
                };
                let known = if *absent { "" } else { "known " };
                format!("{} {end} {} by {known}{}", self.expr(len), self.name(item), self.declared(item, *field))
            }
            Source::SearchVector { vector, query, k } => {
                format!("search {} near {} k {}", self.name(ItemType::vector(*vector)), self.expr(query), self.expr(k))
            }
            Source::Expr(expr) => self.expr(expr),
            Source::Elements(array) => format!("elements of {}", self.expr(array)),
            Source::SearchVectorWhere { vector, query, k, current, predicate } => {
                let (query, k, predicate) = (self.expr(query), self.expr(k), self.expr(predicate));
                let vector = self.name(ItemType::vector(*vector));
                format!("search {vector} near {query} k {k} where {} {predicate}", self.slot(*current))
            }
            Source::SearchText { node, text, k } => {
                format!("search {} for {} k {}", self.name(ItemType::node(*node)), self.expr(text), self.expr(k))
            }
        };
        let steps = traversal.steps.iter().map(|step| format!(" | {}", self.step(step)));
        format!("{source}{}", steps.collect::<String>())
    }

    fn lookup(&self, item: ItemType, lookup: &Lookup) -> String {
        match lookup {
            Lookup::Id(id) => format!("with id {}", self.expr(id)),
            Lookup::Value { field, value } => format!("with {} {}", self.declared(item, *field), self.expr(value)),
            Lookup::Between { field, from, to } => {
                format!("with {}{}{}", self.declared(item, *field), self.bound("from", from), self.bound("to", to))
            }
            Lookup::IdBetween { from, to } => {
                format!("with id{}{}", self.bound("from", from), self.bound("to", to))
            }
            Lookup::End { end, id } => format!("{} {}", end_word(*end), self.expr(id)),
            Lookup::Any(any) => any.iter().map(|one| self.lookup(item, one)).collect::<Vec<_>>().join(" or "),
        }
    }

    fn bound(&self, word: &str, bound: &Option<Box<Expr>>) -> String {
        bound.as_ref().map_or_else(String::new, |bound| format!(" {word} {}", self.expr(bound)))
    }

    fn declared(&self, item: ItemType, field: FieldId) -> &str {
        self.catalog.describe(item, FieldRef::Declared(field)).0
    }

    fn shortest_path(&self, search: &PathSearch) -> String {
        let algorithm = match search.algorithm {
            PathAlgorithm::BreadthFirst => "breadth first",
            PathAlgorithm::Dijkstra => "Dijkstra",
            PathAlgorithm::AStar => "A*",
        };
        let ways = search.edges.iter().map(|way| {
            let name = self.name(ItemType::edge(way.edge));
            match &way.weight {
                None => name.to_owned(),
                Some(weight) => format!("{name} {} {}", self.slot(weight.current), self.expr(&weight.value)),
            }
        });
        let ways = ways.collect::<Vec<_>>().join(", ");
        let guide = search.heuristic.as_ref().map(|heuristic| format!(" guided by {}", heuristic.name));
        let (end, other) = (end_word(search.end), self.expr(&search.other));
        format!("path {algorithm} {end} {other} along [{ways}]{}", guide.unwrap_or_default())
    }

    fn step(&self, step: &Step) -> String {
        let edge = |edge| self.name(ItemType::edge(edge));
        match step {
            Step::Out { edge: ty, to } => format!("out {} to {}", edge(*ty), self.name(*to)),
            Step::In { edge: ty, from } => format!("in {} from {}", edge(*ty), self.name(*from)),
            Step::OutEdges { edge: ty } => format!("out edges {}", edge(*ty)),
            Step::InEdges { edge: ty } => format!("in edges {}", edge(*ty)),
            Step::From { item } => format!("from {}", self.name(*item)),
            Step::To { item } => format!("to {}", self.name(*item)),
            Step::Filter { current, predicate } => format!("filter {} {}", self.slot(*current), self.expr(predicate)),
            Step::Order { current, key, direction } => {
                let direction = match direction {
                    Direction::Ascending => "asc",
                    Direction::Descending => "desc",
                };
                format!("order {direction} {} {}", self.slot(*current), self.expr(key))
            }
            Step::Range { start, end } => format!("range {} {}", self.expr(start), self.expr(end)),
            Step::First => "first".to_owned(),
            Step::Fold(fold) => match fold {
                Fold::Sum => "sum",
                Fold::Average => "average",
                Fold::Least => "least",
                Fold::Greatest => "greatest",
                Fold::Count => "count of values",
            }
            .to_owned(),
            Step::Group { current, by, items, tag } => {
                let shown = if *items { "items" } else { "values" };
                let tag = tag.name().to_lowercase();
                format!("{tag} {shown} {} by {}", self.slot(*current), self.entries(by))
            }
            Step::Intersect { current, found } => format!("intersect {} {}", self.slot(*current), self.expr(found)),
            Step::Count => "count".to_owned(),
            Step::Map { current, value } => format!("map {} {}", self.slot(*current), self.expr(value)),
            Step::Project { current, entries } => format!("project {} {}", self.slot(*current), self.entries(entries)),
            Step::SearchVector { query, k } => format!("search near {} k {}", self.expr(query), self.expr(k)),
            Step::Update { item, fields } => format!("update {}", self.fields(*item, fields)),
            Step::UpsertNode { node, fields } => format!("upsert {}", self.fields(ItemType::node(*node), fields)),
            Step::UpsertEdge { edge: ty, from, to, fields } => {
                let fields = self.fields(ItemType::edge(*ty), fields);
                format!("upsert {fields} from {} to {}", self.expr(from), self.expr(to))
            }
            Step::UpsertVector { vector, data, fields } => {
                format!("upsert {} at {}", self.fields(ItemType::vector(*vector), fields), self.expr(data))
            }
            Step::AddEdge { edge: ty, end, other, fields } => {
                let fields = self.fields(ItemType::edge(*ty), fields);
                format!("add {} {fields} {} {}", edge(*ty), end_word(*end), self.expr(other))
            }
            Step::RerankByRank { k } => format!("rerank by rank k {}", self.expr(k)),
            Step::RerankByDiversity { lambda, distance } => {
                format!("rerank by diversity lambda {} distance {}", self.expr(lambda), self.expr(distance))
            }
            Step::ShortestPath(search) => self.shortest_path(search),
        }
    }
}

fn end_word(end: EdgeEnd) -> &'static str {
    match end {
        EdgeEnd::From => "from",
        EdgeEnd::To => "to",
    }
}

fn expr_item(expr: &Expr) -> Option<ItemType> {
    expr.ty.item()
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Contains => "contains",
        Comparison::IsIn => "in",
    }
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Boolean(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Unsigned(value) => value.to_string(),
        Literal::F32(value) => format!("{value:?}f32"),
        Literal::F64(value) => format!("{value:?}"),
        Literal::String(value) => format!("{value:?}"),
        Literal::Date { seconds, nanoseconds } => format!("@{seconds}.{nanoseconds:09}"),
        Literal::Id(value) => uuid::Uuid::from_u128(*value).to_string(),
        Literal::List(values) => format!("[{}]", values.iter().map(literal_text).collect::<Vec<_>>().join(", ")),
    }
}
