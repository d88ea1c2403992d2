//! The store that runs: one LMDB environment, a named database a table.
//!
//! Format of the environment: LMDB 0.9, <https://www.symas.com/lmdb>. Durability: a commit returns when its pages are on disk,
//! unless [`Durability::Relaxed`] was asked for.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use heed::types::Bytes;
use heed::{CommitOrAbort, DatabaseFlags, Env, EnvFlags, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};

use super::{Bounds, ReadTxn, Store, Table, WriteTxn};
use crate::error::{EngineError, Result};

type Database = heed::Database<'static, Bytes, Bytes>;

/// Readers that may be open at once.
const MAX_READERS: u32 = 1024;

/// Room for tables of later versions.
const MAX_TABLES: u32 = 64;

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on disk.
    #[default]
    Commit,
    /// When the system has it: a power cut may lose the last commits, never consistency.
    Relaxed,
}

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct LmdbOptions {
    /// The size that the file may grow to, in GiB.
    pub max_size_gb: u64,
    /// When a commit counts as done.
    pub durability: Durability,
}

impl Default for LmdbOptions {
    fn default() -> Self {
        Self { max_size_gb: 20, durability: Durability::Commit }
    }
}

/// Who else may have a store open that is only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A process of this machine that writes it: LMDB's own locks keep the snapshot.
    Writer,
    /// Nobody: a copy that lies still. Nothing is written beside it.
    Nobody,
}

/// An LMDB environment with an exclusive lock on its folder, unless it is only read.
pub struct Lmdb {
    env: Env<WithoutTls>,
    tables: [Database; Table::ALL.len()],
    max_size_gb: u64,
    path: PathBuf,
    /// Held for as long as the store is open; the operating system lets go of it when the process ends, however it ends.
    _lock: Option<File>,
}

