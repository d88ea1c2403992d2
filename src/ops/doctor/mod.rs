//! What may be wrong with this machine, this project and its instances.
//!
//! A check is a value: what was looked at, how it is, what was found, and the command that mends it. One file a family;
//! [`bundle`] puts what was found, with the project file and the last logs, into an archive without secrets.

pub mod bundle;
mod container;
mod data;
mod env_files;
mod install;
mod instances;
mod project;
mod redact;
mod system;
mod tools;

use serde::Serialize;

pub use redact::{Redactor, without_userinfo};

use crate::ctx::Ctx;
use crate::errors::Failure;

/// How something that was checked is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// It works, or may stop to.
    Warn,
    /// Something does not work.
    Fail,
    /// It does not matter here, or cannot be told.
    Skip,
}

/// Something that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The stable name of what was looked at.
    pub name: &'static str,
    /// Which one: an instance, a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it is.
    pub state: Outcome,
    /// What was found, in a sentence.
    pub found: String,
    /// More of it, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What mends it, with the exact command where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn new(name: &'static str, state: Outcome, found: impl Into<String>) -> Self {
        Self { name, subject: None, state, found: found.into(), details: Vec::new(), fix: None }
    }

    fn pass(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Outcome::Pass, found)
    }

    fn skip(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Outcome::Skip, found)
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Outcome::Warn, found) }
    }

    fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Outcome::Fail, found) }
    }

    /// What a failure says, as a check that came out as `state`.
    fn failed(name: &'static str, state: Outcome, failure: Failure) -> Self {
        let place = failure.location.map(|location| format!("{location}: ")).unwrap_or_default();
        let cause = failure.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        let found = format!("{place}{}{cause} [{}]", failure.message, failure.code);
        Self { details: failure.context, fix: failure.hint, ..Self::new(name, state, found) }
    }

    fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    fn with(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }
}

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What takes no time.
    Quick,
    /// Every row and index of every local instance as well.
    Data,
}

/// Looks at everything. What is wrong is part of the answer.
///
/// # Errors
///
/// When the command is told to stop.
pub async fn examine(ctx: &Ctx, depth: Depth) -> Result<Vec<Check>, Failure> {
    let found = project::find(ctx);
    let project = found.project.as_ref();
    // The tools answer while the files are read.
    let (tools, container, tracked, (here, of_project)) =
        tokio::join!(tools::checks(ctx), container::checks(ctx, project), env_files::checks(ctx, project), async {
            let here = [system::checks(ctx, project), install::checks(ctx)].concat();
            let Some(project) = project else { return (here, found.checks) };
            let compiled = project::compile(project);
            let instances = instances::checks(ctx, project, compiled.program.as_ref()).await;
            (here, [found.checks, compiled.checks, instances].concat())
        });
    let mut checks = [here, tools, container, of_project, tracked].concat();
    if let (Depth::Data, Some(project)) = (depth, project) {
        checks.extend(data::checks(ctx, project).await?);
    }
    Ok(checks)
}
