//! Reading: the last lines, a range, or what comes next.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value};

use super::{KEPT_FILES, rotated};

/// How bad what a line says is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the authors of Helix.
    Trace,
    /// For looking closely.
    Debug,
    /// What happens.
    Info,
    /// What may become a problem.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    /// Every level, the least first.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When it was written; `None` for a line that does not say.
    pub ts: Option<Timestamp>,
    /// How bad it is.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// Which part wrote it.
    pub target: String,
    /// The facts.
    pub fields: Map<String, Value>,
}

impl Record {
    /// Reads a line. A line that is not ours is a message without anything else.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else {
            let message = line.to_owned();
            return Self { ts: None, level: Level::Info, message, target: String::new(), fields: Map::new() };
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let ts = take("timestamp").parse().ok();
        let level = Level::from_name(&take("level")).unwrap_or(Level::Info);
        Self { ts, level, message: take("message"), target: take("target"), fields }
    }
}

/// Which lines are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    /// At least that bad.
    pub level: Level,
    /// Written at or after that.
    pub since: Option<Timestamp>,
    /// Written before that.
    pub until: Option<Timestamp>,
    /// Holding a match, anywhere in the line.
    pub grep: Option<Regex>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { level: Level::Trace, since: None, until: None, grep: None }
    }
}

impl Filter {
    /// Whether every line is wanted.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.level == Level::Trace && self.since.is_none() && self.until.is_none() && self.grep.is_none()
    }

    /// The line, if it is wanted. `at` is when it was written, if it does not say so itself.
    #[must_use]
    pub fn accept_at(&self, line: &str, at: Option<Timestamp>) -> Option<Record> {
        if self.grep.as_ref().is_some_and(|grep| !grep.is_match(line)) {
            return None;
        }
        let mut record = Record::parse(line);
        record.ts = record.ts.or(at);
        let timely =
            |ts: Timestamp| self.since.is_none_or(|since| ts >= since) && self.until.is_none_or(|until| ts < until);
        // A line that does not say when it was written belongs to no range.
        let wanted =
            record.level >= self.level && record.ts.map_or(self.since.is_none() && self.until.is_none(), timely);
        wanted.then_some(record)
    }

    fn accept(&self, line: &str) -> Option<Record> {
        self.accept_at(line, None)
    }
}

/// The last `count` wanted lines of a log, oldest first. No log is an empty one.
///
/// # Errors
///
/// When a file cannot be read.
pub fn tail(path: &Path, filter: &Filter, count: usize) -> io::Result<Vec<Record>> {
    Ok(Follow::after_tail(path, filter.clone(), count)?.0)
}

/// Every wanted line of a log, oldest first. The files are bounded, and so is this.
///
/// # Errors
///
/// When a file cannot be read.
pub fn all(path: &Path, filter: &Filter) -> io::Result<Vec<Record>> {
    let mut follow = Follow { path: path.to_owned(), filter: filter.clone(), open: None, partial: Vec::new() };
    follow.poll()
}

/// The files of a log with their inodes, oldest first. Opened newest first, so that a rotation in between doubles none.
fn open_all(path: &Path) -> io::Result<VecDeque<(u64, File)>> {
    let mut files: VecDeque<(u64, File)> = VecDeque::new();
    for index in 0..=KEPT_FILES {
        match File::open(rotated(path, index)) {
            Ok(file) => {
                let inode = file.metadata()?.ino();
                if files.front().is_none_or(|(newer, _)| *newer != inode) {
                    files.push_front((inode, file));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

/// Reads a log as it grows, through rotations.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    filter: Filter,
    open: Option<(u64, File)>,
    partial: Vec<u8>,
}

impl Follow {
    /// The last `count` wanted lines, oldest first, and what follows right after them.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn after_tail(path: &Path, filter: Filter, count: usize) -> io::Result<(Vec<Record>, Self)> {
        let mut follow = Self { path: path.to_owned(), filter, open: None, partial: Vec::new() };
        let mut files = open_all(path)?;
        let mut records = Vec::new();
        if let Some(newest) = files.pop_back() {
            follow.open = Some(newest);
            follow.drain(&mut records)?;
        }
        while records.len() < count
            && let Some((_, file)) = files.pop_back()
        {
            let mut older = Vec::new();
            for line in BufReader::new(file).split(b'\n') {
                older.extend(follow.filter.accept(&String::from_utf8_lossy(&line?)));
            }
            older.append(&mut records);
            records = older;
        }
        records.drain(..records.len().saturating_sub(count));
        Ok((records, follow))
    }

    /// The wanted lines that were written since the last call, oldest first.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn poll(&mut self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        self.drain(&mut records)?;
        let current = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.ino(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(records),
            Err(error) => return Err(error),
        };
        if self.open.as_ref().is_some_and(|(inode, _)| *inode == current) {
            return Ok(records);
        }
        // The file was replaced, perhaps several times: go on with those that are newer than ours, which may have grown once more.
        self.drain(&mut records)?;
        let mut newer = open_all(&self.path)?;
        if let Some(position) =
            self.open.as_ref().and_then(|(ours, _)| newer.iter().position(|(inode, _)| inode == ours))
        {
            newer.drain(..=position);
        }
        for file in newer {
            self.open = Some(file);
            self.drain(&mut records)?;
        }
        Ok(records)
    }

    fn drain(&mut self, records: &mut Vec<Record>) -> io::Result<()> {
        if let Some((_, file)) = &mut self.open {
            file.read_to_end(&mut self.partial)?;
        }
        let Some(end) = self.partial.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.partial.split_off(end + 1);
        let lines = String::from_utf8_lossy(&self.partial);
        records.extend(lines.lines().filter_map(|line| self.filter.accept(line)));
        drop(lines);
        self.partial = rest;
        Ok(())
    }
}

/// One line of text: time, level, message, facts.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ts) = self.ts {
            write!(f, "{ts:.3} {:5} ", self.level.name())?;
        }
        f.write_str(&self.message)?;
        for (name, value) in &self.fields {
            match value {
                Value::String(text) => write!(f, " {name}={text}")?,
                other => write!(f, " {name}={other}")?,
            }
        }
        Ok(())
    }
}
