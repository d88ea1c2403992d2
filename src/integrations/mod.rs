//! The places that an instance can run at, one module each, and the table of them.
//!
//! What a target cannot do is decided in [`TARGETS`] and nowhere else.

pub mod aws;
pub mod container;
pub mod docker_hub;
pub mod ecr;
pub mod embedded;
pub mod error;
pub mod fly;
pub mod ghcr;
pub mod helix;
pub mod oci;
pub mod role;

/// What a target does with a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It runs it.
    Platform,
    /// It stores its image, for somebody else to run.
    Registry,
}

/// A place that an instance can run at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The stable name, as in `--json`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it does with a release.
    pub role: Role,
    /// Why it cannot be used, if it cannot.
    pub unsupported: Option<Unsupported>,
    /// Why it cannot take each save at once, if it cannot.
    pub no_live: Option<Unsupported>,
}

/// Why something cannot be done, and what can be done instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The stable code.
    pub code: &'static str,
    /// Why not.
    pub reason: &'static str,
    /// What to do instead.
    pub alternative: &'static str,
}

const NOT_LIVE: Unsupported = Unsupported {
    code: "E-DEPLOY-UNSUPPORTED",
    reason: "a container cannot take each save at once: its image is built anew",
    alternative: "set `runtime = \"embedded\"` for the instance while you develop: its data can move to a container later",
};

const NOT_HERE: Unsupported = Unsupported {
    code: "E-DEPLOY-UNSUPPORTED",
    reason: "that is for instances on this machine",
    alternative: "name a local instance, `[local.dev]`",
};

const ENTERPRISE: Unsupported = Unsupported {
    code: "E-CLOUD-ENTERPRISE",
    reason: "helix does not serve enterprise clusters",
    alternative: "push to a local instance, `[local.dev]`",
};

const fn target(name: &'static str, title: &'static str, role: Role, unsupported: Option<Unsupported>) -> Target {
    Target { name, title, role, unsupported, no_live: unsupported }
}

const fn elsewhere(name: &'static str, title: &'static str, role: Role) -> Target {
    Target { name, title, role, unsupported: None, no_live: Some(NOT_HERE) }
}

const fn container(name: &'static str, title: &'static str) -> Target {
    Target { name, title, role: Role::Platform, unsupported: None, no_live: Some(NOT_LIVE) }
}

/// Every target that a project file can name.
pub const TARGETS: [Target; 9] = [
    target("embedded", "this machine", Role::Platform, None),
    container("docker", "Docker"),
    container("podman", "Podman"),
    elsewhere("helix", "Helix Cloud", Role::Platform),
    elsewhere("fly", "Fly.io", Role::Platform),
    elsewhere("ecr", "AWS ECR", Role::Registry),
    elsewhere("ghcr", "the GitHub Container Registry", Role::Registry),
    elsewhere("docker_hub", "Docker Hub", Role::Registry),
    target("enterprise", "an enterprise cluster", Role::Platform, Some(ENTERPRISE)),
];

/// The target of that name.
///
/// # Panics
///
/// When there is none: names come from the project file's own types.
#[must_use]
pub fn find(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("every target of a project file is in the table")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_target_of_a_project_file_is_in_the_table() {
        let text = "[project]\nname=\"x\"\n[local.a]\n[local.b]\nport=1\nruntime=\"docker\"\n[local.c]\nport=2\nruntime=\"podman\"\n\
                    [cloud.d.helix]\ncluster_id=\"x\"\n[cloud.e.fly]\n[cloud.f.ecr]\n[cloud.g.ghcr]\nowner=\"x\"\n\
                    [cloud.h.docker_hub]\nnamespace=\"x\"\n[enterprise.i]\ncluster_id=\"x\"\navailability_mode=\"ha\"\n\
                    gateway_node_type=\"x\"\ndb_node_type=\"x\"\n";
        let config = Config::parse("helix.toml", text).unwrap();
        let named: Vec<&str> = config.instances.values().map(|instance| find(instance.target()).name).collect();
        assert_eq!(named, TARGETS.map(|target| target.name));
    }
}
