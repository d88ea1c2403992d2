//! Going through all expressions of a query.

use crate::{
    Assignment, Entry, Expr, ExprKind, ForBinding, Lookup, Query, Return, SlotId, Source, Statement, StatementKind,
    Step, Traversal,
};

/// Calls `visit` with every expression of a query, those that enclose others first.
pub fn query<'q>(query: &'q Query, visit: &mut dyn FnMut(&'q Expr)) {
    statements(&query.body, visit);
    if let Return::Object(found) = &query.returns {
        entries(found, visit);
    }
}

/// Calls `visit` with every expression of some statements.
pub fn statements<'q>(statements_: &'q [Statement], visit: &mut dyn FnMut(&'q Expr)) {
    for statement in statements_ {
        match &statement.kind {
            StatementKind::Assign { slot: _, value } => expr(value, visit),
            StatementKind::Evaluate(value) | StatementKind::Drop(value) => expr(value, visit),
            StatementKind::For { list, binding: ForBinding::Element(_) | ForBinding::Members(_), body } => {
                expr(list, visit);
                statements(body, visit);
            }
        }
    }
}

/// Calls `visit` with an expression and every one in it.
pub fn expr<'q>(found: &'q Expr, visit: &mut dyn FnMut(&'q Expr)) {
    visit(found);
    match &found.kind {
        ExprKind::Null | ExprKind::Literal(_) | ExprKind::Now | ExprKind::Slot(_) => {}
        ExprKind::Field { item: one, field: _ }
        | ExprKind::Member { object: one, index: _ }
        | ExprKind::Not(one)
        | ExprKind::Embed(one) => expr(one, visit),
        ExprKind::Traversal(one) | ExprKind::Exists(one) => traversal(one, visit),
        ExprKind::Compare { comparison: _, left, right } => {
            expr(left, visit);
            expr(right, visit);
        }
        ExprKind::And(many) | ExprKind::Or(many) | ExprKind::List(many) => {
            many.iter().for_each(|one| expr(one, visit));
        }
        ExprKind::Math { function: _, arguments } => arguments.iter().for_each(|one| expr(one, visit)),
        ExprKind::Object(found) => entries(found, visit),
        ExprKind::AddNode { node: _, fields } => assignments(fields, visit),
        ExprKind::AddEdge { edge: _, from, to, fields } => {
            assignments(fields, visit);
            expr(from, visit);
            expr(to, visit);
        }
        ExprKind::AddVector { vector: _, data, fields } => {
            assignments(fields, visit);
            expr(data, visit);
        }
        ExprKind::AddVectors { vector: _, data: one }
        | ExprKind::Required { value: one, name: _ }
        | ExprKind::Optional(one) => expr(one, visit),
    }
}

/// Calls `visit` with every expression of a traversal.
pub fn traversal<'q>(found: &'q Traversal, visit: &mut dyn FnMut(&'q Expr)) {
    match &found.source {
        Source::All(_) => {}
        Source::ById { item: _, ids } => ids.iter().for_each(|id| expr(id, visit)),
        Source::ByIndex { node: _, field: _, value } => expr(value, visit),
        Source::Lookup { item: _, lookup: found } => lookup(found, visit),
        Source::Leading { node: _, field: _, direction: _, absent: _, len }
        | Source::Extent { item: _, direction: _, len } => expr(len, visit),
        Source::SearchVector { vector: _, query, k } => {
            expr(query, visit);
            expr(k, visit);
        }
        Source::Expr(one) | Source::Elements(one) => expr(one, visit),
        Source::SearchVectorWhere { vector: _, query, k, current: _, predicate } => {
            expr(query, visit);
            expr(k, visit);
            expr(predicate, visit);
        }
        Source::SearchText { node: _, text, k } => {
            expr(text, visit);
            expr(k, visit);
        }
    }
    found.steps.iter().for_each(|found| step(found, visit));
}

/// Calls `visit` with every expression of a lookup.
pub fn lookup<'q>(found: &'q Lookup, visit: &mut dyn FnMut(&'q Expr)) {
    match found {
        Lookup::Id(one) | Lookup::Value { field: _, value: one } | Lookup::End { end: _, id: one } => expr(one, visit),
        Lookup::Between { field: _, from, to } | Lookup::IdBetween { from, to } => {
            from.iter().chain(to).for_each(|bound| expr(bound, visit))
        }
        Lookup::Any(many) => many.iter().for_each(|one| lookup(one, visit)),
    }
}

fn step<'q>(found: &'q Step, visit: &mut dyn FnMut(&'q Expr)) {
    match found {
        Step::Out { .. }
        | Step::In { .. }
        | Step::OutEdges { .. }
        | Step::InEdges { .. }
        | Step::From { .. }
        | Step::To { .. }
        | Step::First
        | Step::Count
        | Step::Fold(_) => {}
        Step::Filter { current: _, predicate: one }
        | Step::Order { current: _, key: one, direction: _ }
        | Step::Intersect { current: _, found: one }
        | Step::Map { current: _, value: one } => expr(one, visit),
        Step::Range { start: a, end: b }
        | Step::SearchVector { query: a, k: b }
        | Step::RerankByDiversity { lambda: a, distance: b } => {
            expr(a, visit);
            expr(b, visit);
        }
        Step::Project { current: _, entries: found } | Step::Group { current: _, by: found, items: _, tag: _ } => {
            entries(found, visit)
        }
        Step::Update { item: _, fields } | Step::UpsertNode { node: _, fields } => assignments(fields, visit),
        Step::UpsertEdge { edge: _, from, to, fields } => {
            expr(from, visit);
            expr(to, visit);
            assignments(fields, visit);
        }
        Step::UpsertVector { vector: _, data, fields } => {
            expr(data, visit);
            assignments(fields, visit);
        }
        Step::AddEdge { edge: _, end: _, other, fields } => {
            expr(other, visit);
            assignments(fields, visit);
        }
        Step::RerankByRank { k } => expr(k, visit),
        Step::ShortestPath(search) => {
            expr(&search.other, visit);
            search.edges.iter().filter_map(|edge| edge.weight.as_ref()).for_each(|weight| expr(&weight.value, visit));
        }
    }
}

fn entries<'q>(found: &'q [Entry], visit: &mut dyn FnMut(&'q Expr)) {
    found.iter().for_each(|entry| expr(&entry.value, visit));
}

fn assignments<'q>(found: &'q [Assignment], visit: &mut dyn FnMut(&'q Expr)) {
    found.iter().for_each(|assignment| expr(&assignment.value, visit));
}

impl Expr {
    /// Whether the expression, or one in it, reads something of the item in a slot that is in its row.
    #[must_use]
    pub fn reads_row_of(&self, slot: SlotId) -> bool {
        let mut reads = false;
        expr(self, &mut |found| reads |= found.is_row_field_of(slot));
        reads
    }

    /// Whether the expression is a field of the item in a slot that is in its row.
    #[must_use]
    pub fn is_row_field_of(&self, slot: SlotId) -> bool {
        match &self.kind {
            ExprKind::Field { item, field } => {
                field.is_in_row() && matches!(item.kind, ExprKind::Slot(of) if of == slot)
            }
            _ => false,
        }
    }
}
