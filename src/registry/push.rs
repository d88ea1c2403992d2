//! The push of an image: its blobs, its manifest by digest, its tags last, so that a tag never points to a part of an image.
//!
//! What a registry has is asked for first. An image that it has costs one question, and one more a tag.

mod cache;
mod canonical;
mod daemon;
mod layout;

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::blobs::{Blob, Sent, Watch};
use super::client::Client;
use super::error::{RegistryError, Result};
use super::manifest::{INDEX, ImageIndex, Manifest, Platform};
use super::reference::check_tag;
use crate::docker;

/// How many blobs are sent at once.
const PARALLEL: usize = 3;

/// Where an image is from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A container runtime of this machine.
    Daemon {
        /// The runtime.
        docker: docker::Client,
        /// The name or id of the image.
        image: String,
        /// A folder where compressed layers are kept for the next push.
        cache: PathBuf,
    },
    /// A folder in the layout of the OCI.
    Layout(PathBuf),
    /// Several, one a platform, under one name.
    Several(Vec<Self>),
}

/// An image of one platform that is ready to be pushed.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its configuration and layers.
    pub blobs: Vec<Blob>,
    /// Where it runs.
    pub platform: Option<Platform>,
}

/// What is ready to be pushed: its digest is known.
#[derive(Clone, Debug)]
pub struct Prepared {
    images: Vec<Image>,
    /// What the tags point to: the only image, or the list of them.
    root: Manifest,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of the image, or of the list of its platforms.
    pub digest: String,
    /// The bytes that are pulled: configuration and layers of all platforms.
    pub size_bytes: u64,
    /// The bytes that were sent for that.
    pub uploaded_bytes: u64,
    /// How many blobs were there.
    pub skipped: usize,
    /// How many blobs the registry had in another repository.
    pub mounted: usize,
    /// The tags that point to something else than before.
    pub moved: Vec<String>,
}

impl Source {
    /// Makes it ready: layers of a container runtime are compressed, unless they are in the cache.
    ///
    /// # Errors
    ///
    /// When the image is not there, or is damaged.
    pub async fn prepare(&self, watch: &Watch) -> Result<Prepared> {
        match self {
            Self::Daemon { docker, image, cache } => {
                Ok(Prepared::of(vec![daemon::image(docker, image, cache, watch).await?]))
            }
            Self::Layout(folder) => {
                let folder = folder.clone();
                let read = tokio::task::spawn_blocking(move || layout::read(&folder));
                read.await.map_err(|error| RegistryError::Image(error.to_string()))?
            }
            Self::Several(sources) => {
                let mut images = Vec::new();
                for source in sources {
                    images.extend(Box::pin(source.prepare(watch)).await?.images);
                }
                if images.is_empty() {
                    return Err(RegistryError::Image("there is none".to_owned()));
                }
                Ok(Prepared::of(images))
            }
        }
    }
}

impl Prepared {
    /// One image as it is; several with a list of their platforms.
    fn of(images: Vec<Image>) -> Self {
        let root = match images.as_slice() {
            [only] => only.manifest.clone(),
            all => {
                let listed = all.iter().map(|image| {
                    let mut descriptor = image.manifest.descriptor();
                    descriptor.platform.clone_from(&image.platform);
                    descriptor
                });
                let index = ImageIndex::of(listed.collect());
                Manifest::new(INDEX, serde_json::to_vec(&index).expect("an index is JSON"))
            }
        };
        Self { images, root }
    }

    /// The digest that it will have in every registry.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.root.digest
    }

    /// The images, one a platform.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    fn size_bytes(&self) -> u64 {
        self.images.iter().flat_map(|image| &image.blobs).map(|blob| blob.descriptor.size).sum()
    }
}

impl Client {
    /// Pushes an image under these tags. `from` is a repository of the same registry that may have some of it.
    ///
    /// # Errors
    ///
    /// When the image is not there, or the registry refuses. What arrived stays, and need not be sent again.
    pub async fn push_image(
        &self,
        source: &Source,
        tags: &[String],
        from: Option<&str>,
        watch: &Watch,
    ) -> Result<Pushed> {
        self.push_prepared(&source.prepare(watch).await?, tags, from, watch).await
    }

    /// The same for an image that is ready.
    ///
    /// # Errors
    ///
    /// As those of [`Client::push_image`].
    pub async fn push_prepared(
        &self,
        prepared: &Prepared,
        tags: &[String],
        from: Option<&str>,
        watch: &Watch,
    ) -> Result<Pushed> {
        for tag in tags {
            check_tag(tag)?;
        }
        let root = &prepared.root;
        let mut pushed = Pushed {
            digest: root.digest.clone(),
            size_bytes: prepared.size_bytes(),
            uploaded_bytes: 0,
            skipped: 0,
            mounted: 0,
            moved: Vec::new(),
        };
        if self.head(&root.digest).await?.is_some() {
            pushed.skipped = prepared.images.iter().map(|image| image.blobs.len()).sum();
        } else {
            for image in &prepared.images {
                self.push_blobs(&image.blobs, from, watch, &mut pushed).await?;
                self.put_manifest(&image.manifest.digest, &image.manifest).await?;
            }
            if root.is_index() {
                self.put_manifest(&root.digest, root).await?;
            }
            // Seen with our own eyes, before anything points to it.
            let there = self.head(&root.digest).await?;
            match there {
                Some(head) if head.digest == root.digest => {}
                Some(head) => return Err(self.differs(&root.digest, &head.digest)),
                None => return Err(self.absent(&root.digest)),
            }
        }
        for tag in tags {
            if self.head(tag).await?.is_none_or(|head| head.digest != root.digest) {
                self.put_manifest(tag, root).await?;
                pushed.moved.push(tag.clone());
            }
        }
        Ok(pushed)
    }

    async fn push_blobs(&self, blobs: &[Blob], from: Option<&str>, watch: &Watch, pushed: &mut Pushed) -> Result<()> {
        let mut known = BTreeSet::new();
        let distinct: Vec<&Blob> = blobs.iter().filter(|blob| known.insert(&blob.descriptor.digest)).collect();
        let mut calls = Vec::new();
        for blob in distinct {
            calls.push(async move { Ok::<_, RegistryError>((blob, self.push_blob(blob, from, watch).await?)) });
        }
        let mut sent = futures_util::stream::iter(calls).buffer_unordered(PARALLEL);
        while let Some((blob, sent)) = sent.try_next().await? {
            match sent {
                Sent::Present => pushed.skipped += 1,
                Sent::Mounted => pushed.mounted += 1,
                Sent::Uploaded => pushed.uploaded_bytes += blob.descriptor.size,
            }
        }
        Ok(())
    }
}
