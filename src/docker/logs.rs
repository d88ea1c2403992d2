//! What a container wrote to its standard streams, line by line.

use bollard::query_parameters::LogsOptions;
use futures_util::{Stream, StreamExt as _};

use super::Client;
use super::error::{DockerError, Result};

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogQuery {
    /// The last ones, so many; all when omitted.
    pub tail: Option<usize>,
    /// Those that were written since, in seconds since 1970.
    pub since_secs: Option<i64>,
    /// Those that were written until then, in seconds since 1970.
    pub until_secs: Option<i64>,
    /// And those that come.
    pub follow: bool,
}

/// A line, with the instant that the runtime got it at, in RFC 3339.
pub type Line = (String, String);

impl Client {
    /// The lines of a container, both streams in the order in which they were written.
    pub fn logs(&self, id: &str, query: LogQuery) -> impl Stream<Item = Result<Vec<Line>>> + Send + use<> {
        let secs = |at: Option<i64>| at.and_then(|at| i32::try_from(at).ok()).unwrap_or_default();
        let options = LogsOptions {
            follow: query.follow,
            stdout: true,
            stderr: true,
            since: secs(query.since_secs),
            until: secs(query.until_secs),
            timestamps: true,
            tail: query.tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string()),
        };
        let docker = self.docker().clone();
        let id = id.to_owned();
        let mut pending = Vec::new();
        chunks(docker, id, options).map(move |chunk| {
            let chunk = chunk.map_err(DockerError::of("read the log of the container"))?;
            Ok(split(&mut pending, &chunk.into_bytes()))
        })
    }

    /// The last lines of a container.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn last_lines(&self, id: &str, count: usize) -> Result<Vec<String>> {
        let query = LogQuery { tail: Some(count), ..LogQuery::default() };
        let mut stream = std::pin::pin!(self.logs(id, query));
        let mut lines = Vec::new();
        while let Some(some) = stream.next().await {
            lines.extend(some?.into_iter().map(|(_, line)| line));
        }
        Ok(lines)
    }
}

/// The stream of a container that owns what it is asked with.
fn chunks(
    docker: bollard::Docker,
    id: String,
    options: LogsOptions,
) -> impl Stream<Item = std::result::Result<bollard::container::LogOutput, bollard::errors::Error>> + Send {
    docker.logs(&id, Some(options))
}

/// The lines that are whole, now that `bytes` came; the rest waits.
fn split(pending: &mut Vec<u8>, bytes: &[u8]) -> Vec<Line> {
    pending.extend_from_slice(bytes);
    let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let rest = pending.split_off(end + 1);
    let whole = std::mem::replace(pending, rest);
    let text = String::from_utf8_lossy(&whole);
    let line = |line: &str| match line.split_once(' ') {
        Some((at, text)) => (at.to_owned(), text.trim_end_matches('\r').to_owned()),
        None => (line.to_owned(), String::new()),
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_come_in_pieces() {
        let mut pending = Vec::new();
        assert!(split(&mut pending, b"2030-01-01T00:00:00Z hel").is_empty());
        let lines = split(&mut pending, b"lo\n2030-01-01T00:00:01Z \n2030");
        let expected = [("2030-01-01T00:00:00Z", "hello"), ("2030-01-01T00:00:01Z", "")];
        assert_eq!(lines, expected.map(|(at, line)| (at.to_owned(), line.to_owned())));
        assert_eq!(pending, b"2030");
    }
}
