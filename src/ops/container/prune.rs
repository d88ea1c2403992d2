//! Removing what nobody needs any more: only things with our labels, and never by a part of a name.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::Runtime;
pub use crate::docker::Client;
use crate::docker::images::Image;
use crate::docker::{DockerError, Labels, Result};
use crate::integrations::container::names;
use crate::project::Project;

/// What may go.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Things of the project with that hash whose instance is none of these.
    Orphans {
        /// The hash of the folder of the project.
        root: String,
        /// The instances that are in containers.
        kept: BTreeSet<String>,
    },
    /// Things of an instance of the project with that hash.
    Instance {
        /// The hash of the folder of the project.
        root: String,
        /// The instance.
        name: String,
    },
    /// Things of every project that no container that is up needs.
    System,
}

/// A thing that goes.
#[derive(Clone, Debug, Serialize)]
pub struct Thing {
    /// `container`, `network` or `image`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The slug of its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The room that it takes, in bytes; what images share is counted for each.
    pub size_bytes: u64,
    #[serde(skip)]
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Container(String),
    Network(String),
    Image(Image),
}

impl Scope {
    /// What is left of instances that the project has no more in containers.
    #[must_use]
    pub fn orphans(project: &Project) -> Self {
        let contained = project.config().locals().filter(|(_, local)| local.runtime != Runtime::Embedded);
        let kept = contained.map(|(name, _)| name.to_owned()).collect();
        Self::Orphans { root: project.root_hash(), kept }
    }

    fn labels(&self) -> Labels {
        match self {
            Self::Orphans { root, .. } | Self::Instance { root, .. } => names::project_labels(root),
            Self::System => names::managed(),
        }
    }

    fn takes(&self, labels: &Labels, is_up: bool) -> bool {
        let Some(instance) = labels.get(names::INSTANCE) else { return false };
        match self {
            Self::Orphans { kept, .. } => !kept.contains(instance),
            Self::Instance { name, .. } => name == instance,
            Self::System => !is_up,
        }
    }
}

/// What would go. Changes nothing.
///
/// # Errors
///
/// When the runtime does not answer.
pub async fn plan(client: &Client, scope: &Scope) -> Result<Vec<Thing>> {
    let labels = scope.labels();
    let containers = client.containers(&labels).await?;
    // What a container that stays needs stays as well, whatever it is labelled with.
    let (gone, kept): (Vec<_>, Vec<_>) =
        containers.into_iter().partition(|container| scope.takes(&container.labels, container.is_up()));
    let in_use: BTreeSet<(Option<&str>, Option<&str>)> = kept.iter().map(|one| owner(&one.labels)).collect();
    let images_in_use: BTreeSet<&str> = kept.iter().map(|one| one.image.as_str()).collect();

    let mut things: Vec<Thing> = Vec::new();
    for container in gone {
        things.push(thing("container", container.name, &container.labels, 0, What::Container(container.id)));
    }
    for network in client.networks(&labels).await? {
        if scope.takes(&network.labels, false) && !in_use.contains(&owner(&network.labels)) {
            things.push(thing("network", network.name, &network.labels, 0, What::Network(network.id)));
        }
    }
    for image in client.images(&labels).await? {
        if scope.takes(&image.labels, false) && !images_in_use.contains(image.id.as_str()) {
            let name = image.tags.first().unwrap_or(&image.id).clone();
            let labels = image.labels.clone();
            things.push(thing("image", name, &labels, image.size_bytes, What::Image(image)));
        }
    }
    Ok(things)
}

/// The folder of the project and the instance that a thing is of.
fn owner(labels: &Labels) -> (Option<&str>, Option<&str>) {
    let label = |name: &str| labels.get(name).map(String::as_str);
    (label(names::ROOT), label(names::INSTANCE))
}

fn thing(kind: &'static str, name: String, labels: &Labels, size_bytes: u64, what: What) -> Thing {
    let label = |name: &str| labels.get(name).cloned();
    Thing { kind, name, project: label(names::PROJECT), instance: label(names::INSTANCE), size_bytes, what }
}

/// Removes what was planned, and returns what went. What somebody uses by now stays.
///
/// # Errors
///
/// When the runtime does not answer or refuses.
pub async fn apply(client: &Client, things: Vec<Thing>) -> Result<Vec<Thing>> {
    let mut gone = Vec::with_capacity(things.len());
    for thing in things {
        let removed = match &thing.what {
            What::Container(id) => client.remove_container(id).await,
            What::Network(id) => client.remove_network(id).await,
            What::Image(image) => client.remove_image(image).await,
        };
        match removed {
            Ok(()) => gone.push(thing),
            Err(DockerError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(instance: &str) -> Labels {
        Labels::from([(names::INSTANCE.to_owned(), instance.to_owned())])
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_instances_that_are_not_configured_are_orphans() {
        let scope = Scope::Orphans { root: "r".to_owned(), kept: set(&["dev"]) };
        assert!(!scope.takes(&labels("dev"), false));
        assert!(scope.takes(&labels("dev2"), true));
        assert!(!scope.takes(&Labels::new(), false), "what names no instance is none of an instance");
        assert_eq!(scope.labels()[names::ROOT], "r");
    }

    #[test]
    fn what_is_up_stays_when_the_whole_machine_is_cleaned() {
        assert!(!Scope::System.takes(&labels("dev"), true));
        assert!(Scope::System.takes(&labels("dev"), false));
        assert_eq!(Scope::System.labels()[names::MANAGED], "true");
    }
}
