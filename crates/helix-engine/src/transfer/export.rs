//! Writing an export beside whoever serves the data.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use helix_plan::ItemKind;
use sha2::{Digest as _, Sha256};

use super::manifest::{Contents, Entry, KINDS, PLAN, file_name, kind_name};
use super::{Progress, Result, TransferError, failed, line};
use crate::backup::files::{Scratch, create, lock_shared, partial, rename, sync_folder};
use crate::backup::{BackupError, DATA, StoredFile};
use crate::catalog::{self, LiveCatalog, LiveType};
use crate::engine::DATABASE;
use crate::error::EngineError;
use crate::graph;
use crate::ids::IdCodec;
use crate::row::{self, Arena, Header};
use crate::storage::lmdb::Beside;
use crate::storage::meta::{self, Meta};
use crate::storage::{Lmdb, ReadTxn, Store as _};
use crate::vector;

/// Exports a data directory into a new folder. All that was acknowledged before the call is in it; writers go on meanwhile.
///
/// # Errors
///
/// When there is no data or no schema, the place is taken, or the disk is full. Then there is no folder.
pub fn export(data: &Path, to: &Path, progress: &Progress) -> Result<Contents> {
    let database = data.join(DATABASE);
    if !database.join(DATA).is_file() {
        return Err(BackupError::NoData { path: data.to_owned() }.into());
    }
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() }.into());
    }
    let _lock = lock_shared(data)?;
    let store = Lmdb::open_beside(&database, Beside::Writer)?;
    let txn = store.read()?;
    let program = catalog::active(&txn)?.ok_or_else(|| TransferError::NoSchema { path: data.to_owned() })?;
    let live = LiveCatalog::load(&txn, &program.catalog)?;
    let secret = meta::get_array::<16>(&txn, Meta::Secret)?
        .ok_or_else(|| EngineError::Damaged("the database has no secret".to_owned()))?;
    let last_id = meta::get_array::<8>(&txn, Meta::LastId)?.map_or(0, u64::from_be_bytes);

    let scratch = Scratch::new(partial(to))?;
    let folder = &scratch.0;
    let mut plan = Sink::new(folder, PLAN)?;
    plan.write(&program.encode())?;
    let plan = plan.finish()?;
    let mut types = Vec::new();
    for kind in KINDS {
        for ty in live.of(kind) {
            let mut sink = Sink::new(folder, &file_name(kind, &ty.name))?;
            let items = items(&txn, ty, IdCodec::new(secret), &mut sink, progress)?;
            let (kind, name) = (kind_name(kind).to_owned(), ty.name.clone());
            types.push(Entry { kind, name, items, file: sink.finish()? });
        }
    }
    let contents = Contents::new(&program, secret, last_id, plan, types);
    contents.write(folder)?;
    sync_folder(folder)?;
    progress.go_on()?;
    rename(folder, to)?;
    Ok(contents)
}

/// Writes every item of a type, in the order of creation; gives how many there are.
fn items<T: ReadTxn>(txn: &T, ty: &LiveType, codec: IdCodec, to: &mut Sink, progress: &Progress) -> Result<u64> {
    let (mut arena, mut line) = (Arena::new(), Vec::new());
    let mut count = 0;
    for entry in graph::scan(txn, ty)? {
        let (id, bytes) = entry?;
        let (header, data) = match ty.item.kind {
            ItemKind::Node => (Header::Node, Vec::new()),
            ItemKind::Edge => {
                let (from, to) = row::edge_ends(bytes)?;
                (Header::Edge { from, to }, Vec::new())
            }
            ItemKind::Vector => {
                let slot = row::vector_slot(bytes)?;
                (Header::Vector { slot }, vector::read(txn, ty.stored, slot)?)
            }
        };
        line.clear();
        line::write((ty, id, bytes), (header, &data), codec, &arena, &mut line)?;
        to.write(&line)?;
        arena.reset();
        count += 1;
        progress.item()?;
    }
    Ok(count)
}

/// A new private file, hashed while it is written.
struct Sink {
    file: BufWriter<File>,
    path: std::path::PathBuf,
    name: String,
    hash: Sha256,
    size_bytes: u64,
}

impl Sink {
    fn new(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let file = BufWriter::with_capacity(1 << 18, create(&path)?);
        Ok(Self { file, path, name: name.to_owned(), hash: Sha256::new(), size_bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(failed("write", &self.path))
    }

    fn finish(self) -> Result<StoredFile> {
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).map_err(failed("write", &self.path))?;
        Ok(StoredFile { name: self.name, size_bytes: self.size_bytes, sha256: hex::encode(self.hash.finalize()) })
    }
}
