//! Instances that run elsewhere: `[cloud.NAME.<provider>]` and `[enterprise.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::instance::{self, BuildMode, Database, EnvTable, HealthTable};
use super::reader::{Reader, Section, Spanned};

/// The cluster id of an instance that was not created yet.
const PLACEHOLDER: &str = "YOUR_CLUSTER_ID";

/// A managed cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct HelixCloud {
    /// The cluster; `None` before it was created.
    pub cluster_id: Option<String>,
    /// Where it is.
    pub region: Option<String>,
    /// Variables that are sent with a deployment.
    pub env_vars: BTreeMap<String, String>,
}

/// An app of Fly.io.
#[derive(Clone, Debug, PartialEq)]
pub struct Fly {
    /// The name of the app, when it is not derived.
    pub app: Option<String>,
    /// The organisation.
    pub org: String,
    /// Where it is.
    pub region: Option<String>,
    /// The size of the machine.
    pub vm_size: String,
    /// The volume, as `name:/data`.
    pub volume: Option<String>,
    /// The size of the volume, in GB.
    pub volume_initial_size: u32,
    /// Whether it has no public address.
    pub private: bool,
    /// How to log in.
    pub auth_type: FlyAuth,
    /// How releases replace each other.
    pub strategy: String,
    /// The format in which its images are signed.
    pub sign: Option<String>,
}

/// How to log in to Fly.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlyAuth {
    /// With the login of `flyctl`.
    Cli,
    /// With a token.
    ApiKey,
}

/// A registry of images.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRegistry {
    /// Which one, and what only it has.
    pub kind: RegistryKind,
    /// The name of the image, when it is not derived.
    pub image: Option<String>,
    /// The templates of its tags.
    pub tags: Vec<String>,
    /// The platforms it is built for.
    pub platforms: Vec<String>,
    /// More labels.
    pub labels: BTreeMap<String, String>,
    /// The format in which it is signed.
    pub sign: Option<String>,
    /// The tool that scans it.
    pub scan: Option<String>,
    /// The severity that fails the scan.
    pub scan_fail_on: Option<String>,
    /// How to log in.
    pub auth_type: RegistryAuth,
    /// Whether it is spoken to without encryption. This machine is anyway.
    pub plain_http: bool,
    /// A command that is run after a push.
    pub deploy_hook: Option<String>,
}

/// How to log in to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryAuth {
    /// With an existing login of Docker.
    DockerConfig,
    /// With a token of the environment.
    Token,
    /// With the vendor's tool.
    Cli,
    /// With credentials of the environment.
    Env,
}

/// Which registry, and what only it has.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryKind {
    /// AWS ECR.
    Ecr {
        /// The repository, when it is not derived.
        repository_name: Option<String>,
        /// Where it is.
        region: Option<String>,
        /// The address, when it is not derived.
        registry_url: Option<String>,
        /// The AWS profile.
        profile: Option<String>,
        /// Whether images are scanned when they are pushed.
        scan_on_push: bool,
        /// Whether tags cannot be moved.
        immutable_tags: bool,
        /// How many images are kept.
        lifecycle_keep: Option<u32>,
    },
    /// The GitHub Container Registry.
    Ghcr {
        /// The user or organisation, in lower case.
        owner: String,
        /// The address.
        registry: String,
        /// The variable that holds the token.
        token_env: Option<String>,
        /// The variable that holds the name.
        username_env: String,
        /// The repository that the package is linked to.
        source_url: Option<String>,
    },
    /// Docker Hub.
    DockerHub {
        /// The user or organisation.
        namespace: String,
        /// The repository, when it is not the image.
        repository: Option<String>,
        /// The address.
        registry: String,
        /// The variable that holds the token.
        token_env: String,
        /// The variable that holds the name.
        username_env: String,
        /// Whether a new repository is private.
        private: bool,
        /// Whether the repository is created when it is not there.
        create_repository: bool,
    },
}

/// An enterprise cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Enterprise {
    /// The cluster.
    pub cluster_id: String,
    /// `dev` or `ha`.
    pub availability_mode: String,
    /// The kind of its gateways.
    pub gateway_node_type: String,
    /// The kind of its databases.
    pub db_node_type: String,
    /// How many at least.
    pub min_instances: u32,
    /// How many at most.
    pub max_instances: u32,
}

/// What a cloud instance runs on.
#[derive(Clone, Debug, PartialEq)]
pub enum Provider {
    /// A managed cluster.
    Helix(HelixCloud),
    /// An app of Fly.io.
    Fly(Fly),
    /// A registry: the image is run by somebody else.
    Registry(ImageRegistry),
    /// An enterprise cluster.
    Enterprise(Enterprise),
}

/// An instance that runs elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Cloud {
    /// What it runs on.
    pub provider: Provider,
    /// How it is compiled.
    pub build_mode: BuildMode,
    /// The settings of its database.
    pub database: Database,
    /// What it gets in its environment.
    pub env: EnvTable,
    /// How its health is asked for.
    pub health: HealthTable,
}

