//! The network of an instance.
//!
//! Names of networks are not unique at every runtime (Docker before 25), and a container is first started by the name of its network:
//! two networks of one name keep both from starting. Projects in different folders may have the same name, so that who finds
//! itself with a namesake gives way, and takes the name with the hash of its folder.

use std::time::Duration;

use tokio::time::Instant;

use super::Container;
use crate::docker::networks::Network;
use crate::docker::{Client, DockerError, Labels};
use crate::ops::instance::InstanceError;

/// How long a namesake may take to give way.
const GIVES_WAY: Duration = Duration::from_secs(10);
/// Between two tries of a start.
const PAUSE: Duration = Duration::from_millis(50);

impl Container {
    /// The id of the network of the instance, which nobody else has the name of; made where it is not there.
    pub(super) async fn network(&self, client: &Client) -> Result<String, InstanceError> {
        let names = &self.settings.names;
        let selector = names.selector();
        let all = client.networks(&Labels::new()).await?;
        let own = |network: &&Network| selector.iter().all(|(label, value)| network.labels.get(label) == Some(value));
        if let Some(network) = all.iter().filter(own).find(|network| is_alone(&all, &network.name)) {
            return Ok(network.id.clone());
        }
        let usual = names.network(false);
        if all.iter().any(|network| network.name == usual) {
            return self.make_network(client, true).await;
        }
        match self.make_network(client, false).await {
            Err(InstanceError::Docker(DockerError::Conflict { .. })) => self.make_network(client, true).await,
            // Another project may have made one at the same moment.
            Ok(made) if !is_alone(&client.networks(&Labels::new()).await?, &usual) => {
                client.remove_network(&made).await?;
                self.make_network(client, true).await
            }
            made => made,
        }
    }

    async fn make_network(&self, client: &Client, taken: bool) -> Result<String, InstanceError> {
        let names = &self.settings.names;
        Ok(client.create_network(&names.network(taken), &names.labels()).await?)
    }
}

/// Starts a container, also while another project's network of the same name is on its way out.
pub(super) async fn start(client: &Client, id: &str) -> Result<(), DockerError> {
    let deadline = Instant::now() + GIVES_WAY;
    loop {
        match client.start_container(id).await {
            Err(DockerError::AmbiguousNetwork { .. }) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}

fn is_alone(all: &[Network], name: &str) -> bool {
    all.iter().filter(|network| network.name == name).count() == 1
}
