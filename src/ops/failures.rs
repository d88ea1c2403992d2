//! What the errors of the parts mean for the user: code, exit code, hint.

use helix_engine::EngineError;
use helix_engine::backup::BackupError;
use helix_engine::transfer::TransferError;

use super::container::crash::{Cause, Crash};
use super::instance::InstanceError;
use super::invoke::InvokeError;
use super::lock::LockError;
use super::push::PushFailed;
use crate::docker::{DockerError, Runtime};
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::EmbeddedError;
use crate::integrations::error::TargetError;

/// What a fault that an instance process names means for the exit code.
fn exit_of(code: &str) -> ExitCode {
    match code {
        "E-DEPLOY-REFUSED" => ExitCode::Rejected,
        "E-PORT-IN-USE" => ExitCode::Failed,
        "E-STATE-RUNNING" | "E-STATE-DATA-IN-USE" | "E-STATE-FORMAT" => ExitCode::State,
        _ => ExitCode::Unhealthy,
    }
}

fn port_hint(failure: Failure) -> Failure {
    failure.hint("pass `--port N` or `--port auto`, or change `port` in the project file")
}

fn with_log(failure: Failure, log: Vec<String>) -> Failure {
    failure.context(log)
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        let message = error.to_string();
        match error {
            EmbeddedError::File { action, path, source } => Self::file(action, &path, &source),
            EmbeddedError::DamagedFile { .. } => Self::new("E-STATE-DAMAGED", ExitCode::State, message),
            EmbeddedError::AlreadyRunning { .. } => Self::new("E-STATE-RUNNING", ExitCode::State, message),
            EmbeddedError::UnknownHolder { .. } => Self::new("E-STATE-HELD", ExitCode::State, message)
                .hint("find the process with `ps`, end it, and try again"),
            EmbeddedError::PortInUse { .. } => port_hint(Self::new("E-PORT-IN-USE", ExitCode::Failed, message)),
            EmbeddedError::NoFreePort { .. } => Self::new("E-PORT-NONE-FREE", ExitCode::Failed, message),
            EmbeddedError::Control { name, .. } => Self::new("E-STATE-CONTROL", ExitCode::State, message)
                .hint(format!("see `helix status {name}` and `helix logs {name}`")),
            EmbeddedError::Refused { code, .. } => {
                let exit = exit_of(&code);
                Self::new(code, exit, message)
            }
            EmbeddedError::Exited { code, log, .. } => {
                let code = code.unwrap_or_else(|| "E-DEPLOY-EXITED".to_owned());
                let exit = exit_of(&code);
                let is_port = code == "E-PORT-IN-USE";
                let failure = with_log(Self::new(code, exit, message), log);
                if is_port { port_hint(failure) } else { failure }
            }
            EmbeddedError::NotReady { name, log, .. } => {
                with_log(Self::new("E-DEPLOY-UNHEALTHY", ExitCode::Unhealthy, message), log)
                    .hint(format!("wait longer with `--wait 5m`, or look at `helix logs {name}`"))
            }
            EmbeddedError::NotStopped { .. } => Self::new("E-STATE-NOT-STOPPED", ExitCode::State, message),
            EmbeddedError::System { .. } => Self::new("E-RUNTIME-SYSTEM", ExitCode::Failed, message),
            EmbeddedError::ApiKey(_) => Self::new("E-AUTH-KEY-HASH", ExitCode::Auth, message)
                .hint("put what `printf %s \"$KEY\" | sha256sum` prints into `.env`: `HELIX_API_KEY=…`"),
            EmbeddedError::Engine(_) => Self::new("E-RUNTIME-ENGINE", ExitCode::Failed, message),
            EmbeddedError::Plan(_) => Self::new("E-STATE-DAMAGED", ExitCode::State, message),
        }
    }
}

