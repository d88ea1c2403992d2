//! `helix env`.

use clap::Args;
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::{local, variables};
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix env dev           What the server of `dev` gets, and where each variable is from
  helix env prod --json   The same for programs; values are masked";

/// Arguments of `helix env`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EnvArgs {
    /// Instance whose variables to show
    instance: Option<String>,
}

/// What the server of an instance gets in its environment.
#[derive(Debug, Serialize)]
pub struct EnvReport {
    instance: String,
    variables: Vec<variables::Variable>,
}

impl Report for EnvReport {
    fn human(&self, page: &mut Page) {
        if self.variables.is_empty() {
            page.line(Style::Dim, format_args!("`{}` gets no variables of its own", self.instance));
            return;
        }
        let row = |one: &variables::Variable| {
            vec![(Style::Bold, one.name.clone()), (Style::Plain, one.value.clone()), (Style::Dim, one.source.clone())]
        };
        page.table(&["NAME", "VALUE", "FROM"], &self.variables.iter().map(row).collect::<Vec<_>>());
    }
}

/// Shows the variables of an instance, with what they are from. Values that may be secrets are masked.
///
/// # Errors
///
/// When there is no such instance, or a file of variables cannot be read.
pub fn run(args: &EnvArgs, ctx: &Ctx) -> Result<EnvReport, Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, args.instance.as_deref())?;
    let variables = variables::of(ctx, project, &name)?;
    Ok(EnvReport { instance: name, variables })
}
