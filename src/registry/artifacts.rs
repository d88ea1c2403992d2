//! What belongs to an image and is stored beside it: lists of contents, signatures (distribution specification 1.1, "referrers").

use std::collections::BTreeMap;

use reqwest::header::HeaderName;

use super::auth::Access;
use super::blobs::{Blob, Watch};
use super::client::{Client, present, text};
use super::error::{RegistryError, Result};
use super::manifest::{Descriptor, EMPTY, INDEX, ImageIndex, ImageManifest, MANIFEST, Manifest};
use crate::http::HttpError;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl Client {
    /// Stores bytes as something about the image with that digest; gives the digest of their manifest. Doing it twice changes
    /// nothing the second time.
    ///
    /// # Errors
    ///
    /// When there is no such image, or the registry refuses.
    pub async fn attach(&self, subject: &str, artifact_type: &str, media_type: &str, bytes: &[u8]) -> Result<String> {
        let head = self.head(subject).await?.ok_or_else(|| self.absent(subject))?;
        let (nothing, content) = (Blob::bytes(EMPTY, "{}"), Blob::bytes(media_type, bytes.to_vec()));
        for blob in [&nothing, &content] {
            self.push_blob(blob, None, &Watch::default()).await?;
        }
        let artifact = ImageManifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: Some(artifact_type.to_owned()),
            config: nothing.descriptor,
            layers: vec![content.descriptor],
            subject: Some(Descriptor::new(&head.media_type, head.digest.clone(), head.size)),
            annotations: BTreeMap::new(),
        };
        let (manifest, is_listed) = self.put_artifact(artifact).await?;
        if !is_listed {
            let mut descriptor = manifest.descriptor();
            descriptor.artifact_type = Some(artifact_type.to_owned());
            self.list(&head.digest, descriptor).await?;
        }
        Ok(manifest.digest)
    }

    /// Stores the manifest of an artifact; whether the registry lists it by itself. Older ones do not know what it is about, and
    /// some refuse to be told.
    async fn put_artifact(&self, mut artifact: ImageManifest) -> Result<(Manifest, bool)> {
        let encoded = |artifact: &ImageManifest| {
            let bytes = serde_json::to_vec(artifact).map_err(|error| RegistryError::Image(error.to_string()))?;
            Ok::<_, RegistryError>(Manifest::new(MANIFEST, bytes))
        };
        let manifest = encoded(&artifact)?;
        match self.put(&manifest.digest, &manifest).await {
            Ok(answer) => Ok((manifest, text(answer.headers(), &SUBJECT).is_some())),
            Err(error) if error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 405)) => {
                artifact.subject = None;
                let manifest = encoded(&artifact)?;
                self.put(&manifest.digest, &manifest).await?;
                Ok((manifest, false))
            }
            Err(error) => Err(error),
        }
    }

    /// Lists an artifact under the tag that stands for what a registry does not list.
    async fn list(&self, subject: &str, artifact: Descriptor) -> Result<()> {
        let tag = list_tag(subject);
        let mut index = self.listed(&tag).await?;
        if index.manifests.iter().any(|listed| listed.digest == artifact.digest) {
            return Ok(());
        }
        index.manifests.push(artifact);
        let bytes = serde_json::to_vec(&index).map_err(|error| RegistryError::Image(error.to_string()))?;
        self.put_manifest(&tag, &Manifest::new(INDEX, bytes)).await
    }

    async fn listed(&self, tag: &str) -> Result<ImageIndex> {
        match self.manifest(tag).await? {
            Some(found) => serde_json::from_slice(&found.bytes)
                .map_err(|_| RegistryError::Image(format!("the tag `{tag}` is no list of artifacts"))),
            None => Ok(ImageIndex::of(Vec::new())),
        }
    }

    /// What is stored about the image with that digest.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should.
    pub async fn referrers(&self, digest: &str) -> Result<Vec<Descriptor>> {
        let path = self.path(&format!("referrers/{digest}"));
        let answer = self.call(Access::Pull, None, |api| api.get(&path)).await;
        let index = match present(answer)? {
            Some(answer) => {
                let url = answer.url().clone();
                let broken = |error: &str| self.failed(HttpError::malformed(&reqwest::Method::GET, &url, error));
                let bytes = answer.bytes().await.map_err(|error| broken(&error.to_string()))?;
                serde_json::from_slice(&bytes).map_err(|error| broken(&error.to_string()))?
            }
            None => self.listed(&list_tag(digest)).await?,
        };
        Ok(index.manifests)
    }
}

/// `sha256-…`: the tag of the list of what is about a digest.
fn list_tag(digest: &str) -> String {
    digest.replacen(':', "-", 1)
}