impl std::fmt::Debug for Lmdb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lmdb").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Lmdb {
    /// Opens the store in a folder, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// [`EngineError::Locked`] when another process has it open, [`EngineError::DataDirectory`] when the folder is on a network
    /// file system or is no folder, [`EngineError::Storage`] when the file is damaged.
    pub fn open(folder: &Path, options: LmdbOptions) -> Result<Self> {
        let map_size = usize::try_from(options.max_size_gb.saturating_mul(1 << 30)).unwrap_or(usize::MAX);
        Self::open_mapped(folder, options, map_size)
    }

    /// The same with a map of a few bytes, to fill it.
    #[cfg(test)]
    pub(super) fn open_with_map(folder: &Path, map_size: usize) -> Result<Self> {
        Self::open_mapped(folder, LmdbOptions::default(), map_size)
    }

    fn open_mapped(folder: &Path, options: LmdbOptions, map_size: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|source| EngineError::Io {
            action: format!("cannot make folder `{}`", folder.display()),
            source,
        })?;
        refuse_network_file_system(folder)?;
        let lock = lock(folder)?;
        let mut open = EnvOpenOptions::new().read_txn_without_tls();
        open.map_size(map_size).max_readers(MAX_READERS).max_dbs(MAX_TABLES);
        if options.durability == Durability::Relaxed {
            #[expect(
                unsafe_code,
                reason = "the flag leaves the last commits to the system, which the caller asked for"
            )]
            // SAFETY: without meta sync a crash loses whole commits, the file stays consistent.
            unsafe {
                open.flags(EnvFlags::NO_META_SYNC);
            }
        }
        #[expect(unsafe_code, reason = "LMDB maps the file")]
        // SAFETY: the exclusive lock keeps other processes, and a second environment of this one, from the file.
        let env = unsafe { open.open(folder) }.map_err(|error| failure(&error, options.max_size_gb))?;
        // Slots of readers of a process that was killed.
        env.clear_stale_readers().map_err(|error| failure(&error, options.max_size_gb))?;
        let tables = tables(&env, options.max_size_gb)?;
        Ok(Self { env, tables, max_size_gb: options.max_size_gb, path: folder.to_owned(), _lock: Some(lock) })
    }

    /// Opens an existing store for reading, without the exclusive lock: another process may write it meanwhile.
    ///
    /// # Errors
    ///
    /// When there is no store, it lacks a table, or this process has it open already.
    pub fn open_beside(folder: &Path, beside: Beside) -> Result<Self> {
        let file = folder.join("data.mdb");
        let failed = |source| EngineError::Io { action: format!("cannot read `{}`", file.display()), source };
        let size = fs::metadata(&file).map_err(failed)?.len();
        refuse_network_file_system(folder)?;
        // The writer may let the file grow between the opening and the snapshot.
        let room = (size.saturating_mul(2) + (4 << 30)).next_multiple_of(1 << 20);
        let max_size_gb = room >> 30;
        let mut open = EnvOpenOptions::new().read_txn_without_tls();
        open.map_size(usize::try_from(room).unwrap_or(usize::MAX)).max_readers(MAX_READERS).max_dbs(MAX_TABLES);
        let flags = match beside {
            Beside::Writer => EnvFlags::READ_ONLY,
            Beside::Nobody => EnvFlags::READ_ONLY | EnvFlags::NO_LOCK,
        };
        #[expect(unsafe_code, reason = "LMDB maps the file")]
        // SAFETY: it is mapped read-only; a writer goes through LMDB's locks, and a copy that lies still needs none.
        let env = unsafe {
            open.flags(flags);
            open.open(folder)
        }
        .map_err(|error| failure(&error, max_size_gb))?;
        let tables = existing_tables(&env, max_size_gb)?;
        Ok(Self { env, tables, max_size_gb, path: folder.to_owned(), _lock: None })
    }

    /// Writes a snapshot of the whole store into an empty file, while writers go on. Compacting leaves free pages out.
    ///
    /// # Errors
    ///
    /// When the store or the disk fails.
    pub fn copy_to(&self, file: &mut File, compact: bool) -> Result<()> {
        let option = if compact { heed::CompactionOption::Enabled } else { heed::CompactionOption::Disabled };
        self.env.copy_to_file(file, option).map_err(|error| self.failure(&error))
    }

    /// The number of the last commit.
    #[must_use]
    pub fn last_commit(&self) -> u64 {
        self.env.info().last_txn_id as u64
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frees the slots of readers whose process is gone; gives how many.
    ///
    /// # Errors
    ///
    /// When LMDB fails.
    pub fn clear_stale_readers(&self) -> Result<usize> {
        self.env.clear_stale_readers().map_err(|error| failure(&error, self.max_size_gb))
    }

    /// Puts everything on disk that is not yet.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn sync(&self) -> Result<()> {
        self.env.force_sync().map_err(|error| failure(&error, self.max_size_gb))
    }

    /// The size of the file in bytes.
    ///
    /// # Errors
    ///
    /// When the file cannot be asked.
    pub fn size_bytes(&self) -> Result<u64> {
        self.env.real_disk_size().map_err(|error| failure(&error, self.max_size_gb))
    }

    /// The bytes of the file that hold something.
    ///
    /// # Errors
    ///
    /// When LMDB fails.
    pub fn used_bytes(&self) -> Result<u64> {
        let txn = self.env.read_txn().map_err(|error| self.failure(&error))?;
        let mut bytes = 0;
        for table in &self.tables {
            let stat = table.stat(&txn).map_err(|error| self.failure(&error))?;
            let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
            bytes += pages as u64 * u64::from(stat.page_size);
        }
        Ok(bytes)
    }

    fn failure(&self, error: &heed::Error) -> EngineError {
        failure(error, self.max_size_gb)
    }
}

fn tables(env: &Env<WithoutTls>, max_size_gb: u64) -> Result<[Database; Table::ALL.len()]> {
    let txn = env.write_txn().map_err(|error| failure(&error, max_size_gb))?;
    let created = env.create_databases_and_commit(txn, |opener, txn| {
        let mut databases = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            let mut options = opener.database_options().types::<Bytes, Bytes>();
            options.name(table.name());
            if table.has_duplicates() {
                options.flags(DatabaseFlags::DUP_SORT | DatabaseFlags::DUP_FIXED);
            }
            databases.push(options.create(txn)?);
        }
        let databases: [_; Table::ALL.len()] =
            databases.try_into().map_err(|_| heed::Error::Io(std::io::ErrorKind::Other.into()))?;
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(databases))
    });
    match created.map_err(|error| failure(&error, max_size_gb))? {
        CommitOrAbort::Commit(databases) => Ok(databases),
        CommitOrAbort::Abort(()) => Err(EngineError::Storage("the tables could not be made".to_owned())),
    }
}

