//! The API of Docker and Podman.

pub mod build;

use std::collections::BTreeMap;

use bollard::Docker;

/// The client of the daemon that `DOCKER_HOST` names, or of the one of this machine.
///
/// # Errors
///
/// When the address cannot be used or nobody answers there.
pub async fn connect(env: &BTreeMap<String, String>) -> Result<Docker, bollard::errors::Error> {
    let docker = match env.get("DOCKER_HOST").filter(|host| !host.is_empty()) {
        Some(host) => Docker::connect_with_host(host)?,
        None => Docker::connect_with_defaults()?,
    };
    docker.negotiate_version().await
}
