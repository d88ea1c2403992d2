//! A program that runs in a container, beside what the container is for.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Client;
use super::error::{DockerError, Result};

/// The most that is kept of what a program says on stderr, in bytes.
const MAX_STDERR_BYTES: usize = 16 << 10;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` when the runtime does not know.
    pub code: Option<i64>,
    /// What it said on stderr.
    pub stderr: String,
}

impl Client {
    /// Runs a program in a container that runs, and hands on what it writes to stdout.
    ///
    /// # Errors
    ///
    /// When the container does not run, the program cannot be started, or `stdout` takes no more.
    pub async fn exec(&self, id: &str, command: &[&str], stdout: &mut (impl AsyncWrite + Unpin)) -> Result<Ended> {
        let failed = |error| DockerError::of("run a program in the container")(error);
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.docker().create_exec(id, options).await.map_err(failed)?;
        let started = self.docker().start_exec(&exec.id, None::<StartExecOptions>).await.map_err(failed)?;
        let mut stderr = Vec::new();
        if let StartExecResults::Attached { mut output, input: _ } = started {
            while let Some(chunk) = output.next().await {
                match chunk.map_err(failed)? {
                    LogOutput::StdErr { message } => {
                        let room = MAX_STDERR_BYTES.saturating_sub(stderr.len());
                        stderr.extend_from_slice(&message[..message.len().min(room)]);
                    }
                    LogOutput::StdOut { message } | LogOutput::Console { message } => {
                        let written = stdout.write_all(&message).await;
                        written.map_err(|error| failed(bollard::errors::Error::IOError { err: error }))?;
                    }
                    LogOutput::StdIn { .. } => {}
                }
            }
        }
        let written = stdout.flush().await;
        written.map_err(|error| failed(bollard::errors::Error::IOError { err: error }))?;
        let code = self.docker().inspect_exec(&exec.id).await.map_err(failed)?.exit_code;
        Ok(Ended { code, stderr: String::from_utf8_lossy(&stderr).trim().to_owned() })
    }
}
