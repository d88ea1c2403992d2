//! Keeping the query folder and a cluster in step.
//!
//! What changed is told from what both had when they were last in step, never from times of files: a checkout changes those. Decide
//! first ([`decide`], a value), then do ([`pull`]). What is overwritten or deleted is copied aside before.

pub mod checkout;
mod files;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use files::{Remote, base, local, pull, remember, remote};

/// Path below the query folder → text.
pub type Tree = BTreeMap<String, String>;

/// What both sides had when they were last in step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The version of this data.
    pub schema: u32,
    /// The cluster.
    pub cluster_id: String,
    /// When, RFC 3339.
    pub synced_at: String,
    /// Path → hash.
    pub files: BTreeMap<String, String>,
}

/// Which side a conflict is decided for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// What is here.
    Local,
    /// What is there.
    Cloud,
    /// Neither.
    None,
}

/// What is done with a file at the side that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It is made.
    Create,
    /// It gets another content.
    Change,
    /// It is removed.
    Delete,
}

impl Deed {
    /// The sign before its path.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Change => '=',
            Self::Delete => '-',
        }
    }
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The path below the query folder.
    pub path: String,
    /// What is done with it.
    pub deed: Deed,
}

/// What has to be done for both to be in step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Here, as it is there.
    pub pull: Vec<Difference>,
    /// There, as it is here.
    pub push: Vec<Difference>,
    /// Changed at both sides, and nobody said who wins.
    pub conflicts: Vec<String>,
}

impl Decision {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pull.is_empty() && self.push.is_empty() && self.conflicts.is_empty()
    }
}

/// Compares both sides with what they had in common.
#[must_use]
pub fn decide(base: &BTreeMap<String, String>, local: &Tree, remote: &Tree, prefer: Prefer) -> Decision {
    let mut decision = Decision::default();
    let paths: BTreeSet<&String> = local.keys().chain(remote.keys()).collect();
    for path in paths {
        let (here, there) = (local.get(path), remote.get(path));
        if here == there {
            continue;
        }
        let common = base.get(path);
        let is_common = |side: Option<&String>| side.map(|text| hash(text)).as_ref() == common;
        let take = |from: Option<&String>, to: Option<&String>| {
            let deed = match (from, to) {
                (Some(_), None) => Deed::Create,
                (Some(_), Some(_)) => Deed::Change,
                (None, _) => Deed::Delete,
            };
            Difference { path: path.clone(), deed }
        };
        match (is_common(here), is_common(there), prefer) {
            (true, _, _) | (false, false, Prefer::Cloud) => decision.pull.push(take(there, here)),
            (false, true, _) | (false, false, Prefer::Local) => decision.push.push(take(here, there)),
            (false, false, Prefer::None) => decision.conflicts.push(path.clone()),
        }
    }
    decision
}

/// What both have in common now: equal files as they are, the others as they were.
#[must_use]
pub fn common(base: &BTreeMap<String, String>, local: &Tree, remote: &Tree) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = base.clone();
    let paths: BTreeSet<&String> = base.keys().chain(local.keys()).chain(remote.keys()).collect();
    for path in paths {
        match (local.get(path), remote.get(path)) {
            (Some(here), Some(there)) if here == there => {
                files.insert(path.clone(), hash(here));
            }
            (None, None) => {
                files.remove(path);
            }
            _ => {}
        }
    }
    files
}

/// The hash of a text, in hex.
#[must_use]
pub fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests;
