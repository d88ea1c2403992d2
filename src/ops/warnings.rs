//! What the compiler has to say about a program that it accepts.

use helix_plan::{ItemType, Program};

use crate::compiler::{Diagnostic, SourceSet};
use crate::config::{Config, Instance, Provider};
use crate::ctx::Ctx;
use crate::ops::env_file::API_KEY;
use crate::ops::platform::Platform;
use crate::project::Project;
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

/// Says that a local instance was given the hash of a key, and is not asked to look at the keys of requests.
pub fn idle_key(ctx: &Ctx, project: &Project, platform: &Platform) {
    let name = platform.files().name();
    let own = platform.variable(API_KEY).filter(|_| !ctx.env.contains_key(API_KEY));
    if own.is_some_and(|key| is_key_idle(project.config(), name, key)) {
        let message = format!(
            "`{API_KEY}` is set for `{name}`, and requests need no key: set `api_key = true` in `[local.{name}.security]`, or \
             `false` to have it so"
        );
        ctx.ui.warn("W-PUSH-KEY", message);
    }
}

/// Whether the key of a local instance does nothing. Where the project file says that requests need none, that is meant; and where there are
/// instances elsewhere, the key may be one that is sent to them.
#[must_use]
pub fn is_key_idle(config: &Config, name: &str, key: &str) -> bool {
    let is_unsaid = config.locals().any(|(known, local)| known == name && local.database.api_key.is_none());
    is_unsaid && !key.is_empty() && config.locals().count() == config.instances.len()
}

/// Says where the settings of the text index do not go with what queries search.
pub fn text_index(ctx: &Ctx, instance: &Instance, program: &Program) {
    let database = match instance {
        Instance::Local(local) => &local.database,
        Instance::Cloud(cloud) => &cloud.database,
    };
    if let Instance::Cloud(cloud) = instance
        && matches!(cloud.provider, Provider::Helix(_) | Provider::Enterprise(_))
        && !database.bm25_stemming.is_empty()
    {
        let message = "Helix Cloud takes no `bm25_stemming`: words are found there as they are written".to_owned();
        ctx.ui.warn("W-PUSH-STEMMING", message);
    }
    let searched: Vec<&str> =
        program.searched_nodes().into_iter().map(|id| program.catalog.name(ItemType::node(id))).collect();
    if let (false, [first, ..]) = (database.bm25, searched.as_slice()) {
        let message = format!(
            "`bm25 = false` keeps no text index, and queries search `{first}` with `SearchBM25`: they will fail until it is \
             left out"
        );
        ctx.ui.warn("W-PUSH-BM25", message);
    }
    for node in database.bm25_stemming.keys().filter(|node| !searched.contains(&node.as_str())) {
        let message = format!("`bm25_stemming` names `{node}`, and no query searches that with `SearchBM25`");
        ctx.ui.warn("W-PUSH-STEMMING", message);
    }
}
