//! The calls of Helix Cloud (`cli.md` §12): thin, typed, with errors that say what to do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::events::{self, Opened};
use super::types::{
    Billing, ClusterProject, Clusters, DeployBody, Extension, LogRange, Member, NewKey, ProjectDetails, ProjectRef,
    Snapshot, Workspace,
};
use super::{TITLE, plain};
use crate::http::{Api, Call, HttpError, Policy, Problem, segment};
use crate::integrations::error::{Code, Result, TargetError};
use crate::integrations::role::{RemoteRelease, SecretInfo};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Between two pieces of a stream: a login waits for a person, a deployment for a compiler, and neither may be begun again.
const IDLE: Duration = Duration::from_secs(300);
/// How often a call is made that may be made again.
const TRIES: u32 = 3;

/// The service, as one user of it.
#[derive(Clone)]
pub struct Cloud {
    api: Api,
    key: Option<SecretString>,
    /// Where the key is from, for whoever has to mend it.
    source: Arc<str>,
    extensions: Arc<OnceCell<Vec<Extension>>>,
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("endpoint", &self.endpoint().as_str())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Cloud {
    /// The service at `base`, which [`super::endpoint::parse`] accepted. `source` says where the key is from.
    ///
    /// # Errors
    ///
    /// When the key cannot be sent.
    pub fn new(client: Client, base: Url, key: Option<SecretString>, source: &str) -> Result<Self> {
        let policy = Policy { tries: TRIES, ..Policy::default() };
        let mut api = Api::new(client, base).policy(policy).idle(IDLE);
        if let Some(key) = &key {
            let value = HeaderValue::from_str(key.expose_secret()).map_err(|_| {
                TargetError::new(
                    Code::AuthRejected,
                    TITLE,
                    "log in",
                    format!("the key of {source} has characters that no key has"),
                )
                .hint("log in again: `helix auth login`")
            })?;
            api = api.header(API_KEY, value, true);
        }
        Ok(Self { api, key, source: source.into(), extensions: Arc::default() })
    }

    /// Waits so long between two pieces of a stream, instead of 5 minutes.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.api = self.api.idle(idle);
        self
    }

