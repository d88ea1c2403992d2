//! Clusters: what there is, deployments, logs.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::types::{ClusterProject, DeployBody, FileMetadata, Snapshot, WireLog};
use super::faults::Given;
use super::state::{self, Release, Running};
use super::{Caller, Mock, Refusal, parse, streams};

/// Between two looks at a log that is followed.
const LOOK: Duration = Duration::from_millis(50);

impl Mock {
    /// Where a cluster would answer.
    pub(super) fn url(&self, cluster: &str) -> String {
        format!("{}/run/{cluster}", self.base())
    }

    fn clusters(&self, fits: impl Fn(&str) -> bool, whole: bool) -> Value {
        let state = self.state();
        let project =
            |id: &str| state.projects.iter().find(|project| project.id == id).map_or("", |found| found.name.as_str());
        let standard = state.clusters.iter().filter(|running| fits(&running.project)).map(|running| {
            let (id, name) = (&running.cluster.cluster_id, &running.cluster.cluster_name);
            if whole {
                json!(running.cluster)
            } else {
                json!({"cluster_id": id, "cluster_name": name, "project_id": running.project, "project_name": project(&running.project)})
            }
        });
        let enterprise = state.enterprise.iter().filter(|cluster| fits(&cluster.project)).map(|cluster| {
            let mut told = json!({"cluster_id": cluster.id, "cluster_name": cluster.name});
            for (name, value) in cluster.nodes.iter().filter(|(name, _)| whole || *name == "availability_mode") {
                told[name] = value.clone();
            }
            if !whole {
                told["project_id"] = cluster.project.clone().into();
                told["project_name"] = project(&cluster.project).into();
            }
            told
        });
        json!({"standard": standard.collect::<Vec<_>>(), "enterprise": enterprise.collect::<Vec<_>>()})
    }
}

/// `GET …/workspaces/{id}/clusters`.
pub(super) async fn of_workspace(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let projects: Vec<String> = {
        let state = mock.state();
        state.workspace(&caller, &id)?;
        state.projects.iter().filter(|project| project.workspace == id).map(|project| project.id.clone()).collect()
    };
    Ok(Json(mock.clusters(|project| projects.iter().any(|own| own == project), false)))
}

/// `GET …/projects/{id}/clusters`.
pub(super) async fn of_project(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let name = mock.state().project(&caller, &id)?.0.name.clone();
    let mut told = mock.clusters(|project| project == id, true);
    told["project_id"] = id.into();
    told["project_name"] = name.into();
    Ok(Json(told))
}

/// `POST …/projects/{id}/clusters`.
pub(super) async fn create(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        cluster_name: String,
        build_mode: String,
    }
    let wanted: Wanted = parse(&body)?;
    if !["dev", "release"].contains(&wanted.build_mode.as_str()) {
        return Err(Refusal::bad("`build_mode` is `dev` or `release`"));
    }
    let mut state = mock.state();
    state.project(&caller, &id)?;
    let mut named =
        state.clusters.iter().filter(|running| running.project == id).map(|running| &running.cluster.cluster_name);
    if named.any(|name| *name == wanted.cluster_name) {
        return Err(Refusal(StatusCode::CONFLICT, format!("there is a cluster `{}` already", wanted.cluster_name)));
    }
    let cluster = state::fresh("cl");
    state.clusters.push(Running::new(cluster.clone(), wanted.cluster_name, &id, &wanted.build_mode));
    Ok(Json(json!({ "cluster_id": cluster })))
}

/// `POST …/projects/{id}/enterprise-clusters`.
pub(super) async fn create_enterprise(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut nodes: Map<String, Value> = parse(&body)?;
    let name = nodes.remove("cluster_name").and_then(|name| name.as_str().map(str::to_owned));
    let name = name.ok_or_else(|| Refusal::bad("`cluster_name` is missing"))?;
    let mut state = mock.state();
    state.project(&caller, &id)?;
    let cluster = state::fresh("ecl");
    state.enterprise.push(state::Enterprise {
        id: cluster.clone(),
        name,
        project: id,
        nodes,
        sources: None,
        helix_toml: None,
    });
    Ok(Json(json!({ "cluster_id": cluster })))
}

