//! What the server in a container wrote.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;

use super::Container;
use crate::docker;
use crate::docker::logs::{Line, LogQuery};
use crate::integrations::embedded::log::read::{Filter, Record};
use crate::ops::instance::InstanceError;

/// Between two looks for a container, when there is none.
const PAUSE: Duration = Duration::from_millis(500);

type Lines = Pin<Box<dyn Stream<Item = docker::Result<Vec<Line>>> + Send>>;

/// The log of an instance as it grows, through restarts and releases.
pub struct Follow<'a> {
    container: &'a Container,
    filter: Filter,
    lines: Option<Lines>,
    /// When the last line was written that was seen.
    last: Timestamp,
}

impl Container {
    /// The wanted lines, oldest first; the last `count` of them when that is given.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer.
    pub async fn logs(&self, filter: &Filter, count: Option<usize>) -> Result<Vec<Record>, InstanceError> {
        let Some(id) = self.current_id().await? else { return Ok(Vec::new()) };
        let query = LogQuery {
            // With a filter, nobody knows how many lines it takes.
            tail: count.filter(|_| filter.takes_all()),
            since_secs: filter.since.map(Timestamp::as_second),
            until_secs: filter.until.map(|until| until.as_second() + 1),
            follow: false,
        };
        let mut stream = std::pin::pin!(self.client().await?.logs(&id, query));
        let mut records = Vec::new();
        while let Some(lines) = stream.next().await {
            records.extend(lines?.iter().filter_map(|line| accept(filter, line)));
            if let Some(count) = count {
                records.drain(..records.len().saturating_sub(count));
            }
        }
        Ok(records)
    }

    /// The last `count` wanted lines, and what follows.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer.
    pub async fn follow(&self, filter: Filter, count: usize) -> Result<(Vec<Record>, Follow<'_>), InstanceError> {
        let now = Timestamp::now();
        let last = self.logs(&filter, Some(count)).await?;
        let seen = last.iter().filter_map(|record| record.ts).max().unwrap_or(now);
        Ok((last, Follow { container: self, filter, lines: None, last: seen }))
    }

    async fn current_id(&self) -> Result<Option<String>, InstanceError> {
        Ok(self.observe().await?.current().map(|current| current.id.clone()))
    }
}

impl Follow<'_> {
    /// The wanted lines that come next: at least one, after a while perhaps.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer any more.
    pub async fn next(&mut self) -> Result<Vec<Record>, InstanceError> {
        loop {
            let Some(lines) = &mut self.lines else {
                self.open().await?;
                continue;
            };
            let Some(lines) = lines.next().await else {
                // The container ended: another one may take its place.
                self.lines = None;
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let mut records = Vec::new();
            for line in lines? {
                let Some(at) = line.0.parse::<Timestamp>().ok().filter(|at| *at > self.last) else { continue };
                self.last = at;
                records.extend(accept(&self.filter, &line));
            }
            if !records.is_empty() {
                return Ok(records);
            }
        }
    }

    async fn open(&mut self) -> Result<(), InstanceError> {
        let container = self.container;
        match container.observe().await?.up() {
            Some(up) => {
                let query = LogQuery { since_secs: Some(self.last.as_second()), follow: true, ..LogQuery::default() };
                self.lines = Some(Box::pin(container.client().await?.logs(&up.id, query)));
            }
            None => tokio::time::sleep(PAUSE).await,
        }
        Ok(())
    }
}

/// The line, if it is wanted. One that does not say when it was written was so when the runtime got it.
fn accept(filter: &Filter, (at, line): &Line) -> Option<Record> {
    filter.accept_at(line, at.parse().ok())
}
