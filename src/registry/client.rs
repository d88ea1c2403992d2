//! The calls of a registry about manifests and tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION,
};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Deserialize;

use super::auth::{Access, Credential, Session};
use super::error::{RegistryError, Result};
use super::manifest::{
    self, DOCKER_INDEX, DOCKER_MANIFEST, INDEX, ImageConfig, ImageIndex, ImageManifest, MANIFEST, Manifest,
};
use super::reference::Repository;
use crate::http::{Api, Call, HttpError, Policy};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// How often a blob may be somewhere else.
const MAX_REDIRECTS: usize = 5;
/// The most tags of one answer.
const PAGE: &str = "1000";

/// A client of one repository.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) api: Api,
    pub(super) repository: Repository,
    pub(super) policy: Policy,
    http: reqwest::Client,
    credential: Option<Credential>,
    session: Arc<Session>,
}

/// What a registry says of a manifest without giving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its digest.
    pub digest: String,
    /// What kind it is.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A call that is made again with another login; it may not borrow what it is made of.
pub(super) trait Make: for<'a> Fn(&'a Api) -> Call<'a> + Send + Sync {}
impl<F: for<'a> Fn(&'a Api) -> Call<'a> + Send + Sync> Make for F {}

impl Client {
    /// A client of a repository; without a credential it is anonymous.
    #[must_use]
    pub fn new(http: reqwest::Client, repository: Repository, credential: Option<Credential>) -> Self {
        Self::with_policy(http, repository, credential, Policy::default())
    }

    /// The same, which tries as often as `policy` says.
    ///
    /// # Panics
    ///
    /// Never: the host of a repository was checked.
    #[must_use]
    pub fn with_policy(
        http: reqwest::Client,
        repository: Repository,
        credential: Option<Credential>,
        policy: Policy,
    ) -> Self {
        let base = Url::parse(&repository.origin()).expect("the host of a repository was checked");
        let api = Api::new(http.clone(), base).policy(policy);
        let session = Arc::new(Session::new(http.clone(), repository.clone(), credential.clone(), policy));
        Self { api, repository, policy, http, credential, session }
    }

