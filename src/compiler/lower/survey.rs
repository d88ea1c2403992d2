//! Reads off a query which transaction it needs and how much work a read is.

use helix_plan::{
    Access, Assignment, Entry, Expr, ExprKind, ReadClass, Return, Source, Statement, StatementKind, Step, Traversal,
    visit,
};

/// What the statements and the response need.
pub(in crate::compiler) fn survey(body: &[Statement], returns: &Return) -> (Access, ReadClass) {
    let mut survey = Survey { access: Access::Read, class: ReadClass::Short };
    survey.statements(body);
    match returns {
        Return::Null => {}
        Return::Object(entries) => survey.entries(entries),
    }
    (survey.access, survey.class)
}

struct Survey {
    access: Access,
    class: ReadClass,
}

impl Survey {
    fn writes(&mut self) {
        self.access = Access::Write;
    }

    fn is_long(&mut self) {
        self.class = ReadClass::Long;
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Assign { slot: _, value } => self.expr(value),
                StatementKind::Evaluate(expr) => self.expr(expr),
                StatementKind::Drop(expr) => {
                    self.writes();
                    self.expr(expr);
                }
                StatementKind::For { list, binding: _, body } => {
                    self.is_long();
                    self.expr(list);
                    self.statements(body);
                }
            }
        }
    }

    fn entries(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.expr(&entry.value);
        }
    }

    fn assignments(&mut self, assignments: &[Assignment]) {
        self.writes();
        for assignment in assignments {
            self.expr(&assignment.value);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Null | ExprKind::Literal(_) | ExprKind::Now | ExprKind::Slot(_) => {}
            ExprKind::Field { item, field: _ } => self.expr(item),
            ExprKind::Member { object, index: _ } => self.expr(object),
            ExprKind::Traversal(traversal) | ExprKind::Exists(traversal) => self.traversal(traversal),
            ExprKind::Compare { comparison: _, left, right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::And(operands) | ExprKind::Or(operands) | ExprKind::List(operands) => {
                operands.iter().for_each(|operand| self.expr(operand));
            }
            ExprKind::Not(operand) | ExprKind::Embed(operand) => self.expr(operand),
            ExprKind::Math { function: _, arguments } => arguments.iter().for_each(|argument| self.expr(argument)),
            ExprKind::Object(entries) => self.entries(entries),
            ExprKind::AddNode { node: _, fields } => self.assignments(fields),
            ExprKind::AddEdge { edge: _, from, to, fields } => {
                self.expr(from);
                self.expr(to);
                self.assignments(fields);
            }
            ExprKind::AddVector { vector: _, data, fields } => {
                self.expr(data);
                self.assignments(fields);
            }
            ExprKind::AddVectors { vector: _, data } => {
                self.writes();
                self.expr(data);
            }
            ExprKind::Required { value, name: _ } | ExprKind::Optional(value) => self.expr(value),
        }
    }

    /// A traversal is little work when it starts from what is known: hops from there are tried on the spot, since the engine
    /// moves a request that turns out to be long.
    fn traversal(&mut self, traversal: &Traversal) {
        match &traversal.source {
            Source::All(_) => {
                let is_cut_at_once =
                    matches!(traversal.steps.first(), Some(Step::Count | Step::First | Step::Range { .. }));
                if !is_cut_at_once {
                    self.is_long();
                }
            }
            Source::ById { item: _, ids } => ids.iter().for_each(|id| self.expr(id)),
            Source::ByIndex { node: _, field: _, value } => self.expr(value),
            Source::Lookup { item: _, lookup } => visit::lookup(lookup, &mut |expr| self.expr(expr)),
            Source::Leading { node: _, field: _, direction: _, absent: _, len }
            | Source::Extent { item: _, direction: _, len } => self.expr(len),
            Source::SearchVector { vector: _, query, k } => {
                self.is_long();
                self.expr(query);
                self.expr(k);
            }
            Source::Expr(expr) | Source::Elements(expr) => self.expr(expr),
            Source::SearchVectorWhere { vector: _, query, k, current: _, predicate } => {
                self.is_long();
                self.expr(query);
                self.expr(k);
                self.expr(predicate);
            }
            Source::SearchText { node: _, text, k } => {
                self.is_long();
                self.expr(text);
                self.expr(k);
            }
        }
        traversal.steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &Step) {
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
            Step::Project { current: _, entries } | Step::Group { current: _, by: entries, items: _, tag: _ } => {
                self.entries(entries)
            }
            Step::Range { start, end } => {
                self.expr(start);
                self.expr(end);
            }
            Step::SearchVector { query, k } => {
                self.is_long();
                self.expr(query);
                self.expr(k);
            }
            Step::Update { item: _, fields } | Step::UpsertNode { node: _, fields } => self.assignments(fields),
            Step::UpsertEdge { edge: _, from, to, fields } => {
                self.expr(from);
                self.expr(to);
                self.assignments(fields);
            }
            Step::UpsertVector { vector: _, data, fields } => {
                self.expr(data);
                self.assignments(fields);
            }
            Step::AddEdge { edge: _, end: _, other, fields } => {
                self.expr(other);
                self.assignments(fields);
            }
            Step::RerankByRank { k } => self.expr(k),
            Step::RerankByDiversity { lambda, distance } => {
                self.is_long();
                self.expr(lambda);
                self.expr(distance);
            }
            Step::ShortestPath(search) => {
                self.is_long();
                self.expr(&search.other);
                for weight in search.edges.iter().filter_map(|edge| edge.weight.as_ref()) {
                    self.expr(&weight.value);
                }
            }
        }
    }
}
