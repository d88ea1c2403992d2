//! `!{a, b}`: all fields but some.

use super::{Rest, fieldless};
use crate::compiler::check::Checker;
use crate::compiler::check::stream::{Excluded, Stream};
use crate::compiler::diagnostics::steps::{ExcludeMisplaced, ExcludedTwice};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _, Step};

impl Checker<'_> {
    /// Excludes fields from what is shown. The projection itself is made at the end, or by a projection behind.
    pub(super) fn exclude(&mut self, stream: &mut Stream, exclude: &ast::Exclude, rest: Rest<'_>, span: Span) {
        let names: Vec<ast::Name> = exclude.names().collect();
        if stream.ty.is_unknown() {
            return;
        }
        if stream.ty.item().is_none() {
            let span = names.first().map_or(span, |name| self.span(name));
            self.no_fields(stream, span);
            return;
        }
        for name in names {
            let (text, at) = (name.text(), self.span(&name));
            let Some(field) = self.field(&stream.ty, &text, at) else { continue };
            match stream.excluded.iter().find(|other| other.field == field) {
                Some(earlier) => {
                    let (span, other) = (earlier.span, at);
                    self.report.add(ExcludedTwice { name: &text, span, other, named: false });
                }
                None => stream.excluded.push(Excluded { field, span: at, step: span }),
            }
        }
        if let Some(next) = misfit(rest.steps) {
            let (next_span, word) = (self.span(next), self.word_of(next));
            let needless_before = fieldless(rest.steps).map(|step| self.word_of(step));
            self.report.add(ExcludeMisplaced { span, next: word, next_span, needless_before });
            stream.excluded.clear();
        }
    }
}

/// The step behind an exclude that can make nothing of it, if any.
fn misfit(rest: &[Step]) -> Option<&Step> {
    let next = rest.iter().find(|step| {
        !matches!(step, Step::Exclude(_) | Step::Range(_) | Step::Order(_) | Step::First(_) | Step::Unknown(_))
    })?;
    match next {
        // These show the fields, or leave the items and with them what was excluded.
        Step::Projection(_)
        | Step::Closure(_)
        | Step::Id(_)
        | Step::Out(_)
        | Step::In(_)
        | Step::OutEdges(_)
        | Step::InEdges(_)
        | Step::FromN(_)
        | Step::ToN(_)
        | Step::FromV(_)
        | Step::ToV(_) => None,
        Step::Where(_)
        | Step::Prefilter(_)
        | Step::Intersect(_)
        | Step::Order(_)
        | Step::Range(_)
        | Step::Count(_)
        | Step::First(_)
        | Step::GroupBy(_)
        | Step::AggregateBy(_)
        | Step::Exclude(_)
        | Step::Comparison(_)
        | Step::AddEdge(_)
        | Step::Update(_)
        | Step::UpsertNode(_)
        | Step::UpsertEdge(_)
        | Step::UpsertVector(_)
        | Step::SearchVector(_)
        | Step::RerankRrf(_)
        | Step::RerankMmr(_)
        | Step::Path(_)
        | Step::Unknown(_) => Some(next),
    }
}
