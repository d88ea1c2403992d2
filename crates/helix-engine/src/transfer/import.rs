//! Filling an empty database from an export.
//!
//! The database is built and checked beside the data directory's own, then one rename puts it in place. Whenever this is killed,
//! the data is empty as before, or all there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use helix_plan::{ItemKind, Program};
use sha2::{Digest as _, Sha256};

use super::line::{self, Item};
use super::manifest::{self, Contents, Entry, KINDS, file_name, kind_name};
use super::{Progress, Result, TransferError, failed};
use crate::backup::DATA;
use crate::backup::files::{Scratch, lock_alone, partial, rename};
use crate::catalog::{self, LiveCatalog, LiveType};
use crate::engine::DATABASE;
use crate::error::EngineError;
use crate::graph::{self, Ends, Mutator};
use crate::ids::{IdCodec, ItemId};
use crate::row::Arena;
use crate::storage::lmdb::{self, Beside, Durability, LmdbOptions};
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, Lmdb, ReadTxn, Store as _, WriteTxn};
use crate::text::TextConfig;
use crate::vector::{self, VectorConfig};
use crate::verify;

/// Items in a transaction, at most.
const MAX_ITEMS: u64 = 10_000;
/// Bytes of lines in a transaction, after which it ends.
const MAX_BYTES: u64 = 32 << 20;
/// The longest line, in bytes: a row of text that is escaped throughout, and the longest vector.
const MAX_LINE_BYTES: u64 = 256 << 20;
/// How long a transaction links vectors.
const LINKING: Duration = Duration::from_millis(500);

/// How the database is made.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The size that the database may grow to, in GiB; the default of an engine when it is 0.
    pub max_size_gb: u64,
    /// The parameters of vector indexes.
    pub vectors: VectorConfig,
    /// Whether text is indexed.
    pub text: TextConfig,
}

/// Fills the empty database of a data directory, which is made if it does not exist. Types and fields are found by name, in the
/// program that is active there, else in that of the export.
///
/// # Errors
///
/// [`EngineError::Locked`] when an instance has it open, [`TransferError::NotEmpty`], or what is wrong with the export, by file
/// and line. Then the data is as it was.
pub fn import(data: &Path, from: &Path, options: &ImportOptions, progress: &Progress) -> Result<Contents> {
    let contents = Contents::read(from)?;
    let database = data.join(DATABASE);
    DirBuilder::new().recursive(true).mode(0o700).create(&database).map_err(failed("create", &database))?;
    let _alone = lock_alone(data)?;
    let _engine = lmdb::lock(&database)?;
    let program = match active_of_empty(data)? {
        Some(program) => program,
        None => manifest::read_plan(from, &contents)?,
    };
    let scratch = Scratch::new(partial(&data.join("import")))?;
    build(&scratch.0, from, (&contents, &program), options, progress)?;
    progress.go_on()?;
    // LMDB's own lock file tells of the commits of the empty database. Nobody has it open: both locks are held.
    let lock = database.join("lock.mdb");
    match fs::remove_file(&lock) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &lock)(error)),
        _ => {}
    }
    rename(&scratch.0.join(DATA), &database.join(DATA))?;
    Ok(contents)
}

/// The active program of a database without items.
fn active_of_empty(data: &Path) -> Result<Option<Program>> {
    let database = data.join(DATABASE);
    if !database.join(DATA).exists() {
        return Ok(None);
    }
    let store = Lmdb::open_beside(&database, Beside::Nobody)?;
    let txn = store.read()?;
    let program = catalog::active(&txn)?;
    let mut items = 0;
    match &program {
        Some(program) => {
            let live = LiveCatalog::load(&txn, &program.catalog)?;
            for ty in KINDS.into_iter().flat_map(|kind| live.of(kind)) {
                items += graph::count(&txn, ty)?;
            }
        }
        None => {
            for kind in KINDS {
                items += txn.range(graph::table(kind), Bounds::Prefix(&[]))?.count() as u64;
            }
        }
    }
    if items == 0 { Ok(program) } else { Err(TransferError::NotEmpty { path: data.to_owned(), items }) }
}