/// `GET …/clusters/{id}/project`.
pub(super) async fn project(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ClusterProject>, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let (status, deployed, project) = (running.status, running.current.is_some(), running.project.clone());
    let (found, space) = state.project(&caller, &project)?;
    Ok(Json(ClusterProject {
        project_name: found.name.clone(),
        workspace_id: space.workspace.id.clone(),
        project_id: project,
        status: Some(status.to_owned()),
        url: deployed.then(|| mock.url(&id)),
        cluster_id: id,
    }))
}

/// `POST …/clusters/{id}/key`.
pub(super) async fn key(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let key = state::fresh("hxc");
    running.key = Some(key.clone());
    running.log("the key was changed");
    Ok(Json(json!({ "key": key })))
}

/// `POST …/clusters/{id}/deploy`: checks the sources, and remembers them. The same idempotency key deploys once.
pub(super) async fn deploy(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    effects: Given,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let body: DeployBody = parse(&body)?;
    mock.state().cluster(&caller, &id)?;
    let idempotency = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let Extension(effects) = effects;
    let mut events = vec![json!("validating_queries")];
    if body.schema.trim().is_empty() || body.queries.is_empty() {
        events.push(json!({"bad_request": {"error": "there is no schema, or there are no queries"}}));
        return Ok(streams::all(events, &effects));
    }
    if let Err(error) = (mock.check)(&sources(&body)) {
        events.push(json!({"query_validation_error": {"error": error}}));
        return Ok(streams::all(events, &effects));
    }
    if query.get("validate_only").is_some_and(|value| value == "true") {
        events.push(json!({"success": {}}));
        return Ok(streams::all(events, &effects));
    }
    events.extend([
        json!({"building": {"estimated_percentage": 30}}),
        json!({"log": {"message": "compiling the queries", "severity": "info"}}),
        json!({"building": {"estimated_percentage": 90}}),
        json!("deploying"),
    ]);
    let url = mock.url(&id);
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let repeated = idempotency.as_ref().is_some_and(|key| running.seen.contains_key(key));
    if !repeated {
        let release = body.release.clone().unwrap_or_else(|| state::fresh("rel"));
        running.releases.push(Release { id: release.clone(), created_at: Timestamp::now(), body });
        if let Some(key) = idempotency {
            running.seen.insert(key, release.clone());
        }
        running.log(format!("release {release} is live"));
        running.current = Some(release);
        running.status = "running";
    }
    events.push(match running.key {
        Some(_) => json!({"redeployed": {"url": url}}),
        None => {
            let key = state::fresh("hxc");
            running.key = Some(key.clone());
            json!({"deployed": {"url": url, "auth_key": key}})
        }
    });
    drop(state);
    Ok(streams::all(events, &effects))
}

/// All files of a deployment.
fn sources(body: &DeployBody) -> BTreeMap<String, String> {
    let mut files = body.queries.clone();
    let path = body.schema_path.clone().unwrap_or_else(|| "schema.hx".to_owned());
    files.insert(path, body.schema.clone());
    files
}

/// `GET …/clusters/{id}/sync`.
pub(super) async fn sync(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Snapshot>, Refusal> {
    let mut state = mock.state();
    let running = state.cluster(&caller, &id)?;
    let release = running
        .release()
        .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("nothing is deployed to the cluster `{id}`")))?;
    let hx_files = sources(&release.body);
    let time = release.created_at.as_millisecond();
    let known = |(path, text): (&String, &String)| {
        let sha256 = Some(hex::encode(Sha256::digest(text)));
        (path.clone(), FileMetadata { sha256, last_modified_ms: Some(time) })
    };
    let file_metadata = hx_files.iter().map(known).collect();
    Ok(Json(Snapshot { helix_toml: Some(release.body.helix_toml.clone()), hx_files, file_metadata }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(default)]
    start_time: Option<i64>,
    #[serde(default)]
    end_time: Option<i64>,
}

