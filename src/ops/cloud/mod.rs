//! Helix Cloud as an account: who we are there, what is chosen, and how its sources and ours are kept in step.

pub mod bundle;
pub mod credentials;
pub mod login;
pub mod mock;
pub mod preferences;
pub mod provision;
pub mod selection;
pub mod sync;

use reqwest::{Client, Url};
use secrecy::SecretString;

use self::credentials::{Credentials, DEFAULT_PROFILE, Profile};
use self::preferences::Preferences;
use crate::config::{self, Provider};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::http;
use crate::integrations::helix::endpoint::{self, EndpointError};
use crate::integrations::helix::types::{RuntimeConfig, mode_name};
use crate::integrations::helix::{Cloud, HelixCloud, Settings, TITLE};
use crate::project::Project;

/// The variable of the key.
pub const TOKEN: &str = "HELIX_CLOUD_TOKEN";
/// The variable of the address.
pub const ENDPOINT: &str = "HELIX_CLOUD_ENDPOINT";
/// The variable of the address in version 2.
const AUTHORITY: &str = "CLOUD_AUTHORITY";
/// The variable that allows plain HTTP to another machine.
const INSECURE: &str = "HELIX_INSECURE_HTTP";
/// The variable of one more file of certificates.
const CA_BUNDLE: &str = "HELIX_CA_BUNDLE";
/// The variable of the profile.
const PROFILE: &str = "HELIX_PROFILE";

/// What a command says of the account that it wants; the rest is found out.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The profile.
    pub profile: Option<String>,
    /// The address.
    pub endpoint: Option<String>,
    /// Whether plain HTTP to another machine is fine.
    pub insecure: bool,
}

/// An address, and where it is from.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address.
    pub url: Url,
    /// Where it is from, for people.
    pub source: String,
}

/// The name of the profile: as wanted, of the environment, as switched to, `default`.
///
/// # Errors
///
/// When it is no name, or the settings of the user cannot be read.
pub fn profile_name(ctx: &Ctx, wanted: &Wanted) -> Result<String, Failure> {
    let explicit = wanted.profile.clone().or_else(|| ctx.var(PROFILE).map(str::to_owned));
    let name = match explicit {
        Some(name) => name,
        None => Preferences::load(&ctx.dirs.state)?.profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
    };
    let valid =
        !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if valid {
        return Ok(name);
    }
    let failure = Failure::new("E-INPUT-PROFILE", ExitCode::Usage, format!("`{name}` cannot be the name of a profile"));
    Err(failure.hint("names have letters, digits, `-`, `_` and `.`"))
}

/// Where the service is: as wanted, of the environment, of the user's settings, of the profile.
///
/// # Errors
///
/// When nobody says, or what is said cannot be used.
pub fn endpoint(ctx: &Ctx, wanted: &Wanted, profile: Option<&Profile>) -> Result<Endpoint, Failure> {
    let (text, source) = if let Some(text) = &wanted.endpoint {
        (text.clone(), "`--endpoint`".to_owned())
    } else if let Some(text) = ctx.var(ENDPOINT) {
        (text.to_owned(), format!("`{ENDPOINT}`"))
    } else if let Some(text) = ctx.var(AUTHORITY) {
        (endpoint::of_authority(text), format!("`{AUTHORITY}`"))
    } else if let Some(text) = Preferences::load(&ctx.dirs.state)?.endpoint {
        (text, "`cloud.endpoint` of `config.toml`".to_owned())
    } else if let Some(text) = profile.and_then(|profile| profile.endpoint.clone()) {
        (text, "the profile".to_owned())
    } else {
        let message = format!("it is not known where {TITLE} is");
        let hint = format!("set `{ENDPOINT}=https://…`, or log in there: `helix auth login --endpoint https://…`");
        return Err(Failure::new("E-CLOUD-UNCONFIGURED", ExitCode::Auth, message).hint(hint));
    };
    let insecure =
        wanted.insecure || ctx.var(INSECURE).is_some() || profile.is_some_and(|profile| profile.insecure_http);
    let url = endpoint::parse(&text, insecure).map_err(|error| unusable(&error, &source))?;
    if ctx.offline && !endpoint::is_loopback(&url) {
        let message = format!("{TITLE} at `{url}` is another machine, and `--offline` forbids that");
        return Err(
            Failure::new("E-NET-OFFLINE", ExitCode::Network, message).hint("run the command without `--offline`")
        );
    }
    Ok(Endpoint { url, source })
}