fn existing_tables(env: &Env<WithoutTls>, max_size_gb: u64) -> Result<[Database; Table::ALL.len()]> {
    let txn = env.read_txn().map_err(|error| failure(&error, max_size_gb))?;
    let opened = env.open_databases_and_commit(txn, |opener, txn| {
        let databases = Table::ALL.iter().map(|table| opener.open_database::<Bytes, Bytes>(txn, Some(table.name())));
        let databases = databases.collect::<heed::Result<Option<Vec<_>>>>()?.unwrap_or_default();
        let complete: std::result::Result<[_; Table::ALL.len()], _> = databases.try_into();
        Ok::<_, heed::Error>(complete.map_or(CommitOrAbort::Abort(()), CommitOrAbort::Commit))
    });
    match opened.map_err(|error| failure(&error, max_size_gb))? {
        CommitOrAbort::Commit(databases) => Ok(databases),
        CommitOrAbort::Abort(()) => Err(EngineError::Damaged("a table is missing".to_owned())),
    }
}

/// How often a lock that another process holds is tried again, and how long after.
const TRIES: usize = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock of a folder, and writes into it who holds it.
pub(crate) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("engine.lock");
    let failed = |source| EngineError::Io { action: format!("cannot lock `{}`", path.display()), source };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    // A process that ends lets go of its files one by one.
    let mut tries = TRIES;
    let locked = loop {
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) if tries > 0 => tries -= 1,
            locked => break locked,
        }
        std::thread::sleep(PAUSE);
    };
    match locked {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = (&file).take(100).read_to_string(&mut holder);
            let pid = holder.lines().next().filter(|pid| !pid.is_empty()).unwrap_or("unknown").to_owned();
            return Err(EngineError::Locked { path: folder.to_owned(), pid });
        }
        Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// LMDB's locks and maps are unsafe over a network.
#[cfg(target_os = "linux")]
fn refuse_network_file_system(folder: &Path) -> Result<()> {
    /// Magic numbers of `statfs(2)`.
    const NETWORK: &[(i64, &str)] = &[
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "Ceph"),
    ];
    let Ok(stat) = rustix::fs::statfs(folder) else { return Ok(()) };
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the field's width differs by platform")]
    let kind = stat.f_type as i64;
    match NETWORK.iter().find(|(magic, _)| *magic == kind) {
        Some((_, name)) => Err(EngineError::DataDirectory {
            path: folder.to_owned(),
            reason: format!(
                "it is on a network file system ({name}), where a database would be damaged: use a local disk"
            ),
        }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network_file_system(_folder: &Path) -> Result<()> {
    Ok(())
}

fn failure(error: &heed::Error, max_size_gb: u64) -> EngineError {
    match error {
        heed::Error::Mdb(MdbError::MapFull) => EngineError::MapFull { limit_gb: max_size_gb },
        heed::Error::Mdb(
            MdbError::Corrupted | MdbError::PageNotFound | MdbError::Invalid | MdbError::VersionMismatch,
        ) => EngineError::Damaged(error.to_string()),
        heed::Error::Io(source) if source.kind() == std::io::ErrorKind::StorageFull => {
            EngineError::DiskFull { reason: "the disk is full" }
        }
        heed::Error::Io(source) if source.kind() == std::io::ErrorKind::FileTooLarge => {
            EngineError::DiskFull { reason: "the file has reached the size that the system allows" }
        }
        _ => EngineError::Storage(error.to_string()),
    }
}

impl Store for Lmdb {
    type Read<'s> = LmdbRead<'s>;
    type Write<'s> = LmdbWrite<'s>;

    fn read(&self) -> Result<LmdbRead<'_>> {
        let txn = self.env.read_txn().map_err(|error| self.failure(&error))?;
        Ok(LmdbRead { store: self, txn })
    }

    fn write(&self) -> Result<LmdbWrite<'_>> {
        let txn = self.env.write_txn().map_err(|error| self.failure(&error))?;
        Ok(LmdbWrite { store: self, txn })
    }
}

/// A snapshot.
pub struct LmdbRead<'s> {
    store: &'s Lmdb,
    txn: RoTxn<'s, WithoutTls>,
}

/// The write transaction, or one nested in it.
pub struct LmdbWrite<'s> {
    store: &'s Lmdb,
    txn: RwTxn<'s>,
}

/// Entries within bounds.
pub struct Range<'t> {
    store: &'t Lmdb,
    entries: RangeEntries<'t>,
}

enum RangeEntries<'t> {
    Prefix(heed::RoPrefix<'t, Bytes, Bytes>),
    Range(heed::RoRange<'t, Bytes, Bytes>),
}

impl<'t> Iterator for Range<'t> {
    type Item = Result<(&'t [u8], &'t [u8])>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let next = match &mut self.entries {
            RangeEntries::Prefix(entries) => entries.next(),
            RangeEntries::Range(entries) => entries.next(),
        };
        next.map(|entry| entry.map_err(|error| self.store.failure(&error)))
    }
}

