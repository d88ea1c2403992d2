//! The registry of Fly.io: every app is a repository of it.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;

use super::auth::Token;
use crate::integrations::error::{Result, TargetError};
use crate::integrations::role::{Finding, Identity, Provisioned, Registry, Scan};
use crate::integrations::{Target, find};
use crate::registry::{self, Credential, Repository};

/// The name that the registry wants; the token says who we are.
const USER: &str = "x";

/// The images of an app.
#[derive(Clone, Debug)]
pub struct FlyRegistry {
    pub(super) http: Client,
    pub(super) repository: Repository,
    pub(super) org: String,
    pub(super) token: std::result::Result<Token, TargetError>,
}

#[async_trait]
impl Registry for FlyRegistry {
    fn target(&self) -> &'static Target {
        find("fly")
    }

    fn repository(&self) -> &Repository {
        &self.repository
    }

    async fn client(&self) -> Result<registry::Client> {
        let token = self.token.clone()?;
        let credential = Credential::Basic { user: USER.to_owned(), password: token.secret().clone() };
        Ok(registry::Client::new(self.http.clone(), self.repository.clone(), Some(credential)))
    }

    async fn whoami(&self) -> Result<Identity> {
        let token = self.token.clone()?;
        Ok(Identity { account: self.org.clone(), source: token.source })
    }

    /// The platform finds it: whether there is a repository is whether there is an app.
    async fn preflight(&self) -> Vec<Finding> {
        Vec::new()
    }

    /// The repository is there with its app.
    async fn provision(&self) -> Result<Provisioned> {
        Ok(Provisioned::default())
    }

    /// It has no scanner.
    async fn scan(&self, _: &str, _: Duration) -> Result<Option<Scan>> {
        Ok(None)
    }

    /// It removes no single image: they go with their app.
    async fn remove(&self, _: &[String]) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// It goes with its app.
    async fn remove_repository(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