impl Cloud {
    /// The name of the target.
    #[must_use]
    pub const fn target(&self) -> &'static str {
        match &self.provider {
            Provider::Helix(_) => "helix",
            Provider::Fly(_) => "fly",
            Provider::Enterprise(_) => "enterprise",
            Provider::Registry(registry) => match registry.kind {
                RegistryKind::Ecr { .. } => "ecr",
                RegistryKind::Ghcr { .. } => "ghcr",
                RegistryKind::DockerHub { .. } => "docker_hub",
            },
        }
    }
}

/// The names of the providers' tables.
pub(super) const PROVIDERS: [&str; 6] = ["helix", "fly", "ecr", "ghcr", "docker_hub", "dockerhub"];

/// Reads the table of a provider.
pub(super) fn read(provider: &str, section: &Section<'_>, reader: &Reader<'_>) -> Option<Cloud> {
    let (provider, default_mode) = match provider {
        "helix" => (helix(section, reader).map(Provider::Helix), BuildMode::Dev),
        "fly" => (Some(Provider::Fly(fly(section))), BuildMode::Release),
        "ecr" => (Some(Provider::Registry(registry(section, ecr(section)))), BuildMode::Release),
        "ghcr" => (ghcr(section).map(|kind| Provider::Registry(registry(section, kind))), BuildMode::Release),
        _ => (docker_hub(section).map(|kind| Provider::Registry(registry(section, kind))), BuildMode::Release),
    };
    finish(provider, default_mode, section, reader)
}

/// Reads the table of an enterprise instance.
pub(super) fn read_enterprise(section: &Section<'_>, reader: &Reader<'_>) -> Option<Cloud> {
    let provider = enterprise(section).map(Provider::Enterprise);
    finish(provider, BuildMode::Release, section, reader)
}

fn finish(
    provider: Option<Provider>,
    default_mode: BuildMode,
    section: &Section<'_>,
    reader: &Reader<'_>,
) -> Option<Cloud> {
    let build_mode = instance::build_mode(section, default_mode);
    let database = instance::database(section, reader);
    let env = instance::env(section, reader);
    let health = instance::health(section);
    let _ = section.string("extends");
    section.finish();
    Some(Cloud { provider: provider?, build_mode, database, env, health })
}

fn text(found: Option<Spanned<String>>) -> Option<String> {
    found.map(|found| found.value)
}

fn values(found: Vec<Spanned<String>>) -> Vec<String> {
    found.into_iter().map(|found| found.value).collect()
}

fn helix(section: &Section<'_>, reader: &Reader<'_>) -> Option<HelixCloud> {
    let cluster_id = section.required("cluster_id");
    let region = text(section.string("region"));
    let mut env_vars = BTreeMap::new();
    for (name, value) in section.map("env_vars") {
        instance::check_env_name(section, "env_vars", &name, &value.span);
        if instance::looks_secret(&name, &value.value) {
            let message = format!("`{}.env_vars.{name}` looks like a secret", section.path());
            reader.warning("W-CFG-SECRET", value.span, message, None);
        }
        env_vars.insert(name, value.value);
    }
    let cluster_id = Some(cluster_id?.value).filter(|id| id != PLACEHOLDER);
    Some(HelixCloud { cluster_id, region, env_vars })
}

fn fly(section: &Section<'_>) -> Fly {
    const MAX_APP_NAME: usize = 32;
    let app = section.string("app");
    if let Some(app) = app.as_ref().filter(|app| app.value.len() > MAX_APP_NAME) {
        section.invalid("app", app.span.clone(), &format!("is longer than {MAX_APP_NAME} characters"), None);
    }
    let volume = section.string("volume");
    if let Some(volume) = volume.as_ref().filter(|volume| !volume.value.ends_with(":/data")) {
        section.invalid("volume", volume.span.clone(), "must have the form `NAME:/data`", None);
    }
    let auth =
        [("Cli", FlyAuth::Cli), ("cli", FlyAuth::Cli), ("ApiKey", FlyAuth::ApiKey), ("api_key", FlyAuth::ApiKey)];
    Fly {
        app: text(app),
        org: text(section.string("org")).unwrap_or_else(|| "personal".to_owned()),
        region: text(section.string("region")),
        vm_size: text(section.string("vm_size")).unwrap_or_else(|| "shared-cpu-4x".to_owned()),
        volume: text(volume),
        volume_initial_size: u32::try_from(section.integer("volume_initial_size", 1..=500, 20)).unwrap_or(20),
        private: section.boolean("private", false),
        auth_type: section.choice("auth_type", &auth).unwrap_or(FlyAuth::Cli),
        strategy: text(section.string("strategy")).unwrap_or_else(|| "rolling".to_owned()),
        sign: sign(section),
    }
}

/// In which format images are signed, if they are.
fn sign(section: &Section<'_>) -> Option<String> {
    section.choice("sign", &[("none", None), ("cosign", Some("cosign"))]).flatten().map(str::to_owned)
}

