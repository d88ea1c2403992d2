//! Images in the GitHub Container Registry. A push makes the package; what the registry cannot do, GitHub's API does.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::error::{Code, Result, TargetError};
use super::oci::{self, Surroundings, failed, finding, note};
use super::role::{Finding, Identity, Provisioned, Registry, Scan, Severity};
use super::{Target, find};
use crate::config::{ImageRegistry, RegistryAuth, RegistryKind};
use crate::http::{Api, HttpError, segment};
use crate::registry::{Client, Credential, Login, RegistryError, Repository};

const HOST: &str = "ghcr.io";
const API: &str = "https://api.github.com";
/// What a classic token has to be allowed.
const SCOPE: &str = "write:packages";
const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// A package of GitHub.
#[derive(Debug)]
pub struct Ghcr {
    target: &'static Target,
    around: Surroundings,
    repository: Repository,
    owner: String,
    /// The name of the package, below the owner.
    package: String,
    /// Where GitHub's API is; `None` for a registry of another name, which has none.
    api: Option<Url>,
    auth_type: RegistryAuth,
    token_env: Option<String>,
    username_env: String,
}

impl Ghcr {
    /// The package of an instance, `name` when the project file names none. `GITHUB_API_URL` says where GitHub's API is.
    ///
    /// # Errors
    ///
    /// When a name is none.
    ///
    /// # Panics
    ///
    /// When `settings` is that of another registry.
    pub fn new(settings: &ImageRegistry, name: &str, around: Surroundings) -> Result<Self> {
        let target = find("ghcr");
        let RegistryKind::Ghcr { owner, registry, token_env, username_env, .. } = &settings.kind else {
            panic!("the settings of GHCR are those of GHCR")
        };
        let package = settings.image.as_deref().unwrap_or(name).to_owned();
        let repository = Repository::new(registry, &format!("{owner}/{package}"), settings.plain_http)
            .map_err(|error| failed(target, "name the package", &error.into()))?;
        let api = around.var("GITHUB_API_URL").or_else(|| (repository.host == HOST).then_some(API));
        let api = api.map(|api| {
            Url::parse(api).map_err(|_| {
                TargetError::new(Code::Invalid, target.title, "find GitHub's API", format!("`{api}` is no address"))
            })
        });
        Ok(Self {
            target,
            repository,
            owner: owner.clone(),
            package,
            api: api.transpose()?,
            auth_type: settings.auth_type,
            token_env: token_env.clone(),
            username_env: username_env.clone(),
            around,
        })
    }

    /// The variables that may hold a token, in order.
    fn token_names(&self) -> Vec<&str> {
        let mut names = vec!["HELIX_GHCR_TOKEN"];
        match &self.token_env {
            Some(name) => names.push(name),
            None => names.extend(["GHCR_TOKEN", "CR_PAT"]),
        }
        // Elsewhere it is seldom one that may write packages.
        if self.token_env.is_none() && self.around.var("GITHUB_ACTIONS") == Some("true") {
            names.push("GITHUB_TOKEN");
        }
        names
    }

    async fn login(&self) -> Result<Login> {
        let names = self.token_names();
        let users = ["HELIX_GHCR_USERNAME", self.username_env.as_str()];
        let of_env = || oci::login_of_env(&self.around, &names, &users, &self.owner);
        let mut tried: Vec<String> = names.iter().map(|name| format!("the variable `{name}`")).collect();
        let found = match self.auth_type {
            RegistryAuth::Token | RegistryAuth::Env => of_env(),
            RegistryAuth::DockerConfig => match of_env() {
                Some(login) => Some(login),
                None => oci::login_of_docker(self.target, &self.around, &self.repository).await?,
            },
            RegistryAuth::Cli => match of_env() {
                Some(login) => Some(login),
                None => {
                    let token = oci::tool(self.target, &self.around, "gh", &["auth", "token"]).await;
                    let token = token.map_err(|error| error.hint("log in: `gh auth login --scopes write:packages`"))?;
                    let user = self.around.var(&self.username_env).unwrap_or(&self.owner);
                    Some(Login::basic(user, SecretString::from(token), "`gh auth token`"))
                }
            },
        };
        if matches!(self.auth_type, RegistryAuth::DockerConfig) {
            tried.extend(
                crate::registry::credentials::files(&self.around.env, &self.around.home)
                    .iter()
                    .map(|path| path.display().to_string()),
            );
        }
        found.ok_or_else(|| {
            oci::no_login(self.target, tried).hint(format!(
                "make a token that may `{SCOPE}`, then: `echo TOKEN | docker login {} -u {} --password-stdin`",
                self.repository.host, self.owner
            ))
        })
    }

