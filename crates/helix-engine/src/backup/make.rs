//! Making a backup beside whoever serves the data.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::check::unpack;
use super::files::{Scratch, create, failed, lock_shared, need_room, partial, rename, sync_folder};
use super::manifest::{self, DATA, MANIFEST, Manifest};
use super::{BackupError, Result};
use crate::engine::DATABASE;
use crate::storage::Lmdb;
use crate::storage::lmdb::Beside;

/// Level of zstd: fast, and nearly as small as higher ones.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 3;

/// How to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// What the manifest calls the instance.
    pub instance: String,
    /// Whether free pages are left out: a smaller copy that takes longer.
    pub compact: bool,
}

/// How an archive is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// A tar stream.
    #[default]
    Plain,
    /// A tar stream that zstd compressed.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Makes a backup folder of a data directory. All that was acknowledged before the call is in it; writers go on meanwhile.
///
/// # Errors
///
/// [`BackupError::NoData`], [`BackupError::Exists`], [`BackupError::NoRoom`], or when the store or the disk fails. Then there is
/// no folder.
pub fn copy(data: &Path, to: &Path, options: &CopyOptions) -> Result<Manifest> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let scratch = Scratch::new(partial(to))?;
    let manifest = snapshot(data, &scratch.0, options)?;
    rename(&scratch.0, to)?;
    Ok(manifest)
}

/// Writes a backup as one stream: the manifest, then the copy. The copy is made beside the data first, which needs room for it.
///
/// # Errors
///
/// [`BackupError::NoData`], [`BackupError::NoRoom`], or when the store, the disk or the stream fails.
pub fn archive(data: &Path, to: &mut impl Write, packing: Packing, options: &CopyOptions) -> Result<Manifest> {
    // Named after the process: several may do this at once. What a killed one left is removed by the next restore.
    let scratch = Scratch::new(data.join(format!("{SCRATCH}{}", std::process::id())))?;
    let manifest = snapshot(data, &scratch.0, options)?;
    let written = match packing {
        Packing::Plain => pack(&scratch.0, &mut *to).map(drop),
        #[cfg(feature = "zstd")]
        Packing::Zstd => zstd::Encoder::new(&mut *to, ZSTD_LEVEL)
            .and_then(|encoder| pack(&scratch.0, encoder))
            .and_then(|encoder| encoder.finish().map(drop)),
    };
    written.and_then(|()| to.flush()).map_err(failed("write", Path::new("the archive")))?;
    Ok(manifest)
}

/// Makes a backup file of a data directory, as [`archive`] does.
///
/// # Errors
///
/// As [`archive`], and [`BackupError::Exists`]. Then there is no file.
pub fn archive_to_file(data: &Path, to: &Path, packing: Packing, options: &CopyOptions) -> Result<Manifest> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let scratch = Scratch::new(partial(to))?;
    let manifest = snapshot(data, &scratch.0, options)?;
    pack_to_file(&scratch, to, packing)?;
    Ok(manifest)
}

/// Makes a backup of an archive that somebody else wrote, in the same form or in another; `None` is a folder.
///
/// # Errors
///
/// [`BackupError::Exists`], [`BackupError::NotABackup`], [`BackupError::Damaged`], or when the disk fails. Then there is nothing.
pub fn adopt(archive: &Path, to: &Path, packing: Option<Packing>) -> Result<Manifest> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let scratch = Scratch::new(partial(to))?;
    unpack(archive, &scratch.0)?;
    let manifest = manifest::read(&scratch.0)?;
    match packing {
        None => rename(&scratch.0, to)?,
        Some(packing) => pack_to_file(&scratch, to, packing)?,
    }
    Ok(manifest)
}

fn pack_to_file(scratch: &Scratch, to: &Path, packing: Packing) -> Result<()> {
    let path = scratch.0.join("archive");
    let file = create(&path)?;
    let packed = match packing {
        Packing::Plain => pack(&scratch.0, file),
        #[cfg(feature = "zstd")]
        Packing::Zstd => zstd::Encoder::new(file, ZSTD_LEVEL)
            .and_then(|encoder| pack(&scratch.0, encoder))
            .and_then(zstd::Encoder::finish),
    };
    packed.and_then(|file| file.sync_all()).map_err(failed("write", to))?;
    rename(&path, to)
}

/// How the folders begin in which archives are prepared, within the data directory.
pub(super) const SCRATCH: &str = ".backup-";

/// Puts a copy and its manifest into an empty folder.
fn snapshot(data: &Path, folder: &Path, options: &CopyOptions) -> Result<Manifest> {
    let database = data.join(DATABASE);
    if !database.join(DATA).is_file() {
        return Err(BackupError::NoData { path: data.to_owned() });
    }
    let _lock = lock_shared(data)?;
    let path = folder.join(DATA);
    {
        let store = Lmdb::open_beside(&database, Beside::Writer)?;
        need_room(folder, if options.compact { store.used_bytes()? } else { store.size_bytes()? })?;
        let mut file = create(&path)?;
        store.copy_to(&mut file, options.compact)?;
        file.sync_all().map_err(failed("write", &path))?;
    }
    let manifest = manifest::write(folder, &options.instance)?;
    sync_folder(folder)?;
    Ok(manifest)
}

/// Writes the files of a backup folder as a tar stream.
fn pack<W: Write>(folder: &Path, to: W) -> io::Result<W> {
    let mut tar = tar::Builder::new(to);
    tar.sparse(false);
    for name in [MANIFEST, DATA] {
        let mut file = File::open(folder.join(name))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o600);
        tar.append_data(&mut header, name, &mut file)?;
    }
    tar.into_inner()
}