impl From<DockerError> for Failure {
    fn from(error: DockerError) -> Self {
        let message = error.to_string();
        let runtime_error = |code: &str| Self::new(code, ExitCode::Runtime, message.clone());
        match error {
            DockerError::Missing { other: Some(other), .. } => runtime_error("E-RUNTIME-MISSING")
                .hint(format!("{other} answers: set `runtime = \"{}\"` for the instance", other.name())),
            DockerError::Missing { runtime, other: None, .. } => runtime_error("E-RUNTIME-MISSING").hint(format!(
                "install {runtime} and start it, or set `runtime = \"embedded\"` for the instance: that needs neither"
            )),
            DockerError::NotRunning { runtime: Runtime::Docker, .. } => runtime_error("E-RUNTIME-NOT-RUNNING")
                .hint("start it: `sudo systemctl start docker`, or open Docker Desktop, OrbStack or Colima"),
            DockerError::NotRunning { runtime: Runtime::Podman, .. } => runtime_error("E-RUNTIME-NOT-RUNNING")
                .hint("start it: `systemctl --user start podman.socket`, or `podman machine start`"),
            DockerError::Denied { runtime: Runtime::Docker, .. } => runtime_error("E-RUNTIME-DENIED")
                .hint("join its group, `sudo usermod -aG docker $USER`, and log in again, or use rootless Docker"),
            DockerError::Denied { runtime: Runtime::Podman, .. } => {
                runtime_error("E-RUNTIME-DENIED").hint("use your own: `systemctl --user start podman.socket`")
            }
            DockerError::TooOld { .. } => {
                runtime_error("E-RUNTIME-OLD").hint("update it: Docker 20.10 and Podman 4 are new enough")
            }
            DockerError::Address { .. } => {
                runtime_error("E-RUNTIME-ADDRESS").hint("correct or unset `DOCKER_HOST`, or the docker context")
            }
            DockerError::DiskFull { .. } => runtime_error("E-RUNTIME-DISK-FULL")
                .hint("make room: `helix prune --system` removes what no running instance needs"),
            DockerError::PortTaken { .. } => port_hint(Self::new("E-PORT-IN-USE", ExitCode::Failed, message)),
            DockerError::NoImage { image } => Self::new("E-BUILD-NO-IMAGE", ExitCode::State, message)
                .hint(format!("push again to build it, or fetch it: `docker pull {image}`")),
            DockerError::AmbiguousNetwork { .. } => runtime_error("E-RUNTIME-REFUSED")
                .hint("another project made one of that name at the same moment: run the command again"),
            DockerError::NotFound { .. } | DockerError::Conflict { .. } | DockerError::Refused { .. } => {
                runtime_error("E-RUNTIME-REFUSED")
            }
            DockerError::Api { .. } => {
                runtime_error("E-RUNTIME-API").hint("see whether it still answers: `helix status`")
            }
        }
    }
}

impl From<Crash> for Failure {
    fn from(crash: Crash) -> Self {
        let message = crash.to_string();
        let name = crash.name.clone();
        let (code, exit, hint) = match crash.cause() {
            Cause::Refused => (
                "E-DEPLOY-REFUSED",
                ExitCode::Rejected,
                "its schema does not go with the stored data: `--allow-breaking` loses what has no place".to_owned(),
            ),
            Cause::DataInUse => (
                "E-STATE-DATA-IN-USE",
                ExitCode::State,
                "another process has its data: end it, and try again".to_owned(),
            ),
            Cause::DataFormat => (
                "E-STATE-FORMAT",
                ExitCode::State,
                "its data was written by another version of helix: use that one, or restore a backup".to_owned(),
            ),
            Cause::Settings => unhealthy(format!("correct what the log names in `[local.{name}]`")),
            Cause::Memory => unhealthy(format!("give it more: `memory = \"1g\"` in `[local.{name}]`")),
            Cause::MapFull => unhealthy(format!("let it grow: `db_max_size_gb` in `[local.{name}]`")),
            Cause::DiskFull => unhealthy("make room on the disk, and try again".to_owned()),
            Cause::NotWritable => unhealthy("see who owns its data directory: it runs as that user".to_owned()),
            Cause::Image => unhealthy("the image has no server for this machine: build it here".to_owned()),
            Cause::Unknown => unhealthy("the last lines of its log say why".to_owned()),
        };
        with_log(Self::new(code, exit, message), crash.log).hint(hint)
    }
}

