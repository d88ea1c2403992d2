//! What goes beyond the protocol of version 2.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::types;
use super::faults::Given;
use super::state::{Running, Secret};
use super::{Caller, Mock, Refusal, parse, streams};

/// `GET /api/cli/capabilities`.
pub(super) async fn capabilities() -> Json<Value> {
    let names: Vec<&str> = types::Extension::ALL.into_iter().map(types::Extension::name).collect();
    Json(json!({ "extensions": names }))
}

/// `DELETE …/clusters/{id}`.
pub(super) async fn delete(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut state = mock.state();
    state.cluster(&caller, &id)?;
    state.clusters.retain(|running| running.cluster.cluster_id != id);
    Ok(StatusCode::NO_CONTENT)
}

fn change(mock: &Mock, caller: &Caller, id: &str, deed: impl FnOnce(&mut Running)) -> Result<StatusCode, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(caller, id)?;
    if running.current.is_none() {
        return Err(Refusal(StatusCode::CONFLICT, format!("nothing is deployed to the cluster `{id}`")));
    }
    deed(running);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/clusters/{id}/start`.
pub(super) async fn start(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    change(&mock, &caller, &id, |running| {
        running.status = "running";
        running.log("started");
    })
}

/// `POST …/clusters/{id}/stop`.
pub(super) async fn stop(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    change(&mock, &caller, &id, |running| {
        running.status = "stopped";
        running.log("stopped");
    })
}

/// `POST …/clusters/{id}/restart`.
pub(super) async fn restart(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    change(&mock, &caller, &id, |running| {
        running.status = "running";
        running.log("restarted");
    })
}

/// `GET …/clusters/{id}/releases`: newest first.
pub(super) async fn releases(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let tell = |release: &super::state::Release| {
        json!({
            "id": release.id,
            "created_at": format!("{:.3}", release.created_at),
            "hash": release.body.hash,
            "current": Some(&release.id) == running.current.as_ref(),
        })
    };
    Ok(Json(running.releases.iter().rev().map(tell).collect()))
}

/// `POST …/clusters/{id}/rollback`.
pub(super) async fn rollback(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    effects: Given,
    body: Bytes,
) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        release: String,
    }
    let wanted: Wanted = parse(&body)?;
    {
        let mut state = mock.state();
        let running = state.cluster(&caller, &id)?;
        if !running.releases.iter().any(|release| release.id == wanted.release) {
            return Err(Refusal::not_found("release", &wanted.release));
        }
        running.log(format!("rolled back to {}", wanted.release));
        running.current = Some(wanted.release);
        running.status = "running";
    }
    let url = mock.url(&id);
    Ok(streams::all(vec![json!("deploying"), json!({"done": {"url": url}})], &effects))
}

/// `GET …/clusters/{id}/secrets`.
pub(super) async fn secrets(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let tell = |(name, secret): (&String, &Secret)| json!({"name": name, "digest": secret.digest, "updated_at": format!("{:.3}", secret.updated_at)});
    Ok(Json(running.secrets.iter().map(tell).collect()))
}

/// `PUT …/clusters/{id}/secrets`: name → value. The values are not kept.
pub(super) async fn set_secrets(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let values: BTreeMap<String, String> = parse(&body)?;
    let mut state = mock.state();
    let salt = state.salt.clone();
    let running = state.cluster(&caller, &id)?;
    for (name, value) in values {
        let hash = hex::encode(Sha256::digest(format!("{salt}{name}={value}")));
        let secret = Secret { digest: hash.chars().take(12).collect(), updated_at: Timestamp::now() };
        running.secrets.insert(name, secret);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE …/clusters/{id}/secrets?name=NAME`.
pub(super) async fn remove_secret(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<StatusCode, Refusal> {
    let name = query.get("name").ok_or_else(|| Refusal::bad("`name` is missing"))?;
    let mut state = mock.state();
    let removed = state.cluster(&caller, &id)?.secrets.remove(name);
    removed.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| Refusal::not_found("secret", name))
}