/// Builds a database in an empty folder, and checks it.
fn build(
    folder: &Path,
    from: &Path,
    (contents, program): (&Contents, &Program),
    options: &ImportOptions,
    progress: &Progress,
) -> Result<()> {
    let codec = IdCodec::new(contents.secret(from)?);
    let mut lmdb = LmdbOptions { durability: Durability::Relaxed, ..LmdbOptions::default() };
    if options.max_size_gb > 0 {
        lmdb.max_size_gb = options.max_size_gb;
    }
    let store = Lmdb::open(folder, lmdb)?;
    let live = {
        let mut txn = store.write()?;
        meta::prepare(&mut txn, contents.secret(from)?)?;
        // Text is indexed when all nodes are there, which writes every word once for many of them.
        let activation = catalog::activate(
            &mut txn,
            program,
            codec,
            false,
            &TextConfig { enabled: false, ..TextConfig::default() },
        )?;
        txn.commit()?;
        activation.catalog
    };
    let mut build = Build { store: &store, live: &live, codec, vectors: options.vectors, last_id: contents.last_id };
    for kind in KINDS {
        for entry in contents.types.iter().filter(|entry| entry.kind == kind_name(kind)) {
            build.file(from, kind, entry, progress)?;
        }
    }
    if let Some(entry) = contents.types.iter().find(|entry| !KINDS.iter().any(|kind| entry.kind == kind_name(*kind))) {
        let reason = format!("it speaks of items of the kind `{}`", entry.kind);
        return Err(TransferError::Damaged { path: from.join(manifest::MANIFEST), reason });
    }
    build.link(progress)?;
    let last_id = build.last_id;
    let live = index_text(&store, program, codec, &options.text, progress)?;
    let mut txn = store.write()?;
    meta::put(&mut txn, Meta::LastId, &last_id.to_be_bytes())?;
    txn.commit()?;
    store.sync()?;
    let report = verify::verify(&store.read()?, &live)?;
    if report.total_findings > 0 {
        return Err(TransferError::Unsound { findings: report.findings });
    }
    Ok(())
}

/// Builds the text indexes of a filled database; gives its types with them.
fn index_text(
    store: &Lmdb,
    program: &Program,
    codec: IdCodec,
    text: &TextConfig,
    progress: &Progress,
) -> Result<LiveCatalog> {
    let mut txn = store.write()?;
    let mut more = catalog::build::begin(&mut txn, program, program, text)?;
    txn.commit()?;
    while more {
        progress.go_on()?;
        let mut txn = store.write()?;
        let live = LiveCatalog::load(&txn, &program.catalog)?;
        more = catalog::build::fill(&mut txn, &live, codec, catalog::build::SLICE)?;
        txn.commit()?;
    }
    let mut txn = store.write()?;
    let activation = catalog::activate(&mut txn, program, codec, false, text)?;
    txn.commit()?;
    Ok(activation.catalog)
}

/// A database that is being filled.
struct Build<'b> {
    store: &'b Lmdb,
    live: &'b LiveCatalog,
    codec: IdCodec,
    vectors: VectorConfig,
    /// The largest id that was given, or met.
    last_id: u64,
}