fn unhealthy(hint: String) -> (&'static str, ExitCode, String) {
    ("E-DEPLOY-UNHEALTHY", ExitCode::Unhealthy, hint)
}

impl From<InstanceError> for Failure {
    fn from(error: InstanceError) -> Self {
        let message = error.to_string();
        match error {
            InstanceError::Embedded(error) => error.into(),
            InstanceError::Docker(error) => error.into(),
            InstanceError::Crashed(crash) => (*crash).into(),
            InstanceError::Lock(LockError::Held { .. }) => {
                Self::new("E-STATE-LOCKED", ExitCode::Locked, message).hint("wait for it with `--lock-timeout 30s`")
            }
            InstanceError::Lock(LockError::File { path, source }) => Self::file("lock", &path, &source),
            InstanceError::Release(_) => Self::new("E-FS-IO", ExitCode::Failed, message),
            InstanceError::NothingPushed { name } => Self::new("E-STATE-NOTHING-PUSHED", ExitCode::State, message)
                .hint(format!("push first: `helix push {name}`")),
            InstanceError::Unhealthy { log, .. } => {
                with_log(Self::new("E-DEPLOY-UNHEALTHY", ExitCode::Unhealthy, message), log)
            }
            InstanceError::InDevelopment { .. } => Self::new("E-STATE-IN-DEVELOPMENT", ExitCode::State, message)
                .hint("end the session first: Ctrl-C in its terminal, or `helix stop`"),
            InstanceError::Breaking { .. } => Self::new("E-INPUT-BREAKING", ExitCode::Input, message)
                .hint("pass `--allow-breaking` to lose that data; `--yes` alone is not enough"),
        }
    }
}

impl From<PushFailed> for Failure {
    fn from(failed: PushFailed) -> Self {
        let rolled_back = failed.rolled_back;
        let serves = rolled_back.then_some("the instance serves what it served before");
        Self { rolled_back: Some(rolled_back), ..Self::from(failed.error).context(serves) }
    }
}

