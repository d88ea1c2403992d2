//! `helix auth`.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::cloud::credentials::Credentials;
use crate::ops::cloud::login::{self, Browser, LoggedIn};
use crate::ops::cloud::preferences::Preferences;
use crate::ops::cloud::{self, TOKEN, Wanted, masked};
use crate::ops::deploy::key;
use crate::ops::env_file;
use crate::ui::{Page, Report, Style};

const EXAMPLES: &str = "\
Examples:
  helix auth login --endpoint https://cloud.example
  echo \"$KEY\" | helix auth login --token-stdin    For machines; or set HELIX_CLOUD_TOKEN
  helix auth status                               Who am I, and from where is the key
  helix auth create-key prod --write-env .env     Another key for a cluster, the old one ends";

/// The longest key that is read, in bytes.
const MAX_KEY_BYTES: u64 = 16 << 10;

/// Arguments of `helix auth`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct AuthArgs {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Log in to Helix Cloud; another login ends the one before
    Login(LoginArgs),
    /// Forget a login
    Logout(LogoutArgs),
    /// Show who is logged in, and where the key is from
    Status {
        #[command(flatten)]
        profile: ProfileArg,
    },
    /// Print the key, for scripts
    Token {
        #[command(flatten)]
        profile: ProfileArg,
        /// Yes, print it
        #[arg(long)]
        reveal: bool,
    },
    /// Use another profile from now on
    Switch {
        /// Its name
        profile: String,
    },
    /// Give a cluster another key; the old ones end
    CreateKey(KeyArgs),
}

#[derive(Debug, Args)]
struct ProfileArg {
    /// Profile to use; `HELIX_PROFILE`, or the one that was switched to, when omitted
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

#[derive(Debug, Args)]
struct LoginArgs {
    #[command(flatten)]
    profile: ProfileArg,
    /// Address of the service; `HELIX_CLOUD_ENDPOINT` when omitted
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Read a key from standard input instead of asking for one
    #[arg(long)]
    token_stdin: bool,
    /// Do not open the page
    #[arg(long)]
    no_browser: bool,
    /// Accept plain HTTP to another machine
    #[arg(long)]
    insecure_http: bool,
}

#[derive(Debug, Args)]
struct LogoutArgs {
    #[command(flatten)]
    profile: ProfileArg,
    /// End the key at the service as well
    #[arg(long)]
    revoke: bool,
    /// Forget every profile
    #[arg(long, conflicts_with = "profile")]
    all: bool,
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// Instance of the project file, or the id of a cluster
    cluster: String,
    /// Write the key into this file of variables, as `HELIX_API_KEY`
    #[arg(long, value_name = "FILE")]
    write_env: Option<PathBuf>,
    /// Write it there although git keeps the file
    #[arg(long, requires = "write_env")]
    force: bool,
    /// Have the key in the result
    #[arg(long)]
    reveal: bool,
}

impl AuthArgs {
    /// Whether it goes on and tells what happens: a login waits for a person.
    #[must_use]
    pub const fn streams(&self) -> bool {
        matches!(&self.deed, Deed::Login(_))
    }
}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum AuthReport {
    /// Somebody is logged in now.
    LoggedIn {
        /// The profile.
        profile: String,
        /// Where.
        endpoint: Option<String>,
        /// Who, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<String>,
        /// The end of the key.
        key: String,
        /// The file that keeps it.
        credentials: PathBuf,
    },
    /// Logins are forgotten.
    LoggedOut {
        /// The profiles.
        removed: Vec<String>,
        /// Whether their keys ended at the service.
        revoked: bool,
    },
    /// Who is logged in.
    Status(Box<Status>),
    /// The key.
    Token {
        /// The key itself.
        token: String,
    },
    /// Another profile is used.
    Switched {
        /// Its name.
        profile: String,
    },
    /// A cluster has another key.
    Key {
        /// The cluster.
        cluster_id: String,
        /// The key, where it was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The file that it was written into.
        #[serde(skip_serializing_if = "Option::is_none")]
        written_to: Option<PathBuf>,
        /// What did not go as it should.
        #[serde(skip_serializing_if = "Option::is_none")]
        warning: Option<String>,
    },
}

/// Who is logged in.
#[derive(Debug, Serialize)]
pub struct Status {
    endpoint: String,
    endpoint_source: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    profiles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<i64>,
    workspaces: Vec<String>,
}

impl Report for AuthReport {
    fn human(&self, page: &mut Page) {
        if let Self::Token { token } = self {
            page.text_line(token);
            return;
        }
        page.success(self.line());
        match self {
            Self::LoggedIn { user_id, key, credentials, .. } => {
                let user = user_id.iter().map(|user| ("user", user.clone()));
                page.details(user.chain([("key", key.clone()), ("kept in", credentials.display().to_string())]));
            }
            Self::Status(status) => {
                let optional = [("user", &status.user_id), ("profile", &status.profile), ("since", &status.created_at)];
                let known = optional.into_iter().filter_map(|(label, text)| Some((label, text.clone()?)));
                page.details(
                    [("key", format!("{} from {}", status.key, status.source))].into_iter().chain(known).chain([
                        ("address from", status.endpoint_source.clone()),
                        ("workspaces", status.workspaces.join(", ")),
                    ]),
                );
            }
            Self::Key { written_to, warning, .. } => {
                match written_to {
                    Some(path) => page.line(Style::Dim, format_args!("  written into {}", path.display())),
                    None => page.line(
                        Style::Dim,
                        format_args!("  put it into `{}` of what calls the cluster", env_file::API_KEY),
                    ),
                }
                if let Some(warning) = warning {
                    page.line(Style::Warn, format_args!("  {warning}"));
                }
            }
            Self::LoggedOut { .. } | Self::Switched { .. } | Self::Token { .. } => {}
        }
    }

