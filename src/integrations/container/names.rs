//! What the things of an instance are called, and the labels that they are found by.

use sha2::{Digest as _, Sha256};

use crate::docker::Labels;
use crate::project::slug;

/// Marks all that is ours.
pub const MANAGED: &str = "dev.helix.managed";
/// The slug of the project.
pub const PROJECT: &str = "dev.helix.project";
/// The instance.
pub const INSTANCE: &str = "dev.helix.instance";
/// The hash of the folder of the project.
pub const ROOT: &str = "dev.helix.root";
/// The release.
pub const RELEASE: &str = "dev.helix.release";
/// The hash of the settings.
pub const CONFIG_HASH: &str = "dev.helix.config-hash";
/// The digest of the plan.
pub const PLAN: &str = "dev.helix.plan-digest";
/// The port that was asked for in place of the configured one.
pub const PORT_OVERRIDE: &str = "dev.helix.port-override";

/// The longest name of an app of Fly.io.
const MAX_APP: usize = 32;
/// The longest name of a volume there.
const MAX_VOLUME: usize = 30;

/// What the things of an instance are called and found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    project: String,
    instance: String,
    root: String,
    base: String,
}

impl Names {
    /// The names of an instance of the project whose folder has that hash.
    #[must_use]
    pub fn new(project_slug: &str, instance: &str, root_hash: &str) -> Self {
        let base = format!("helix-{project_slug}-{}", slug(instance));
        Self { project: project_slug.to_owned(), instance: instance.to_owned(), root: root_hash.to_owned(), base }
    }

    /// The slug of the project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The instance.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The app at Fly.io.
    #[must_use]
    pub fn app(&self) -> String {
        shortened(&self.base, MAX_APP, '-')
    }

    /// The volume at Fly.io.
    #[must_use]
    pub fn volume(&self) -> String {
        shortened(&format!("{}_data", self.base.replace('-', "_")), MAX_VOLUME, '_')
    }

    /// The container. `taken` is whether somebody else has the usual name: projects in different folders may have the same.
    #[must_use]
    pub fn container(&self, taken: bool) -> String {
        self.of("app", taken)
    }

    /// The network.
    #[must_use]
    pub fn network(&self, taken: bool) -> String {
        self.of("net", taken)
    }

    /// The name that the container before has while a new one has its place.
    #[must_use]
    pub fn aside(&self, id: &str) -> String {
        format!("{}_before_{}", self.base, &id[..id.len().min(12)])
    }

    /// The image, without a tag.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.base
    }

    /// The name of the project for compose.
    #[must_use]
    pub fn compose(&self) -> &str {
        &self.base
    }

    fn of(&self, what: &str, taken: bool) -> String {
        if taken {
            format!("{}-{}_{what}", self.base, &self.root[..self.root.len().min(6)])
        } else {
            format!("{}_{what}", self.base)
        }
    }

    /// What every thing of the instance has, and nothing else has.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let mut labels = project_labels(&self.root);
        labels.insert(PROJECT.to_owned(), self.project.clone());
        labels.insert(INSTANCE.to_owned(), self.instance.clone());
        labels
    }

    /// What the things of the instance are found by: the project may have got another name since.
    #[must_use]
    pub fn selector(&self) -> Labels {
        let mut labels = project_labels(&self.root);
        labels.insert(INSTANCE.to_owned(), self.instance.clone());
        labels
    }
}

/// A name that fits: a long one ends in a hash of all of it.
fn shortened(name: &str, max: usize, separator: char) -> String {
    const HASH: usize = 6;
    if name.len() <= max {
        return name.to_owned();
    }
    let hash = hex::encode(Sha256::digest(name));
    let start: String = name.chars().take(max - HASH - 1).collect();
    format!("{}{separator}{}", start.trim_end_matches(separator), &hash[..HASH])
}

/// What all things of a project are found by.
#[must_use]
pub fn project_labels(root_hash: &str) -> Labels {
    let mut labels = managed();
    labels.insert(ROOT.to_owned(), root_hash.to_owned());
    labels
}

/// What all of our things on this machine are found by.
#[must_use]
pub fn managed() -> Labels {
    Labels::from([(MANAGED.to_owned(), "true".to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_project_and_the_instance() {
        let names = Names::new("shop", "dev_2", "0123456789abcdef");
        assert_eq!(names.container(false), "helix-shop-dev-2_app");
        assert_eq!(names.network(false), "helix-shop-dev-2_net");
        assert_eq!(names.image(), "helix-shop-dev-2");
    }

    #[test]
    fn long_names_are_shortened_and_told_apart() {
        let short = Names::new("shop", "prod", "");
        assert_eq!((short.app(), short.volume()), ("helix-shop-prod".to_owned(), "helix_shop_prod_data".to_owned()));
        let long = |instance: &str| Names::new("a-project-with-a-long-name", instance, "");
        let [one, other] = [long("staging-eu"), long("staging-us")].map(|names| (names.app(), names.volume()));
        assert_ne!(one, other);
        assert!(one.0.len() <= 32 && one.1.len() <= 30);
        insta::assert_snapshot!(format!("{} {}", one.0, one.1), @"helix-a-project-with-a-lo-1a66e1 helix_a_project_with_a_f9f93e");
    }

    #[test]
    fn the_same_name_in_another_folder_is_told_apart() {
        let [one, other] = ["0123456789abcdef", "fedcba9876543210"].map(|root| Names::new("shop", "dev", root));
        assert_eq!(one.container(false), other.container(false));
        assert_ne!(one.container(true), other.container(true));
        assert_ne!(one.labels(), other.labels());
    }

    #[test]
    fn similar_instances_are_not_found_by_each_others_labels() {
        let [one, other] = ["dev", "dev2"].map(|name| Names::new("shop", name, "0123456789abcdef").selector());
        assert_ne!(one, other);
    }
}
