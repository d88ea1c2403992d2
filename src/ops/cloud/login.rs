//! Logging in and out.

use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde_json::json;

use super::credentials::{Credentials, Profile};
use super::{TOKEN, Wanted, endpoint, masked, profile_name, stranger, with_key};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::events::{Event, Opened};
use crate::integrations::helix::{TITLE, plain};
use crate::ui::Style;

/// How long a login waits for a person.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether the page of the login is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// It is, when somebody sits here.
    Open,
    /// It is not.
    Leave,
}

/// Who is logged in now.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The profile.
    pub name: String,
    /// Its login.
    pub profile: Profile,
    /// The file that keeps it.
    pub path: std::path::PathBuf,
}

/// Logs in through the page of the service, and keeps the key.
///
/// # Errors
///
/// When the login is not confirmed, the service says no, or the key cannot be kept.
pub async fn device(ctx: &Ctx, wanted: &Wanted, browser: Browser) -> Result<LoggedIn, Failure> {
    let keep = Keep::new(ctx, wanted)?;
    let step = ctx.ui.step("login", &format!("Logging in to {}", keep.endpoint.url));
    let Opened { mut events, request_id } = stranger(ctx, &keep.endpoint)?.login().await?;
    let wait = async {
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| broken(&error.to_string()))?;
            match event {
                Event::UserVerification { user_code, verification_uri } => {
                    ask(ctx, &plain(&user_code), &plain(&verification_uri), browser);
                }
                Event::Success(success) => return Ok(success),
                Event::DeviceCodeTimeout(message) => return Err(too_late(&plain(&message))),
                Event::Error(error) | Event::BadRequest(error) | Event::QueryValidationError(error) => {
                    let message = format!("{TITLE} refused the login: {}", plain(&error));
                    return Err(
                        Failure::new("E-AUTH-REJECTED", ExitCode::Auth, message).hint("try again: `helix auth login`")
                    );
                }
                Event::Progress { .. }
                | Event::Log(_)
                | Event::BackfillComplete
                | Event::StatusTransition { .. }
                | Event::CreatingProject
                | Event::ProjectCreated(_)
                | Event::ValidatingQueries
                | Event::Building(_)
                | Event::Deploying
                | Event::Deployed { .. } => {}
            }
        }
        Err(broken("the connection ended before anybody was logged in"))
    };
    let success = tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| Err(too_late("nobody confirmed it within 5 minutes")));
    let success = success.map_err(|failure| failure.context([format!("request id {request_id}")]))?;
    let key = success.key.ok_or_else(|| broken("a success without a key"))?;
    step.done("Logged in");
    keep.login(ctx, key, success.user_id)
}

/// Keeps a key that the service knows.
///
/// # Errors
///
/// When the service does not know it, or it cannot be kept.
pub async fn token(ctx: &Ctx, wanted: &Wanted, key: SecretString) -> Result<LoggedIn, Failure> {
    let keep = Keep::new(ctx, wanted)?;
    let step = ctx.ui.step("login", &format!("Trying the key at {}", keep.endpoint.url));
    with_key(ctx, &keep.endpoint, key.clone(), "standard input")?.workspaces().await?;
    step.done("The key is known");
    keep.login(ctx, key, None)
}

/// Where a login will be kept: found out before anything else, so that no key is made that cannot be.
struct Keep {
    name: String,
    endpoint: super::Endpoint,
    credentials: Credentials,
    insecure_http: bool,
}

impl Keep {
    fn new(ctx: &Ctx, wanted: &Wanted) -> Result<Self, Failure> {
        let name = profile_name(ctx, wanted)?;
        let credentials = Credentials::load(&ctx.dirs.state)?;
        let endpoint = endpoint(ctx, wanted, credentials.get(&name))?;
        Ok(Self { name, endpoint, credentials, insecure_http: wanted.insecure })
    }

    fn login(mut self, ctx: &Ctx, key: SecretString, user_id: Option<String>) -> Result<LoggedIn, Failure> {
        let profile = Profile {
            endpoint: Some(self.endpoint.url.as_str().trim_end_matches('/').to_owned()),
            user_id,
            key,
            created_at: Some(format!("{:.0}", jiff::Timestamp::now())),
            insecure_http: self.insecure_http,
        };
        self.credentials.set(&self.name, &profile)?;
        if ctx.var(TOKEN).is_some() {
            ctx.ui.warn(
                "W-AUTH-SHADOWED",
                format!("`{TOKEN}` is set and wins over this login: unset it to use the login"),
            );
        }
        tracing::debug!(profile = self.name, key = masked(&profile.key), "kept a login");
        Ok(LoggedIn { path: self.credentials.path().to_owned(), name: self.name, profile })
    }
}

fn broken(reason: &str) -> Failure {
    Failure::new("E-NET-UPSTREAM", ExitCode::Network, format!("{TITLE}: cannot log in: {reason}"))
        .hint("it is safe to run the command again")
}

fn too_late(message: &str) -> Failure {
    let reason = if message.is_empty() { "the code is not valid any more" } else { message };
    Failure::new("E-AUTH-TIMEOUT", ExitCode::Auth, format!("{TITLE}: cannot log in: {reason}"))
        .hint("begin again: `helix auth login`")
}

/// Says what to do, and opens the page.
fn ask(ctx: &Ctx, code: &str, uri: &str, browser: Browser) {
    ctx.ui.event("user_verification", &json!({ "user_code": code, "verification_uri": uri }));
    let mut page = ctx.ui.page();
    page.put(Style::Plain, "Open ").put(Style::Bold, uri).put(Style::Plain, " and type ").put(Style::Bold, code).end();
    ctx.ui.narrate(&page);
    let is_page = uri.starts_with("https://") || uri.starts_with("http://");
    if browser == Browser::Open && is_page && ctx.ui.is_interactive() && !open(uri) {
        ctx.ui.note("no browser was found here: any other one will do");
    }
}

/// Has the system open a page. A browser that stays in the foreground is not waited for.
fn open(uri: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(uri).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
