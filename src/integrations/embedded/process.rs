//! Which process runs an instance, and whether it still does.
//!
//! A pid alone proves nothing, because pids are used again. Whoever runs an instance holds an exclusive lock for as long as it
//! lives ([`Hold`]) and writes down its pid with the time it was started at ([`ProcessId`]). The lock says *that* it lives, the
//! record says *who* it is; a record without the lock is what a crash leaves behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use super::error::{EmbeddedError, Result};
use super::files::{self, Files};

/// How long a lock that cannot be explained is looked at again before giving up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// A process, told apart from a later one with the same pid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process id.
    pub pid: u32,
    /// When it was started, in a form that only makes sense for comparing.
    pub start: String,
}

impl ProcessId {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, start: start_time(pid).unwrap_or_default() }
    }

    /// Whether the very process still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        start_time(self.pid).is_some_and(|start| start == self.start)
    }

    /// Sends a signal, unless the process is gone. Returns whether it was sent.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) -> Result<bool> {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
        // The descriptor pins the process, so that the check below stays true until the signal is sent.
        let Ok(pinned) = pidfd_open(pid, PidfdFlags::empty()) else { return self.signal_by_pid(pid, signal) };
        if !self.is_alive() {
            return Ok(false);
        }
        sent(pidfd_send_signal(&pinned, signal))
    }

    /// Sends a signal, unless the process is gone. Returns whether it was sent.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    #[cfg(not(target_os = "linux"))]
    pub fn signal(&self, signal: Signal) -> Result<bool> {
        match i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            Some(pid) => self.signal_by_pid(pid, signal),
            None => Ok(false),
        }
    }

    fn signal_by_pid(&self, pid: Pid, signal: Signal) -> Result<bool> {
        if !self.is_alive() {
            return Ok(false);
        }
        sent(rustix::process::kill_process(pid, signal))
    }
}

fn sent(result: rustix::io::Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(EmbeddedError::system("signal the process")(error.into())),
    }
}

/// Boot and ticks since then: `/proc/PID/stat`, field 22. A zombie counts as gone.
#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let ticks = fields.nth(18)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}/{ticks}", boot.trim()))
}

/// As `ps` tells it.
#[cfg(not(target_os = "linux"))]
fn start_time(pid: u32) -> Option<String> {
    let output =
        std::process::Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, start) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

/// Who runs the instance: a process of its own, or a development session in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// Started by `push` or `start`; outlives the command.
    Detached,
    /// `helix dev`; ends with it.
    Dev,
}

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Opening the data, activating the plan.
    Starting,
    /// Serving.
    Ready,
    /// Finishing what is in flight.
    Draining,
    /// Ended because of an error.
    Failed,
}

/// Why a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// What a process writes about itself. Removed when it ends as it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// The process.
    pub process: ProcessId,
    /// Who started it.
    pub session: Session,
    /// The version of the program.
    pub version: String,
    /// When it was started, RFC 3339.
    pub started_at: String,
    /// How far it has come.
    pub phase: Phase,
    /// Where it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The digest of the plan that it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The hash of the settings that it was started with.
    pub config_hash: String,
    /// The port that was asked for in place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_override: Option<u16>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// Whether a process runs the instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// None, and the last one ended as it should.
    None,
    /// This one.
    Running(ProcessRecord),
    /// None, but this one did not end as it should.
    Dead(ProcessRecord),
}

impl Presence {
    /// The running process.
    #[must_use]
    pub fn running(self) -> Option<ProcessRecord> {
        match self {
            Self::Running(record) => Some(record),
            Self::None | Self::Dead(_) => None,
        }
    }
}

/// Looks whether a process runs the instance.
///
/// # Errors
///
/// When the files cannot be read, or the lock is held by nobody known.
pub fn observe(files: &Files) -> Result<Presence> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let locked = is_locked(files)?;
        let record = read_record(files)?;
        match (locked, record) {
            (false, None) => return Ok(Presence::None),
            (false, Some(record)) => return Ok(Presence::Dead(record)),
            (true, Some(record)) if record.process.is_alive() => return Ok(Presence::Running(record)),
            // Between taking the lock and writing the record, or between removing the record and ending.
            (true, _) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            (true, _) => return Err(EmbeddedError::UnknownHolder { name: files.name().to_owned() }),
        }
    }
}

/// A record that a crash cut short counts as none: what matters is the lock.
fn read_record(files: &Files) -> Result<Option<ProcessRecord>> {
    match files::read_json(&files.process()) {
        Err(EmbeddedError::DamagedFile { .. }) => Ok(None),
        other => other,
    }
}

fn is_locked(files: &Files) -> Result<bool> {
    let path = files.process_lock();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(EmbeddedError::file("open", path)(source)),
    };
    // Shared, so that two onlookers do not take each other for the process.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(EmbeddedError::file("lock", path)(source)),
    }
}

/// The right to run an instance, and the record of who has it. Ends with the process at the latest.
#[derive(Debug)]
pub struct Hold {
    files: Files,
    record: ProcessRecord,
    _lock: File,
}

impl Hold {
    /// Takes the right to run the instance and writes the record.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::AlreadyRunning`] when another process has it.
    pub fn take(files: &Files, record: ProcessRecord) -> Result<Self> {
        let path = files.process_lock();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let lock = opened.map_err(EmbeddedError::file("open", &path))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(EmbeddedError::file("lock", path)(source)),
                // An onlooker has it for an instant; a process has it for good.
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    if let Some(running) = read_record(files)?.filter(|running| running.process.is_alive()) {
                        return Err(EmbeddedError::AlreadyRunning {
                            name: files.name().to_owned(),
                            pid: running.process.pid,
                        });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(EmbeddedError::UnknownHolder { name: files.name().to_owned() });
                }
            }
        }
        let mut hold = Self { files: files.clone(), record, _lock: lock };
        hold.update(|_| {})?;
        Ok(hold)
    }

    /// What is written down.
    #[must_use]
    pub fn record(&self) -> &ProcessRecord {
        &self.record
    }

    /// Changes the record.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn update(&mut self, change: impl FnOnce(&mut ProcessRecord)) -> Result<()> {
        change(&mut self.record);
        files::write_json(&self.files.process(), &self.record)
    }

    /// Ends as it should: no record is left.
    ///
    /// # Errors
    ///
    /// When the record cannot be removed.
    pub fn release(self) -> Result<()> {
        files::remove_file(&self.files.process())
    }
}

/// Waits until nobody runs the instance any more. Returns whether that came true in time.
///
/// # Errors
///
/// When the lock cannot be looked at.
pub async fn wait_gone(files: &Files, timeout: Duration) -> Result<bool> {
    let deadline = Instant::now() + timeout;
    while is_locked(files)? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
