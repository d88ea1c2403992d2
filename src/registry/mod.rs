//! A client of OCI registries: references, authentication, blobs, manifests, tags.

use secrecy::SecretString;

/// A repository of a registry: `host/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The host, with its port where it has one.
    pub host: String,
    /// The path in it.
    pub path: String,
    /// Whether plain HTTP is spoken.
    pub plain_http: bool,
}

/// What a registry is logged in to with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A name and a password or token.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A token that is exchanged for others.
    Identity(SecretString),
}

/// A client of one repository.
#[derive(Clone, Debug)]
pub struct Client {
    #[expect(dead_code, reason = "the calls are built next")]
    http: reqwest::Client,
    repository: Repository,
    #[expect(dead_code, reason = "the calls are built next")]
    credential: Option<Credential>,
}

impl Client {
    /// A client of a repository; without a credential it is anonymous.
    #[must_use]
    pub fn new(http: reqwest::Client, repository: Repository, credential: Option<Credential>) -> Self {
        Self { http, repository, credential }
    }

    /// The repository.
    #[must_use]
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }
}
