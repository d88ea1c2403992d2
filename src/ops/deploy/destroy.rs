//! What is removed of an instance elsewhere.

use super::{Kind, Remote, rollback};
use crate::errors::Failure;

/// What would be removed, for people.
///
/// # Errors
///
/// When the target does not say.
pub async fn things(remote: &Remote, keep_data: bool) -> Result<Vec<String>, Failure> {
    match &remote.kind {
        Kind::Platform(platform) => Ok(platform.things().await?),
        Kind::Registry(_) if keep_data => Ok(Vec::new()),
        Kind::Registry(_) => {
            let all = rollback::history(remote).await?;
            Ok(all.into_iter().filter(|one| one.available).filter_map(|one| one.image).collect())
        }
    }
}

/// Removes it. What is gone is gone; doing it again finishes it. The images of a registry are its data.
///
/// # Errors
///
/// When something cannot be removed.
pub async fn destroy(remote: &Remote, keep_data: bool) -> Result<Vec<String>, Failure> {
    match &remote.kind {
        Kind::Platform(platform) => Ok(platform.destroy(!keep_data).await?),
        Kind::Registry(registry) => {
            let images = things(remote, keep_data).await?;
            let digests: Vec<String> =
                images.iter().filter_map(|image| image.split_once('@')).map(|(_, digest)| digest.to_owned()).collect();
            Ok(registry.remove(&digests).await?)
        }
    }
}
