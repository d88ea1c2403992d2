//! Images of a container runtime: exported as `docker save` does, their layers compressed so that the same bytes come out each time.
//!
//! Which files of the export are layers is told by their digests alone, so that the formats of Docker, of its newer store, and of
//! Podman are read the same way. Nothing is exported of an image whose layers and configuration are in the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bytes::{Buf as _, Bytes};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use futures_util::StreamExt as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::Image;
use super::cache::Cache;
use super::canonical::canonical;
use crate::docker::{Client, DockerError};
use crate::registry::Blob;
use crate::registry::blobs::{Event, Watch};
use crate::registry::error::{RegistryError, Result};
use crate::registry::manifest::{CONFIG, ImageConfig, ImageManifest, MANIFEST, Manifest};

/// The largest file of an export that may be a configuration.
const MAX_CONFIG: u64 = 4 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Pieces of an export that wait to be read.
const AHEAD: usize = 8;

/// Labels that are of use to those who do not pull the image.
const TOLD: [&str; 2] = ["dev.helix.", "org.opencontainers.image."];

/// An image, ready to be pushed.
pub(super) async fn image(docker: &Client, name: &str, cache: &Path, watch: &Watch) -> Result<Image> {
    let (id, diff_ids) = docker.layers(name).await?;
    if diff_ids.is_empty() {
        return Err(RegistryError::Image("it has no layers".to_owned()));
    }
    let cache = Cache::open(cache)?;
    let missing: BTreeSet<String> = diff_ids.iter().filter(|diff_id| cache.layer(diff_id).is_none()).cloned().collect();
    if !missing.is_empty() || cache.config(&id).is_none() {
        watch.tell(Event::Exporting);
        export(docker, &id, missing, &cache, watch).await?;
    }
    let lost = |what: &str| RegistryError::Image(format!("the container runtime gave it away without {what}"));
    let config = cache.config(&id).ok_or_else(|| lost("its configuration"))?;
    let layers: Option<Vec<Blob>> = diff_ids.iter().map(|diff_id| cache.layer(diff_id)).collect();
    let layers = layers.ok_or_else(|| lost("all of its layers"))?;
    if let Err(error) = cache.trim(&diff_ids) {
        tracing::debug!(%error, "old layers stay in the cache");
    }
    assemble(config, &diff_ids, layers)
}

/// An image of a configuration and its layers.
fn assemble(config: Bytes, diff_ids: &[String], layers: Vec<Blob>) -> Result<Image> {
    let config = canonical(config)?;
    let settings: ImageConfig = serde_json::from_slice(&config)
        .map_err(|error| RegistryError::Image(format!("its configuration is not as it should be: {error}")))?;
    if settings.diff_ids() != diff_ids {
        return Err(RegistryError::Image("its configuration names other layers".to_owned()));
    }
    let config = Blob::bytes(CONFIG, config);
    let mut annotations = settings.labels();
    annotations.retain(|name, _| TOLD.iter().any(|prefix| name.starts_with(prefix)));
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: None,
        config: config.descriptor.clone(),
        layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        subject: None,
        annotations,
    };
    let manifest = Manifest::new(MANIFEST, serde_json::to_vec(&manifest).expect("a manifest is JSON"));
    let blobs = std::iter::once(config).chain(layers).collect();
    Ok(Image { manifest, blobs, platform: Some(settings.platform()) })
}

/// Fills the cache with the configuration of an image and its missing layers.
async fn export(docker: &Client, id: &str, missing: BTreeSet<String>, cache: &Cache, watch: &Watch) -> Result<()> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (kept, image, told) = (cache.clone(), id.to_owned(), watch.clone());
    let unpacking = tokio::task::spawn_blocking(move || {
        let archive = Pieces { receiver, current: Bytes::new() };
        unpack(archive, &image, &missing, &kept, &told)
    });
    let mut pieces = std::pin::pin!(docker.export(id));
    while let Some(piece) = pieces.next().await {
        // Whoever reads it has failed, and says so.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    unpacking.await.map_err(|error| RegistryError::Image(error.to_string()))?
}

/// An export as a blocking reader.
struct Pieces {
    receiver: mpsc::Receiver<Result<Bytes, DockerError>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.current = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Config")]
    config: String,
}

