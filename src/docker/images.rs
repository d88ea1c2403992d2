//! Images: finding, and removing, never by a part of a name.

use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use futures_util::{Stream, StreamExt as _};

use super::containers::gone;
use super::error::{DockerError, Result};
use super::{Client, Labels, filters};

/// An image of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: Labels,
    /// The room that it takes, in bytes; layers that others share are counted in full.
    pub size_bytes: u64,
}

impl Client {
    /// The image of that name or id.
    ///
    /// # Errors
    ///
    /// [`DockerError::NoImage`] when it is not on this machine.
    pub async fn image(&self, reference: &str) -> Result<Image> {
        match self.docker.inspect_image(reference).await.map_err(DockerError::of("inspect the image")) {
            Ok(found) => Ok(Image {
                id: found.id.unwrap_or_default(),
                tags: found.repo_tags.unwrap_or_default(),
                labels: found.config.and_then(|config| config.labels).unwrap_or_default().into_iter().collect(),
                size_bytes: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            }),
            Err(error) if error.is_not_found() => Err(DockerError::NoImage { image: reference.to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// The id of the image of that name or id, and its layers: the digests of their archives before compression, from the bottom.
    ///
    /// # Errors
    ///
    /// [`DockerError::NoImage`] when it is not on this machine.
    pub async fn layers(&self, reference: &str) -> Result<(String, Vec<String>)> {
        match self.docker.inspect_image(reference).await.map_err(DockerError::of("inspect the image")) {
            Ok(found) => {
                let layers = found.root_fs.and_then(|files| files.layers).unwrap_or_default();
                Ok((found.id.unwrap_or_default(), layers))
            }
            Err(error) if error.is_not_found() => Err(DockerError::NoImage { image: reference.to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// An image as an archive, in the format of `docker save`, piece by piece.
    pub fn export(&self, id: &str) -> impl Stream<Item = Result<bytes::Bytes>> + Send + use<> {
        let (docker, id) = (self.docker.clone(), id.to_owned());
        futures_util::stream::once(async move { docker.export_image(&id).boxed() })
            .flatten()
            .map(|piece| piece.map_err(DockerError::of("read the image")))
    }

    /// The images that have all of these labels.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn images(&self, labels: &Labels) -> Result<Vec<Image>> {
        let options = ListImagesOptions { filters: Some(filters(labels)), ..Default::default() };
        let listed = self.docker.list_images(Some(options)).await.map_err(DockerError::of("list images"))?;
        let image = |one: bollard::models::ImageSummary| Image {
            id: one.id,
            tags: one.repo_tags.into_iter().filter(|tag| tag != "<none>:<none>").collect(),
            labels: one.labels.into_iter().collect(),
            size_bytes: u64::try_from(one.size).unwrap_or_default(),
        };
        Ok(listed.into_iter().map(image).collect())
    }

    /// Removes an image with all of its names. That it is not there is fine; one that a container has stays, and is refused.
    ///
    /// # Errors
    ///
    /// When a container has it, or the runtime refuses.
    pub async fn remove_image(&self, image: &Image) -> Result<()> {
        // By its names first: an id with several of them is only removed by force, which would take it from stopped containers.
        for reference in image.tags.iter().chain(image.tags.is_empty().then_some(&image.id)) {
            let removed = self.docker.remove_image(reference, None::<RemoveImageOptions>, None).await;
            gone(removed.map(drop).map_err(DockerError::of("remove the image")))?;
        }
        Ok(())
    }
}
