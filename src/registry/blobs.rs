//! Blobs: whether they are there, and how they get there. Nothing that is there is sent again, and a cut upload goes on where it was cut.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::auth::Access;
use super::client::{Client, present, redirects, text};
use super::error::{RegistryError, Result};
use super::manifest::Descriptor;
use super::reference::Repository;
use crate::http::{HttpError, OpenBody};

/// What is sent in one request, without a second one for its end.
const SMALL: u64 = 1 << 20;
/// Of a stream from a file.
const PIECE: usize = 256 << 10;
/// How long a registry may think about a whole blob.
const FINISH: Duration = Duration::from_secs(300);
const MIN_CHUNK: HeaderName = HeaderName::from_static("oci-chunk-min-length");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Bytes that have a digest.
#[derive(Clone, Debug)]
pub struct Blob {
    /// What it is.
    pub descriptor: Descriptor,
    /// Where it is.
    pub content: Content,
}

/// Where bytes are.
#[derive(Clone, Debug)]
pub enum Content {
    /// Here.
    Bytes(Bytes),
    /// In a file.
    File(PathBuf),
}

impl Blob {
    /// A blob of bytes.
    #[must_use]
    pub fn bytes(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { descriptor: Descriptor::of(media_type, &bytes), content: Content::Bytes(bytes) }
    }
}

/// What happens while an image is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The container runtime is giving the image away.
    Exporting,
    /// A layer of so many bytes is compressed.
    Compressing(u64),
    /// So many bytes of a blob are on their way.
    Sending {
        /// The blob.
        digest: &'a str,
        /// How many.
        done: u64,
        /// Of how many.
        size: u64,
    },
    /// A blob is there.
    Arrived {
        /// The blob.
        digest: &'a str,
        /// How.
        sent: Sent,
    },
}

/// Hears what happens while an image is pushed.
#[derive(Clone)]
pub struct Watch(Arc<dyn Hear>);

trait Hear: Send + Sync {
    fn hear(&self, event: Event<'_>);
}

impl<F: Fn(Event<'_>) + Send + Sync> Hear for F {
    fn hear(&self, event: Event<'_>) {
        self(event);
    }
}

impl Watch {
    /// What calls that.
    pub fn new(hear: impl Fn(Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        self.0.hear(event);
    }
}

impl Default for Watch {
    /// Nobody.
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// How a blob got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was there.
    Present,
    /// The registry had it in another repository.
    Mounted,
    /// It was sent.
    Uploaded,
}

/// How a registry lets a cut upload go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resume {
    /// With all of the rest.
    Rest,
    /// In pieces of so many bytes at most.
    Pieces(u64),
    /// Not at all.
    Anew,
}

impl Resume {
    /// What is known of registries: GitHub's refuses larger pieces with a range, Amazon's loses all but the first.
    fn of(repository: &Repository) -> Self {
        match repository.host.as_str() {
            "ghcr.io" => Self::Pieces(4 << 20),
            host if host.contains(".dkr.ecr") => Self::Anew,
            _ => Self::Rest,
        }
    }
}

/// An upload that was begun.
#[derive(Debug)]
pub(super) struct Begun {
    /// Where it goes on. It carries the state of the upload: only the latest is good.
    pub(super) location: Url,
    min_chunk: u64,
    is_mounted: bool,
}

impl Client {
    /// Whether a blob is there.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should.
    pub async fn blob_exists(&self, digest: &str) -> Result<bool> {
        let path = self.path(&format!("blobs/{digest}"));
        let answer = self.call(Access::Pull, None, |api| redirects(api.call(Method::HEAD, &path))).await;
        Ok(present(answer)?.is_some())
    }

    /// Sees to it that a blob is there. `from` is a repository of the same registry that may have it.
    ///
    /// # Errors
    ///
    /// When the registry refuses, or does not have it in the end.
    pub async fn push_blob(&self, blob: &Blob, from: Option<&str>, watch: &Watch) -> Result<Sent> {
        let sent = self.bring(blob, from, watch).await?;
        watch.tell(Event::Arrived { digest: &blob.descriptor.digest, sent });
        Ok(sent)
    }

    async fn bring(&self, blob: &Blob, from: Option<&str>, watch: &Watch) -> Result<Sent> {
        let digest = &blob.descriptor.digest;
        if self.blob_exists(digest).await? {
            return Ok(Sent::Present);
        }
        if let Some(from) = from {
            // One that may not be read is like one that has nothing.
            match self.begin(Some((digest, from))).await {
                Ok(begun) if begun.is_mounted => return Ok(Sent::Mounted),
                Ok(begun) => self.send(blob, begun, watch).await?,
                Err(RegistryError::Token { .. } | RegistryError::Refused { .. }) => {
                    self.send(blob, self.begin(None).await?, watch).await?;
                }
                Err(error) => return Err(error),
            }
        } else {
            self.send(blob, self.begin(None).await?, watch).await?;
        }
        // Some take bytes that they do not keep.
        if self.blob_exists(digest).await? {
            Ok(Sent::Uploaded)
        } else {
            Err(self.absent(format!("blob {digest} after its upload")))
        }
    }

