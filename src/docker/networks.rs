//! Networks.

use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::ListNetworksOptions;

use super::containers::gone;
use super::error::{DockerError, Result};
use super::{Client, Labels, filters};

/// A network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
}

impl Client {
    /// The networks that have all of these labels.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn networks(&self, labels: &Labels) -> Result<Vec<Network>> {
        let options = ListNetworksOptions { filters: Some(filters(labels)) };
        let listed = self.docker.list_networks(Some(options)).await.map_err(DockerError::of("list networks"))?;
        let network = |one: bollard::models::Network| {
            let labels = one.labels.unwrap_or_default().into_iter().collect();
            Some(Network { id: one.id?, name: one.name?, labels })
        };
        Ok(listed.into_iter().filter_map(network).collect())
    }

    /// Makes a bridge of that name. Returns its id.
    ///
    /// # Errors
    ///
    /// When the runtime refuses.
    pub async fn create_network(&self, name: &str, labels: &Labels) -> Result<String> {
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let created = self.docker.create_network(request).await;
        Ok(created.map_err(DockerError::of("create the network"))?.id)
    }

    /// Removes a network. That it is not there is fine.
    ///
    /// # Errors
    ///
    /// When a container uses it, or the runtime refuses.
    pub async fn remove_network(&self, id: &str) -> Result<()> {
        gone(self.docker.remove_network(id).await.map_err(DockerError::of("remove the network")))
    }
}
