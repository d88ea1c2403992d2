//! Files of an image, read without running anything of it.

use std::collections::BTreeMap;
use std::io::Read as _;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptions, DownloadFromContainerOptions, RemoveContainerOptions};
use futures_util::StreamExt as _;

use super::Client;
use super::error::{DockerError, Result};

/// The most that is read of one path, in bytes.
const MAX_BYTES: usize = 64 << 20;

impl Client {
    /// The files at each of some paths of an image, by their names in an archive: one of a file, those below a folder, none where
    /// there is nothing.
    ///
    /// # Errors
    ///
    /// When the image is not there, or the runtime refuses.
    pub async fn files_of(&self, image: &str, paths: &[&str]) -> Result<Vec<BTreeMap<String, Vec<u8>>>> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            // Never run: what is created must name something.
            cmd: Some(vec!["none".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let created = self.docker.create_container(None::<CreateContainerOptions>, body).await;
        let id = created.map_err(DockerError::of("open the image"))?.id;
        let mut found = Vec::with_capacity(paths.len());
        for path in paths {
            found.push(self.files_at(&id, path).await);
        }
        let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        let removed = self.docker.remove_container(&id, Some(options)).await;
        removed.map_err(DockerError::of("close the image"))?;
        found.into_iter().collect()
    }

    async fn files_at(&self, container: &str, path: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let mut stream = std::pin::pin!(self.docker.download_from_container(container, Some(options)));
        let mut archive = Vec::new();
        while let Some(piece) = stream.next().await {
            match piece.map_err(DockerError::of("read a file of the image")) {
                Ok(piece) if archive.len() + piece.len() <= MAX_BYTES => archive.extend_from_slice(&piece),
                Ok(_) => return Ok(BTreeMap::new()),
                Err(error) if error.is_not_found() => return Ok(BTreeMap::new()),
                Err(error) => return Err(error),
            }
        }
        Ok(unpack(&archive))
    }
}

/// The files of an archive; of a damaged one, those before the damage.
fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().into_iter().flatten().map_while(std::result::Result::ok);
    let files = entries.filter(|entry| entry.header().entry_type().is_file()).filter_map(|mut entry| {
        let name = entry.path().ok()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).ok()?;
        Some((name, bytes))
    });
    files.collect()
}
