//! `SearchV` as a step: the vectors of the stream that are most similar to a query.

use helix_plan::{ItemKind, Step};

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::StepNotApplicable;
use crate::compiler::diagnostics::warnings::OtherSearchType;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Searches the stream exactly. The type named in the call is not what decides.
    pub(super) fn search_step(&mut self, stream: &mut Stream, search: &ast::SearchVector, span: Span) {
        let named = self.type_arg(ItemKind::Vector, search.type_args(), span);
        let query = self.vector(search.vector(), "SearchV", span);
        let k = self.length(search.k(), "SearchV", span);
        if stream.ty.is_unknown() {
            return;
        }
        let Some(item) = stream.ty.item().filter(|item| item.kind == ItemKind::Vector) else {
            let found = stream.ty.describe(self.catalog);
            self.report.add(StepNotApplicable { step: "SearchV", found: &found, expected: "vectors", span });
            stream.ty = Ty::Unknown;
            return;
        };
        if let Some(named) = named.filter(|named| *named != item) {
            let (named, actual) = (self.catalog.name(named), self.catalog.name(item));
            self.report.add(OtherSearchType { named, actual, span });
        }
        stream.push(Step::SearchVector { query, k }, Ty::items(item, true));
    }
}
