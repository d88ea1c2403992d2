//! Lines of the log: pages, each with the key of the next one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;

use super::api::Api;
use super::types::LogAttributes;
use crate::integrations::error::{Code, Result};
use crate::integrations::role::{LogLine, LogQuery};

/// The longest between two looks, in the time of the first.
const MAX_PAUSE: u32 = 5;
/// The most pages that are read before what follows.
const MAX_PAGES: usize = 1000;

/// What was read, and where it goes on.
struct Reader {
    api: Arc<Api>,
    query: LogQuery,
    next: String,
    pause: Duration,
    waiting: VecDeque<LogLine>,
}

/// The lines that a query asks for. Those that are there are read before this returns.
pub(super) async fn lines(api: &Arc<Api>, query: &LogQuery) -> Result<BoxStream<'static, Result<LogLine>>> {
    let pause = api.pace().poll;
    let mut reader =
        Reader { api: Arc::clone(api), query: query.clone(), next: String::new(), pause, waiting: VecDeque::new() };
    for _ in 0..MAX_PAGES {
        if !reader.page().await? {
            break;
        }
        if let Some(count) = query.count {
            reader.waiting.drain(..reader.waiting.len().saturating_sub(count));
        }
    }
    if !query.follow {
        return Ok(stream::iter(reader.waiting.into_iter().map(Ok)).boxed());
    }
    Ok(stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        loop {
            if let Some(line) = reader.waiting.pop_front() {
                return Some((Ok(line), Some(reader)));
            }
            tokio::time::sleep(reader.pause).await;
            match reader.page().await {
                Ok(true) => reader.pause = reader.api.pace().poll,
                // The service was away for a moment: the key says where to go on.
                Err(error) if !is_passing(error.code) => return Some((Err(error), None)),
                Ok(false) | Err(_) => {
                    reader.pause = (reader.pause * 2).min(reader.api.pace().poll * MAX_PAUSE);
                }
            }
        }
    })
    .boxed())
}

fn is_passing(code: Code) -> bool {
    matches!(code, Code::Upstream | Code::Connect | Code::RateLimited)
}

impl Reader {
    /// Reads the next page; `false` when nothing new is there.
    async fn page(&mut self) -> Result<bool> {
        let page = self.api.log_page(&self.next).await?;
        let is_new = !page.data.is_empty() && page.meta.next_token != self.next;
        if is_new || self.next.is_empty() {
            let lines = page.data.into_iter().map(|item| line(item.attributes));
            self.waiting.extend(lines.filter(|line| is_within(&self.query, line)));
        }
        if !page.meta.next_token.is_empty() {
            self.next = page.meta.next_token;
        }
        Ok(is_new)
    }
}

fn is_within(query: &LogQuery, line: &LogLine) -> bool {
    let Some(time) = line.timestamp.as_ref().and_then(|text| text.parse::<Timestamp>().ok()) else { return true };
    query.since.is_none_or(|since| time >= since) && query.until.is_none_or(|until| time <= until)
}

fn line(from: LogAttributes) -> LogLine {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let level = some(from.level.to_lowercase()).map(|level| if level == "warning" { "warn".to_owned() } else { level });
    LogLine { timestamp: some(from.timestamp), level, message: from.message.trim_end().to_owned() }
}
