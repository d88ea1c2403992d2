//! `GROUP_BY` and `AGGREGATE_BY`: items by what they have in common.

use helix_plan::{Entry, ExprKind, GroupTag, Kind, Step, Type};

use super::Rest;
use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::{DuplicateProjectionKey, StepNotApplicable};
use crate::compiler::diagnostics::warnings::UnknownGroupField;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Step as SyntaxStep};

/// What a group shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// `GROUP_BY`: what its items have in common.
    Values,
    /// `AGGREGATE_BY`: the items.
    Items,
}

impl Checker<'_> {
    /// Replaces the items that flow by their groups. A `COUNT` right before it is how the groups are answered, and no step.
    pub(super) fn group(
        &mut self,
        stream: &mut Stream,
        names: Vec<ast::Name>,
        shown: Shown,
        rest: Rest<'_>,
        span: Span,
    ) {
        let step = match shown {
            Shown::Values => "GROUP_BY",
            Shown::Items => "AGGREGATE_BY",
        };
        if stream.ty.is_unknown() {
            return;
        }
        let Some(item) = stream.ty.item() else {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step, found: &found, expected: "items", span });
            stream.ty = Ty::Unknown;
            return;
        };
        let current = self.current("_", &stream.ty);
        let mut by: Vec<(Entry, Span)> = Vec::with_capacity(names.len());
        for name in names {
            let (key, at) = (name.text(), self.span(&name));
            if let Some((_, first)) = by.iter().find(|(known, _)| known.key == key) {
                let first = *first;
                self.report.add(DuplicateProjectionKey { name: &key, span: at, first });
                continue;
            }
            let value = match self.find_field(&stream.ty, &key) {
                Some(field) => self.read_slot(current.slot, item, field, at).expr,
                None => {
                    let fields = self.catalog.fields(item).iter().map(|field| field.name.as_str());
                    let nearest = self.report.nearest(&key, fields);
                    self.report.add(UnknownGroupField { name: &key, span: at, nearest });
                    self.builder.expr(ExprKind::Null, Type::one(Kind::Null), at)
                }
            };
            by.push((Entry { key, value }, at));
        }
        let tag = match rest.before {
            Some(SyntaxStep::Count(_)) => GroupTag::Count,
            _ => GroupTag::Group,
        };
        let by = by.into_iter().map(|(entry, _)| entry).collect();
        let group = Step::Group { current: current.slot, by, items: shown == Shown::Items, tag };
        stream.moved = true;
        stream.push(group, Ty::Known(Type::one(Kind::Composite)));
    }
}
