//! Which texts a query will embed, as far as that follows from its arguments: they are asked for in one call, before its transaction
//! starts. The others are found by running it: [`Run::embedding`](crate::operators::Run::embedding).

use std::collections::HashMap;

use helix_plan::{Expr, ExprKind, ForBinding, Literal, Query, SlotId, Statement, StatementKind, visit};

use super::arguments::{Argument, Arguments};

/// Whether a query embeds anything.
pub(super) fn embeds(query: &Query) -> bool {
    let mut found = false;
    visit::query(query, &mut |expr| found |= matches!(expr.kind, ExprKind::Embed(_)));
    found
}

/// The texts, each once. Those that depend on stored data, or are calculated, are not among them.
pub(super) fn texts(query: &Query, arguments: &Arguments) -> Vec<String> {
    let params = query.params.iter().zip(&arguments.0);
    let mut known = Known(params.map(|(param, argument)| (param.slot, vec![Candidate::Argument(argument)])).collect());
    known.learn(&query.body);
    let mut texts: Vec<String> = Vec::new();
    visit::query(query, &mut |expr| {
        let ExprKind::Embed(text) = &expr.kind else { return };
        for text in known.of(text).into_iter().filter_map(Candidate::text) {
            if !texts.iter().any(|known| known == text) {
                texts.push(text.to_owned());
            }
        }
    });
    texts
}

/// What an expression may be.
#[derive(Clone, Copy)]
enum Candidate<'q> {
    Argument(&'q Argument),
    Text(&'q str),
}

impl<'q> Candidate<'q> {
    fn text(self) -> Option<&'q str> {
        match self {
            Self::Argument(Argument::Str(text)) => Some(text),
            Self::Argument(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    fn elements(self) -> &'q [Argument] {
        if let Self::Argument(Argument::List(elements)) = self { elements } else { &[] }
    }

    fn member(self, index: u16) -> Option<Self> {
        let Self::Argument(Argument::Object(members)) = self else { return None };
        members.get(usize::from(index)).map(Self::Argument)
    }
}

/// What a slot may hold, where that follows from the arguments.
struct Known<'q>(HashMap<SlotId, Vec<Candidate<'q>>>);

impl<'q> Known<'q> {
    fn learn(&mut self, statements: &'q [Statement]) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Assign { slot, value } => {
                    let candidates = self.of(value);
                    self.0.insert(*slot, candidates);
                }
                StatementKind::Evaluate(_) | StatementKind::Drop(_) => {}
                StatementKind::For { list, binding, body } => {
                    let lists = self.of(list);
                    let elements = || lists.iter().flat_map(|list| list.elements()).map(Candidate::Argument);
                    match binding {
                        ForBinding::Element(slot) => {
                            self.0.insert(*slot, elements().collect());
                        }
                        ForBinding::Members(members) => {
                            for (index, slot) in members {
                                self.0.insert(*slot, elements().filter_map(|element| element.member(*index)).collect());
                            }
                        }
                    }
                    self.learn(body);
                }
            }
        }
    }

    fn of(&self, expr: &'q Expr) -> Vec<Candidate<'q>> {
        match &expr.kind {
            ExprKind::Slot(slot) => self.0.get(slot).cloned().unwrap_or_default(),
            ExprKind::Member { object, index } => {
                self.of(object).into_iter().filter_map(|object| object.member(*index)).collect()
            }
            ExprKind::Required { value, name: _ } => self.of(value),
            ExprKind::Literal(Literal::String(text)) => vec![Candidate::Text(text)],
            _ => Vec::new(),
        }
    }
}
