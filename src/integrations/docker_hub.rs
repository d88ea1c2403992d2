//! Images in Docker Hub. Its repositories are made and removed through an API of its own.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{Code, Result, TargetError};
use super::oci::{self, Surroundings, failed, finding, note};
use super::role::{Finding, Identity, Provisioned, Registry, Scan, Severity};
use super::{Target, find};
use crate::config::{ImageRegistry, RegistryAuth, RegistryKind};
use crate::http::{Api, HttpError, segment};
use crate::registry::reference::DOCKER_HUB;
use crate::registry::{Client, Credential, Login, RegistryError, Repository};

const API: &str = "https://hub.docker.com";
/// The variable that says where the API is.
const API_ENV: &str = "HELIX_DOCKERHUB_API_URL";

/// A repository of Docker Hub.
#[derive(Debug)]
pub struct DockerHub {
    target: &'static Target,
    around: Surroundings,
    repository: Repository,
    namespace: String,
    /// The repository, below the namespace.
    name: String,
    /// Where the API is; `None` for a registry of another name, which has none.
    api: Option<Url>,
    auth_type: RegistryAuth,
    token_env: String,
    username_env: String,
    private: bool,
    create: bool,
}

impl DockerHub {
    /// The repository of an instance, `name` when the project file names none.
    ///
    /// # Errors
    ///
    /// When a name is none.
    ///
    /// # Panics
    ///
    /// When `settings` is that of another registry.
    pub fn new(settings: &ImageRegistry, name: &str, around: Surroundings) -> Result<Self> {
        let target = find("docker_hub");
        let RegistryKind::DockerHub {
            namespace,
            repository,
            registry,
            token_env,
            username_env,
            private,
            create_repository,
        } = &settings.kind
        else {
            panic!("the settings of Docker Hub are those of Docker Hub")
        };
        let name = repository.as_deref().or(settings.image.as_deref()).unwrap_or(name).to_owned();
        let repository = Repository::new(registry, &format!("{namespace}/{name}"), settings.plain_http)
            .map_err(|error| failed(target, "name the repository", &error.into()))?;
        let api = around.var(API_ENV).or_else(|| (repository.host == DOCKER_HUB).then_some(API));
        let api = api.map(|api| {
            let message = || format!("`{api}`, which `{API_ENV}` names, is no address");
            Url::parse(api).map_err(|_| TargetError::new(Code::Invalid, target.title, "find the API", message()))
        });
        Ok(Self {
            target,
            repository,
            namespace: namespace.clone(),
            name,
            api: api.transpose()?,
            auth_type: settings.auth_type,
            token_env: token_env.clone(),
            username_env: username_env.clone(),
            private: *private,
            create: *create_repository,
            around,
        })
    }

    async fn login(&self) -> Result<Login> {
        let tokens = ["HELIX_DOCKERHUB_TOKEN", self.token_env.as_str()];
        let users = ["HELIX_DOCKERHUB_USERNAME", self.username_env.as_str()];
        let mut tried: Vec<String> = tokens.iter().map(|name| format!("the variable `{name}`")).collect();
        let of_env = oci::login_of_env(&self.around, &tokens, &users, &self.namespace);
        let found = match (of_env, self.auth_type) {
            (Some(login), _) => Some(login),
            (None, RegistryAuth::Token | RegistryAuth::Env) => None,
            (None, RegistryAuth::DockerConfig | RegistryAuth::Cli) => {
                let files = crate::registry::credentials::files(&self.around.env, &self.around.home);
                tried.extend(files.iter().map(|path| path.display().to_string()));
                oci::login_of_docker(self.target, &self.around, &self.repository).await?
            }
        };
        found.ok_or_else(|| {
            oci::no_login(self.target, tried).hint(format!(
                "log in: `docker login -u {}`, with an access token of https://app.docker.com/settings/personal-access-tokens",
                self.namespace
            ))
        })
    }

    fn client_of(&self, login: &Login) -> Client {
        Client::new(self.around.http.clone(), self.repository.clone(), Some(login.credential.clone()))
    }

