//! What the stand-in for Helix Cloud checks sources with: our compiler.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compiler::{self, SourceSet};
use crate::integrations::helix::mock::Check;
use crate::ui::diagnostics::render_plain;

/// The compiler, for the stand-in.
#[must_use]
pub fn compiler_check() -> Check {
    Arc::new(|files: &BTreeMap<String, String>| {
        let sources = SourceSet::new(files.clone());
        let compiled = compiler::compile(&sources);
        match compiled.program {
            Some(_) => Ok(()),
            None => Err(render_plain(&compiled.diagnostics, &sources)),
        }
    })
}
