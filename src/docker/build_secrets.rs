//! A build with secrets: only BuildKit's own protocol carries them, so that it is spoken here instead of the daemon's `/build`.
//!
//! The daemon asks for a secret when a step mounts it; none is in the context, in a layer, or in an argument. The protocol's
//! client tells no steps while it runs, and asks for no network of the host's.

use std::path::Path;

use bollard::Docker;
use bollard::grpc::build::{
    ImageBuildFrontendOptionsBuilder, ImageBuildLoadInput, ImageBuildNetworkMode, ImageBuildPlatform, SecretSource,
};
use bollard::grpc::driver::Build as _;
use bollard::grpc::driver::moby::Moby;
use bollard::grpc::error::GrpcError;

use super::build::{BuildFailed, BuildRequest};

/// Builds an image under its first name.
///
/// # Errors
///
/// When a step fails or the daemon refuses.
pub(super) async fn build(docker: &Docker, request: &BuildRequest) -> Result<(), BuildFailed> {
    let mut options =
        ImageBuildFrontendOptionsBuilder::new().dockerfile(Path::new("Dockerfile")).nocache(request.no_cache);
    for (name, value) in &request.build_args {
        options = options.buildarg(name, value);
    }
    for (id, variable) in &request.secrets {
        options = options.set_secret(id, &SecretSource::Env(variable.clone()));
    }
    if let Some(platform) = &request.platform {
        options = options.platforms(&parse(platform));
    }
    if request.network.as_deref() == Some("none") {
        options = options.force_network_mode(&ImageBuildNetworkMode::None);
    }
    let name = request.tags.first().map_or("", String::as_str);
    let context = ImageBuildLoadInput::Upload(request.context.clone());
    let built = Moby::new(docker).docker_build(name, options.build(), context, None, None).await;
    built.map_err(|error| match error {
        GrpcError::TonicStatus { err } => BuildFailed::Step { step: None, message: err.message().to_owned() },
        GrpcError::DockerError { err } => BuildFailed::Daemon(err),
        other => BuildFailed::Step { step: None, message: other.to_string() },
    })
}

/// `os/architecture` or `os/architecture/variant`.
fn parse(platform: &str) -> ImageBuildPlatform {
    let mut parts = platform.splitn(3, '/').map(str::to_owned);
    ImageBuildPlatform {
        os: parts.next().unwrap_or_default(),
        architecture: parts.next().unwrap_or_default(),
        variant: parts.next(),
    }
}
