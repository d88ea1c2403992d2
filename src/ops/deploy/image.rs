//! The image of a release: built here, stored there.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Remote;
use crate::config::{Instance, Provider};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::oci;
use crate::integrations::role::Registry;
use crate::ops::build::Prepared;
use crate::ops::build::generate::Inputs;
use crate::ops::build::image::{self, ImageOptions};
use crate::ops::container;
use crate::project::Project;
use crate::registry::{Event, Pushed, Sent, Source, Watch};
use crate::ui::Step;

/// Between two looks at how far a push is.
const LOOK: Duration = Duration::from_millis(200);
/// The media type of the list of what is in an image.
const SBOM: &str = "application/vnd.cyclonedx+json";

/// An image, or several for several platforms, that are in the container runtime.
#[derive(Debug)]
pub(super) struct Local {
    source: Source,
    /// The list of what is in it; absent for an image that somebody else built.
    sbom: Option<PathBuf>,
}

/// Builds what is to be pushed, unless `named` is it.
pub(super) async fn build(
    remote: &Remote,
    ctx: &Ctx,
    project: &Project,
    inputs: &Inputs,
    named: Option<&str>,
) -> Result<Local, Failure> {
    let instance = Instance::Cloud(remote.cloud.clone());
    let docker = container::connect(ctx, project, &instance).await?;
    let cache = ctx.dirs.cache.join("layers");
    let source = |image: String| Source::Daemon { docker: docker.clone(), image, cache: cache.clone() };
    if let Some(reference) = named {
        let image = docker.image(reference).await?;
        return Ok(Local { source: source(image.id), sbom: None });
    }
    let prepared = Prepared::new(ctx, project, &instance, inputs)?;
    let platforms = match &remote.cloud.provider {
        Provider::Registry(registry) => registry.platforms.clone(),
        Provider::Fly(_) | Provider::Helix(_) | Provider::Enterprise(_) => vec!["linux/amd64".to_owned()],
    };
    let mut sources = Vec::new();
    let mut sbom = None;
    for platform in platforms {
        let options = ImageOptions { platform: Some(platform), ..ImageOptions::default() };
        let built = image::image(ctx, &docker, inputs, &prepared, remote.files.home(), &options).await?;
        sources.push(source(built.id));
        sbom = Some(built.sbom);
    }
    let source = match sources.pop() {
        Some(only) if sources.is_empty() => only,
        Some(last) => {
            sources.push(last);
            Source::Several(sources)
        }
        None => return Err(Failure::new("E-CFG-VALUE", ExitCode::Config, "`platforms` is empty")),
    };
    Ok(Local { source, sbom })
}

/// Puts an image into a registry, under these tags, with the list of what is in it. What is there is not sent.
pub(super) async fn publish(
    registry: &dyn Registry,
    local: &Local,
    tags: &[String],
    step: &Step<'_>,
) -> Result<Pushed, Failure> {
    let client = registry.client().await?;
    let told: Arc<Mutex<String>> = Arc::default();
    let hearing = told.clone();
    let watch = Watch::new(move |event| {
        if let Ok(mut told) = hearing.lock() {
            *told = describe(&event);
        }
    });
    let push = client.push_image(&local.source, tags, None, &watch);
    let mut push = std::pin::pin!(push);
    let mut shown = String::new();
    let pushed = loop {
        tokio::select! {
            pushed = &mut push => break pushed,
            () = tokio::time::sleep(LOOK) => {
                let now = told.lock().map(|told| told.clone()).unwrap_or_default();
                if now != shown {
                    step.progress(&now);
                    shown = now;
                }
            }
        }
    };
    let pushed = pushed.map_err(|error| registry_failure(registry, "push the image", error))?;
    if let Some(sbom) = local.sbom.as_ref().filter(|_| pushed.uploaded_bytes > 0) {
        let bytes = tokio::fs::read(sbom).await.map_err(|error| Failure::file("read", sbom, &error))?;
        let attached = client.attach(&pushed.digest, SBOM, SBOM, &bytes).await;
        attached.map_err(|error| registry_failure(registry, "attach the list of what is in the image", error))?;
    }
    Ok(pushed)
}

/// What a registry fails with, in terms that all targets share.
pub(super) fn registry_failure(
    registry: &dyn Registry,
    action: &str,
    error: crate::registry::RegistryError,
) -> Failure {
    oci::failed(registry.target(), action, &error).into()
}

fn describe(event: &Event<'_>) -> String {
    let short = |digest: &str| digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect::<String>();
    match event {
        Event::Exporting => "Reading the image".to_owned(),
        Event::Compressing(size) => format!("Compressing a layer of {}", megabytes(*size)),
        Event::Sending { digest, done, size } => {
            format!("Sending {}: {} of {}", short(digest), megabytes(*done), megabytes(*size))
        }
        Event::Arrived { digest, sent } => match sent {
            Sent::Present => format!("{} is there", short(digest)),
            Sent::Mounted => format!("{} is there, from another repository", short(digest)),
            Sent::Uploaded => format!("{} arrived", short(digest)),
        },
    }
}

/// A size in megabytes, for people.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
