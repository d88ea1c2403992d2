//! What the stand-in remembers.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::types::{Billing, Cluster, DeployBody, Member, User, WireLog, Workspace};
use super::{Caller, Fault, Refusal};

/// The key of the user.
pub const USER_KEY: &str = "mock-user-key";
/// The id of the user.
pub const USER: &str = "user_ada";
/// The id of the user's workspace.
pub const WORKSPACE: &str = "ws_acme";
/// The id of the user's project.
pub const PROJECT: &str = "prj_shop";
/// The id of the user's cluster.
pub const CLUSTER: &str = "cl_shop";

/// Everything.
pub(super) struct State {
    /// Key → user.
    pub(super) keys: BTreeMap<String, String>,
    pub(super) workspaces: Vec<Space>,
    pub(super) projects: Vec<Project>,
    pub(super) clusters: Vec<Running>,
    pub(super) enterprise: Vec<Enterprise>,
    pub(super) faults: Vec<Fault>,
    pub(super) journal: Vec<Value>,
    /// Tells values of secrets apart without telling them.
    pub(super) salt: String,
}

/// A workspace and who may see it.
pub(super) struct Space {
    pub(super) workspace: Workspace,
    pub(super) members: Vec<Member>,
    pub(super) billing: Billing,
}

pub(super) struct Project {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) workspace: String,
}

/// A cluster.
pub(super) struct Running {
    pub(super) cluster: Cluster,
    pub(super) project: String,
    pub(super) status: &'static str,
    pub(super) key: Option<String>,
    pub(super) releases: Vec<Release>,
    pub(super) current: Option<String>,
    /// Idempotency key → release.
    pub(super) seen: HashMap<String, String>,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) logs: Vec<WireLog>,
}

/// A release with what it was made of.
#[derive(Clone)]
pub(super) struct Release {
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    pub(super) body: DeployBody,
}

pub(super) struct Secret {
    pub(super) digest: String,
    pub(super) updated_at: Timestamp,
}

pub(super) struct Enterprise {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) project: String,
    pub(super) nodes: Map<String, Value>,
    pub(super) sources: Option<Value>,
    pub(super) helix_toml: Option<String>,
}

impl State {
    /// One user with a workspace, a project and a cluster, and a neighbour with the same.
    pub(super) fn seeded() -> Self {
        let mut state = Self {
            keys: BTreeMap::from([(USER_KEY.to_owned(), USER.to_owned())]),
            workspaces: Vec::new(),
            projects: Vec::new(),
            clusters: Vec::new(),
            enterprise: Vec::new(),
            faults: Vec::new(),
            journal: Vec::new(),
            salt: ulid::Ulid::generate().to_string(),
        };
        state.household(USER, "Ada", [WORKSPACE, "Acme", "acme"], [PROJECT, "shop"], CLUSTER);
        state.household("user_bob", "Bob", ["ws_other", "Other", "other"], ["prj_other", "secret"], "cl_other");
        state
    }

    fn household(&mut self, user: &str, name: &str, space: [&str; 3], project: [&str; 2], cluster: &str) {
        let workspace = Workspace {
            id: space[0].to_owned(),
            name: space[1].to_owned(),
            url_slug: space[2].to_owned(),
            workspace_type: "organization".to_owned(),
        };
        let login = name.to_lowercase();
        let member = Member {
            user: User {
                id: user.into(),
                github_id: 1.into(),
                github_email: Some(format!("{login}@example.com")),
                github_login: Some(login),
                github_name: Some(name.to_owned()),
            },
            role: "owner".into(),
            role_id: "role_owner".into(),
        };
        let billing = Billing {
            has_billing: true,
            workspace_type: Some("organization".to_owned()),
            plan: Some("team".to_owned()),
        };
        self.workspaces.push(Space { workspace, members: vec![member], billing });
        self.projects.push(Project {
            id: project[0].to_owned(),
            name: project[1].to_owned(),
            workspace: space[0].to_owned(),
        });
        self.clusters.push(Running::new(cluster.to_owned(), "prod".to_owned(), project[0], "release"));
    }

    /// A workspace that the caller may see.
    pub(super) fn workspace(&self, caller: &Caller, id: &str) -> Result<&Space, Refusal> {
        let found = self.workspaces.iter().find(|space| space.workspace.id == id);
        let space = found.ok_or_else(|| Refusal::not_found("workspace", id))?;
        if space.holds(&caller.user) { Ok(space) } else { Err(no_access("workspace", id)) }
    }

    /// A project that the caller may see, and its workspace.
    pub(super) fn project(&self, caller: &Caller, id: &str) -> Result<(&Project, &Space), Refusal> {
        let found = self.projects.iter().find(|project| project.id == id);
        let project = found.ok_or_else(|| Refusal::not_found("project", id))?;
        let space = self.workspace(caller, &project.workspace).map_err(|_| no_access("project", id))?;
        Ok((project, space))
    }

    /// A cluster that the caller may see.
    pub(super) fn cluster(&mut self, caller: &Caller, id: &str) -> Result<&mut Running, Refusal> {
        let found = self.clusters.iter().position(|running| running.cluster.cluster_id == id);
        let index = found.ok_or_else(|| Refusal::not_found("cluster", id))?;
        let project = self.clusters[index].project.clone();
        self.project(caller, &project).map_err(|_| no_access("cluster", id))?;
        Ok(&mut self.clusters[index])
    }

    /// An enterprise cluster that the caller may see.
    pub(super) fn enterprise(&mut self, caller: &Caller, id: &str) -> Result<&mut Enterprise, Refusal> {
        let found = self.enterprise.iter().position(|cluster| cluster.id == id);
        let index = found.ok_or_else(|| Refusal::not_found("enterprise cluster", id))?;
        let project = self.enterprise[index].project.clone();
        self.project(caller, &project).map_err(|_| no_access("enterprise cluster", id))?;
        Ok(&mut self.enterprise[index])
    }
}

impl Space {
    /// Whether somebody is a member.
    pub(super) fn holds(&self, user: &str) -> bool {
        self.members.iter().any(|member| member.user.id == user)
    }
}

impl Running {
    pub(super) fn new(id: String, name: String, project: &str, build_mode: &str) -> Self {
        let cluster = Cluster {
            cluster_id: id,
            cluster_name: name,
            build_mode: Some(build_mode.to_owned()),
            max_memory_gb: Some(4.0),
            max_vcpus: Some(2.0),
            ..Cluster::default()
        };
        Self {
            cluster,
            project: project.to_owned(),
            status: "absent",
            key: None,
            releases: Vec::new(),
            current: None,
            seen: HashMap::new(),
            secrets: BTreeMap::new(),
            logs: Vec::new(),
        }
    }

    /// The release that runs.
    pub(super) fn release(&self) -> Option<&Release> {
        self.releases.iter().find(|release| Some(&release.id) == self.current.as_ref())
    }

    /// Writes a line into its log.
    pub(super) fn log(&mut self, message: impl Into<String>) {
        let timestamp = format!("{:.3}", Timestamp::now());
        self.logs.push(WireLog {
            message: message.into(),
            severity: Some("info".to_owned()),
            timestamp: timestamp.into(),
        });
    }
}

/// A new id.
pub(super) fn fresh(prefix: &str) -> String {
    format!("{prefix}_{}", ulid::Ulid::generate().to_string().to_lowercase())
}

fn no_access(what: &str, id: &str) -> Refusal {
    Refusal(StatusCode::FORBIDDEN, format!("you have no access to the {what} `{id}`"))
}
