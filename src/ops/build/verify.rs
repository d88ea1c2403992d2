//! Whether a build is reproducible: another one, from nothing, must give the same layers.

use super::error::{BuildError, Result};
use super::image::{self, BuiltImage};
use super::prepared::Prepared;
use crate::ctx::Ctx;
use crate::docker::{Client, build};

/// Builds an image once more without what earlier builds left, and compares. The other image is removed.
///
/// # Errors
///
/// [`BuildError::NotReproducible`] when a layer is another one; otherwise as a build.
pub async fn verify(ctx: &Ctx, client: &Client, prepared: &Prepared, built: &BuiltImage) -> Result<()> {
    let refused = |error: crate::docker::DockerError| BuildError::NoDaemon(error.to_string());
    let docker = client.docker();
    let builder = build::builder(docker).await.map_err(|error| BuildError::NoDaemon(error.to_string()))?;
    let step = ctx.ui.step("build.verify", "Building the image once more");
    let other = format!("{}-verify", built.reference);
    let request = image::request(prepared, builder, vec![other.clone()], Some(built.platform.clone()), true)?;
    image::send(ctx, docker, &request, &built.log.with_extension("verify.log"), &step).await?;
    let (_, first) = client.layers(&built.id).await.map_err(refused)?;
    let (_, second) = client.layers(&other).await.map_err(refused)?;
    let image = client.image(&other).await.map_err(refused)?;
    client.remove_image(&image).await.map_err(refused)?;
    let differing: Vec<usize> =
        (0..first.len().max(second.len())).filter(|number| first.get(*number) != second.get(*number)).collect();
    if !differing.is_empty() {
        return Err(BuildError::NotReproducible { layers: differing, of: first.len() });
    }
    step.done("Built the same image");
    Ok(())
}