impl Build<'_> {
    /// Stores every item of a file.
    fn file(&mut self, from: &Path, kind: ItemKind, entry: &Entry, progress: &Progress) -> Result<()> {
        let path = from.join(file_name(kind, &entry.name));
        let Some(ty) = self.live.of(kind).iter().find(|ty| ty.name == entry.name) else {
            if entry.items == 0 {
                return Ok(());
            }
            return Err(TransferError::UnknownType { path, name: entry.name.clone() });
        };
        let file = File::open(&path).map_err(failed("read", &path))?;
        let mut lines =
            Lines { reader: BufReader::with_capacity(1 << 18, file), hash: Sha256::new(), size_bytes: 0, number: 0 };
        let mut text = String::new();
        let mut arena = Arena::new();
        let mut more = true;
        while more {
            let mut txn = self.store.write()?;
            let (first, start) = (lines.number, lines.size_bytes);
            while lines.number - first < MAX_ITEMS && lines.size_bytes - start < MAX_BYTES {
                more = lines.next(&mut text, &path)?;
                if !more {
                    break;
                }
                let wrong = |reason| TransferError::Line { path: path.clone(), line: lines.number, reason };
                {
                    let item = line::read(text.trim_end(), ty, self.codec, &arena).map_err(wrong)?;
                    self.last_id = self.last_id.max(item.id.0);
                    self.store_item(&mut txn, ty, item, &arena).map_err(|error| match error {
                        EngineError::MapFull { .. } | EngineError::DiskFull { .. } => error.into(),
                        EngineError::NodeNotFound => wrong("one of its ends does not exist".to_owned()),
                        // Its kind is for who calls queries.
                        EngineError::BadValue(reason) => wrong(reason),
                        other => wrong(other.to_string()),
                    })?;
                }
                arena.reset();
                progress.item()?;
            }
            txn.commit()?;
        }
        manifest::compare(&path, (lines.size_bytes, &hex::encode(lines.hash.finalize())), &entry.file)?;
        if lines.number != entry.items {
            let reason = format!("it has {} items, not {}", lines.number, entry.items);
            return Err(TransferError::Damaged { path, reason });
        }
        Ok(())
    }

    fn store_item<W: WriteTxn>(
        &self,
        txn: &mut W,
        ty: &LiveType,
        item: Item<'_>,
        arena: &Arena,
    ) -> Result<(), EngineError> {
        let Item { id, ends, data, values } = item;
        if graph::row(txn, ty, id)?.is_some() {
            return Err(EngineError::BadValue(format!("there is a `{}` of this id already", ty.name)));
        }
        let name = |id: ItemId| self.codec.encode(id).to_string();
        let mut mutator = Mutator::new(txn, self.live, arena).with_vectors(self.vectors).with_names(&name);
        match (ty.item.kind, ends, data) {
            (ItemKind::Node, _, None) => mutator.insert_node(ty.item, id, &values),
            (ItemKind::Edge, Some((from, to)), None) => mutator.insert_edge(ty.item, id, Ends { from, to }, &values),
            (ItemKind::Vector, _, Some(data)) => mutator.insert_vector(ty.item, id, &data, &values),
            (ItemKind::Vector, _, None) => Err(EngineError::BadValue("`data` is missing".to_owned())),
            (ItemKind::Node | ItemKind::Edge, ..) => {
                Err(EngineError::BadValue(format!("`{}` is no vector, and has no `data`", ty.name)))
            }
        }
    }

    /// Links every vector into its graph, as an idle writer would.
    fn link(&self, progress: &Progress) -> Result<()> {
        for ty in self.live.of(ItemKind::Vector) {
            let mut more = true;
            while more {
                progress.go_on()?;
                let mut txn = self.store.write()?;
                more = vector::tend(&mut txn, ty.stored, &self.vectors, Instant::now() + LINKING)?;
                txn.commit()?;
            }
        }
        Ok(())
    }
}

/// The lines of a file, hashed while they are read.
struct Lines {
    reader: BufReader<File>,
    hash: Sha256,
    size_bytes: u64,
    /// The number of the line that was read last, from 1.
    number: u64,
}

impl Lines {
    /// Reads the next line; `false` at the end.
    fn next(&mut self, text: &mut String, path: &Path) -> Result<bool> {
        text.clear();
        let mut bytes = std::mem::take(text).into_bytes();
        let read = io::Read::take(&mut self.reader, MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
        let read = read.map_err(failed("read", path))? as u64;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        self.size_bytes += read;
        self.hash.update(&bytes);
        let wrong =
            |reason: &str| TransferError::Line { path: path.to_owned(), line: self.number, reason: reason.to_owned() };
        if read == MAX_LINE_BYTES {
            return Err(wrong("it is too long"));
        }
        *text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        Ok(true)
    }
}
