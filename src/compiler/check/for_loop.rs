//! `FOR`: over arrays and over variables that hold many items.

use helix_plan::{ForBinding, StatementKind, ValueType};

use super::Checker;
use super::optional::or_null;
use super::scope::{Origin, Scopes};
use super::ty::Ty;
use super::value::Value;
use crate::compiler::diagnostics::names::{BoundTwice, UnknownMember};
use crate::compiler::diagnostics::steps::ForMemberAccess;
use crate::compiler::diagnostics::types::{NotDestructurable, NotIterable};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _};

/// What a loop goes through.
struct List {
    name: String,
    value: Value,
    is_parameter: bool,
}

impl Checker<'_> {
    /// A loop. The names that it binds, and those assigned in its body, end with it.
    pub(super) fn for_loop(&mut self, for_loop: &ast::For, span: Span) -> Option<StatementKind> {
        let list = self.list(for_loop, span);
        self.scopes.enter();
        let binding = match for_loop.binding() {
            Some(ast::ForBinding::Element(name)) => Some(self.bind_element(&name, &list)),
            Some(ast::ForBinding::Members(members)) => Some(self.bind_members(&members, &list)),
            Some(ast::ForBinding::Path(path)) => {
                self.bind_path(&path);
                None
            }
            None => {
                self.report.incomplete(span);
                None
            }
        };
        self.loops += 1;
        let body = self.statements(for_loop.statements());
        self.loops -= 1;
        self.scopes.leave();
        Some(StatementKind::For { list: or_null(list.value.expr), binding: binding?, body })
    }

    fn list(&mut self, for_loop: &ast::For, span: Span) -> List {
        let Some(name) = for_loop.list() else {
            self.report.incomplete(span);
            return List { name: String::new(), value: self.unknown(span), is_parameter: false };
        };
        let (name, span) = (name.text(), self.span(&name));
        let value = self.variable(&name, span);
        let is_parameter = is_parameter(&self.scopes, &name);
        List { name, value, is_parameter }
    }

    fn bind_element(&mut self, name: &ast::Name, list: &List) -> ForBinding {
        let ty = match (&list.value.ty, list.value.ty.as_value()) {
            (Ty::Unknown, _) => Ty::Unknown,
            (ty, Some(ValueType::List(element))) if !ty.is_many() => Ty::value(element.as_ref().clone()),
            (ty, value) if ty.is_many() && (ty.item().is_some() || value.is_some()) => ty.element(),
            (ty, _) => {
                let found = ty.describe(self.catalog);
                self.report.add(NotIterable { name: &list.name, found: &found, span: list.value.span });
                Ty::Unknown
            }
        };
        let span = self.span(name);
        ForBinding::Element(self.declare(&name.text(), ty, Origin::Loop, span))
    }

    fn bind_members(&mut self, names: &ast::ForMembers, list: &List) -> ForBinding {
        let members = self.members(list);
        let mut bound: Vec<(String, Span)> = Vec::new();
        let mut slots = Vec::new();
        for name in names.names() {
            let (name, span) = (name.text(), self.span(&name));
            if let Some((_, first)) = bound.iter().find(|(other, _)| *other == name) {
                self.report.add(BoundTwice { name: &name, span, first: *first });
                continue;
            }
            bound.push((name.clone(), span));
            let found = members.as_ref().and_then(|members| members.iter().position(|(member, _)| *member == name));
            let slot = match (&members, found) {
                (Some(members), Some(index)) => self.declare_given(&name, &members[index].1, Origin::Loop, span),
                (Some(members), None) => {
                    let names: Vec<&str> = members.iter().map(|(member, _)| member.as_str()).collect();
                    let nearest = self.report.nearest(&name, names.iter().copied());
                    let of_parameter = list.is_parameter;
                    self.report.add(UnknownMember { name: &name, span, nearest, members: &names, of_parameter });
                    self.declare(&name, Ty::Unknown, Origin::Loop, span)
                }
                (None, _) => self.declare(&name, Ty::Unknown, Origin::Loop, span),
            };
            slots.push((u16::try_from(found.unwrap_or_default()).unwrap_or(u16::MAX), slot));
        }
        ForBinding::Members(slots)
    }

    /// The members of the elements; reports when they are not objects.
    fn members(&mut self, list: &List) -> Option<Vec<(String, ValueType)>> {
        let ty = &list.value.ty;
        if ty.is_unknown() {
            return None;
        }
        let span = list.value.span;
        let found = ty.describe(self.catalog);
        match ty.as_value() {
            Some(ValueType::List(element)) if !ty.is_many() => {
                if let ValueType::Object(members) = element.as_ref() {
                    return Some(members.clone());
                }
                self.report.add(NotDestructurable { name: &list.name, found: &found, has_elements: true, span });
            }
            _ if list.is_parameter => self.report.add(NotIterable { name: &list.name, found: &found, span }),
            _ => {
                let has_elements = ty.is_many();
                self.report.add(NotDestructurable { name: &list.name, found: &found, has_elements, span });
            }
        }
        None
    }

    fn bind_path(&mut self, path: &ast::ForPath) {
        let (text, span) = (path.text(), self.span(path));
        let (first, member) = text.split_once('.').unwrap_or((&text, ""));
        self.report.add(ForMemberAccess { member: member.trim(), span });
        for name in [first.trim(), member.trim()] {
            self.declare(name, Ty::Unknown, Origin::Loop, span);
        }
    }
}

fn is_parameter(scopes: &Scopes, name: &str) -> bool {
    scopes.get(name).is_some_and(|binding| binding.origin == Origin::Parameter)
}
