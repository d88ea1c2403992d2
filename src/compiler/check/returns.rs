//! `RETURN`: the keys and values of the response.

use helix_plan::{Entry, Return};

use super::Checker;
use super::stream::Place;
use crate::compiler::diagnostics::unsupported::{Construct, Unsupported};
use crate::compiler::diagnostics::warnings::DuplicateKey;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Expr};

/// The key of a value that no variable names.
const UNNAMED: &str = "data";

/// The entries of the response so far, with their places.
#[derive(Default)]
struct Entries(Vec<(Entry, Span)>);

impl Checker<'_> {
    /// The response.
    pub(super) fn returns(&mut self, returns: Option<ast::Return>, query: Span) -> Return {
        let Some(returns) = returns else {
            self.report.incomplete(query);
            return Return::Null;
        };
        if self.is_broken(self.span(&returns)) {
            return Return::Null;
        }
        let values: Vec<Expr> = returns.values().collect();
        let mut entries = Entries::default();
        match values.as_slice() {
            [] => self.report.incomplete(self.span(&returns)),
            [Expr::Object(object)] => self.flat_object(object, &mut entries),
            values => {
                if values.iter().all(|value| matches!(value, Expr::None(_))) {
                    return Return::Null;
                }
                values.iter().for_each(|value| self.element(value, &mut entries));
            }
        }
        Return::Object(entries.0.into_iter().map(|(entry, _)| entry).collect())
    }

    /// One of several values. `NONE` beside others says nothing.
    fn element(&mut self, value: &Expr, entries: &mut Entries) {
        let span = self.span(value);
        match value {
            Expr::None(_) => {}
            Expr::Object(_) | Expr::Array(_) => {
                self.report.add(Unsupported { construct: Construct::NestedReturn, span });
            }
            Expr::Literal(_)
            | Expr::Now(_)
            | Expr::Name(_)
            | Expr::AddNode(_)
            | Expr::AddEdge(_)
            | Expr::AddVector(_)
            | Expr::BatchAddVector(_)
            | Expr::Embed(_)
            | Expr::Exists(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::Math(_)
            | Expr::Traversal(_) => self.entry(key(value), value, span, entries),
        }
    }

    /// `RETURN {key: value, …}`.
    fn flat_object(&mut self, object: &ast::Object, entries: &mut Entries) {
        for entry in object.entries() {
            let (Some(key), Some(value)) = (entry.key(), entry.value()) else {
                self.report.incomplete(self.span(&entry));
                continue;
            };
            let key_span = self.span(&key);
            match &value {
                Expr::Object(_) | Expr::Array(_) => {
                    let span = self.span(&value);
                    self.report.add(Unsupported { construct: Construct::NestedReturn, span });
                }
                value => self.entry(key.text(), value, key_span, entries),
            }
        }
    }

    /// An entry; the last of a key wins.
    fn entry(&mut self, key: String, value: &Expr, span: Span, entries: &mut Entries) {
        let value = self.expr(value, Place::Top).expr;
        if let Some(index) = entries.0.iter().position(|(entry, _)| entry.key == key) {
            let (_, first) = entries.0.remove(index);
            self.report.add(DuplicateKey { key: &key, span, first });
        }
        entries.0.push((Entry { key, value }, span));
    }
}

/// The key of a value: the variable that it is, or starts at.
fn key(value: &Expr) -> String {
    let name = match value {
        Expr::Name(name) => name.name(),
        Expr::Traversal(traversal) => match traversal.source() {
            Some(ast::Source::Name(name)) => name.name(),
            _ => None,
        },
        _ => None,
    };
    name.map_or_else(|| UNNAMED.to_owned(), |name| name.text())
}