    /// GitHub's API with a token, when both are there.
    fn rest(&self, login: &Login) -> Option<Api> {
        let Credential::Basic { password, .. } = &login.credential else { return None };
        let bearer = HeaderValue::from_str(&format!("Bearer {}", password.expose_secret())).ok()?;
        let api = Api::new(self.around.http.clone(), self.api.clone()?)
            .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"), false)
            .header(VERSION, HeaderValue::from_static("2022-11-28"), false)
            .header(AUTHORIZATION, bearer, true)
            .request_id(HeaderName::from_static("x-github-request-id"));
        Some(api)
    }

    /// What GitHub says of the token before anything is pushed.
    async fn check_token(&self, login: &Login) -> Result<()> {
        let Some(api) = self.rest(login) else { return Ok(()) };
        let action = "look at the token";
        let answer = match api.get("/user").send().await {
            Ok(answer) => answer,
            // Tokens of workflows belong to no user.
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => return Ok(()),
            Err(error) => return Err(self.means(action, &RegistryError::Http(error), login)),
        };
        let scopes = scopes(answer.headers());
        if scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope == SCOPE)) {
            return Ok(());
        }
        let message = format!("the token of {} may not `{SCOPE}`", login.source);
        Err(TargetError::new(Code::AuthScope, self.target.title, action, message)
            .hint(format!("make one that may: https://github.com/settings/tokens/new?scopes={SCOPE}")))
    }

    /// What an error means here, and what to do about it.
    fn means(&self, action: &str, error: &RegistryError, login: &Login) -> TargetError {
        let mut known = failed(self.target, action, error);
        let said = known.message.to_lowercase();
        let hint = match known.code {
            Code::AuthRejected => Some(format!("the login is from {}: make a new token, or log in anew", login.source)),
            Code::AuthScope if said.contains("installation not allowed") => {
                Some("give the workflow `permissions: { packages: write }`".to_owned())
            }
            Code::AuthScope if said.contains("write_package") => Some(
                "in the package's settings, give the repository of the workflow the role `Write`, or have the organisation allow it"
                    .to_owned(),
            ),
            Code::AuthScope => Some(format!("use a token that may `{SCOPE}`; the login is from {}", login.source)),
            Code::NotFound => Some(format!("look at `owner`: is it `{}`?", self.owner)),
            _ => None,
        };
        known.hint = hint.or(known.hint);
        known
    }

    async fn look(&self) -> Result<Vec<Finding>> {
        let login = self.login().await?;
        self.check_token(&login).await?;
        let client = self.client_of(&login);
        client.check_push().await.map_err(|error| self.means("push", &error, &login))?;
        let tags = client.tags().await.unwrap_or_default();
        let mut findings = Vec::new();
        if tags.is_empty() {
            let summary = format!("the package {} is new: GitHub makes it private", self.repository);
            let fix = "whoever runs it needs a login that may pull, or make it public in the package's settings";
            findings.push(note("I-DEPLOY-CREATE", Severity::Info, summary, Some(fix.to_owned())));
        }
        Ok(findings)
    }

    fn client_of(&self, login: &Login) -> Client {
        Client::new(self.around.http.clone(), self.repository.clone(), Some(login.credential.clone()))
    }

    /// Where the package is in GitHub's API: below an organisation, or a user.
    async fn package_path(&self, api: &Api) -> Result<Option<String>, HttpError> {
        for kind in ["orgs", "users"] {
            let path = format!("/{kind}/{}/packages/container/{}", segment(&self.owner), segment(&self.package));
            match api.get(&path).send().await {
                Ok(_) => return Ok(Some(path)),
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The versions of the package: their ids by digest.
    async fn versions(&self, api: &Api, path: &str) -> Result<Vec<Version>, HttpError> {
        let mut all = Vec::new();
        for page in 1.. {
            let call = api.get(&format!("{path}/versions")).query("per_page", "100").query("page", &page.to_string());
            let some: Vec<Version> = call.fetch().await?;
            let is_last = some.len() < 100;
            all.extend(some);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    fn may_delete(&self, action: &str, error: HttpError, login: &Login) -> TargetError {
        let mut known = self.means(action, &RegistryError::Http(error), login);
        if known.code == Code::AuthScope {
            known.hint = Some("use a token that may `delete:packages` as well".to_owned());
        }
        known
    }
}

/// A version of a package.
#[derive(Deserialize)]
struct Version {
    id: u64,
    /// The digest.
    name: String,
}

/// The scopes of a classic token; other tokens have none to tell.
fn scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let text = headers.get(&SCOPES)?.to_str().ok()?;
    Some(text.split(',').map(|scope| scope.trim().to_owned()).collect())
}

#[async_trait]
impl Registry for Ghcr {
    fn target(&self) -> &'static Target {
        self.target
    }

    fn repository(&self) -> &Repository {
        &self.repository
    }

    async fn client(&self) -> Result<Client> {
        Ok(self.client_of(&self.login().await?))
    }

    async fn whoami(&self) -> Result<Identity> {
        let login = self.login().await?;
        let named = login.user().unwrap_or(&self.owner).to_owned();
        let account = match self.rest(&login) {
            Some(api) => match api.get("/user").fetch::<Value>().await {
                Ok(user) => user["login"].as_str().map_or(named, str::to_owned),
                Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => named,
                Err(error) => return Err(self.means("find out the account", &RegistryError::Http(error), &login)),
            },
            None => {
                let seen = self.client_of(&login).check_login().await;
                seen.map_err(|error| self.means("log in", &error, &login))?;
                named
            }
        };
        Ok(Identity { account, source: login.source })
    }

    async fn preflight(&self) -> Vec<Finding> {
        self.look().await.unwrap_or_else(|error| vec![finding(&error)])
    }

    async fn provision(&self) -> Result<Provisioned> {
        Ok(Provisioned::default())
    }

    async fn scan(&self, _digest: &str, _limit: Duration) -> Result<Option<Scan>> {
        Ok(None)
    }

    async fn remove(&self, digests: &[String]) -> Result<Vec<String>> {
        let login = self.login().await?;
        let client = self.client_of(&login);
        let Some(api) = self.rest(&login) else { return oci::remove(self.target, &client, digests).await };
        let action = "remove versions of the package";
        let failed = |error| self.may_delete(action, error, &login);
        let Some(path) = self.package_path(&api).await.map_err(failed)? else { return Ok(Vec::new()) };
        let signatures = oci::signatures(self.target, &client, digests).await?;
        let mut removed = Vec::new();
        for version in self.versions(&api, &path).await.map_err(failed)? {
            if signatures.contains(&version.name) {
                api.delete(&format!("{path}/versions/{}", version.id)).send().await.map_err(failed)?;
            } else if digests.contains(&version.name) {
                oci::check_ours(self.target, &client, &version.name).await?;
                api.delete(&format!("{path}/versions/{}", version.id)).send().await.map_err(failed)?;
                removed.push(self.repository.at(&version.name));
            }
        }
        Ok(removed)
    }

    async fn remove_repository(&self) -> Result<Vec<String>> {
        let login = self.login().await?;
        let client = self.client_of(&login);
        let action = "remove the package";
        let Some(api) = self.rest(&login) else {
            let message = format!("{} has no way to remove a whole repository", self.repository.host);
            return Err(TargetError::new(Code::Unsupported, self.target.title, action, message));
        };
        let failed = |error| self.may_delete(action, error, &login);
        let Some(path) = self.package_path(&api).await.map_err(failed)? else { return Ok(Vec::new()) };
        oci::check_all_ours(self.target, &client).await?;
        api.delete(&path).send().await.map_err(failed)?;
        Ok(vec![self.repository.to_string()])
    }
}
