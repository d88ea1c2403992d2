//! The project: is there one, can its file be used, do its queries compile?

use helix_plan::Program;

use super::{Check, Outcome};
use crate::config::Problem;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::compile;
use crate::project::Project;
use crate::utils::count;

/// The warning of values that belong into a file of variables.
const SECRET: &str = "W-CFG-SECRET";

/// The project, if its file can be used, and what is to be said of that file.
pub(super) struct Found {
    pub project: Option<Project>,
    pub checks: Vec<Check>,
}

/// What the queries come to.
pub(super) struct Compiled {
    pub program: Option<Program>,
    pub checks: Vec<Check>,
}

pub(super) fn find(ctx: &Ctx) -> Found {
    match ctx.fresh_project() {
        Ok(project) => Found { checks: of_file(&project), project: Some(project) },
        Err(failure) => {
            let none = failure.code == "E-CFG-NO-PROJECT" && ctx.config_file().is_none();
            let outcome = if none { Outcome::Skip } else { Outcome::Fail };
            Found { project: None, checks: vec![Check::failed("project", outcome, failure)] }
        }
    }
}

fn of_file(project: &Project) -> Vec<Check> {
    let config = project.config();
    let instances = count(config.instances.len(), "instance", "instances");
    let mut checks = vec![match config.instances.is_empty() {
        true => Check::warn(
            "project",
            format!("`{}` has no instance", project.name()),
            "add `[local.dev]` to the project file",
        ),
        false => Check::pass("project", format!("`{}` in `{}`, {instances}", project.name(), project.file().display())),
    }];
    checks.extend(config.warnings.iter().map(warned));
    if let Some(wanted) = config.project.engine_version.as_ref().filter(|wanted| *wanted != env!("CARGO_PKG_VERSION")) {
        let found = format!("the project asks for engine {wanted}, this helix has {}", env!("CARGO_PKG_VERSION"));
        checks.push(Check::warn(
            "engine-version",
            found,
            "use that version of helix, or change `project.engine_version`",
        ));
    }
    checks
}

fn warned(problem: &Problem) -> Check {
    let name = if problem.code == SECRET { "secrets" } else { "settings" };
    let found = format!("{}: {} [{}]", problem.location, problem.message, problem.code);
    Check { fix: problem.hint.clone(), ..Check::new(name, Outcome::Warn, found) }
}

pub(super) fn compile(project: &Project) -> Compiled {
    let refused = |failure: Failure, fix: Option<String>| {
        let fix = fix.unwrap_or_else(|| "see what is wrong: `helix check`".to_owned());
        let check = Check { fix: Some(fix), ..Check::failed("queries", Outcome::Fail, failure) };
        Compiled { program: None, checks: vec![check] }
    };
    let compiled = match compile::read_sources(project).map(compile::compile) {
        Ok(Ok(compiled)) => compiled,
        // The code alone would say less than all that the compiler found.
        Ok(Err(rejected)) => return refused(rejected.into(), None),
        Err(failure) => {
            let fix = failure.hint.clone();
            return refused(failure, fix);
        }
    };
    let found = format!("{} compile", count(compiled.program.queries.len(), "query", "queries"));
    let check = match compiled.warnings.len() {
        0 => Check::pass("queries", found),
        warnings => {
            let found = format!("{found}, with {}", count(warnings, "warning", "warnings"));
            Check::warn("queries", found, "see them: `helix check`")
        }
    };
    Compiled { program: Some(compiled.program), checks: vec![check] }
}
