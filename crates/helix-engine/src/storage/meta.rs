//! Facts about the database itself.

use super::{ReadTxn, Table, WriteTxn};
use crate::error::{EngineError, Result};

/// The layout that this engine reads and writes; `docs/storage-format.md` describes it.
pub const FORMAT: u32 = 1;

/// A name of the `meta` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// [`FORMAT`] of the data, 4 bytes big-endian.
    Format,
    /// The version of the engine that wrote last, text.
    Engine,
    /// The secret of the ids, 16 bytes.
    Secret,
    /// The last id given, 8 bytes big-endian.
    LastId,
    /// The active program, as `helix_plan` encodes it.
    Plan,
    /// What is left to do after an interrupted activation.
    Pending,
    /// The program that indexes are being filled for.
    Coming,
}

impl Meta {
    const fn key(self) -> &'static [u8] {
        match self {
            Self::Format => b"format",
            Self::Engine => b"engine",
            Self::Secret => b"secret",
            Self::LastId => b"last_id",
            Self::Plan => b"plan",
            Self::Pending => b"pending",
            Self::Coming => b"coming",
        }
    }
}

/// The value of a name.
///
/// # Errors
///
/// When the store fails.
pub fn get<T: ReadTxn>(txn: &T, name: Meta) -> Result<Option<&[u8]>> {
    txn.get(Table::Meta, name.key())
}

/// The value of a name, of a known length.
///
/// # Errors
///
/// [`EngineError::Damaged`] when it has another length.
pub fn get_array<const N: usize>(txn: &impl ReadTxn, name: Meta) -> Result<Option<[u8; N]>> {
    let Some(bytes) = get(txn, name)? else { return Ok(None) };
    let array =
        bytes.try_into().map_err(|_| EngineError::Damaged(format!("meta {name:?} has {} bytes", bytes.len())))?;
    Ok(Some(array))
}

/// Sets the value of a name.
///
/// # Errors
///
/// When the store fails.
pub fn put<W: WriteTxn>(txn: &mut W, name: Meta, value: &[u8]) -> Result<()> {
    txn.put(Table::Meta, name.key(), value)
}

/// Removes a name.
///
/// # Errors
///
/// When the store fails.
pub fn del<W: WriteTxn>(txn: &mut W, name: Meta) -> Result<()> {
    txn.del(Table::Meta, name.key()).map(drop)
}

/// Writes what a new database needs, and refuses one of a newer format.
///
/// # Errors
///
/// [`EngineError::NewerFormat`], or when the store fails.
pub fn prepare<W: WriteTxn>(txn: &mut W, new_secret: [u8; 16]) -> Result<()> {
    match get_array::<4>(txn, Meta::Format)? {
        Some(found) => {
            let found = u32::from_be_bytes(found);
            if found > FORMAT {
                return Err(EngineError::NewerFormat { found, supported: FORMAT });
            }
        }
        None => {
            put(txn, Meta::Format, &FORMAT.to_be_bytes())?;
            put(txn, Meta::Secret, &new_secret)?;
            put(txn, Meta::LastId, &0_u64.to_be_bytes())?;
        }
    }
    put(txn, Meta::Engine, env!("CARGO_PKG_VERSION").as_bytes())
}
