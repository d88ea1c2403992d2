//! `PREFILTER`: which vectors a search chooses from.

use helix_plan::Source;

use crate::compiler::check::Checker;
use crate::compiler::check::stream::Stream;
use crate::compiler::check::ty::Ty;
use crate::compiler::diagnostics::steps::StepNotApplicable;
use crate::compiler::source::Span;
use crate::compiler::syntax::ast;

impl Checker<'_> {
    /// Lets a search choose only from the vectors for which a condition holds.
    pub(super) fn prefilter(&mut self, stream: &mut Stream, prefilter: &ast::Prefilter, span: Span) {
        let current = self.current("_", &stream.ty);
        self.scopes.enter_item(current.clone());
        let outer = self.unscored.replace(current.slot);
        let predicate = Box::new(self.condition_part(prefilter.argument(), span).expr);
        self.unscored = outer;
        self.scopes.leave_item();
        if stream.ty.is_unknown() {
            return;
        }
        if let Source::SearchVector { vector, query, k } = &stream.source
            && stream.steps.is_empty()
            && stream.excluded.is_empty()
        {
            let (query, k, current) = (query.clone(), k.clone(), current.slot);
            stream.source = Source::SearchVectorWhere { vector: *vector, query, k, current, predicate };
            return;
        }
        let found = stream.ty.describe(self.catalog);
        let expected = "the source `SearchV<Type>(…)`, right behind it";
        self.report.add(StepNotApplicable { step: "PREFILTER", found: &found, expected, span });
        stream.ty = Ty::Unknown;
    }
}