fn unusable(error: &EndpointError, source: &str) -> Failure {
    let message = format!("{error} (from {source})");
    match error {
        EndpointError::Insecure { .. } => Failure::new("E-CLOUD-INSECURE", ExitCode::Config, message)
            .hint(format!("use `https://`, or accept it: `--insecure-http` of `helix auth login`, or `{INSECURE}=1`")),
        _ => Failure::new("E-CLOUD-ENDPOINT", ExitCode::Config, message)
            .hint(format!("correct {source}: it is an address such as `https://cloud.example`")),
    }
}

/// The client of the calls.
///
/// # Errors
///
/// When a file of certificates cannot be used.
pub fn client(ctx: &Ctx) -> Result<Client, Failure> {
    let bundle = match ctx.var(CA_BUNDLE) {
        Some(path) => {
            let path = ctx.cwd.join(path);
            Some(std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?)
        }
        None => None,
    };
    http::client(bundle.as_deref()).map_err(|error| {
        Failure::new("E-NET-TLS", ExitCode::Network, "the certificates cannot be used")
            .cause(error.to_string())
            .hint(format!("correct `{CA_BUNDLE}`"))
    })
}

/// The service without a login.
///
/// # Errors
///
/// When it is not known where it is.
pub fn stranger(ctx: &Ctx, endpoint: &Endpoint) -> Result<Cloud, Failure> {
    Ok(Cloud::new(client(ctx)?, endpoint.url.clone(), None, "nobody")?)
}

/// The service with this key.
///
/// # Errors
///
/// When the key cannot be sent.
pub fn with_key(ctx: &Ctx, endpoint: &Endpoint, key: SecretString, source: &str) -> Result<Cloud, Failure> {
    Ok(Cloud::new(client(ctx)?, endpoint.url.clone(), Some(key), source)?)
}

/// A key, and where it is from.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where the service is.
    pub endpoint: Endpoint,
    /// The key.
    pub key: SecretString,
    /// Where the key is from, for people.
    pub source: String,
    /// The name of the profile, when the key is from one.
    pub name: Option<String>,
    /// That profile.
    pub profile: Option<Profile>,
}

/// The login: `HELIX_CLOUD_TOKEN`, else the profile. A key is never sent to another place than the one it was got from.
///
/// # Errors
///
/// When there is none, its file is open to others, or it is for another place.
pub fn login(ctx: &Ctx, wanted: &Wanted) -> Result<Login, Failure> {
    let name = profile_name(ctx, wanted)?;
    if let Some(key) = ctx.var(TOKEN) {
        // The address of the profile is as good as any other; its key is not needed, and not looked at.
        let known = if wanted.endpoint.is_none() && ctx.var(ENDPOINT).is_none() && ctx.var(AUTHORITY).is_none() {
            Credentials::load(&ctx.dirs.state)?.get(&name).cloned()
        } else {
            None
        };
        let endpoint = endpoint(ctx, wanted, known.as_ref())?;
        let key = SecretString::from(key.trim().to_owned());
        return Ok(Login { endpoint, key, source: format!("`{TOKEN}`"), name: None, profile: None });
    }
    let credentials = Credentials::load(&ctx.dirs.state)?;
    let Some(profile) = credentials.get(&name) else {
        // That nobody says where it is comes first: without that, no login helps.
        endpoint(ctx, wanted, None)?;
        let message = format!("nobody is logged in to {TITLE}");
        let path = credentials.path().display();
        return Err(Failure::new("E-AUTH-MISSING", ExitCode::Auth, message)
            .context([format!("`{TOKEN}` is not set"), format!("`{path}` has no profile `{name}`")])
            .hint(format!("log in: `helix auth login`, or set `{TOKEN}`")));
    };
    let endpoint = endpoint(ctx, wanted, Some(profile))?;
    if let Some(own) = &profile.endpoint
        && endpoint::parse(own, true).ok().as_ref() != Some(&endpoint.url)
    {
        let message = format!(
            "the key of the profile `{name}` is for `{own}`, and not for `{}` (from {})",
            endpoint.url, endpoint.source
        );
        return Err(Failure::new("E-AUTH-OTHER-ENDPOINT", ExitCode::Auth, message).hint(format!(
            "log in there: `helix auth login --endpoint {} --profile NAME`, or use that profile's own address",
            endpoint.url
        )));
    }
    Ok(Login {
        endpoint,
        key: profile.key.clone(),
        source: format!("the profile `{name}`"),
        name: Some(name),
        profile: Some(profile.clone()),
    })
}