    fn summary(&self) -> Option<String> {
        let Self::Token { token } = self else { return Some(self.line()) };
        Some(token.clone())
    }
}

impl AuthReport {
    fn line(&self) -> String {
        match self {
            Self::LoggedIn { profile, endpoint, .. } => {
                format!("Logged in to {} as the profile `{profile}`", endpoint.as_deref().unwrap_or("Helix Cloud"))
            }
            Self::LoggedOut { removed, .. } if removed.is_empty() => "Nobody was logged in".to_owned(),
            Self::LoggedOut { removed, revoked } => {
                let how = if *revoked { ", and ended the key" } else { "" };
                format!("Logged out of {}{how}", removed.join(", "))
            }
            Self::Status(status) => format!("Logged in to {}", status.endpoint),
            Self::Token { .. } => String::new(),
            Self::Switched { profile } => format!("Using the profile `{profile}`"),
            Self::Key { cluster_id, .. } => format!("`{cluster_id}` has a new key"),
        }
    }
}

/// Logs in and out, and changes keys.
///
/// # Errors
///
/// When nobody is logged in, or the service says no.
pub async fn run(args: AuthArgs, ctx: &Ctx) -> Result<AuthReport, Failure> {
    match args.deed {
        Deed::Login(args) => log_in(args, ctx).await,
        Deed::Logout(args) => log_out(args, ctx).await,
        Deed::Status { profile } => status(profile, ctx).await,
        Deed::Token { profile, reveal } => token(profile, reveal, ctx),
        Deed::Switch { profile } => switch(profile, ctx),
        Deed::CreateKey(args) => create_key(args, ctx).await,
    }
}

async fn log_in(args: LoginArgs, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let wanted = Wanted { profile: args.profile.profile, endpoint: args.endpoint, insecure: args.insecure_http };
    let LoggedIn { name, profile, path } = if args.token_stdin {
        login::token(ctx, &wanted, read_key()?).await?
    } else {
        let browser = if args.no_browser { Browser::Leave } else { Browser::Open };
        login::device(ctx, &wanted, browser).await?
    };
    Ok(AuthReport::LoggedIn {
        profile: name,
        endpoint: profile.endpoint,
        user_id: profile.user_id,
        key: masked(&profile.key),
        credentials: path,
    })
}

fn read_key() -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_KEY_BYTES).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::new("E-INPUT-STDIN", ExitCode::Usage, "cannot read the key from standard input")
            .cause(error.to_string())
    })?;
    let key = text.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        let failure = Failure::new("E-INPUT-KEY", ExitCode::Usage, "standard input holds no key: one word is expected");
        return Err(failure.hint("pipe it: `helix auth login --token-stdin < FILE`"));
    }
    Ok(key.to_owned().into())
}

