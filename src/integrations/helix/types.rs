//! What is said on the wire (`cli.md` §12).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{BuildMode, Database};

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The name as it is typed.
    pub url_slug: String,
    /// `personal`, `organization`, `enterprise`.
    #[serde(default = "organization")]
    pub workspace_type: String,
}

fn organization() -> String {
    "organization".to_owned()
}

/// A member of a workspace, as the service tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: User,
    /// The role.
    #[serde(default)]
    pub role: Value,
    /// The id of the role.
    #[serde(default)]
    pub role_id: Value,
}

/// A user, as the service tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub id: Value,
    /// The id at GitHub.
    #[serde(default)]
    pub github_id: Value,
    /// The name to log in with at GitHub.
    #[serde(default)]
    pub github_login: Option<String>,
    /// The name.
    #[serde(default)]
    pub github_name: Option<String>,
    /// The address.
    #[serde(default)]
    pub github_email: Option<String>,
}

/// Whether a workspace can pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// Whether it can.
    pub has_billing: bool,
    /// The type of the workspace.
    #[serde(default)]
    pub workspace_type: Option<String>,
    /// The plan.
    #[serde(default)]
    pub plan: Option<String>,
}

/// A project of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRef {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// A project with where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectDetails {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The workspace.
    pub workspace_id: String,
    /// Its name.
    pub workspace_name: String,
    /// Its name as it is typed.
    pub workspace_slug: String,
}

/// A cluster. What a call does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// The id.
    pub cluster_id: String,
    /// The name.
    pub cluster_name: String,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// `dev` or `release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_mode: Option<String>,
    /// The most memory, in GB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_gb: Option<f64>,
    /// The most processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_vcpus: Option<f64>,
}

/// An enterprise cluster. What a call does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnterpriseCluster {
    /// The id.
    pub cluster_id: String,
    /// The name.
    pub cluster_name: String,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// `dev` or `ha`.
    #[serde(default)]
    pub availability_mode: String,
    /// The kinds of nodes, and how many.
    #[serde(flatten)]
    pub nodes: BTreeMap<String, Value>,
}

/// The clusters of a workspace, or of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// The usual ones.
    #[serde(default)]
    pub standard: Vec<Cluster>,
    /// The others.
    #[serde(default)]
    pub enterprise: Vec<EnterpriseCluster>,
}

/// Where a cluster belongs, and, from a service that tells, how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterProject {
    /// The cluster.
    pub cluster_id: String,
    /// The project.
    pub project_id: String,
    /// Its name.
    pub project_name: String,
    /// The workspace.
    pub workspace_id: String,
    /// `running`, `stopped`, `starting`, `failed`; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Where it answers; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A new key of a cluster.
#[derive(Debug, Deserialize)]
pub struct NewKey {
    /// The key.
    #[serde(deserialize_with = "secret")]
    pub key: secrecy::SecretString,
    /// What did not go as it should.
    #[serde(default)]
    pub warning: Option<String>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<secrecy::SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// What a cluster was last deployed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The reduced project file.
    #[serde(default)]
    pub helix_toml: Option<String>,
    /// Path → text.
    #[serde(default)]
    pub hx_files: BTreeMap<String, String>,
    /// Path → hash and time.
    #[serde(default)]
    pub file_metadata: BTreeMap<String, FileMetadata>,
}

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMetadata {
    /// The hash, in hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// When it was changed, in milliseconds of Unix time.
    #[serde(default)]
    pub last_modified_ms: Option<i64>,
}

/// Lines of a log within a range.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LogRange {
    /// The lines.
    #[serde(default)]
    pub logs: Vec<WireLog>,
}

/// A line of a log on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLog {
    /// What.
    pub message: String,
    /// How bad.
    #[serde(default, alias = "level", skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// When: RFC 3339, or a number of seconds or milliseconds.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub timestamp: Value,
}

/// What a deployment sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployBody {
    /// The schema.
    pub schema: String,
    /// Path → text of the other files.
    pub queries: BTreeMap<String, String>,
    /// Variables. No secrets.
    pub env_vars: BTreeMap<String, String>,
    /// The settings of the database.
    pub runtime_config: RuntimeConfig,
    /// `dev` or `release`.
    pub build_mode: String,
    /// `dev` when this deployment alone is to be compiled so.
    pub build_mode_override: Option<String>,
    /// The instance.
    pub instance_name: String,
    /// The reduced project file.
    pub helix_toml: String,
    /// Where the schema was, so that it can be given back; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_path: Option<String>,
    /// The hash of the schema; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_hash: Option<String>,
    /// Who sends it; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    /// Our id of the release; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What was asked for, so that an equal deployment can be told; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// The settings of the database, as they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeConfig {
    /// Vectors.
    pub vector_config: VectorConfig,
    /// The graph.
    pub graph_config: GraphConfig,
    /// How large it may grow, in GiB.
    pub db_max_size_gb: u64,
    /// Whether the MCP endpoints are open.
    pub mcp: bool,
    /// Whether the text index is kept.
    pub bm25: bool,
    /// A schema, as version 2 carries it.
    pub schema: Option<String>,
    /// The model that turns text into vectors.
    pub embedding_model: Option<String>,
    /// The field that labels nodes in graph views.
    pub graphvis_node_label: Option<String>,
}

/// The settings of the vector index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorConfig {
    /// Links a vector keeps on each level.
    pub m: u32,
    /// Candidates looked at when a vector is inserted.
    pub ef_construction: u32,
    /// Candidates looked at when vectors are searched.
    pub ef_search: u32,
}

/// The settings of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphConfig {
    /// More indexed fields.
    pub secondary_indices: Option<Vec<SecondaryIndex>>,
}

/// An indexed field: `{"Index": "name"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondaryIndex {
    /// Several items may have one value.
    Index(String),
    /// One item has a value.
    Unique(String),
}

impl RuntimeConfig {
    /// The settings of an instance.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        let indices: Vec<_> = database.secondary_indices.iter().cloned().map(SecondaryIndex::Index).collect();
        Self {
            vector_config: VectorConfig {
                m: database.m,
                ef_construction: database.ef_construction,
                ef_search: database.ef_search,
            },
            graph_config: GraphConfig { secondary_indices: (!indices.is_empty()).then_some(indices) },
            db_max_size_gb: database.db_max_size_gb,
            mcp: database.mcp,
            bm25: database.bm25,
            schema: database.schema.clone(),
            embedding_model: database.embedding_model.clone(),
            graphvis_node_label: database.graphvis_node_label.clone(),
        }
    }
}

/// How a mode is called on the wire.
#[must_use]
pub const fn mode_name(mode: BuildMode) -> &'static str {
    match mode {
        BuildMode::Dev => "dev",
        BuildMode::Release => "release",
    }
}

/// What a service can do beyond the protocol of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extension {
    /// Deleting a cluster.
    Delete,
    /// Starting a cluster.
    Start,
    /// Stopping a cluster.
    Stop,
    /// Restarting a cluster.
    Restart,
    /// Listing releases.
    Releases,
    /// Running an earlier release.
    Rollback,
    /// Keeping secrets.
    Secrets,
    /// Ending a login.
    Logout,
    /// Checking a deployment without making it.
    ValidateOnly,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Delete,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Releases,
        Self::Rollback,
        Self::Secrets,
        Self::Logout,
        Self::ValidateOnly,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Releases => "releases",
            Self::Rollback => "rollback",
            Self::Secrets => "secrets",
            Self::Logout => "logout",
            Self::ValidateOnly => "validate_only",
        }
    }
}
