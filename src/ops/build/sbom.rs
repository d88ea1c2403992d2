//! What is in an image, as a CycloneDX document: every crate of the lock file, with the hash that the registry gives it, and
//! every package of the base image.

use std::collections::BTreeMap;
use std::io;

use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::prelude::{Bom, Purl};
use purl::GenericPurlBuilder;
use toml_edit::{Document, Table};

use super::base::BasePackage;
use super::generate::PACKAGE;
use super::source;

/// A crate of the lock file.
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
    /// As in the lock file: a name, with a version where there are several.
    dependencies: Vec<String>,
}

impl Package {
    fn read(table: &Table) -> Option<Self> {
        let text = |key: &str| table.get(key)?.as_str().map(str::to_owned);
        let dependencies = table.get("dependencies").and_then(|item| item.as_array());
        let dependencies = dependencies.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned));
        Some(Self {
            name: text("name")?,
            version: text("version")?,
            checksum: text("checksum"),
            dependencies: dependencies.collect(),
        })
    }

    fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn component(&self) -> Component {
        let mut component = Component::new(Classification::Library, &self.name, &self.version, Some(self.reference()));
        component.purl = Purl::new("cargo", &self.name, &self.version).ok();
        component.hashes = self
            .checksum
            .clone()
            .map(|checksum| Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(checksum) }]));
        component
    }
}

/// The document of the server `name`, whose image is `reference`, as JSON in version 1.5 of the format. It has no time and no
/// serial number: the same server has the same document.
///
/// # Errors
///
/// When this executable is damaged.
pub fn sbom(name: &str, reference: &str, plan_digest: &str, base: &[BasePackage]) -> io::Result<Vec<u8>> {
    let packages = packages()?;
    let (server, crates): (Vec<&Package>, Vec<&Package>) = packages.iter().partition(|package| package.name == PACKAGE);
    let mut whole = Component::new(Classification::Container, name, plan_digest, Some(reference.to_owned()));
    whole.description = Some(cyclonedx_bom::prelude::NormalizedString::new(reference));
    // Where there is one version of a name, the lock file leaves the version out.
    let mut by_name: BTreeMap<&str, String> = BTreeMap::new();
    for package in &packages {
        by_name.insert(&package.name, package.reference());
    }
    let resolve = |dependency: &String| {
        let mut words = dependency.split(' ');
        let name = words.next().unwrap_or_default();
        words
            .next()
            .map_or_else(|| by_name.get(name).cloned().unwrap_or_default(), |version| format!("{name}@{version}"))
    };
    let dependency = |from: String, package: &Package| Dependency {
        dependency_ref: from,
        dependencies: package.dependencies.iter().map(resolve).collect(),
    };
    let mut dependencies: Vec<Dependency> =
        server.iter().map(|package| dependency(reference.to_owned(), package)).collect();
    dependencies.extend(crates.iter().map(|package| dependency(package.reference(), package)));
    let bom = Bom {
        serial_number: None,
        metadata: Some(Metadata { component: Some(whole), ..Metadata::default() }),
        components: Some(Components(
            crates.iter().map(|package| package.component()).chain(base.iter().map(base_component)).collect(),
        )),
        dependencies: Some(Dependencies(dependencies)),
        ..Bom::default()
    };
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(json)
}

fn base_component(package: &BasePackage) -> Component {
    let BasePackage { kind, system, distribution, name, version, architecture } = package;
    let purl = GenericPurlBuilder::new((*kind).to_owned(), name).with_namespace(system).with_version(version);
    let purl = purl.with_qualifier("arch", architecture).and_then(|purl| purl.with_qualifier("distro", distribution));
    let purl = purl.ok().and_then(|purl| purl.build().ok()).map(|purl| purl.to_string());
    let reference = purl.clone().unwrap_or_else(|| format!("{kind}:{name}@{version}"));
    let mut component = Component::new(Classification::Library, name, version, Some(reference));
    component.purl = purl.and_then(|purl| purl.parse().ok());
    component
}

fn packages() -> io::Result<Vec<Package>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the packed lock file cannot be read");
    let lock = source::files()?.into_iter().find(|file| file.path == "Cargo.lock").ok_or_else(damaged)?;
    let lock = Document::parse(String::from_utf8(lock.bytes).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let packages = lock.as_table().get("package").and_then(|item| item.as_array_of_tables()).ok_or_else(damaged)?;
    Ok(packages.iter().filter_map(Package::read).collect())
}

#[cfg(test)]
mod tests {
    use cyclonedx_bom::validation::Validate as _;

    use super::*;

    #[test]
    fn the_document_is_valid_and_holds_every_crate() {
        let base = [BasePackage {
            kind: "deb",
            system: "debian".to_owned(),
            distribution: "debian-12".to_owned(),
            name: "libstdc++6".to_owned(),
            version: "1:12.2.0-14".to_owned(),
            architecture: "amd64".to_owned(),
        }];
        let json = sbom("app", "helix-app-dev:dev", "sha256:00", &base).unwrap();
        assert_eq!(json, sbom("app", "helix-app-dev:dev", "sha256:00", &base).unwrap());
        let bom = Bom::parse_from_json_v1_5(json.as_slice()).unwrap();
        let checked = bom.validate();
        assert!(checked.passed(), "{checked:?}");
        let components = bom.components.unwrap().0;
        assert_eq!(components.len(), packages().unwrap().len() - 1 + base.len());
        let purl = components.last().unwrap().purl.as_ref().unwrap().to_string();
        assert_eq!(purl, "pkg:deb/debian/libstdc++6@1:12.2.0-14?arch=amd64&distro=debian-12");
        let heed = components.iter().find(|component| component.name.to_string() == "heed").unwrap();
        assert!(heed.purl.as_ref().unwrap().to_string().starts_with("pkg:cargo/heed@"));
        assert_eq!(heed.hashes.as_ref().unwrap().0.len(), 1);
        let known: Vec<_> = components.iter().filter_map(|component| component.bom_ref.clone()).collect();
        for dependency in bom.dependencies.unwrap().0 {
            for target in dependency.dependencies {
                assert!(known.contains(&target), "`{target}` is no component");
            }
        }
    }
}