/// The duplicates of a key.
pub struct Dups<'t> {
    store: &'t Lmdb,
    entries: Option<heed::RoIter<'t, Bytes, Bytes, heed::iteration_method::MoveOnCurrentKeyDuplicates>>,
}

impl<'t> Iterator for Dups<'t> {
    type Item = Result<&'t [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.entries.as_mut()?.next();
        next.map(|entry| entry.map(|(_, value)| value).map_err(|error| self.store.failure(&error)))
    }
}

const EVERYTHING: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>) =
    (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);

/// Both kinds of transactions read in one way.
macro_rules! read_txn {
    ($name:ident) => {
        impl ReadTxn for $name<'_> {
            type Range<'t>
                = Range<'t>
            where
                Self: 't;
            type Dups<'t>
                = Dups<'t>
            where
                Self: 't;

            #[inline]
            fn get<'t>(&'t self, table: Table, key: &[u8]) -> Result<Option<&'t [u8]>> {
                self.store.tables[table.index()].get(&self.txn, key).map_err(|error| self.store.failure(&error))
            }

            fn range<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Range<'t>> {
                let database = &self.store.tables[table.index()];
                let entries = match bounds {
                    // LMDB does not seek an empty key.
                    Bounds::Prefix([]) => database.range(&self.txn, &EVERYTHING).map(RangeEntries::Range),
                    Bounds::Prefix(prefix) => database.prefix_iter(&self.txn, prefix).map(RangeEntries::Prefix),
                    Bounds::Range(start, end) => {
                        let range = (std::ops::Bound::Included(start), std::ops::Bound::Excluded(end));
                        database.range(&self.txn, &range).map(RangeEntries::Range)
                    }
                };
                let entries = entries.map_err(|error| self.store.failure(&error))?;
                Ok(Range { store: self.store, entries })
            }

            fn last<'t>(&'t self, table: Table, bounds: Bounds<'_>) -> Result<Option<(&'t [u8], &'t [u8])>> {
                let database = &self.store.tables[table.index()];
                let last = match bounds {
                    Bounds::Prefix([]) => database.last(&self.txn),
                    Bounds::Prefix(prefix) => {
                        database.rev_prefix_iter(&self.txn, prefix).and_then(|mut entries| entries.next().transpose())
                    }
                    Bounds::Range(start, end) => {
                        let range = (std::ops::Bound::Included(start), std::ops::Bound::Excluded(end));
                        database.rev_range(&self.txn, &range).and_then(|mut entries| entries.next().transpose())
                    }
                };
                last.map_err(|error| self.store.failure(&error))
            }

            fn dups<'t>(&'t self, table: Table, key: &[u8]) -> Result<Dups<'t>> {
                let entries = self.store.tables[table.index()].get_duplicates(&self.txn, key);
                let entries = entries.map_err(|error| self.store.failure(&error))?;
                Ok(Dups { store: self.store, entries })
            }

            fn dup_count(&self, table: Table, key: &[u8]) -> Result<u64> {
                let mut count = 0;
                for dup in self.dups(table, key)? {
                    dup?;
                    count += 1;
                }
                Ok(count)
            }
        }
    };
}

read_txn!(LmdbRead);
read_txn!(LmdbWrite);

impl WriteTxn for LmdbWrite<'_> {
    type Nested<'n>
        = LmdbWrite<'n>
    where
        Self: 'n;

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        let Self { store, txn } = self;
        store.tables[table.index()].put(txn, key, value).map_err(|error| store.failure(&error))
    }

    fn put_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool> {
        let Self { store, txn } = self;
        match store.tables[table.index()].put_with_flags(txn, heed::PutFlags::NO_DUP_DATA, key, value) {
            Ok(()) => Ok(true),
            Err(heed::Error::Mdb(MdbError::KeyExist)) => Ok(false),
            Err(error) => Err(store.failure(&error)),
        }
    }

    fn del(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        let Self { store, txn } = self;
        store.tables[table.index()].delete(txn, key).map_err(|error| store.failure(&error))
    }

    fn del_dup(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool> {
        let Self { store, txn } = self;
        store.tables[table.index()].delete_one_duplicate(txn, key, value).map_err(|error| store.failure(&error))
    }

    fn nested(&mut self) -> Result<LmdbWrite<'_>> {
        let Self { store, txn } = self;
        let txn = store.env.nested_write_txn(txn).map_err(|error| store.failure(&error))?;
        Ok(LmdbWrite { store, txn })
    }

    fn commit(self) -> Result<()> {
        let Self { store, txn } = self;
        txn.commit().map_err(|error| store.failure(&error))
    }
}
