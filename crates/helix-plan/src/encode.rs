//! The versioned encoding of a program, and its digest.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Catalog, EdgeType, NodeType, Program, Query, VectorType};

/// The version of the plan's data format that this crate writes. It reads version 2 as well, which knew no lookups, and
/// version 1, which knew no migrations.
pub const FORMAT_VERSION: u16 = 3;

/// The version before lookups, a part of this one.
const WITHOUT_LOOKUPS: u16 = 2;

/// Marks the bytes as a plan, before the version.
const MAGIC: &[u8; 4] = b"HXPL";

/// The largest encoding that is decoded, in bytes: far above any real program, low enough to bound memory.
const MAX_LEN_BYTES: usize = 256 << 20;

/// Why bytes are not a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes do not start as a plan does.
    #[error("not a plan: the first bytes are not `HXPL`")]
    NotAPlan,
    /// The plan was written by another version.
    #[error("plan format {found} is not supported, expected {expected}")]
    Version {
        /// The version in the bytes.
        found: u16,
        /// The version that this crate reads.
        expected: u16,
    },
    /// The plan is larger than any program can be.
    #[error("plan of {len_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// The length found.
        len_bytes: usize,
        /// The largest accepted length.
        limit_bytes: usize,
    },
    /// The bytes end early or hold impossible values.
    #[error("damaged plan")]
    Damaged(#[source] postcard::Error),
}

/// A SHA-256: the identity of what runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Program {
    /// The compact encoding: magic, format version (big-endian), then the program by `postcard`.
    ///
    /// # Panics
    ///
    /// Never: a program holds nothing that cannot be encoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.format_version.to_be_bytes());
        postcard::to_extend(self, bytes).expect("plain data of known lengths encodes into memory")
    }

    /// The program that `bytes` encode.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when they do not encode a program of this format version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_LEN_BYTES {
            return Err(DecodeError::TooLarge { len_bytes: bytes.len(), limit_bytes: MAX_LEN_BYTES });
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NotAPlan)?;
        let (version, body) = rest.split_first_chunk::<2>().ok_or(DecodeError::NotAPlan)?;
        let found = u16::from_be_bytes(*version);
        if found == 1 {
            return postcard::from_bytes(body).map(ProgramOf1::into_program).map_err(DecodeError::Damaged);
        }
        if found != FORMAT_VERSION && found != WITHOUT_LOOKUPS {
            return Err(DecodeError::Version { found, expected: FORMAT_VERSION });
        }
        // A program stays one of its format, so that its digest stays the same.
        postcard::from_bytes(body).map_err(DecodeError::Damaged)
    }

    /// The SHA-256 of the encoding without file names and spans: equal for programs that do the same.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.without_sources().encode()).into())
    }
}

/// A program of format 1.
#[derive(Deserialize)]
struct ProgramOf1 {
    _format_version: u16,
    catalog: CatalogOf1,
    queries: Vec<Query>,
    files: Vec<String>,
}

/// The catalog of format 1.
#[derive(Deserialize)]
struct CatalogOf1 {
    version: u32,
    nodes: Vec<NodeType>,
    edges: Vec<EdgeType>,
    vectors: Vec<VectorType>,
}

impl ProgramOf1 {
    fn into_program(self) -> Program {
        let CatalogOf1 { version, nodes, edges, vectors } = self.catalog;
        let catalog = Catalog { version, nodes, edges, vectors, migrations: Vec::new() };
        Program { format_version: FORMAT_VERSION, catalog, queries: self.queries, files: self.files }
    }
}