/// The service, as whoever is logged in. On a terminal, whoever is not can log in now.
///
/// # Errors
///
/// When nobody is logged in, or it is not known where it is.
pub async fn connect(ctx: &Ctx) -> Result<Cloud, Failure> {
    let found = match login(ctx, &Wanted::default()) {
        Err(failure) if failure.code == "E-AUTH-MISSING" && ctx.ui.is_interactive() => {
            ctx.ui.failure(&failure);
            ctx.ui.confirm(&format!("Log in to {TITLE} now?"), "helix auth login")?;
            login::device(ctx, &Wanted::default(), login::Browser::Open).await?;
            login(ctx, &Wanted::default())?
        }
        found => found?,
    };
    with_key(ctx, &found.endpoint, found.key, &found.source)
}

/// An instance of the service, as a platform. `dev` has this deployment alone be compiled to be looked at.
///
/// # Errors
///
/// When nobody is logged in, or the instance is of another target.
pub async fn platform(ctx: &Ctx, project: &Project, instance: &str, dev: bool) -> Result<HelixCloud, Failure> {
    let (name, found) = project.instance(instance)?;
    let settings = settings(project, name, found, dev)?;
    Ok(HelixCloud::new(connect(ctx).await?, settings))
}

fn settings(project: &Project, name: &str, instance: &config::Instance, dev: bool) -> Result<Settings, Failure> {
    let config::Instance::Cloud(cloud) = instance else { return Err(not_here(name)) };
    let Provider::Helix(helix) = &cloud.provider else { return Err(not_here(name)) };
    Ok(Settings {
        instance: name.to_owned(),
        cluster: helix.cluster_id.clone(),
        project: project.config().project.id.clone(),
        runtime_config: RuntimeConfig::of(&cloud.database),
        build_mode: mode_name(cloud.build_mode).to_owned(),
        build_mode_override: dev.then(|| "dev".to_owned()),
    })
}

fn not_here(name: &str) -> Failure {
    let message = format!("`{name}` is no instance of {TITLE}");
    Failure::new("E-STATE-NOT-CLOUD", ExitCode::State, message).hint("name one with a table `[cloud.NAME.helix]`")
}

/// The cluster of an instance of the project file, or the text itself when it names none.
#[must_use]
pub fn cluster_of(project: Option<&Project>, text: &str) -> String {
    let found = project.and_then(|project| project.config().instances.get(text));
    match found {
        Some(config::Instance::Cloud(cloud)) => match &cloud.provider {
            Provider::Helix(helix) => helix.cluster_id.clone().unwrap_or_else(|| text.to_owned()),
            Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => text.to_owned(),
        },
        Some(config::Instance::Local(_)) | None => text.to_owned(),
    }
}

/// A key as it may be shown: nothing of a short one, else its last four characters.
#[must_use]
pub fn masked(key: &SecretString) -> String {
    use secrecy::ExposeSecret as _;

    let characters: Vec<char> = key.expose_secret().chars().collect();
    let shown: String =
        if characters.len() < 16 { String::new() } else { characters[characters.len() - 4..].iter().collect() };
    format!("…{shown}")
}