    /// The API with a login; `None` where there is none, or the login is one that only the registry knows.
    async fn rest(&self, login: &Login) -> Result<Option<Api>, HttpError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
        }
        let (Some(base), Credential::Basic { user, password }) = (&self.api, &login.credential) else {
            return Ok(None);
        };
        let api = Api::new(self.around.http.clone(), base.clone());
        let body = json!({"identifier": user, "secret": password.expose_secret()});
        let answer: Answer = api.post("/v2/auth/token").json(&body)?.repeatable().fetch().await?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", answer.access_token)).map_err(HttpError::client)?;
        Ok(Some(api.header(AUTHORIZATION, bearer, true)))
    }

    fn path(&self) -> String {
        format!("/v2/namespaces/{}/repositories/{}", segment(&self.namespace), segment(&self.name))
    }

    /// Whether the repository is there.
    async fn is_there(&self, api: &Api) -> Result<bool, HttpError> {
        match api.get(&self.path()).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What an error means here, and what to do about it.
    fn means(&self, action: &str, error: &RegistryError, login: &Login) -> TargetError {
        let mut known = failed(self.target, action, error);
        let hint = match known.code {
            Code::AuthRejected => {
                Some(format!("the login is from {}: make a new access token, and log in anew", login.source))
            }
            Code::AuthScope => Some(format!(
                "use an access token that may read and write, of a member of `{}`; the login is from {}",
                self.namespace, login.source
            )),
            Code::RateLimited => {
                let wait =
                    known.retry_after.map_or_else(|| "some minutes".to_owned(), |wait| format!("{} s", wait.as_secs()));
                Some(format!(
                    "Docker Hub counts pulls by account and address: wait {wait}, or use an account with more"
                ))
            }
            _ => None,
        };
        known.hint = hint.or(known.hint);
        known
    }

    async fn look(&self) -> Result<Vec<Finding>> {
        let login = self.login().await?;
        let client = self.client_of(&login);
        let mut findings = Vec::new();
        let rest = self.rest(&login).await.map_err(|error| self.means("log in", &error.into(), &login))?;
        if let Some(api) = rest {
            let action = "look for the repository";
            if !self.is_there(&api).await.map_err(|error| self.means(action, &error.into(), &login))? {
                let kind = if self.private { "private" } else { "public" };
                if self.create {
                    let summary = format!("the {kind} repository {} will be made", self.repository);
                    findings.push(note("I-DEPLOY-CREATE", Severity::Info, summary, None));
                } else {
                    // A push would make it, and everybody might see it.
                    let summary = format!("the repository {} is not there", self.repository);
                    let fix = format!("make it, or set `create_repository = true`: it will be {kind}");
                    findings.push(note(Code::NotFound.stable().0, Severity::Error, summary, Some(fix)));
                }
                return Ok(findings);
            }
        }
        client.check_push().await.map_err(|error| self.means("push", &error, &login))?;
        Ok(findings)
    }

    /// The tags of the repository, with what they point to.
    async fn tags(&self, api: &Api) -> Result<Vec<Tag>, HttpError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            next: Option<String>,
            #[serde(default)]
            results: Vec<Tag>,
        }
        let mut all = Vec::new();
        for page in 1.. {
            let path = format!("{}/tags", self.path());
            let call = api.get(&path).query("page_size", "100").query("page", &page.to_string());
            let some: Page = call.fetch().await?;
            let is_last = some.next.is_none() || some.results.is_empty();
            all.extend(some.results);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default)]
    digest: Option<String>,
}

#[async_trait]
impl Registry for DockerHub {
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
        self.client_of(&login).check_login().await.map_err(|error| self.means("log in", &error, &login))?;
        Ok(Identity { account: login.user().unwrap_or(&self.namespace).to_owned(), source: login.source })
    }

    async fn preflight(&self) -> Vec<Finding> {
        self.look().await.unwrap_or_else(|error| vec![finding(&error)])
    }

    async fn provision(&self) -> Result<Provisioned> {
        let mut done = Provisioned::default();
        if !self.create {
            return Ok(done);
        }
        let login = self.login().await?;
        let failed = |error: HttpError| self.means("make the repository", &error.into(), &login);
        let Some(api) = self.rest(&login).await.map_err(failed)? else { return Ok(done) };
        let name = self.repository.to_string();
        if self.is_there(&api).await.map_err(failed)? {
            done.adopted.push(name);
            return Ok(done);
        }
        let body = json!({
            "name": self.name, "namespace": self.namespace, "is_private": self.private, "registry": "docker",
            "description": "Images of Helix",
        });
        let path = format!("/v2/namespaces/{}/repositories", segment(&self.namespace));
        api.post(&path).json(&body).map_err(failed)?.fetch::<Value>().await.map_err(failed)?;
        done.created.push(name);
        Ok(done)
    }

    async fn scan(&self, _digest: &str, _limit: Duration) -> Result<Option<Scan>> {
        Ok(None)
    }

    async fn remove(&self, digests: &[String]) -> Result<Vec<String>> {
        let login = self.login().await?;
        let client = self.client_of(&login);
        let failed = |error: HttpError| self.means("remove tags", &error.into(), &login);
        let Some(api) = self.rest(&login).await.map_err(failed)? else {
            return oci::remove(self.target, &client, digests).await;
        };
        let signatures = oci::signatures(self.target, &client, digests).await?;
        let mut removed = Vec::new();
        for tag in self.tags(&api).await.map_err(failed)? {
            let is_wanted = |digest: &String| digests.contains(digest) || signatures.contains(digest);
            let Some(digest) = tag.digest.filter(is_wanted) else { continue };
            if !signatures.contains(&digest) {
                oci::check_ours(self.target, &client, &digest).await?;
            }
            let (namespace, name) = (segment(&self.namespace), segment(&self.name));
            let path = format!("/v2/repositories/{namespace}/{name}/tags/{}/", segment(&tag.name));
            api.delete(&path).send().await.map_err(failed)?;
            removed.push(format!("{}:{}", self.repository, tag.name));
        }
        Ok(removed)
    }

    async fn remove_repository(&self) -> Result<Vec<String>> {
        let login = self.login().await?;
        let client = self.client_of(&login);
        let action = "remove the repository";
        let failed = |error: HttpError| self.means(action, &error.into(), &login);
        let Some(api) = self.rest(&login).await.map_err(failed)? else {
            let message = format!("{} has no way to remove a whole repository", self.repository.host);
            return Err(TargetError::new(Code::Unsupported, self.target.title, action, message));
        };
        if !self.is_there(&api).await.map_err(failed)? {
            return Ok(Vec::new());
        }
        oci::check_all_ours(self.target, &client).await?;
        let path = format!("/v2/repositories/{}/{}/", segment(&self.namespace), segment(&self.name));
        api.delete(&path).send().await.map_err(failed)?;
        Ok(vec![self.repository.to_string()])
    }
}