impl Range {
    fn holds(&self, log: &WireLog) -> bool {
        let time = log.timestamp.as_str().and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_second);
        time.is_none_or(|time| {
            self.start_time.is_none_or(|start| start <= time) && self.end_time.is_none_or(|end| time <= end)
        })
    }
}

/// `GET …/clusters/{id}/logs/range`: at most an hour.
pub(super) async fn range(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, Refusal> {
    bounded(&range)?;
    let mut state = mock.state();
    let logs: Vec<&WireLog> = state.cluster(&caller, &id)?.logs.iter().filter(|log| range.holds(log)).collect();
    Ok(Json(json!({ "logs": logs })))
}

fn bounded(range: &Range) -> Result<(), Refusal> {
    let (Some(start), Some(end)) = (range.start_time, range.end_time) else {
        return Err(Refusal::bad("`start_time` and `end_time` are needed, in seconds"));
    };
    if start >= end || end - start > 3600 {
        return Err(Refusal::bad("the range must be longer than nothing and no longer than an hour"));
    }
    Ok(())
}

/// `GET …/clusters/{id}/logs/live`: the past, then what is written.
pub(super) async fn live(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
    effects: Given,
) -> Result<Response, Refusal> {
    let Extension(effects) = effects;
    let past = mock.state().cluster(&caller, &id)?.logs.clone();
    let told = past.len();
    let past = past.into_iter().filter(move |log| range.holds(log)).map(|log| json!({ "log": log }));
    let events: Vec<Value> = past.chain([json!("backfill_complete")]).collect();
    let now = stream::unfold((mock, caller, told), move |(mock, caller, told)| {
        let id = id.clone();
        async move {
            loop {
                let next = mock.state().cluster(&caller, &id).ok()?.logs.get(told).cloned();
                match next {
                    Some(log) => return Some((json!({ "log": log }), (mock, caller, told + 1))),
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        }
    });
    Ok(streams::answer(stream::iter(events).chain(now), &effects))
}

/// `GET /run/{id}/healthz`: whether the cluster would answer.
pub(super) async fn healthz(State(mock): State<Mock>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let state = mock.state();
    let found = state.clusters.iter().find(|running| running.cluster.cluster_id == id);
    match found.ok_or_else(|| Refusal::not_found("cluster", &id))?.status {
        "running" => Ok(StatusCode::OK),
        _ => Ok(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// `GET …/enterprise-clusters/{id}/project`.
pub(super) async fn enterprise_project(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut state = mock.state();
    let project = state.enterprise(&caller, &id)?.project.clone();
    let (found, space) = state.project(&caller, &project)?;
    Ok(Json(
        json!({"cluster_id": id, "project_id": project, "project_name": found.name, "workspace_id": space.workspace.id}),
    ))
}

/// `POST …/enterprise-clusters/{id}/deploy`: remembers the sources.
pub(super) async fn enterprise_deploy(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        queries_json_b64: String,
        source_files: Value,
        #[serde(default)]
        helix_toml: Option<String>,
    }
    let wanted: Wanted = parse(&body)?;
    if wanted.queries_json_b64.is_empty() {
        return Err(Refusal::bad("there are no queries"));
    }
    let mut state = mock.state();
    let cluster = state.enterprise(&caller, &id)?;
    cluster.sources = Some(wanted.source_files);
    cluster.helix_toml = wanted.helix_toml;
    Ok(Json(json!({ "s3_key": format!("queries/{id}.json") })))
}

/// `GET …/enterprise-clusters/{id}/sync`.
pub(super) async fn enterprise_sync(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut state = mock.state();
    let cluster = state.enterprise(&caller, &id)?;
    let sources = cluster
        .sources
        .clone()
        .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("nothing is deployed to the cluster `{id}`")))?;
    Ok(Json(json!({"source_files": sources, "file_metadata": {}, "helix_toml": cluster.helix_toml})))
}

/// `GET …/enterprise-clusters/{id}/logs/range`: errors, of which there are none.
pub(super) async fn enterprise_range(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, Refusal> {
    bounded(&range)?;
    mock.state().enterprise(&caller, &id)?;
    Ok(Json(json!({ "logs": [] })))
}