/// Reads an export: missing layers are compressed into the cache, and the configuration is kept.
fn unpack(archive: impl Read, id: &str, missing: &BTreeSet<String>, cache: &Cache, watch: &Watch) -> Result<()> {
    let scratch = cache.scratch()?;
    let broken = |error: io::Error| RegistryError::Image(format!("it cannot be read: {error}"));
    let mut small = BTreeMap::new();
    let mut archive = tar::Archive::new(archive);
    let mut done = BTreeSet::new();
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        // Layers that are there twice are links the second time.
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        let path = scratch.path().join(number.to_string());
        let found = Unpacked::write(&mut entry, &path)?;
        if found.size <= MAX_CONFIG {
            small.insert(name, std::fs::read(&path).map_err(RegistryError::file("read", &path))?);
        }
        if missing.contains(&found.diff_id) && done.insert(found.diff_id.clone()) {
            found.keep(cache, watch)?;
        } else {
            std::fs::remove_file(&path).map_err(RegistryError::file("remove", &path))?;
        }
    }
    let listed = small.get("manifest.json").and_then(|text| serde_json::from_slice::<Vec<Listed>>(text).ok());
    let config = listed.and_then(|listed| small.get(&listed.first()?.config));
    let config = config.ok_or_else(|| RegistryError::Image("its export names no configuration".to_owned()))?;
    cache.keep_config(id, config)
}

/// A file of an export.
struct Unpacked {
    path: PathBuf,
    size: u64,
    /// The digest of the file; of what is in it when it is compressed.
    diff_id: String,
    /// The digest of the compressed file.
    compressed: Option<String>,
}

impl Unpacked {
    /// Writes a file, and hashes it on the way.
    fn write(from: &mut impl Read, path: &Path) -> Result<Self> {
        let failed = || RegistryError::file("write", path);
        let file = File::create_new(path).map_err(failed())?;
        let mut out = Hashed::new(BufWriter::new(file));
        let size = io::copy(from, &mut out).map_err(failed())?;
        let (digest, mut out) = out.finish();
        out.flush().map_err(failed())?;
        let mut unpacked = Self { path: path.to_owned(), size, diff_id: digest.clone(), compressed: None };
        let mut start = [0; 2];
        let is_gzip = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == GZIP;
        if is_gzip {
            let file = File::open(path).map_err(RegistryError::file("read", path))?;
            let mut plain = Hashed::new(io::sink());
            // What only looks like it is none of ours.
            if io::copy(&mut GzDecoder::new(BufReader::new(file)), &mut plain).is_ok() {
                (unpacked.diff_id, unpacked.compressed) = (plain.finish().0, Some(digest));
            }
        }
        Ok(unpacked)
    }

    /// Compresses it into the cache; what is compressed already stays as it is.
    fn keep(self, cache: &Cache, watch: &Watch) -> Result<()> {
        if let Some(digest) = self.compressed {
            return cache.keep_layer(&self.diff_id, &self.path, digest, self.size);
        }
        watch.tell(Event::Compressing(self.size));
        let path = self.path.with_extension("gz");
        let (digest, size) = compress(&self.path, &path)?;
        std::fs::remove_file(&self.path).map_err(RegistryError::file("remove", &self.path))?;
        cache.keep_layer(&self.diff_id, &path, digest, size)
    }
}

/// Compresses a file, without time and name: the same file gives the same bytes. Gives their digest and number.
fn compress(from: &Path, to: &Path) -> Result<(String, u64)> {
    let mut source = BufReader::new(File::open(from).map_err(RegistryError::file("read", from))?);
    let failed = || RegistryError::file("write", to);
    let out = Hashed::new(BufWriter::new(File::create_new(to).map_err(failed())?));
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::default());
    io::copy(&mut source, &mut gzip).map_err(failed())?;
    let out = gzip.finish().map_err(failed())?;
    let size = out.count;
    let (digest, out) = out.finish();
    let file = out.into_inner().map_err(|error| failed()(error.into_error()))?;
    file.sync_all().map_err(failed())?;
    Ok((digest, size))
}

/// Hashes and counts what is written.
struct Hashed<W> {
    hash: Sha256,
    count: u64,
    out: W,
}

impl<W> Hashed<W> {
    fn new(out: W) -> Self {
        Self { hash: Sha256::new(), count: 0, out }
    }

    fn finish(self) -> (String, W) {
        (format!("sha256:{}", hex::encode(self.hash.finalize())), self.out)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
