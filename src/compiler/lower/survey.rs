//! Reads off a query which transaction it needs and how much work a read is.

use helix_plan::{
    Access, Assignment, Entry, Expr, ExprKind, Kind, Literal, ReadClass, Return, Source, Statement, StatementKind,
    Step, Traversal, ValueType,
};

/// A literal bound up to which a list counts as short.
const SHORT_LEN: i128 = 1_000;

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

/// How many elements a stream may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    /// At most one.
    One,
    /// A few, by a literal bound.
    Few,
    /// As many as one item has edges, not yet read.
    Neighbours,
    /// Any number.
    Many,
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
            ExprKind::Traversal(traversal) => {
                if matches!(self.traversal(traversal), Width::Neighbours | Width::Many) {
                    self.is_long();
                }
            }
            ExprKind::Exists(traversal) => {
                // Only the first element is read, which is little work unless many items are tried for it.
                if self.traversal(traversal) == Width::Many {
                    self.is_long();
                }
            }
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
        }
    }

    fn traversal(&mut self, traversal: &Traversal) -> Width {
        let mut width = self.source(&traversal.source);
        for step in &traversal.steps {
            width = self.step(step, width);
        }
        width
    }

    fn source(&mut self, source: &Source) -> Width {
        match source {
            Source::All(_) => Width::Many,
            Source::ById { item: _, ids } => {
                ids.iter().for_each(|id| self.expr(id));
                let bounded = ids.iter().all(|id| !is_list(id));
                if !bounded {
                    Width::Many
                } else if ids.len() == 1 {
                    Width::One
                } else {
                    Width::Few
                }
            }
            Source::ByIndex { node: _, field: _, value } => {
                self.expr(value);
                Width::One
            }
            Source::SearchVector { vector: _, query, k } => {
                self.is_long();
                self.expr(query);
                self.expr(k);
                Width::Many
            }
            Source::Expr(expr) => {
                self.expr(expr);
                // A variable that holds many items was read by a traversal that has been classed where it stands.
                if expr.ty.many { Width::Many } else { Width::One }
            }
        }
    }

    fn step(&mut self, step: &Step, width: Width) -> Width {
        match step {
            Step::Out { .. } | Step::In { .. } | Step::OutEdges { .. } | Step::InEdges { .. } => match width {
                Width::One => Width::Neighbours,
                Width::Few | Width::Neighbours | Width::Many => Width::Many,
            },
            Step::From { .. } | Step::To { .. } => width,
            Step::Filter { current: _, predicate } => self.each(predicate, width),
            Step::Order { current: _, key, direction: _ } => self.each(key, width),
            Step::Map { current: _, value } => self.each(value, width),
            Step::Project { current: _, entries } => {
                self.entries(entries);
                match width {
                    Width::One | Width::Few => width,
                    Width::Neighbours | Width::Many => Width::Many,
                }
            }
            Step::Range { start, end } => {
                self.expr(start);
                self.expr(end);
                if width == Width::Neighbours && is_short(end) { Width::Few } else { width }
            }
            Step::First => self.reduce(width),
            Step::Count => match width {
                // The degree of one item is stored.
                Width::One | Width::Few | Width::Neighbours => Width::One,
                Width::Many => self.reduce(width),
            },
            Step::SearchVector { query, k } => {
                self.is_long();
                self.expr(query);
                self.expr(k);
                Width::Many
            }
            Step::Update { item: _, fields }
            | Step::UpsertNode { node: _, fields }
            | Step::UpsertEdge { edge: _, from: _, to: _, fields }
            | Step::UpsertVector { vector: _, data: _, fields } => {
                self.assignments(fields);
                Width::One
            }
        }
    }

    /// An expression that runs for each element: traversals within it are short only if the elements are.
    fn each(&mut self, expr: &Expr, width: Width) -> Width {
        self.expr(expr);
        match width {
            Width::One | Width::Few => width,
            Width::Neighbours | Width::Many => Width::Many,
        }
    }

    fn reduce(&mut self, width: Width) -> Width {
        if width == Width::Many {
            self.is_long();
        }
        Width::One
    }
}

fn is_list(expr: &Expr) -> bool {
    expr.ty.many || matches!(expr.ty.kind, Kind::Value(ValueType::List(_)))
}

fn is_short(end: &Expr) -> bool {
    matches!(end.kind, ExprKind::Literal(Literal::Integer(end)) if end <= SHORT_LEN)
}