    /// Where the service is.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        self.api.base()
    }

    /// Where the key is from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The workspaces of the user.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.get("list the workspaces", "/api/cli/workspaces").await
    }

    /// The members of a workspace.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn members(&self, workspace: &str) -> Result<Vec<Member>> {
        self.get("list the members", &format!("/api/cli/workspaces/{}/members", segment(workspace))).await
    }

    /// Whether a workspace can pay.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn billing(&self, workspace: &str) -> Result<Billing> {
        self.get("look at the billing", &format!("/api/cli/workspaces/{}/billing", segment(workspace))).await
    }

    /// The projects of a workspace.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn projects(&self, workspace: &str) -> Result<Vec<ProjectRef>> {
        self.get("list the projects", &format!("/api/cli/workspaces/{}/projects", segment(workspace))).await
    }

    /// Makes a project.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn create_project(&self, workspace: &str, name: &str) -> Result<ProjectRef> {
        let path = format!("/api/cli/workspaces/{}/projects", segment(workspace));
        self.post("make the project", &path, &json!({ "name": name })).await
    }

    /// A project, with the workspace that it is in.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn project(&self, project: &str) -> Result<ProjectDetails> {
        self.get("look up the project", &format!("/api/cli/projects/{}", segment(project))).await
    }

    /// The clusters of a workspace.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn workspace_clusters(&self, workspace: &str) -> Result<Clusters> {
        self.get("list the clusters", &format!("/api/cli/workspaces/{}/clusters", segment(workspace))).await
    }

    /// The clusters of a project.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn project_clusters(&self, project: &str) -> Result<Clusters> {
        self.get("list the clusters", &format!("/api/cli/projects/{}/clusters", segment(project))).await
    }

    /// Makes a cluster; gives its id. `build_mode` is `dev` or `release`.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn create_cluster(&self, project: &str, name: &str, build_mode: &str) -> Result<String> {
        #[derive(serde::Deserialize)]
        struct Made {
            cluster_id: String,
        }
        let path = format!("/api/cli/projects/{}/clusters", segment(project));
        let made: Made =
            self.post("make the cluster", &path, &json!({ "cluster_name": name, "build_mode": build_mode })).await?;
        Ok(made.cluster_id)
    }

    /// Where a cluster belongs.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn cluster(&self, cluster: &str) -> Result<ClusterProject> {
        self.get("look up the cluster", &cluster_path(cluster, "/project")).await
    }

    /// Gives a cluster another key; the old ones end.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn rotate_key(&self, cluster: &str) -> Result<NewKey> {
        let action = "make a new key";
        let (call, id) = self.call(self.api.post(&cluster_path(cluster, "/key")));
        self.answer(action, &id, call.fetch().await)
    }

    /// What a cluster was last deployed with.
    ///
    /// # Errors
    ///
    /// When the service does not answer so; a cluster without sources answers [`Code::NotFound`].
    pub async fn snapshot(&self, cluster: &str) -> Result<Snapshot> {
        self.get("fetch the sources of the cluster", &cluster_path(cluster, "/sync")).await
    }

    /// The lines of a log within a range of Unix time, in seconds.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn log_range(&self, cluster: &str, start: i64, end: i64) -> Result<LogRange> {
        let path = cluster_path(cluster, &format!("/logs/range?start_time={start}&end_time={end}"));
        self.get("read the log", &path).await
    }

    /// The log as it is written. `since`, in seconds of Unix time, asks a service that knows it to leave out what is older.
    ///
    /// # Errors
    ///
    /// When the stream is not opened.
    pub async fn log_live(&self, cluster: &str, since: Option<i64>) -> Result<Opened> {
        let mut call = self.api.get(&cluster_path(cluster, "/logs/live"));
        if let Some(since) = since {
            call = call.query("start_time", &since.to_string());
        }
        self.stream("follow the log", call).await
    }

    /// Begins a login. The answer is a stream that ends with the key.
    ///
    /// # Errors
    ///
    /// When the stream is not opened.
    pub async fn login(&self) -> Result<Opened> {
        self.stream("log in", self.api.post("/github-login")).await
    }

    /// Ends the login; a service that cannot answers [`Code::Unsupported`].
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn logout(&self) -> Result<()> {
        self.require(Extension::Logout, "end the login", "remove the key on the web page of the service").await?;
        self.tell("end the login", self.api.post("/logout")).await
    }

    /// Deploys. The stream must not be opened again: that would deploy twice. `key` tells repetitions of one deployment.
    ///
    /// # Errors
    ///
    /// When the stream is not opened.
    pub async fn deploy(&self, cluster: &str, body: &DeployBody, key: &str) -> Result<Opened> {
        let action = "deploy";
        let call = self.api.post(&cluster_path(cluster, "/deploy")).json(body);
        let call = call.map_err(|error| self.failed(action, "", &error))?;
        let key = HeaderValue::from_str(key)
            .map_err(|_| TargetError::new(Code::Invalid, TITLE, action, "the id of the release is no header"))?;
        self.stream(action, call.header(IDEMPOTENCY_KEY, key)).await
    }

    /// Runs an earlier release again.
    ///
    /// # Errors
    ///
    /// When the stream is not opened.
    pub async fn rollback(&self, cluster: &str, release: &str) -> Result<Opened> {
        let action = "roll back";
        let call = self.api.post(&cluster_path(cluster, "/rollback")).json(&json!({ "release": release }));
        self.stream(action, call.map_err(|error| self.failed(action, "", &error))?).await
    }

    /// The releases of a cluster.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn releases(&self, cluster: &str) -> Result<Vec<RemoteRelease>> {
        self.get("list the releases", &cluster_path(cluster, "/releases")).await
    }

    /// The secrets of a cluster.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn secrets(&self, cluster: &str) -> Result<Vec<SecretInfo>> {
        self.get("list the secrets", &cluster_path(cluster, "/secrets")).await
    }

    /// Sets secrets of a cluster.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn set_secrets(&self, cluster: &str, values: &BTreeMap<&str, &SecretString>) -> Result<()> {
        let action = "set the secrets";
        let values: BTreeMap<&str, &str> = values.iter().map(|(name, value)| (*name, value.expose_secret())).collect();
        let call = self.api.put(&cluster_path(cluster, "/secrets")).json(&values);
        self.tell(action, call.map_err(|error| self.failed(action, "", &error))?).await
    }

    /// Removes a secret of a cluster. One that is not there is no failure.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn remove_secret(&self, cluster: &str, name: &str) -> Result<()> {
        let call = self.api.delete(&cluster_path(cluster, "/secrets")).query("name", name);
        self.tell("remove the secret", call.accept(StatusCode::NOT_FOUND)).await
    }

    /// Starts, stops or restarts a cluster: what the extension says.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn control(&self, cluster: &str, deed: Extension) -> Result<()> {
        let name = deed.name();
        self.tell(&format!("{name} the cluster"), self.api.post(&cluster_path(cluster, &format!("/{name}")))).await
    }

    /// Deletes a cluster with its data. One that is not there is no failure.
    ///
    /// # Errors
    ///
    /// When the service does not answer so.
    pub async fn delete_cluster(&self, cluster: &str) -> Result<()> {
        let call = self.api.delete(&cluster_path(cluster, ""));
        self.tell("delete the cluster", call.accept(StatusCode::NOT_FOUND)).await
    }

    /// What the service can do beyond the protocol of version 2; nothing when it does not say.
    ///
    /// # Errors
    ///
    /// When the service cannot be asked.
    pub async fn extensions(&self) -> Result<&[Extension]> {
        let action = "ask what the service can do";
        let ask = async || {
            let (call, id) = self.call(self.api.get("/api/cli/capabilities"));
            let answer: Value = match call.fetch().await {
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Value::Null,
                answer => self.answer(action, &id, answer)?,
            };
            let list = answer.get("extensions").unwrap_or(&answer);
            let names: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            Ok(Extension::ALL.into_iter().filter(|extension| names.contains(&extension.name())).collect())
        };
        Ok(self.extensions.get_or_try_init(ask).await?)
    }

    /// Fails when the service cannot do something, and says what to do instead.
    ///
    /// # Errors
    ///
    /// [`Code::Unsupported`] when it cannot.
    pub async fn require(&self, extension: Extension, action: &str, instead: &str) -> Result<()> {
        if self.extensions().await?.contains(&extension) {
            return Ok(());
        }
        let message = format!("{} does not offer that to programs", self.endpoint());
        Err(TargetError::new(Code::Unsupported, TITLE, action, message).hint(instead))
    }

    async fn get<T: DeserializeOwned>(&self, action: &str, path: &str) -> Result<T> {
        let (call, id) = self.call(self.api.get(path));
        self.answer(action, &id, call.fetch().await)
    }

    async fn post<T: DeserializeOwned>(&self, action: &str, path: &str, body: &impl Serialize) -> Result<T> {
        let call = self.api.post(path).json(body).map_err(|error| self.failed(action, "", &error))?;
        let (call, id) = self.call(call);
        self.answer(action, &id, call.fetch().await)
    }

    /// A call whose answer says nothing but that it worked.
    async fn tell(&self, action: &str, call: Call<'_>) -> Result<()> {
        let (call, id) = self.call(call);
        self.answer(action, &id, call.bytes().await).map(drop)
    }

    async fn stream(&self, action: &str, call: Call<'_>) -> Result<Opened> {
        let call = call.header(ACCEPT, HeaderValue::from_static("text/event-stream")).unbounded();
        let (call, id) = self.call(call);
        let response = self.answer(action, &id, call.send().await)?;
        Ok(Opened { events: events::of_response(response), request_id: id })
    }

    /// Gives a call an id of its own, and a key that tells its repetitions where it has none.
    fn call<'a>(&self, call: Call<'a>) -> (Call<'a>, String) {
        let id = ulid::Ulid::generate().to_string();
        let value = HeaderValue::from_str(&id).expect("a ULID is letters and digits");
        let call = if call.is_keyed(&IDEMPOTENCY_KEY) { call } else { call.header(IDEMPOTENCY_KEY, value.clone()) };
        (call.header(REQUEST_ID, value), id)
    }

    fn answer<T>(&self, action: &str, id: &str, answer: Result<T, HttpError>) -> Result<T> {
        answer.map_err(|error| self.failed(action, id, &error))
    }

    /// What a failed call means, with the way out.
    fn failed(&self, action: &str, id: &str, error: &HttpError) -> TargetError {
        let mut failed = TargetError::http(TITLE, action, error);
        if let Problem::Refused(refused) = &error.problem {
            if let Some(said) = said(&refused.body) {
                failed.message = plain(&said);
            }
            failed.hint = failed.hint.or_else(|| self.way_out(failed.code));
        }
        if failed.request_id.is_none() && !id.is_empty() {
            failed.request_id = Some(id.to_owned());
        }
        // Whatever the other side writes, a key that it repeats is not shown.
        if let Some(key) = self.key.as_ref().map(SecretString::expose_secret).filter(|key| !key.is_empty()) {
            failed.message = failed.message.replace(key, "…");
        }
        failed
    }

    fn way_out(&self, code: Code) -> Option<String> {
        if code == Code::AuthRejected {
            return Some(match self.key {
                None => "log in: `helix auth login`".to_owned(),
                Some(_) => format!("the key of {} was not accepted; log in again: `helix auth login`", self.source),
            });
        }
        if code == Code::AuthScope {
            let hint = "ask an owner of its workspace for access, or log in as somebody else: `helix auth login`";
            return Some(hint.to_owned());
        }
        (code == Code::NotFound).then(|| "see what there is: `helix config cluster list`".to_owned())
    }
}

fn cluster_path(cluster: &str, rest: &str) -> String {
    format!("/api/cli/clusters/{}{rest}", segment(cluster))
}

/// The text of `{"error": "…"}`.
fn said(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    Some(value.get("error")?.as_str()?.trim().to_owned()).filter(|text| !text.is_empty())
}