async fn log_out(args: LogoutArgs, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let mut credentials = Credentials::load(&ctx.dirs.state)?;
    let names: Vec<String> = if args.all {
        credentials.names().map(str::to_owned).collect()
    } else {
        vec![cloud::profile_name(ctx, &Wanted { profile: args.profile.profile, ..Wanted::default() })?]
    };
    let mut removed = Vec::new();
    for name in names {
        let Some(profile) = credentials.get(&name).cloned() else { continue };
        if args.revoke {
            // At the address that the key is from, wherever the environment points now.
            let wanted = Wanted { endpoint: profile.endpoint.clone(), ..Wanted::default() };
            let endpoint = cloud::endpoint(ctx, &wanted, Some(&profile))?;
            cloud::with_key(ctx, &endpoint, profile.key.clone(), &format!("the profile `{name}`"))?.logout().await?;
        }
        credentials.remove(&name)?;
        removed.push(name);
    }
    if ctx.var(TOKEN).is_some() {
        ctx.ui.warn("W-AUTH-SHADOWED", format!("`{TOKEN}` is still set, and is used"));
    }
    let revoked = args.revoke && !removed.is_empty();
    Ok(AuthReport::LoggedOut { removed, revoked })
}

async fn status(profile: ProfileArg, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let login = cloud::login(ctx, &Wanted { profile: profile.profile, ..Wanted::default() })?;
    let service = cloud::with_key(ctx, &login.endpoint, login.key.clone(), &login.source)?;
    let workspaces = service.workspaces().await?;
    let profiles =
        Credentials::load(&ctx.dirs.state).map(|all| all.names().map(str::to_owned).collect()).unwrap_or_default();
    let created_at = login.profile.as_ref().and_then(|profile| profile.created_at.clone());
    let age_days = created_at
        .as_deref()
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map(|then| jiff::Timestamp::now().duration_since(then).as_hours() / 24);
    Ok(AuthReport::Status(Box::new(Status {
        endpoint: login.endpoint.url.as_str().trim_end_matches('/').to_owned(),
        endpoint_source: login.endpoint.source,
        source: login.source,
        profile: login.name,
        profiles,
        user_id: login.profile.and_then(|profile| profile.user_id),
        key: masked(&login.key),
        created_at,
        age_days,
        workspaces: workspaces.into_iter().map(|workspace| workspace.url_slug).collect(),
    })))
}

fn token(profile: ProfileArg, reveal: bool, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let login = cloud::login(ctx, &Wanted { profile: profile.profile, ..Wanted::default() })?;
    if !reveal {
        let failure = Failure::new("E-INPUT-REVEAL", ExitCode::Usage, "this prints the key for everybody to see");
        return Err(failure.hint("pass `--reveal`"));
    }
    Ok(AuthReport::Token { token: login.key.expose_secret().to_owned() })
}

fn switch(profile: String, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let credentials = Credentials::load(&ctx.dirs.state)?;
    if credentials.get(&profile).is_none() {
        let names: Vec<&str> = credentials.names().collect();
        let failure = Failure::new("E-AUTH-NO-PROFILE", ExitCode::State, format!("there is no profile `{profile}`"));
        let near = crate::utils::nearest(&profile, names.iter().copied());
        return Err(failure.hint(near.map_or_else(
            || format!("log in: `helix auth login --profile {profile}`"),
            |near| format!("did you mean `{near}`?"),
        )));
    }
    Preferences::set(&ctx.dirs.state, "profile", Some(&profile))?;
    Ok(AuthReport::Switched { profile })
}

async fn create_key(args: KeyArgs, ctx: &Ctx) -> Result<AuthReport, Failure> {
    let project = ctx.fresh_project().ok();
    let cluster_id = cloud::cluster_of(project.as_ref(), &args.cluster);
    let file = args.write_env.as_ref().map(|file| ctx.cwd.join(file));
    // The old key ends with this call: the new one must have a place to go to.
    if ctx.ui.is_json() && !args.reveal && file.is_none() {
        let message = "the new key would be lost: nothing would show it";
        return Err(Failure::input_required(
            message,
            "pass `--write-env FILE`, or `--reveal` to have it in the result",
        ));
    }
    if let Some(file) = &file {
        env_file::refuse_tracked(file, args.force)?;
    }
    let service = cloud::connect(ctx).await?;
    service.cluster(&cluster_id).await?;
    ctx.ui.confirm(&format!("Give `{cluster_id}` a new key? Whoever uses the old one is turned away."), "--yes")?;
    ctx.check_cancelled()?;
    let made = service.rotate_key(&cluster_id).await?;
    let written_to = match &file {
        None => None,
        Some(file) => match env_file::save(file, &args.cluster, None, None, &made.key, args.force) {
            Ok(()) => Some(file.clone()),
            Err(failure) => {
                key::show(ctx, &made.key);
                return Err(failure);
            }
        },
    };
    if written_to.is_none() || args.reveal {
        key::show(ctx, &made.key);
    }
    let key = args.reveal.then(|| made.key.expose_secret().to_owned());
    Ok(AuthReport::Key { cluster_id, key, written_to, warning: made.warning })
}
