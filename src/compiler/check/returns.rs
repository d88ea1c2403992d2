//! `RETURN`: the keys and values of the response.

use helix_plan::{Entry, ExprKind, Kind, Return, Type};

use super::Checker;
use super::optional::or_null;
use super::stream::Place;
use crate::compiler::diagnostics::steps::ToolOfManyValues;
use crate::compiler::diagnostics::warnings::DuplicateKey;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Expr};

/// The key of a value that no variable names.
const UNNAMED: &str = "data";
/// The key of an object that has objects or arrays in it.
const WHOLE: &str = "response";

/// The entries of the response so far, with their places.
#[derive(Default)]
struct Entries {
    kept: Vec<(Entry, Span)>,
    /// Those whose key comes again.
    dropped: Vec<Dropped>,
}

/// An entry whose key comes again.
struct Dropped {
    key: String,
    span: Span,
    /// The entry that takes its place, and whether its key is written there.
    by: Span,
    is_named: bool,
}

impl Checker<'_> {
    /// The response of the query whose name is at `query`. A tool answers one value.
    pub(super) fn returns(&mut self, returns: Option<ast::Return>, is_tool: bool, query: Span) -> Return {
        let entries = self.response(returns, query);
        let values = entries.as_ref().map_or(0, |entries| entries.kept.len() + entries.dropped.len());
        if is_tool && values != 1 {
            if self.broken.is_empty() {
                self.report.add(ToolOfManyValues { values, span: query });
            }
        } else if let Some(entries) = &entries {
            self.warn_of_dropped(entries);
        }
        entries.map_or(Return::Null, |entries| Return::Object(entries.into_plan()))
    }

    /// The entries of the response; `None` where it is null.
    fn response(&mut self, returns: Option<ast::Return>, query: Span) -> Option<Entries> {
        let Some(returns) = returns else {
            self.report.incomplete(query);
            return None;
        };
        if self.is_broken(self.span(&returns)) {
            return None;
        }
        let values: Vec<Expr> = returns.values().collect();
        let mut entries = Entries::default();
        match values.as_slice() {
            [] => self.report.incomplete(self.span(&returns)),
            [Expr::Object(object)] => {
                let is_whole =
                    object.entries().any(|entry| matches!(entry.value(), Some(Expr::Object(_) | Expr::Array(_))));
                if !is_whole {
                    self.entries_of(object, &mut entries);
                } else if let Some(object) = values.first() {
                    // What has parts is answered as a whole.
                    self.entry(WHOLE.to_owned(), object, (self.span(object), false), &mut entries);
                }
            }
            [list] if is_nested(list) => {
                let span = self.span(list);
                let list = self.shape(list);
                let data = vec![Entry { key: UNNAMED.to_owned(), value: list }];
                let value = self.builder.expr(ExprKind::Object(data), Type::one(Kind::Composite), span);
                entries.kept.push((Entry { key: WHOLE.to_owned(), value }, span));
            }
            values => {
                if values.iter().all(|value| matches!(value, Expr::None(_))) {
                    return None;
                }
                values.iter().for_each(|value| self.element(value, &mut entries));
            }
        }
        Some(entries)
    }

    fn warn_of_dropped(&mut self, entries: &Entries) {
        for Dropped { key, span, by, is_named } in &entries.dropped {
            self.report.add(DuplicateKey { key, span: *by, first: *span, is_named: *is_named });
        }
    }

    /// One of several values. `NONE` beside others says nothing.
    fn element(&mut self, value: &Expr, entries: &mut Entries) {
        let span = self.span(value);
        if !matches!(value, Expr::None(_)) {
            self.entry(key(value), value, (span, false), entries);
        }
    }

    /// The entries of `{key: value, …}`.
    fn entries_of(&mut self, object: &ast::Object, entries: &mut Entries) {
        for entry in object.entries() {
            let (Some(key), Some(value)) = (entry.key(), entry.value()) else {
                self.report.incomplete(self.span(&entry));
                continue;
            };
            let key_span = self.span(&key);
            self.entry(key.text(), &value, (key_span, true), entries);
        }
    }

    /// An entry, its place, and whether its key is written there; the last of a key wins.
    fn entry(&mut self, key: String, value: &Expr, (span, is_named): (Span, bool), entries: &mut Entries) {
        let value = self.shape(value);
        if let Some(index) = entries.kept.iter().position(|(entry, _)| entry.key == key) {
            let (Entry { key, .. }, first) = entries.kept.remove(index);
            entries.dropped.push(Dropped { key, span: first, by: span, is_named });
        }
        entries.kept.push((Entry { key, value }, span));
    }

    /// A value of the response: an object or array of others, or any expression.
    fn shape(&mut self, value: &Expr) -> helix_plan::Expr {
        let span = self.span(value);
        let kind = match value {
            Expr::Object(object) => {
                let mut entries = Entries::default();
                self.entries_of(object, &mut entries);
                self.warn_of_dropped(&entries);
                ExprKind::Object(entries.into_plan())
            }
            Expr::Array(array) => ExprKind::List(array.elements().map(|element| self.shape(&element)).collect()),
            value => return or_null(self.expr(value, Place::Top).expr),
        };
        self.builder.expr(kind, Type::one(Kind::Composite), span)
    }
}

impl Entries {
    fn into_plan(self) -> Vec<Entry> {
        self.kept.into_iter().map(|(entry, _)| entry).collect()
    }
}

/// Whether a value is written as an object, or as an array with objects in it.
fn is_nested(value: &Expr) -> bool {
    match value {
        Expr::Object(_) => true,
        Expr::Array(array) => array.elements().any(|element| is_nested(&element)),
        _ => false,
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
