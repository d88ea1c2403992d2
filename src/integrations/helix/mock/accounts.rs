//! Logins, workspaces and projects.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::types::{Billing, Member, ProjectDetails, Workspace};
use super::faults::Given;
use super::state::{self, USER, USER_KEY};
use super::{Caller, Mock, Refusal, parse, streams};

/// `POST /github-login`: nobody has to confirm anything here. Another login ends the one before.
pub(super) async fn login(State(mock): State<Mock>, effects: Given) -> Response {
    let key = state::fresh("hxu");
    {
        let mut state = mock.state();
        state.keys.retain(|known, user| user != USER || known == USER_KEY);
        state.keys.insert(key.clone(), USER.to_owned());
    }
    let uri = format!("{}/device", mock.base());
    let events = vec![
        json!({"user_verification": {"user_code": "MOCK-1234", "verification_uri": uri}}),
        json!({"success": {"key": key, "user_id": USER}}),
    ];
    streams::all(events, &effects)
}

/// `POST /logout`.
pub(super) async fn logout(State(mock): State<Mock>, Extension(caller): Extension<Caller>) -> StatusCode {
    mock.state().keys.remove(&caller.key);
    StatusCode::NO_CONTENT
}

/// `GET /api/cli/workspaces`.
pub(super) async fn workspaces(State(mock): State<Mock>, Extension(caller): Extension<Caller>) -> Json<Vec<Workspace>> {
    let state = mock.state();
    let own = state.workspaces.iter().filter(|space| space.holds(&caller.user));
    Json(own.map(|space| space.workspace.clone()).collect())
}

/// `GET …/workspaces/{id}/members`.
pub(super) async fn members(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Member>>, Refusal> {
    Ok(Json(mock.state().workspace(&caller, &id)?.members.clone()))
}

/// `GET …/workspaces/{id}/billing`.
pub(super) async fn billing(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Billing>, Refusal> {
    Ok(Json(mock.state().workspace(&caller, &id)?.billing.clone()))
}

/// `GET …/workspaces/{id}/projects`.
pub(super) async fn projects(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let state = mock.state();
    state.workspace(&caller, &id)?;
    let own = state.projects.iter().filter(|project| project.workspace == id);
    Ok(Json(own.map(|project| json!({"id": project.id, "name": project.name})).collect()))
}

/// `POST …/workspaces/{id}/projects`.
pub(super) async fn create_project(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        name: String,
    }
    let wanted: Wanted = parse(&body)?;
    let mut state = mock.state();
    state.workspace(&caller, &id)?;
    if wanted.name.trim().is_empty() {
        return Err(Refusal::bad("a project needs a name"));
    }
    if state.projects.iter().any(|project| project.workspace == id && project.name == wanted.name) {
        return Err(Refusal(StatusCode::CONFLICT, format!("there is a project `{}` already", wanted.name)));
    }
    let project = state::Project { id: state::fresh("prj"), name: wanted.name, workspace: id };
    let made = json!({"id": project.id, "name": project.name});
    state.projects.push(project);
    Ok(Json(made))
}

/// `GET /api/cli/projects/{id}`.
pub(super) async fn project(
    State(mock): State<Mock>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ProjectDetails>, Refusal> {
    let state = mock.state();
    let (project, space) = state.project(&caller, &id)?;
    Ok(Json(ProjectDetails {
        id: project.id.clone(),
        name: project.name.clone(),
        workspace_id: space.workspace.id.clone(),
        workspace_name: space.workspace.name.clone(),
        workspace_slug: space.workspace.url_slug.clone(),
    }))
}
