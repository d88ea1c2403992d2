//! Images of a folder in the layout of the OCI: `oci-layout`, `index.json`, `blobs/sha256/…`. They are pushed byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Image, Prepared};
use crate::registry::error::{RegistryError, Result};
use crate::registry::manifest::{Descriptor, INDEX, ImageIndex, ImageManifest, Manifest};
use crate::registry::reference::check_digest;
use crate::registry::{Blob, Content};

/// The images of a folder.
pub(super) fn read(folder: &Path) -> Result<Prepared> {
    let path = folder.join("index.json");
    let bytes = fs::read(&path).map_err(RegistryError::file("read", &path))?;
    let index: ImageIndex = parse(&bytes, "index")?;
    let root = match index.manifests.as_slice() {
        [only] => manifest(folder, only)?,
        [] => return Err(RegistryError::Image("the folder holds none".to_owned())),
        _ => Manifest::new(INDEX, bytes),
    };
    let images = if root.is_index() {
        let listed: ImageIndex = parse(&root.bytes, "index")?;
        listed.manifests.iter().map(|descriptor| image(folder, descriptor)).collect::<Result<_>>()?
    } else {
        vec![image(folder, &index.manifests[0])?]
    };
    Ok(Prepared { images, root })
}

fn parse<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| RegistryError::Image(format!("its {what} is not as it should be: {error}")))
}

fn path(folder: &Path, digest: &str) -> Result<PathBuf> {
    check_digest(digest)?;
    Ok(folder.join("blobs").join(digest.replacen(':', "/", 1)))
}

/// A manifest, seen to be what it is called.
fn manifest(folder: &Path, descriptor: &Descriptor) -> Result<Manifest> {
    let path = path(folder, &descriptor.digest)?;
    let found = Manifest::new(&descriptor.media_type, fs::read(&path).map_err(RegistryError::file("read", &path))?);
    if found.digest == descriptor.digest {
        Ok(found)
    } else {
        Err(RegistryError::Image(format!("`{}` is damaged", path.display())))
    }
}

fn image(folder: &Path, descriptor: &Descriptor) -> Result<Image> {
    let manifest = manifest(folder, descriptor)?;
    if manifest.is_index() {
        return Err(RegistryError::Image("its index lists another one".to_owned()));
    }
    let parts: ImageManifest = parse(&manifest.bytes, "manifest")?;
    let blob = |descriptor: Descriptor| {
        let path = path(folder, &descriptor.digest)?;
        let size = fs::metadata(&path).map_err(RegistryError::file("read", &path))?.len();
        if size != descriptor.size {
            return Err(RegistryError::Image(format!("`{}` is damaged", path.display())));
        }
        Ok(Blob { descriptor, content: Content::File(path) })
    };
    let blobs = std::iter::once(parts.config).chain(parts.layers).map(blob).collect::<Result<_>>()?;
    Ok(Image { manifest, blobs, platform: descriptor.platform.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::manifest::{CONFIG, MANIFEST, digest};

    fn put(folder: &Path, media_type: &str, bytes: &[u8]) -> Descriptor {
        let digest = digest(bytes);
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(path(folder, &digest).unwrap(), bytes).unwrap();
        Descriptor::of(media_type, bytes)
    }

    #[test]
    fn a_folder_is_read_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (config, layer) = (put(folder, CONFIG, b"{}"), put(folder, "x", b"layer"));
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers: vec![layer.clone()],
            subject: None,
            annotations: Default::default(),
        };
        let descriptor = put(folder, MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        let write = |manifests: Vec<Descriptor>| {
            fs::write(folder.join("index.json"), serde_json::to_vec(&ImageIndex::of(manifests)).unwrap()).unwrap();
        };
        write(vec![descriptor.clone()]);
        let one = read(folder).unwrap();
        assert_eq!((one.digest(), one.images().len()), (descriptor.digest.as_str(), 1));
        write(vec![descriptor.clone(), descriptor.clone()]);
        let two = read(folder).unwrap();
        assert!(two.images().len() == 2 && two.root.is_index());
        write(vec![]);
        assert!(read(folder).is_err());
        write(vec![descriptor]);
        fs::write(path(folder, &layer.digest).unwrap(), b"lay").unwrap();
        assert!(read(folder).unwrap_err().to_string().contains("damaged"));
    }
}
