//! A stand-in for Helix Cloud: the protocol of `cli.md` §12 with its extensions, in memory, with failures on demand.
//!
//! `helix mock-cloud` serves it for people who test a pipeline, and the tests serve it in process. It has one user with one workspace,
//! project and cluster, and a neighbour whose things the user may not see. It checks the sources of a deployment with the compiler that
//! it is given, and runs nothing.
//!
//! Beside the protocol: `POST /__mock/faults` takes [`Fault`]s, `GET /__mock/journal` tells what was called, `POST /__mock/logs` writes
//! a line into the log of a cluster.

mod accounts;
mod clusters;
mod extensions;
mod faults;
mod state;
mod streams;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use faults::{Effect, Fault};
pub use state::{CLUSTER, PROJECT, USER, USER_KEY, WORKSPACE};

use state::State;

/// Checks sources, path → text; fails with what is wrong, as it is shown to people.
pub type Check = Arc<dyn Fn(&BTreeMap<String, String>) -> Result<(), String> + Send + Sync>;

/// The stand-in.
#[derive(Clone)]
pub struct Mock {
    state: Arc<Mutex<State>>,
    check: Check,
    base: Arc<str>,
}

impl std::fmt::Debug for Mock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mock").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Mock {
    /// A stand-in that will answer at `address`.
    #[must_use]
    pub fn new(address: SocketAddr, check: Check) -> Self {
        Self { state: Arc::new(Mutex::new(State::seeded())), check, base: format!("http://{address}").into() }
    }

    /// The address for `HELIX_CLOUD_ENDPOINT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Serves until `stop` is done.
    ///
    /// # Errors
    ///
    /// When the socket fails.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        // Streams that are open would otherwise keep it alive.
        tokio::select! {
            served = axum::serve(listener, self.router()) => served,
            () = stop => Ok(()),
        }
    }

    /// Has these failures happen.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// What was called, in order.
    #[must_use]
    pub fn journal(&self) -> Vec<Value> {
        self.state().journal.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that it answers.
    pub fn router(self) -> Router {
        Router::new()
            .route("/github-login", post(accounts::login))
            .route("/logout", post(accounts::logout))
            .route("/api/cli/capabilities", get(extensions::capabilities))
            .route("/api/cli/workspaces", get(accounts::workspaces))
            .route("/api/cli/workspaces/{id}/members", get(accounts::members))
            .route("/api/cli/workspaces/{id}/billing", get(accounts::billing))
            .route("/api/cli/workspaces/{id}/projects", get(accounts::projects).post(accounts::create_project))
            .route("/api/cli/workspaces/{id}/clusters", get(clusters::of_workspace))
            .route("/api/cli/projects/{id}", get(accounts::project))
            .route("/api/cli/projects/{id}/clusters", get(clusters::of_project).post(clusters::create))
            .route("/api/cli/projects/{id}/enterprise-clusters", post(clusters::create_enterprise))
            .route("/api/cli/clusters/{id}", delete(extensions::delete))
            .route("/api/cli/clusters/{id}/project", get(clusters::project))
            .route("/api/cli/clusters/{id}/key", post(clusters::key))
            .route("/api/cli/clusters/{id}/deploy", post(clusters::deploy))
            .route("/api/cli/clusters/{id}/sync", get(clusters::sync))
            .route("/api/cli/clusters/{id}/logs/live", get(clusters::live))
            .route("/api/cli/clusters/{id}/logs/range", get(clusters::range))
            .route("/api/cli/clusters/{id}/start", post(extensions::start))
            .route("/api/cli/clusters/{id}/stop", post(extensions::stop))
            .route("/api/cli/clusters/{id}/restart", post(extensions::restart))
            .route("/api/cli/clusters/{id}/releases", get(extensions::releases))
            .route("/api/cli/clusters/{id}/rollback", post(extensions::rollback))
            .route(
                "/api/cli/clusters/{id}/secrets",
                get(extensions::secrets).put(extensions::set_secrets).delete(extensions::remove_secret),
            )
            .route("/api/cli/enterprise-clusters/{id}/project", get(clusters::enterprise_project))
            .route("/api/cli/enterprise-clusters/{id}/deploy", post(clusters::enterprise_deploy))
            .route("/api/cli/enterprise-clusters/{id}/sync", get(clusters::enterprise_sync))
            .route("/api/cli/enterprise-clusters/{id}/logs/range", get(clusters::enterprise_range))
            .route("/run/{id}/healthz", get(clusters::healthz))
            .route("/__mock/faults", post(faults::add))
            .route("/__mock/journal", get(faults::journal))
            .route("/__mock/logs", post(faults::log))
            .fallback(async || Refusal(StatusCode::NOT_FOUND, "there is no such call".to_owned()))
            .layer(axum::middleware::from_fn_with_state(self.clone(), faults::intercept))
            .layer(axum::extract::DefaultBodyLimit::max(super::MAX_BODY_BYTES + (1 << 20)))
            .with_state(self)
    }
}

/// An answer that is an error: `{"error": "…"}`.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl Refusal {
    fn not_found(what: &str, id: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("there is no {what} `{id}`"))
    }

    fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({ "error": self.1 }))).into_response()
    }
}

/// The user that a call is made by.
#[derive(Clone, Debug)]
struct Caller {
    user: String,
    key: String,
}

/// A body of JSON, with a refusal that says what is wrong with it.
fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("the body is not what it should be: {error}"))
    })
}
