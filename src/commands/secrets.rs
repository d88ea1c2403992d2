//! `helix secrets`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::args::LockArgs;
use crate::config::dotenv;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::SecretInfo;
use crate::ops::deploy::{Remote, key};
use crate::ops::{env_file, local};
use crate::project::Project;
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix secrets set OPENAI_API_KEY -i prod            Asks for the value, or reads it from stdin
  helix secrets import .env.prod -i prod              Sets all that a file of variables has
  helix secrets list -i prod                          Names only: values cannot be had back
  helix secrets rotate HELIX_API_KEY -i prod --write-env .env

They are live with the next `helix push`; `rotate` restarts the instance. Values are never arguments.";

/// The most that is read of a value.
const MAX_VALUE: u64 = 64 << 10;

/// Arguments of `helix secrets`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SecretsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set a secret; the value is asked for, or read from stdin
    Set {
        /// The name
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Remove a secret
    Unset {
        /// The name
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// List the names of secrets
    List {
        #[command(flatten)]
        at: At,
    },
    /// Set all that a file of variables has
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Make a new key of an instance in place of the one before
    Rotate {
        /// The name: `HELIX_API_KEY`
        #[arg(value_parser = [key::VARIABLE])]
        name: String,
        /// Write the key to this file of variables
        #[arg(long, value_name = "FILE")]
        write_env: Option<PathBuf>,
        /// Show the key in the result, also with `--json`
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
struct At {
    /// Instance
    #[arg(short, long)]
    instance: Option<String>,
    #[command(flatten)]
    lock: LockArgs,
}

/// What secrets an instance has, and what was done to them.
#[derive(Debug, Serialize)]
pub struct SecretsReport {
    instance: String,
    provider: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretInfo>>,
    /// A new key, only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Report for SecretsReport {
    fn human(&self, page: &mut Page) {
        for name in &self.set {
            page.success(format!("Set `{name}`"));
        }
        for name in &self.unset {
            page.success(format!("Removed `{name}`"));
        }
        if let Some(value) = &self.value {
            page.text_line(value);
        }
        match self.secrets.as_deref() {
            None if self.value.is_none() => {
                page.line(Style::Dim, format_args!("  live with the next push: helix push {}", self.instance));
            }
            None => {}
            Some([]) => {
                page.line(Style::Dim, format_args!("`{}` has no secrets", self.instance));
            }
            Some(secrets) => {
                let dash = |text: &Option<String>| (Style::Plain, text.clone().unwrap_or_else(|| "-".to_owned()));
                let short = |text: &Option<String>| text.as_ref().map(|text| text.chars().take(12).collect::<String>());
                let row = |one: &SecretInfo| {
                    vec![(Style::Bold, one.name.clone()), dash(&short(&one.digest)), dash(&one.updated_at)]
                };
                page.table(&["NAME", "DIGEST", "SET"], &secrets.iter().map(row).collect::<Vec<_>>());
            }
        }
    }
}

/// Works on the secrets of an instance.
///
/// # Errors
///
/// When its target keeps none, or refuses.
pub async fn run(args: SecretsArgs, ctx: &Ctx) -> Result<SecretsReport, Failure> {
    let project = ctx.project()?;
    let at = match &args.action {
        Action::Set { at, .. } | Action::Unset { at, .. } | Action::List { at } => at,
        Action::Import { at, .. } | Action::Rotate { at, .. } => at,
    };
    let remote = find(ctx, project, at.instance.as_deref()).await?;
    let platform = remote.platform("keep secrets for")?;
    let mut report = SecretsReport {
        instance: remote.name.clone(),
        provider: remote.target().name,
        set: Vec::new(),
        unset: Vec::new(),
        secrets: None,
        value: None,
    };
    let values: BTreeMap<String, Option<SecretString>> = match &args.action {
        Action::List { .. } => {
            report.secrets = Some(ctx.unless_cancelled(async { Ok(platform.secrets().await?) }).await?);
            return Ok(report);
        }
        Action::Set { name, .. } => BTreeMap::from([(checked(name)?, Some(value(ctx, name)?))]),
        Action::Unset { name, .. } => BTreeMap::from([(checked(name)?, None)]),
        Action::Import { file, .. } => imported(ctx, file)?,
        Action::Rotate { name, write_env, reveal, .. } => {
            let made = key::generate();
            if let Some(file) = write_env {
                // Before clients are cut off, the new key is where it is wanted.
                env_file::save(&ctx.cwd.join(file), &remote.name, None, None, &made, false)?;
            } else if !reveal {
                ctx.ui.confirm(&format!("Clients of `{}` need the new key at once. Go on?", remote.name), "--yes")?;
            }
            let lock = ctx.unless_cancelled(remote.lock("secrets", at.lock.lock_timeout)).await?;
            let step = ctx.ui.step("rotate", "Rotating the key");
            platform.set_secrets(&BTreeMap::from([(name.clone(), Some(key::hash(&made)))])).await?;
            platform.restart().await?;
            step.done("Rotated the key");
            drop(lock);
            report.set.push(name.clone());
            let is_shown = *reveal || (write_env.is_none() && !ctx.ui.is_json());
            report.value = is_shown.then(|| made.expose_secret().to_owned());
            return Ok(report);
        }
    };
    let lock = ctx.unless_cancelled(remote.lock("secrets", at.lock.lock_timeout)).await?;
    platform.set_secrets(&values).await?;
    drop(lock);
    for (name, value) in values {
        if value.is_some() { report.set.push(name) } else { report.unset.push(name) }
    }
    Ok(report)
}

/// The instance: the one that is named, or the only one that is elsewhere.
async fn find(ctx: &Ctx, project: &Project, wanted: Option<&str>) -> Result<Remote, Failure> {
    let name = local::choose(ctx, project, wanted)?;
    Remote::of(ctx, project, &name).await?.ok_or_else(|| {
        let message = format!("`{name}` is on this machine, and has its secrets from files of variables");
        Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, message)
            .hint(format!("write them to `.env.{name}`, with mode 0600; `helix env {name}` shows what it gets"))
    })
}

/// A name that an environment can have.
fn checked(name: &str) -> Result<String, Failure> {
    if name.contains('=') {
        let message = "a value in an argument can be read by every user of this machine".to_owned();
        return Err(Failure::new("E-INPUT-SECRET", ExitCode::Usage, message)
            .hint("name the secret alone: the value is asked for, or read from stdin"));
    }
    let mut letters = name.chars();
    let is_first = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if is_first && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(name.to_owned());
    }
    let message = format!("`{name}` cannot be the name of a variable");
    Err(Failure::new("E-INPUT-SECRET", ExitCode::Usage, message).hint("use letters, digits and `_`"))
}

/// The value, from a person who does not see it, or from stdin.
fn value(ctx: &Ctx, name: &str) -> Result<SecretString, Failure> {
    let text = if ctx.ui.is_interactive() {
        ctx.ui.password(&format!("Value of `{name}`"))?
    } else {
        let mut text = String::new();
        let read = std::io::stdin().take(MAX_VALUE).read_to_string(&mut text);
        read.map_err(|error| {
            Failure::new("E-INPUT-SECRET", ExitCode::Input, "the value cannot be read from stdin")
                .cause(error.to_string())
        })?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    };
    if text.is_empty() {
        return Err(Failure::input_required(
            "the value is empty",
            format!("pass it on stdin: `helix secrets set {name} < FILE`"),
        ));
    }
    Ok(SecretString::from(text))
}

fn imported(ctx: &Ctx, file: &std::path::Path) -> Result<BTreeMap<String, Option<SecretString>>, Failure> {
    let path = ctx.cwd.join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    let parsed = dotenv::parse(&text, |name| ctx.env.get(name).cloned()).map_err(|error| {
        Failure::new("E-CFG-ENV", ExitCode::Config, format!("{}:{}: {}", file.display(), error.line, error.message))
    })?;
    Ok(parsed.into_iter().map(|(name, value)| (name, Some(SecretString::from(value)))).collect())
}