    /// Begins an upload, or has a blob mounted from another repository.
    pub(super) async fn begin(&self, mount: Option<(&str, &str)>) -> Result<Begun> {
        let path = self.path("blobs/uploads/");
        let from = mount.map(|(_, from)| from);
        let answer = self
            .call(Access::Push, from, |api| {
                // One that was begun and forgotten ends by itself.
                let call = api.post(&path).header(CONTENT_LENGTH, HeaderValue::from(0)).repeatable();
                match mount {
                    Some((digest, from)) => call.query("mount", digest).query("from", from),
                    None => call,
                }
            })
            .await?;
        let is_mounted = mount.is_some() && answer.status() == StatusCode::CREATED;
        Ok(Begun { location: self.location(&answer)?, min_chunk: min_chunk(&answer), is_mounted })
    }

    fn location(&self, answer: &Response) -> Result<Url> {
        let location = text(answer.headers(), &LOCATION);
        location.and_then(|location| answer.url().join(&location).ok()).ok_or_else(|| {
            self.failed(HttpError::malformed(&Method::POST, answer.url(), "it does not say where the upload goes on"))
        })
    }

    async fn send(&self, blob: &Blob, begun: Begun, watch: &Watch) -> Result<()> {
        if blob.descriptor.size <= SMALL {
            self.send_whole(blob, begun, watch).await
        } else {
            self.send_streamed(blob, begun, watch).await
        }
    }

    /// Sends a small blob with the end of its upload; twice, when it has to begin anew.
    async fn send_whole(&self, blob: &Blob, mut begun: Begun, watch: &Watch) -> Result<()> {
        let Descriptor { digest, size, .. } = &blob.descriptor;
        let bytes = match &blob.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::File(path) => tokio::fs::read(path).await.map_err(RegistryError::file("read", path))?.into(),
        };
        watch.tell(Event::Sending { digest, done: *size, size: *size });
        let mut tries = 0;
        loop {
            tries += 1;
            let at = &begun.location;
            let sent = self.call(Access::Push, None, |api| finish(api, at, digest).body(OCTETS, bytes.clone())).await;
            let Err(error) = sent else { return Ok(()) };
            let Some(pause) = self.pause(&error, tries) else { return Err(error) };
            tracing::debug!(%error, "beginning the upload anew");
            tokio::time::sleep(pause).await;
            begun = self.begin(None).await?;
        }
    }

    /// Sends a large blob as one stream. When that is cut, asks how much arrived, and goes on from there.
    async fn send_streamed(&self, blob: &Blob, mut begun: Begun, watch: &Watch) -> Result<()> {
        let Descriptor { digest, size, .. } = &blob.descriptor;
        let resume = Resume::of(&self.repository);
        let (mut done, mut furthest, mut failures) = (0, 0, 0);
        while done < *size {
            let end = match resume {
                Resume::Pieces(piece) if done > 0 => (*size).min(done + piece.max(begun.min_chunk)),
                Resume::Pieces(_) | Resume::Rest | Resume::Anew => *size,
            };
            match self.patch(blob, &begun.location, done..end, watch).await {
                Ok((location, arrived)) => (begun.location, done) = (location, arrived),
                Err(error) => {
                    let Some(pause) = self.pause(&error, failures + 1) else { return Err(error) };
                    tracing::debug!(%error, done, "the upload was cut");
                    tokio::time::sleep(pause).await;
                    let arrived = if resume == Resume::Anew { None } else { self.arrived(&begun.location).await? };
                    match arrived {
                        Some((location, arrived)) => (begun.location, done) = (location, arrived.min(*size)),
                        None => (begun, done) = (self.begin(None).await?, 0),
                    }
                }
            }
            if done > furthest {
                // It gets on: patience begins anew.
                (furthest, failures) = (done, 0);
            } else {
                failures += 1;
            }
            if failures >= self.policy.tries {
                return Err(self.absent(format!("more of blob {digest} than {done} bytes, whatever is sent")));
            }
        }
        let at = &begun.location;
        let nothing = HeaderValue::from(0);
        let finished =
            self.call(Access::Push, None, |api| finish(api, at, digest).header(CONTENT_LENGTH, nothing.clone())).await;
        match finished {
            // The answer to the first of two tries was lost.
            Err(error) if self.pause(&error, 1).is_some() && self.blob_exists(digest).await? => Ok(()),
            finished => finished.map(drop),
        }
    }