    /// The repository.
    #[must_use]
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// A client of another repository of the same registry, with the same login.
    #[must_use]
    pub fn beside(&self, repository: Repository) -> Self {
        Self::with_policy(self.http.clone(), repository, self.credential.clone(), self.policy)
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository.path)
    }

    pub(super) fn failed(&self, error: HttpError) -> RegistryError {
        RegistryError::of(&self.repository.host, error)
    }

    pub(super) fn absent(&self, what: impl Into<String>) -> RegistryError {
        RegistryError::Absent { repository: self.repository.to_string(), what: what.into() }
    }

    /// Makes a call with a login. One that is turned away for an old token is made once more with a new one; one that is to another
    /// origin carries none.
    pub(super) async fn call(&self, access: Access, from: Option<&str>, make: impl Make) -> Result<Response> {
        let mut is_first = true;
        loop {
            let mut call = make(&self.api);
            if call.url().origin() == self.api.base().origin()
                && let Some(header) = self.session.authorization(&self.api, access, from).await?
            {
                call = call.header(AUTHORIZATION, header);
            }
            match call.send().await {
                Ok(response) => return Ok(response),
                Err(error) if is_first && error.status() == Some(StatusCode::UNAUTHORIZED) => {
                    is_first = false;
                    if !self.session.forget().await {
                        return Err(self.failed(error));
                    }
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Whether the login is one for this registry, without touching the repository.
    ///
    /// # Errors
    ///
    /// When it is not, or the registry does not answer.
    pub async fn check_login(&self) -> Result<()> {
        self.call(Access::Pull, None, |api| api.get("/v2/")).await.map(drop)
    }

    /// Whether an image may be pushed: an upload is begun and given up.
    ///
    /// # Errors
    ///
    /// When it may not.
    pub async fn check_push(&self) -> Result<()> {
        let begun = self.begin(None).await?;
        let given_up =
            self.call(Access::Push, None, |api| api.call_url(Method::DELETE, begun.location.clone()).once()).await;
        if let Err(error) = given_up {
            // It is forgotten there after a while.
            tracing::debug!(%error, "the upload that was begun to see whether that is allowed stays");
        }
        Ok(())
    }

    /// What is known of the manifest with that tag or digest; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should.
    pub async fn head(&self, reference: &str) -> Result<Option<Head>> {
        let path = self.path(&format!("manifests/{reference}"));
        let answer = self.call(Access::Pull, None, |api| accept_manifests(api.call(Method::HEAD, &path))).await;
        let Some(answer) = present(answer)? else { return Ok(None) };
        let digest = text(answer.headers(), &CONTENT_DIGEST);
        let (Some(digest), Some(media_type)) = (digest, media_type(answer.headers())) else {
            // The header is optional.
            let found = self.manifest(reference).await?;
            return Ok(found.map(|found| Head {
                size: found.bytes.len() as u64,
                digest: found.digest,
                media_type: found.media_type,
            }));
        };
        let size = text(answer.headers(), &CONTENT_LENGTH).and_then(|size| size.parse().ok()).unwrap_or_default();
        Ok(Some(Head { digest, media_type, size }))
    }

    /// The manifest with that tag or digest; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should, or with other bytes than were asked for.
    pub async fn manifest(&self, reference: &str) -> Result<Option<Manifest>> {
        let path = self.path(&format!("manifests/{reference}"));
        let answer = self.call(Access::Pull, None, |api| accept_manifests(api.get(&path))).await;
        let Some(answer) = present(answer)? else { return Ok(None) };
        let named = media_type(answer.headers());
        let bytes = self.body(answer, &path).await?;
        let media_type = named.unwrap_or_else(|| MANIFEST.to_owned());
        let found = Manifest::new(&media_type, bytes);
        if reference.starts_with("sha256:") && found.digest != reference {
            return Err(self.differs(reference, &found.digest));
        }
        Ok(Some(found))
    }

    async fn body(&self, answer: Response, path: &str) -> Result<Bytes> {
        let url = answer.url().clone();
        answer.bytes().await.map_err(|error| {
            tracing::debug!(path, "the answer broke off");
            self.failed(HttpError::transport(&Method::GET, &url, &error))
        })
    }

    pub(super) fn differs(&self, expected: &str, found: &str) -> RegistryError {
        let host = self.repository.host.clone();
        RegistryError::Digest { host, expected: expected.to_owned(), found: found.to_owned() }
    }

    /// Stores a manifest under a tag or its digest.
    ///
    /// # Errors
    ///
    /// When the registry refuses, or has stored something else.
    pub async fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<()> {
        self.put(reference, manifest).await.map(drop)
    }

    pub(super) async fn put(&self, reference: &str, manifest: &Manifest) -> Result<Response> {
        let path = self.path(&format!("manifests/{reference}"));
        let media_type = HeaderValue::from_str(&manifest.media_type)
            .map_err(|_| RegistryError::Image(format!("`{}` is no media type", manifest.media_type)))?;
        let bytes = manifest.bytes.clone();
        let answer =
            self.call(Access::Push, None, |api| api.put(&path).body(media_type.clone(), bytes.clone())).await?;
        match text(answer.headers(), &CONTENT_DIGEST) {
            Some(found) if found != manifest.digest => Err(self.differs(&manifest.digest, &found)),
            _ => Ok(answer),
        }
    }

    /// Has `tag` point to a manifest that is there: the same bytes under another name. That it does already is fine.
    ///
    /// # Errors
    ///
    /// When there is no such manifest, or the registry refuses.
    pub async fn tag(&self, digest: &str, tag: &str) -> Result<()> {
        super::reference::check_tag(tag)?;
        if self.head(tag).await?.is_some_and(|head| head.digest == digest) {
            return Ok(());
        }
        let manifest = self.manifest(digest).await?.ok_or_else(|| self.absent(digest))?;
        self.put_manifest(tag, &manifest).await
    }

    /// The same, when the tag still points to what it was seen to point to. Registries cannot compare and set at once: this is as
    /// near as one comes.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Moved`] when it points somewhere else now, and those of [`Client::tag`].
    pub async fn move_tag(&self, tag: &str, from: Option<&str>, to: &str) -> Result<()> {
        let now = self.head(tag).await?.map(|head| head.digest);
        if now.as_deref() != from && now.as_deref() != Some(to) {
            let repository = self.repository.to_string();
            let found = now.unwrap_or_else(|| "nothing".to_owned());
            return Err(RegistryError::Moved { repository, tag: tag.to_owned(), found });
        }
        self.tag(to, tag).await
    }

    /// All tags, in the order of the registry; none when there is no such repository.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should.
    pub async fn tags(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut tags = Vec::new();
        let mut next = None;
        loop {
            let path = self.path("tags/list");
            let answer = self
                .call(Access::Pull, None, |api| match &next {
                    Some(url) => api.call_url(Method::GET, Url::clone(url)),
                    None => api.get(&path).query("n", PAGE),
                })
                .await;
            let Some(answer) = present(answer)? else { return Ok(tags) };
            let url = answer.url().clone();
            let following = following(answer.headers()).and_then(|path| self.resolve(&path));
            let page: Page = serde_json::from_slice(&self.body(answer, &path).await?)
                .map_err(|error| self.failed(HttpError::malformed(&Method::GET, &url, &error.to_string())))?;
            let page = page.tags.unwrap_or_default();
            let is_last = page.is_empty();
            tags.extend(page);
            next = following.filter(|url| !is_last && next.as_ref() != Some(url));
            if next.is_none() {
                return Ok(tags);
            }
        }
    }

    /// An address that an answer named, whole or as a path.
    pub(super) fn resolve(&self, location: &str) -> Option<Url> {
        self.api.base().join(location).ok()
    }

    /// Removes a manifest with all of its tags; whether it was there.
    ///
    /// # Errors
    ///
    /// When the registry refuses: many do not allow it.
    pub async fn delete(&self, digest: &str) -> Result<bool> {
        super::reference::check_digest(digest)?;
        let path = self.path(&format!("manifests/{digest}"));
        Ok(present(self.call(Access::Delete, None, |api| api.delete(&path)).await)?.is_some())
    }

    /// The bytes of a blob, of a few MiB at most.
    ///
    /// # Errors
    ///
    /// When it is not there, or is another one.
    pub async fn blob(&self, digest: &str) -> Result<Bytes> {
        let path = self.path(&format!("blobs/{digest}"));
        let mut at = self.api.call(Method::GET, &path).url().clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.call(Access::Pull, None, |api| redirects(api.call_url(Method::GET, at.clone()))).await;
            let answer = present(answer)?.ok_or_else(|| self.absent(digest))?;
            if !answer.status().is_redirection() {
                let bytes = self.body(answer, &path).await?;
                let found = manifest::digest(&bytes);
                return if found == digest { Ok(bytes) } else { Err(self.differs(digest, &found)) };
            }
            let location = text(answer.headers(), &LOCATION).and_then(|location| at.join(&location).ok());
            at = location.ok_or_else(|| {
                self.failed(HttpError::malformed(&Method::GET, &at, "the blob is elsewhere, and it is not said where"))
            })?;
        }
        Err(self.failed(HttpError::malformed(&Method::GET, &at, "the blob is always elsewhere")))
    }

    /// The settings of an image; those of its first platform when it has several.
    ///
    /// # Errors
    ///
    /// When there is no such image.
    pub async fn config(&self, reference: &str) -> Result<ImageConfig> {
        let mut found = self.manifest(reference).await?.ok_or_else(|| self.absent(reference))?;
        let malformed = |what: &str| RegistryError::Image(format!("its {what} is not as it should be"));
        if found.is_index() {
            let index: ImageIndex = serde_json::from_slice(&found.bytes).map_err(|_| malformed("index"))?;
            let first = index.manifests.first().ok_or_else(|| malformed("index"))?;
            found = self.manifest(&first.digest).await?.ok_or_else(|| self.absent(&first.digest))?;
        }
        let manifest: ImageManifest = serde_json::from_slice(&found.bytes).map_err(|_| malformed("manifest"))?;
        let config = self.blob(&manifest.config.digest).await?;
        serde_json::from_slice(&config).map_err(|_| malformed("configuration"))
    }

    /// The labels of an image.
    ///
    /// # Errors
    ///
    /// When there is no such image.
    pub async fn config_labels(&self, reference: &str) -> Result<BTreeMap<String, String>> {
        Ok(self.config(reference).await?.labels())
    }
}

/// Registries answer 404 to those who do not accept what they have.
fn accept_manifests(call: Call<'_>) -> Call<'_> {
    let all = [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(", ");
    call.header(ACCEPT, HeaderValue::from_str(&all).expect("media types are text"))
}

/// Those that keep blobs elsewhere say where.
pub(super) fn redirects(call: Call<'_>) -> Call<'_> {
    [301, 302, 303, 307, 308]
        .into_iter()
        .filter_map(|status| StatusCode::from_u16(status).ok())
        .fold(call.unbounded(), Call::accept)
}

/// An answer; `None` when what was asked for is not there.
pub(super) fn present<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error @ RegistryError::Refused { .. }) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let whole = text(headers, &CONTENT_TYPE)?;
    Some(whole.split(';').next().unwrap_or_default().trim().to_owned())
}

/// Where the next page is (RFC 8288): `</v2/…>; rel="next"`.
fn following(headers: &HeaderMap) -> Option<String> {
    let link = text(headers, &LINK)?;
    let (target, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| target.to_owned())
}