/// What all registries have in common.
fn registry(section: &Section<'_>, kind: RegistryKind) -> ImageRegistry {
    let auth = [
        ("DockerConfig", RegistryAuth::DockerConfig),
        ("Token", RegistryAuth::Token),
        ("Cli", RegistryAuth::Cli),
        ("AwsCli", RegistryAuth::Cli),
        ("Env", RegistryAuth::Env),
    ];
    let is_ecr = matches!(kind, RegistryKind::Ecr { .. });
    let or = |found: Vec<String>, default: &[&str]| {
        if found.is_empty() { default.iter().map(|text| (*text).to_owned()).collect() } else { found }
    };
    let default_tags: &[&str] = if is_ecr { &["{mode}"] } else { &["{mode}", "{release}"] };
    let default_auth = if is_ecr { RegistryAuth::Cli } else { RegistryAuth::DockerConfig };
    let tool =
        |key: &str, tools: &[(&str, Option<&'static str>)]| section.choice(key, tools).flatten().map(str::to_owned);
    ImageRegistry {
        image: text(section.string("image")),
        tags: or(values(section.strings("tags")), default_tags),
        platforms: or(values(section.strings("platforms")), &["linux/amd64"]),
        labels: section.map("labels").into_iter().map(|(name, value)| (name, value.value)).collect(),
        sign: sign(section),
        scan: tool("scan", &[("none", None), ("trivy", Some("trivy")), ("grype", Some("grype"))]),
        scan_fail_on: text(section.string("scan_fail_on")),
        auth_type: section.choice("auth_type", &auth).unwrap_or(default_auth),
        plain_http: section.boolean("plain_http", false),
        deploy_hook: text(section.string("deploy_hook")),
        kind,
    }
}

fn ecr(section: &Section<'_>) -> RegistryKind {
    let repository_name = section.string("repository_name");
    if let Some(name) = repository_name.as_ref().filter(|name| name.value.to_lowercase() != name.value) {
        section.invalid("repository_name", name.span.clone(), "must be in lower case", None);
    }
    let keep = section.optional_integer("lifecycle_keep", 1..=10_000);
    RegistryKind::Ecr {
        repository_name: text(repository_name),
        region: text(section.string("region")),
        registry_url: text(section.string("registry_url")),
        profile: text(section.string("profile")),
        scan_on_push: section.boolean("scan_on_push", true),
        immutable_tags: section.boolean("immutable_tags", false),
        lifecycle_keep: keep.and_then(|keep| u32::try_from(keep.value).ok()),
    }
}

fn ghcr(section: &Section<'_>) -> Option<RegistryKind> {
    let owner = section.required("owner");
    let registry = text(section.string("registry")).unwrap_or_else(|| "ghcr.io".to_owned());
    let token_env = text(section.string("token_env"));
    let username_env = text(section.string("username_env")).unwrap_or_else(|| "GITHUB_ACTOR".to_owned());
    let source_url = text(section.string("source_url"));
    Some(RegistryKind::Ghcr { owner: owner?.value.to_lowercase(), registry, token_env, username_env, source_url })
}

fn docker_hub(section: &Section<'_>) -> Option<RegistryKind> {
    let namespace = section.required("namespace");
    let repository = text(section.string("repository"));
    let registry = text(section.string("registry")).unwrap_or_else(|| "docker.io".to_owned());
    let token_env = text(section.string("token_env")).unwrap_or_else(|| "DOCKERHUB_TOKEN".to_owned());
    let username_env = text(section.string("username_env")).unwrap_or_else(|| "DOCKERHUB_USERNAME".to_owned());
    let private = section.boolean("private", true);
    let create_repository = section.boolean("create_repository", false);
    let namespace = namespace?.value;
    Some(RegistryKind::DockerHub {
        namespace,
        repository,
        registry,
        token_env,
        username_env,
        private,
        create_repository,
    })
}

fn enterprise(section: &Section<'_>) -> Option<Enterprise> {
    let cluster_id = section.required("cluster_id");
    let mode = section.choice("availability_mode", &[("dev", "dev"), ("ha", "ha")]);
    if mode.is_none() && section.string("availability_mode").is_none() {
        let _ = section.required("availability_mode");
    }
    let gateway = section.required("gateway_node_type");
    let database = section.required("db_node_type");
    let min = section.integer("min_instances", 1..=100, 1);
    let max = section.integer("max_instances", 1..=100, min);
    if min > max {
        let span: Range<usize> = section.span_of("max_instances");
        section.invalid("max_instances", span, &format!("is {max}, less than `min_instances`, which is {min}"), None);
    }
    Some(Enterprise {
        cluster_id: cluster_id?.value,
        availability_mode: mode?.to_owned(),
        gateway_node_type: gateway?.value,
        db_node_type: database?.value,
        min_instances: u32::try_from(min).unwrap_or(1),
        max_instances: u32::try_from(max).unwrap_or(1),
    })
}