    /// How long to wait before an upload that failed `tries` times goes on; `None` when that is no use.
    fn pause(&self, error: &RegistryError, tries: u32) -> Option<Duration> {
        let (RegistryError::Http(source) | RegistryError::Refused { source, .. }) = error else { return None };
        // One that the registry has lost, or has otherwise than we think, is asked for or begun anew.
        let is_lost = matches!(source.status(), Some(StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE));
        if is_lost && tries < self.policy.tries {
            Some(self.policy.first)
        } else {
            self.policy.pause(source, tries, true)
        }
    }

    /// Sends a part; where the upload goes on, and how much is there: a registry need not keep all.
    async fn patch(&self, blob: &Blob, at: &Url, part: std::ops::Range<u64>, watch: &Watch) -> Result<(Url, u64)> {
        let len = part.end - part.start;
        let range = content_range(&part, blob.descriptor.size);
        let open = open(blob, part.clone(), watch);
        let answer = self
            .call(Access::Push, None, |api| {
                let call = api.call_url(Method::PATCH, at.clone()).stream(OCTETS, len, open.clone());
                match &range {
                    Some(range) => call.header(CONTENT_RANGE, range.clone()),
                    None => call,
                }
            })
            .await?;
        let arrived = last_byte(&answer).map_or(part.end, |last| (last + 1).min(part.end));
        Ok((self.location(&answer)?, arrived))
    }

    /// Where a cut upload goes on, and how many bytes arrived; `None` when the registry has forgotten it.
    async fn arrived(&self, at: &Url) -> Result<Option<(Url, u64)>> {
        let asked = self.call(Access::Push, None, |api| api.call_url(Method::GET, at.clone())).await;
        let Some(answer) = (match asked {
            // Whatever it is that it does not like about the question.
            Err(error @ RegistryError::Refused { .. })
                if error.status().is_some_and(|status| status.is_client_error()) =>
            {
                None
            }
            asked => present(asked)?,
        }) else {
            return Ok(None);
        };
        let arrived = last_byte(&answer).map_or(0, |last| last + 1);
        Ok(Some((self.location(&answer).unwrap_or_else(|_| at.clone()), arrived)))
    }
}

/// The range of a part, in the words of the distribution specification; `None` for the whole, which some do not want to be told.
fn content_range(part: &std::ops::Range<u64>, size: u64) -> Option<HeaderValue> {
    let is_all = part.start == 0 && part.end == size;
    if is_all { None } else { HeaderValue::from_str(&format!("{}-{}", part.start, part.end - 1)).ok() }
}

/// The end of an upload. It may be made twice: the second time the blob is there, or the upload is not, which is seen.
fn finish<'a>(api: &'a crate::http::Api, at: &Url, digest: &str) -> crate::http::Call<'a> {
    api.call_url(Method::PUT, at.clone()).query("digest", digest).within(FINISH)
}

/// The last byte that arrived, of `0-LAST`. `0-0` is said of nothing as well as of one byte, and is nothing here.
fn last_byte(answer: &Response) -> Option<u64> {
    let range = text(answer.headers(), &RANGE)?;
    range.rsplit_once('-')?.1.parse().ok().filter(|last| *last > 0)
}

fn min_chunk(answer: &Response) -> u64 {
    text(answer.headers(), &MIN_CHUNK).and_then(|length| length.parse().ok()).unwrap_or_default()
}

/// Opens a part of a blob, which is watched.
fn open(blob: &Blob, part: std::ops::Range<u64>, watch: &Watch) -> OpenBody {
    let (content, digest, size) = (blob.content.clone(), blob.descriptor.digest.clone(), blob.descriptor.size);
    let watch = watch.clone();
    Arc::new(move || {
        let pieces = pieces(content.clone(), part.clone());
        let (digest, watch, mut done) = (digest.clone(), watch.clone(), part.start);
        let told = pieces.inspect(move |piece| {
            done += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            watch.tell(Event::Sending { digest: &digest, done, size });
        });
        told.boxed()
    })
}

fn pieces(content: Content, part: std::ops::Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
    match content {
        Content::Bytes(bytes) => {
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
            let part = bytes.slice(at(part.start)..at(part.end));
            let starts: Vec<usize> = (0..part.len()).step_by(PIECE).collect();
            let pieces = starts.into_iter().map(move |start| Ok(part.slice(start..part.len().min(start + PIECE))));
            futures_util::stream::iter(pieces).boxed()
        }
        Content::File(path) => futures_util::stream::once(async move {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(io::SeekFrom::Start(part.start)).await?;
            Ok::<_, io::Error>(ReaderStream::with_capacity(file.take(part.end - part.start), PIECE))
        })
        .map(|opened| match opened {
            Ok(stream) => stream.boxed(),
            Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
        })
        .flatten()
        .boxed(),
    }
}