impl From<InvokeError> for Failure {
    fn from(error: InvokeError) -> Self {
        let message = error.to_string();
        match error {
            InvokeError::Unreachable { .. } => {
                Self::new("E-NET-UNREACHABLE", ExitCode::Network, message).hint("see whether it runs: `helix status`")
            }
            InvokeError::Timeout { .. } => {
                Self::new("E-NET-TIMEOUT", ExitCode::Network, message).hint("wait longer with `--timeout 60s`")
            }
            InvokeError::Answered { answer, .. } => {
                let body = String::from_utf8_lossy(&answer.body).trim().to_owned();
                let failure = match answer.status {
                    401 | 403 => Self::new("E-AUTH-KEY", ExitCode::Auth, message)
                        .hint("put the key of the instance into `HELIX_API_KEY`"),
                    _ => Self::new("E-QUERY-FAILED", ExitCode::State, message),
                };
                failure.context((!body.is_empty()).then_some(body))
            }
            InvokeError::NoIntrospection { .. } => Self::new("E-NET-PROTOCOL", ExitCode::Network, message),
            InvokeError::UnknownQuery { nearest, .. } => {
                Self::new("E-QUERY-UNKNOWN", ExitCode::State, message).hint(match nearest {
                    Some(near) => format!("did you mean `{near}`? `--list` shows all"),
                    None => "`--list` shows what can be called".to_owned(),
                })
            }
            InvokeError::UnknownParam { known, .. } => {
                let failure = Self::new("E-INPUT-PARAM", ExitCode::Usage, message);
                if known.is_empty() {
                    failure.hint("it takes no parameters")
                } else {
                    failure.hint(format!("it takes {}", known.join(", ")))
                }
            }
            InvokeError::MissingParam { name, .. } => {
                Self::new("E-INPUT-PARAM", ExitCode::Usage, message).hint(format!("pass `--param {name}=…`"))
            }
            InvokeError::Param(_) => Self::new("E-INPUT-PARAM", ExitCode::Usage, message),
            InvokeError::NotAnObject { .. } => Self::new("E-INPUT-DATA", ExitCode::Usage, message),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::NoData { .. } => Self::new("E-STATE-NO-DATA", ExitCode::State, message)
                .hint("push to the instance first, or correct `data_dir` in the project file"),
            BackupError::Exists { .. } => {
                Self::new("E-FS-EXISTS", ExitCode::Failed, message).hint("name another place with `-o`")
            }
            BackupError::NotABackup { .. } => {
                Self::new("E-BACKUP-NONE", ExitCode::State, message).hint("`helix backup list` shows what there is")
            }
            BackupError::Damaged { .. } | BackupError::Unsound { .. } => {
                Self::new("E-BACKUP-DAMAGED", ExitCode::State, message)
                    .hint("use another backup: `helix backup list` shows what there is")
            }
            BackupError::Newer { .. } => Self::new("E-STATE-FORMAT", ExitCode::State, message).hint("update helix"),
            BackupError::Busy { .. } => {
                Self::new("E-STATE-LOCKED", ExitCode::Locked, message).hint("try again when it has ended")
            }
            BackupError::NoRoom { .. } => {
                Self::new("E-FS-FULL", ExitCode::Failed, message).hint("make room, or use another disk")
            }
            BackupError::File { action, path, source } => Self::file(action, &path, &source),
            BackupError::Engine(EngineError::Locked { .. }) => {
                Self::new("E-STATE-RUNNING", ExitCode::State, message).hint("stop the instance first: `helix stop`")
            }
            BackupError::Engine(EngineError::DiskFull { .. }) => {
                Self::new("E-FS-FULL", ExitCode::Failed, message).hint("make room, or use another disk")
            }
            BackupError::Engine(error) => Self::new("E-RUNTIME-ENGINE", ExitCode::Failed, error.to_string()),
            _ => Self::internal(message),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let message = error.to_string();
        match error {
            TransferError::NoSchema { .. } => {
                Self::new("E-STATE-NO-DATA", ExitCode::State, message).hint("push to the instance first")
            }
            TransferError::NotAnExport { .. } => {
                Self::new("E-EXPORT-NONE", ExitCode::State, message).hint("name the folder that `helix export` made")
            }
            TransferError::Newer { .. } => Self::new("E-STATE-FORMAT", ExitCode::State, message).hint("update helix"),
            TransferError::Damaged { .. } | TransferError::Line { .. } => {
                Self::new("E-EXPORT-DAMAGED", ExitCode::State, message)
                    .hint("nothing was imported; export the data again")
            }
            TransferError::UnknownType { .. } => Self::new("E-EXPORT-SCHEMA", ExitCode::State, message)
                .hint("nothing was imported; push a schema that has the type first"),
            TransferError::NotEmpty { .. } => Self::new("E-STATE-NOT-EMPTY", ExitCode::State, message),
            TransferError::Stopped => Self::interrupted(ExitCode::Interrupted),
            TransferError::Files(error) => error.into(),
            // As for a backup: the same causes, the same hints.
            TransferError::Engine(error) => BackupError::Engine(error).into(),
            _ => Self::internal(message),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let (code, exit) = error.code.stable();
        let mut failure = Self::new(code, exit, error.to_string()).context(error.context);
        if let Some(id) = error.request_id {
            failure = failure.context([format!("request id {id}")]);
        }
        Self { hint: error.hint, rolled_back: error.rolled_back.then_some(true), ..failure }
    }
}
