//! Removing what the container runtime has of an instance.

use super::Container;
use crate::docker::DockerError;
use crate::ops::instance::InstanceError;

impl Container {
    /// The containers, networks and images of the instance, by their names.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer.
    pub async fn things(&self) -> Result<Vec<String>, InstanceError> {
        let client = self.client().await?;
        let selector = self.settings.names.selector();
        let containers = client.containers(&selector).await?;
        let networks = client.networks(&selector).await?;
        let images = client.images(&selector).await?;
        let mut things: Vec<String> = containers.iter().map(|one| format!("container {}", one.name)).collect();
        things.extend(networks.iter().map(|one| format!("network {}", one.name)));
        things.extend(images.iter().map(|one| format!("image {}", one.tags.first().unwrap_or(&one.id))));
        Ok(things)
    }

    /// Removes them. That they are gone is fine; an image that a container of somebody else has stays.
    ///
    /// # Errors
    ///
    /// When the runtime does not answer or refuses.
    pub async fn remove_things(&self) -> Result<(), InstanceError> {
        let client = self.client().await?;
        let selector = self.settings.names.selector();
        for container in client.containers(&selector).await? {
            client.remove_container(&container.id).await?;
        }
        for network in client.networks(&selector).await? {
            client.remove_network(&network.id).await?;
        }
        for image in client.images(&selector).await? {
            match client.remove_image(&image).await {
                Err(DockerError::Conflict { .. }) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
