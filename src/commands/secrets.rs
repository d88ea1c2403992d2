//! `helix secrets`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::args::LockArgs;
use crate::config::dotenv;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::SecretInfo;
use crate::ops::deploy::{Remote, key};
use crate::ops::secrets::{self, Store};
use crate::ops::{env_file, local};
use crate::project::Project;
use crate::ui::{Page, Report, Style};
use crate::utils::write_private;

const EXAMPLES: &str = "\
Examples:
  helix secrets set OPENAI_API_KEY -i prod            Asks for the value, or reads it from stdin
  helix secrets import .env.prod -i prod              Sets all that a file of variables has
  helix secrets list -i prod                          Names only: values cannot be had back
  helix secrets rotate HELIX_API_KEY -i prod --write-env .env
  helix secrets export -i dev --output dev.env        Values of an instance of this machine, as a file of variables

Those of an instance of this machine are in `.helix/secrets.age`, encrypted, and live with its next start; those of one elsewhere are
at its target, and live with the next `helix push`; `rotate` restarts it. Values are never arguments.";

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
    /// Write the secrets of an instance of this machine as a file of variables
    Export {
        /// The file; stdout when omitted
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Show the values on a terminal, and in the result with `--json`
        #[arg(long)]
        reveal: bool,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
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
    /// What starts to use what was set.
    live_with: String,
    /// Where they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
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
                match &self.file {
                    Some(file) => page.success(format!("Wrote `{}`", file.display())),
                    None => page.line(Style::Dim, format_args!("  live with: {}", self.live_with)),
                };
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
        Action::Import { at, .. } | Action::Export { at, .. } | Action::Rotate { at, .. } => at,
    };
    let name = local::choose(ctx, project, at.instance.as_deref())?;
    let Some(remote) = Remote::of(ctx, project, &name).await? else {
        return here(&args, at, ctx, project, &name).await;
    };
    let platform = remote.platform("keep secrets for")?;
    let mut report = SecretsReport {
        instance: remote.name.clone(),
        provider: remote.target().name,
        set: Vec::new(),
        unset: Vec::new(),
        secrets: None,
        live_with: format!("helix push {}", remote.name),
        file: None,
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
        Action::Export { .. } => {
            let title = remote.target().title;
            let message = format!("{title} gives no values of secrets back");
            return Err(Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, message)
                .hint(format!("their names: `helix secrets list -i {name}`; set them anew where they are lost")));
        }
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

/// Works on the secrets of an instance of this machine.
async fn here(args: &SecretsArgs, at: &At, ctx: &Ctx, project: &Project, name: &str) -> Result<SecretsReport, Failure> {
    let (name, instance) = project.instance(name)?;
    let store = Store::of(ctx, project);
    let mut report = SecretsReport {
        instance: name.to_owned(),
        provider: instance.target(),
        set: Vec::new(),
        unset: Vec::new(),
        secrets: None,
        live_with: format!("helix restart {name}"),
        file: None,
        value: None,
    };
    let values = match &args.action {
        Action::List { .. } => {
            report.secrets = Some(store.list(name)?);
            return Ok(report);
        }
        Action::Export { output, reveal, force, .. } => {
            let text = secrets::dotenv(&store.values(name)?);
            match output {
                Some(file) => report.file = Some(export(&ctx.cwd.join(file), &text, *force)?),
                None if ctx.ui.is_json() && !reveal => {
                    return Err(Failure::input_required(
                        "the values would be in the result",
                        "pass `--reveal`, or `--output FILE`",
                    ));
                }
                None => {
                    if ctx.ui.is_terminal() && !reveal {
                        ctx.ui.confirm("The values will be shown here. Go on?", "--reveal")?;
                    }
                    report.value = Some(text.expose_secret().trim_end().to_owned());
                }
            }
            return Ok(report);
        }
        Action::Set { name, .. } => BTreeMap::from([(checked(name)?, Some(value(ctx, name)?))]),
        Action::Unset { name: variable, .. } => {
            if !store.values(name)?.contains_key(variable) {
                let message = format!("`{name}` has no secret `{variable}`");
                return Err(Failure::new("E-STATE-NOT-SET", ExitCode::State, message)
                    .hint(format!("see those that it has: `helix secrets list -i {name}`")));
            }
            BTreeMap::from([(variable.clone(), None)])
        }
        Action::Import { file, .. } => imported(ctx, file)?,
        Action::Rotate { name: variable, write_env, reveal, .. } => {
            let made = key::generate();
            if let Some(file) = write_env {
                env_file::save(&ctx.cwd.join(file), name, None, None, &made, false)?;
            }
            let is_shown = *reveal || (write_env.is_none() && !ctx.ui.is_json());
            report.value = is_shown.then(|| made.expose_secret().to_owned());
            BTreeMap::from([(variable.clone(), Some(key::hash(&made)))])
        }
    };
    let _lock = local::lock_home(&project.home(name), name, "secrets", at.lock.lock_timeout).await?;
    if let Some(file) = store.change(name, &values)? {
        ctx.ui.note(&format!("the key that opens them was made: `{}`; without it they are lost", file.display()));
    }
    for (name, value) in values {
        if value.is_some() { report.set.push(name) } else { report.unset.push(name) }
    }
    Ok(report)
}

/// Writes values for their owner's eyes only; another file stays unless it is to be replaced.
fn export(path: &Path, text: &SecretString, force: bool) -> Result<PathBuf, Failure> {
    env_file::refuse_tracked(path, force)?;
    if path.exists() && !force {
        let message = format!("`{}` exists", path.display());
        return Err(Failure::new("E-FS-EXISTS", ExitCode::Usage, message).hint("name another file, or pass `--force`"));
    }
    write_private(path, text.expose_secret().as_bytes()).map_err(|error| Failure::file("write", path, &error))?;
    Ok(path.to_owned())
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
