//! Connections: chains of steps with a cursor, kept in memory until nobody asks for them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::tools::Tool;
use crate::error::{EngineError, Result};

/// How long a connection lives that is not used.
const IDLE: Duration = Duration::from_secs(3600);

/// Connections at a time; the one that was used longest ago makes room.
const MOST: usize = 10_000;

/// Steps of a chain.
const LONGEST: usize = 256;

#[derive(Debug)]
struct Connection {
    chain: Vec<Tool>,
    /// The position of the next item.
    cursor: usize,
    used: Instant,
}

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<HashMap<String, Connection>>);

impl Connections {
    /// A new connection; gives its id, which nobody can guess.
    pub fn open(&self) -> String {
        let mut open = self.lock();
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, connection)| connection.used).map(|(id, _)| id.clone())
        {
            open.remove(&oldest);
        }
        let id = Uuid::new_v4().to_string();
        open.insert(id.clone(), Connection { chain: Vec::new(), cursor: 0, used: Instant::now() });
        id
    }

    /// Keeps a connection alive.
    pub fn touch(&self, id: &str) -> Result<()> {
        self.with(id, |_| ())
    }

    /// The chain of a connection.
    pub fn chain(&self, id: &str) -> Result<Vec<Tool>> {
        self.with(id, |connection| connection.chain.clone())
    }

    /// The chain of a connection, and the position of its next item.
    pub fn position(&self, id: &str) -> Result<(Vec<Tool>, usize)> {
        self.with(id, |connection| (connection.chain.clone(), connection.cursor))
    }

    /// Sets both.
    pub fn set(&self, id: &str, chain: Vec<Tool>, cursor: usize) -> Result<()> {
        if chain.len() > LONGEST {
            return Err(EngineError::BadValue(format!("a walk has at most {LONGEST} steps: reset the connection")));
        }
        self.with(id, |connection| {
            connection.chain = chain;
            connection.cursor = cursor;
        })
    }

    /// Forgets the chain.
    pub fn reset(&self, id: &str) -> Result<()> {
        self.set(id, Vec::new(), 0)
    }

    fn with<R>(&self, id: &str, change: impl FnOnce(&mut Connection) -> R) -> Result<R> {
        let mut open = self.lock();
        let connection = open.get_mut(id).ok_or_else(|| EngineError::ConnectionNotFound { id: id.to_owned() })?;
        connection.used = Instant::now();
        Ok(change(connection))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Connection>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, connection| connection.used.elapsed() < IDLE);
        open
    }
}
