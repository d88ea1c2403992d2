//! Why a container ended, as far as can be told: how it ended, what it wrote last, and what that usually means.

use crate::docker::Client;
use crate::docker::containers::{Container, Phase};
use crate::integrations::embedded::log::read::Record;

/// How many lines of its log a failed container shows.
pub const LOG_LINES: usize = 50;

/// A container that ended while it was waited for.
#[derive(Debug, thiserror::Error)]
#[error("the container of instance `{name}` {}", self.how())]
pub struct Crash {
    /// The instance.
    pub name: String,
    /// What it ended with.
    pub exit_code: i64,
    /// Whether it ended for want of memory.
    pub oom_killed: bool,
    /// How often it was started again by itself.
    pub restarts: i64,
    /// What the runtime says went wrong.
    pub error: Option<String>,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// What a crash usually means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The new schema does not go with the stored data.
    Refused,
    /// Somebody else has the data directory.
    DataInUse,
    /// The data was written by a version that this one does not read.
    DataFormat,
    /// A setting cannot be used.
    Settings,
    /// It may use too little memory.
    Memory,
    /// The database may not grow any more.
    MapFull,
    /// The disk is full.
    DiskFull,
    /// It may not write to the data directory.
    NotWritable,
    /// The image has no server for this machine.
    Image,
    /// Nothing that is known.
    Unknown,
}

impl Crash {
    /// Looks at a container that ended, and may have been started again since.
    pub async fn of(name: &str, client: &Client, container: &Container) -> Self {
        let exit_code = match container.phase {
            Phase::Running => client.last_exit(container).await.ok().flatten(),
            Phase::Created | Phase::Restarting | Phase::Paused | Phase::Exited => None,
        };
        Self {
            name: name.to_owned(),
            exit_code: exit_code.unwrap_or(container.exit_code),
            oom_killed: container.oom_killed,
            restarts: container.restarts,
            error: container.error.clone(),
            log: log(client, &container.id).await,
        }
    }

    fn how(&self) -> String {
        let restarts = match self.restarts {
            0 => String::new(),
            1 => " after it was started again once".to_owned(),
            times => format!(" after it was started again {times} times"),
        };
        let oom = if self.oom_killed { ": it needed more memory than it may use" } else { "" };
        let error = self.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        format!("ended with exit code {}{restarts}{oom}{error}", self.exit_code)
    }

    /// What it usually means.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let text = self.log.join("\n").to_ascii_lowercase();
        let error = self.error.as_deref().unwrap_or_default().to_ascii_lowercase();
        let says = |word: &str| text.contains(word) || error.contains(word);
        if self.oom_killed {
            Cause::Memory
        } else if says("no space left on device") {
            Cause::DiskFull
        } else if says("mdb_map_full") || says("map full") || says("db_max_size_gb") {
            Cause::MapFull
        } else if says("permission denied") || says("read-only file system") {
            Cause::NotWritable
        } else if says("exec format error") || matches!(self.exit_code, 126 | 127) {
            Cause::Image
        } else {
            match self.exit_code {
                2 => Cause::Settings,
                11 => Cause::Refused,
                13 if says("in use") || says("already") => Cause::DataInUse,
                13 => Cause::DataFormat,
                _ => Cause::Unknown,
            }
        }
    }
}

/// The last lines of a container, as people read them. A log that cannot be read is an empty one: the crash is what matters.
pub async fn log(client: &Client, id: &str) -> Vec<String> {
    let lines = client.last_lines(id, LOG_LINES).await.unwrap_or_default();
    lines.iter().map(|line| Record::parse(line).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(exit_code: i64, log: &str) -> Crash {
        let log = vec![log.to_owned()];
        Crash { name: "dev".to_owned(), exit_code, oom_killed: false, restarts: 0, error: None, log }
    }

    #[test]
    fn known_causes_are_told() {
        assert_eq!(crash(11, "").cause(), Cause::Refused);
        assert_eq!(crash(13, "error: the data directory is in use").cause(), Cause::DataInUse);
        assert_eq!(crash(13, "error: format 9").cause(), Cause::DataFormat);
        assert_eq!(crash(2, "").cause(), Cause::Settings);
        assert_eq!(crash(127, "").cause(), Cause::Image);
        assert_eq!(crash(1, "cannot open /data: Permission denied (os error 13)").cause(), Cause::NotWritable);
        assert_eq!(crash(70, "MDB_MAP_FULL: Environment mapsize limit reached").cause(), Cause::MapFull);
        assert_eq!(Crash { oom_killed: true, ..crash(137, "") }.cause(), Cause::Memory);
        assert_eq!(crash(1, "what?").cause(), Cause::Unknown);
    }

    #[test]
    fn the_end_is_told_in_words() {
        let told = Crash { oom_killed: true, restarts: 2, ..crash(137, "") }.to_string();
        let expected = "the container of instance `dev` ended with exit code 137 after it was started again 2 times: \
                        it needed more memory than it may use";
        assert_eq!(told, expected);
    }
}
