//! Starting an instance as a process of its own, and waiting until it serves.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use helix_engine::service::settings::EngineSettings;
use serde::{Deserialize, Serialize};

use super::error::{EmbeddedError, Result};
use super::files::{self, Files};
use super::log::read::{Filter, Record, tail};
use super::process::{self, Phase, Presence, ProcessRecord, Session};
use crate::project::FOR_THE_TOOL;

/// The hidden subcommand that is the instance process.
pub const SUBCOMMAND: &str = "instance-process";
/// Between two looks at a starting process.
const PAUSE: Duration = Duration::from_millis(4);
/// How many lines of its log a failed start shows.
const LOG_LINES: usize = 50;
/// How much of the standard streams a failed start looks at, in bytes.
const MAX_STDIO_BYTES: u64 = 64 << 10;

/// All that a process is started with. Secrets are in its environment, not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The name of the instance.
    pub name: String,
    /// Its workspace.
    pub home: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// A directory with a short path, for the control socket of a deep project.
    pub short: PathBuf,
    /// Who starts it.
    pub session: Session,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The port to listen on; 0 has the system choose.
    pub port: u16,
    /// Set when `port` is not the configured one.
    pub port_override: Option<u16>,
    /// The plan to serve.
    pub plan: PathBuf,
    /// The digest that the plan must have.
    pub digest: String,
    /// Whether stored data may be lost by activating the plan.
    pub allow_breaking: bool,
    /// The hash of the settings, to tell when they changed.
    pub config_hash: String,
    /// The settings of the engine.
    pub engine: EngineSettings,
    /// How large a log file may grow, in bytes.
    pub log_max_len_bytes: u64,
    /// The least level that is logged.
    pub log_level: String,
}

impl Launch {
    /// The places of the instance.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new(self.name.clone(), self.home.clone(), self.data.clone())
    }

    /// Where it is asked to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

/// A process that was started and is not known to serve yet.
#[derive(Debug)]
pub struct Starting {
    files: Files,
    child: Child,
}

/// Starts `program` as the instance process, detached from this terminal.
///
/// `env` comes on top of this process' environment.
///
/// # Errors
///
/// When the process cannot be started.
pub fn spawn(program: &std::path::Path, launch: &Launch, env: &BTreeMap<String, String>) -> Result<Starting> {
    let files = launch.files();
    files.create()?;
    files::write_json(&files.launch(), launch)?;
    let stdio = files.stdio();
    let open =
        || OpenOptions::new().create(true).append(true).open(&stdio).map_err(EmbeddedError::file("open", &stdio));
    files::remove_file(&stdio)?;
    let mut command = Command::new(program);
    command.arg(SUBCOMMAND).arg(files.launch()).envs(env).current_dir(&launch.home);
    FOR_THE_TOOL.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.stdin(Stdio::null()).stdout(open()?).stderr(open()?);
    let child = command.spawn().map_err(EmbeddedError::system("start the instance process"))?;
    Ok(Starting { files, child })
}

impl Starting {
    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process says that it serves, or ended, or `timeout` is over.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Exited`] as soon as the process ends, [`EmbeddedError::NotReady`] when it takes too long; it is then
    /// still running.
    pub async fn ready(mut self, timeout: Duration) -> Result<ProcessRecord> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.child.try_wait().map_err(EmbeddedError::system("watch the instance process"))? {
                return Err(self.exited(status));
            }
            let record: Option<ProcessRecord> = files::read_json(&self.files.process()).unwrap_or_default();
            let record = record.filter(|record| record.process.pid == self.child.id());
            match record {
                Some(record) if record.phase == Phase::Ready => return Ok(record),
                _ if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                _ => return Err(self.late(timeout)),
            }
        }
    }

    fn exited(&self, status: ExitStatus) -> EmbeddedError {
        let fault = match process::observe(&self.files) {
            Ok(Presence::Dead(record)) if record.process.pid == self.child.id() => record.fault,
            // Another process was first.
            Ok(Presence::Running(record)) => {
                return EmbeddedError::AlreadyRunning { name: self.files.name().to_owned(), pid: record.process.pid };
            }
            _ => None,
        };
        let code = fault.as_ref().map(|fault| fault.code.clone());
        let reason = fault.map_or_else(|| describe(status), |fault| fault.message);
        EmbeddedError::Exited {
            name: self.files.name().to_owned(),
            code,
            reason,
            log: last_lines(&self.files, LOG_LINES),
        }
    }

    fn late(&self, timeout: Duration) -> EmbeddedError {
        EmbeddedError::NotReady {
            name: self.files.name().to_owned(),
            waited_secs: timeout.as_secs(),
            reason: format!("process {} is still starting", self.child.id()),
            log: last_lines(&self.files, LOG_LINES),
        }
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

/// The last lines that an instance wrote, its standard streams after its log.
#[must_use]
pub fn last_lines(files: &Files, count: usize) -> Vec<String> {
    let records = tail(&files.log(), &Filter::default(), count).unwrap_or_default();
    let mut lines: Vec<String> = records.iter().map(Record::to_string).collect();
    let mut stdio = String::new();
    if let Ok(file) = File::open(files.stdio()) {
        let _ = file.take(MAX_STDIO_BYTES).read_to_string(&mut stdio);
    }
    lines.extend(stdio.lines().map(str::to_owned));
    lines.drain(..lines.len().saturating_sub(count));
    lines
}
