//! Which texts a query will embed: found before its transaction starts, so that the network is never waited for inside.

use std::collections::HashMap;

use helix_plan::{
    Assignment, Entry, Expr, ExprKind, ForBinding, Literal, Query, Return, SlotId, Source, Statement, StatementKind,
    Step, Traversal, visit,
};

use super::arguments::{Argument, Arguments};

/// The texts, each once, in order of appearance. A text that depends on stored data is not among them.
pub(super) fn texts(query: &Query, arguments: &Arguments) -> Vec<String> {
    let known = query.params.iter().zip(&arguments.0).map(|(param, argument)| (param.slot, vec![argument]));
    let mut search = Search { known: known.collect(), texts: Vec::new() };
    search.statements(&query.body);
    if let Return::Object(entries) = &query.returns {
        search.entries(entries);
    }
    search.texts
}

struct Search<'q> {
    /// What a slot may hold, where that follows from the arguments.
    known: HashMap<SlotId, Vec<&'q Argument>>,
    texts: Vec<String>,
}

impl<'q> Search<'q> {
    fn add(&mut self, text: &str) {
        if !self.texts.iter().any(|known| known == text) {
            self.texts.push(text.to_owned());
        }
    }

    fn statements(&mut self, statements: &'q [Statement]) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Assign { slot, value } => {
                    self.expr(value);
                    let candidates = self.candidates(value);
                    self.known.insert(*slot, candidates);
                }
                StatementKind::Evaluate(expr) | StatementKind::Drop(expr) => self.expr(expr),
                StatementKind::For { list, binding, body } => {
                    self.expr(list);
                    let elements: Vec<&Argument> = self
                        .candidates(list)
                        .into_iter()
                        .filter_map(|list| if let Argument::List(elements) = list { Some(elements) } else { None })
                        .flatten()
                        .collect();
                    match binding {
                        ForBinding::Element(slot) => {
                            self.known.insert(*slot, elements);
                        }
                        ForBinding::Members(members) => {
                            for (index, slot) in members {
                                let values = elements.iter().filter_map(|element| member(element, *index)).collect();
                                self.known.insert(*slot, values);
                            }
                        }
                    }
                    self.statements(body);
                }
            }
        }
    }

    fn candidates(&self, expr: &Expr) -> Vec<&'q Argument> {
        match &expr.kind {
            ExprKind::Slot(slot) => self.known.get(slot).cloned().unwrap_or_default(),
            ExprKind::Member { object, index } => {
                self.candidates(object).into_iter().filter_map(|object| member(object, *index)).collect()
            }
            ExprKind::Required { value, name: _ } => self.candidates(value),
            _ => Vec::new(),
        }
    }

    fn entries(&mut self, entries: &'q [Entry]) {
        for entry in entries {
            self.expr(&entry.value);
        }
    }

    fn fields(&mut self, fields: &'q [Assignment]) {
        for field in fields {
            self.expr(&field.value);
        }
    }

    fn exprs(&mut self, exprs: &'q [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &'q Expr) {
        match &expr.kind {
            ExprKind::Null | ExprKind::Literal(_) | ExprKind::Now | ExprKind::Slot(_) => {}
            ExprKind::Field { item, field: _ } => self.expr(item),
            ExprKind::Member { object, index: _ } => self.expr(object),
            ExprKind::Traversal(traversal) | ExprKind::Exists(traversal) => self.traversal(traversal),
            ExprKind::Compare { comparison: _, left, right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::And(exprs) | ExprKind::Or(exprs) | ExprKind::List(exprs) => self.exprs(exprs),
            ExprKind::Math { function: _, arguments } => self.exprs(arguments),
            ExprKind::Not(expr) => self.expr(expr),
            ExprKind::Object(entries) => self.entries(entries),
            ExprKind::Embed(text) => {
                if let ExprKind::Literal(Literal::String(text)) = &text.kind {
                    self.add(text);
                }
                for candidate in self.candidates(text) {
                    if let Argument::Str(text) = candidate {
                        self.add(text);
                    }
                }
            }
            ExprKind::AddNode { node: _, fields } => self.fields(fields),
            ExprKind::AddEdge { edge: _, from, to, fields } => {
                self.expr(from);
                self.expr(to);
                self.fields(fields);
            }
            ExprKind::AddVector { vector: _, data, fields } => {
                self.expr(data);
                self.fields(fields);
            }
            ExprKind::AddVectors { vector: _, data: expr }
            | ExprKind::Required { value: expr, name: _ }
            | ExprKind::Optional(expr) => self.expr(expr),
        }
    }

    fn traversal(&mut self, traversal: &'q Traversal) {
        match &traversal.source {
            Source::All(_) => {}
            Source::ById { item: _, ids } => self.exprs(ids),
            Source::ByIndex { node: _, field: _, value } => self.expr(value),
            Source::Lookup { item: _, lookup } => visit::lookup(lookup, &mut |expr| self.expr(expr)),
            Source::Leading { node: _, field: _, direction: _, absent: _, len }
            | Source::Extent { item: _, direction: _, len } => self.expr(len),
            Source::SearchVector { vector: _, query, k } => {
                self.expr(query);
                self.expr(k);
            }
            Source::Expr(expr) | Source::Elements(expr) => self.expr(expr),
            Source::SearchVectorWhere { vector: _, query, k, current: _, predicate } => {
                self.expr(query);
                self.expr(k);
                self.expr(predicate);
            }
            Source::SearchText { node: _, text, k } => {
                self.expr(text);
                self.expr(k);
            }
        }
        for step in &traversal.steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &'q Step) {
        match step {
            Step::Out { .. }
            | Step::In { .. }
            | Step::OutEdges { .. }
            | Step::InEdges { .. }
            | Step::From { .. }
            | Step::To { .. }
            | Step::First
            | Step::Count
            | Step::Fold(_) => {}
            Step::Filter { current: _, predicate: expr }
            | Step::Order { current: _, key: expr, direction: _ }
            | Step::Intersect { current: _, found: expr }
            | Step::Map { current: _, value: expr } => self.expr(expr),
            Step::Range { start: a, end: b }
            | Step::SearchVector { query: a, k: b }
            | Step::RerankByDiversity { lambda: a, distance: b } => {
                self.expr(a);
                self.expr(b);
            }
            Step::Project { current: _, entries } | Step::Group { current: _, by: entries, items: _, tag: _ } => {
                self.entries(entries)
            }
            Step::Update { item: _, fields } | Step::UpsertNode { node: _, fields } => self.fields(fields),
            Step::UpsertEdge { edge: _, from, to, fields } => {
                self.expr(from);
                self.expr(to);
                self.fields(fields);
            }
            Step::UpsertVector { vector: _, data, fields } => {
                self.expr(data);
                self.fields(fields);
            }
            Step::AddEdge { edge: _, end: _, other, fields } => {
                self.expr(other);
                self.fields(fields);
            }
            Step::RerankByRank { k } => self.expr(k),
            Step::ShortestPath(search) => {
                self.expr(&search.other);
                for weight in search.edges.iter().filter_map(|edge| edge.weight.as_ref()) {
                    self.expr(&weight.value);
                }
            }
        }
    }
}

fn member(object: &Argument, index: u16) -> Option<&Argument> {
    match object {
        Argument::Object(members) => members.get(usize::from(index)),
        _ => None,
    }
}
