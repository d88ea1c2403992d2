//! What the compiler has to say about a program that it accepts.

use crate::compiler::{Diagnostic, SourceSet};
use crate::ctx::Ctx;
use crate::ui::diagnostics;

/// Shows warnings: as text with the source below, or as warnings of the document.
pub fn show(ctx: &Ctx, warnings: &[Diagnostic], sources: &SourceSet) {
    if ctx.ui.is_json() {
        for warning in warnings {
            let span = warning.span();
            let file = sources.file(span.file);
            let position = file.position(span.start);
            let place = format!("{}:{}:{}", file.path(), position.line, position.column);
            ctx.ui.warn(warning.code, format!("{place}: {}", warning.message));
        }
    } else if !ctx.ui.is_quiet() && !warnings.is_empty() {
        let mut page = ctx.ui.page();
        page.verbatim(&diagnostics::render(warnings, sources));
        ctx.ui.narrate(&page);
    }
}
