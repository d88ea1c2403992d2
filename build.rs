//! Packs the sources that generated servers are made of: the engine, the plan, the crate around them, and their lock file. Lists the pages
//! about diagnostics, which the compiler carries.
//!
//! The archive is a workspace that builds by itself: `{Cargo.toml, Cargo.lock, server/, crates/}`, without tests and what only they
//! need. The same sources give the same bytes; their hash names the folder that they are unpacked to.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use toml_edit::{Array, DocumentMut, Item, Table};

/// The crates that a server links.
const CRATES: [&str; 2] = ["crates/helix-plan", "crates/helix-engine"];
/// The crate that is generated.
const SERVER: &str = "server";
/// The folder of the pages, named by the codes that they are about.
const PAGES: &str = "docs/diagnostics";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for path in ["build.rs", "Cargo.toml", SERVER, PAGES].iter().chain(&CRATES) {
        println!("cargo::rerun-if-changed={path}");
    }
    let files = files(&root)?;
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes]) {
        hash.update(u64::try_from(part.len())?.to_be_bytes());
        hash.update(part);
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("engine.tar.gz"), pack(&files)?)?;
    fs::write(out.join("diagnostic_pages.rs"), pages(&root.join(PAGES))?)?;
    println!("cargo::rustc-env=HELIX_ENGINE_HASH={}", hex::encode(hash.finalize()));
    Ok(())
}

/// The names and the texts of the pages as an expression of Rust, sorted.
fn pages(folder: &Path) -> Result<String> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let code = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a page is named by a code")?;
        list.push_str(&format!("    ({code:?}, include_str!({path:?})),\n"));
    }
    list.push_str("]\n");
    Ok(list)
}

/// The files of the workspace by path, sorted.
fn files(root: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut used = BTreeSet::new();
    for folder in CRATES.iter().chain(&[SERVER]) {
        let manifest = member(&root.join(folder).join("Cargo.toml"), &mut used)?;
        files.insert(format!("{folder}/Cargo.toml"), manifest.into_bytes());
        sources(root, &format!("{folder}/src"), &mut files)?;
    }
    files.insert("Cargo.toml".to_owned(), workspace(root, &used)?.into_bytes());
    files.insert("Cargo.lock".to_owned(), fs::read(root.join(SERVER).join("Cargo.lock"))?);
    Ok(files)
}

/// The manifest of a crate without what only its tests need. Adds the names of its dependencies to `used`.
fn member(path: &Path, used: &mut BTreeSet<String>) -> Result<String> {
    let mut manifest: DocumentMut = fs::read_to_string(path)?.parse()?;
    for table in ["dev-dependencies", "lints"] {
        manifest.remove(table);
    }
    let dependencies = manifest.get("dependencies").and_then(Item::as_table);
    used.extend(dependencies.into_iter().flatten().map(|(name, _)| name.to_owned()));
    Ok(manifest.to_string())
}

/// The manifest of the workspace: what the crates inherit, and the profiles of servers.
fn workspace(root: &Path, used: &BTreeSet<String>) -> Result<String> {
    let ours: DocumentMut = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let ours = ours["workspace"].as_table().ok_or("the manifest has no workspace")?;
    let mut workspace = Table::new();
    workspace.insert("members", CRATES.into_iter().chain([SERVER]).collect::<Array>().into());
    for key in ["resolver", "package"] {
        workspace.insert(key, ours[key].clone());
    }
    let mut dependencies = ours["dependencies"].as_table().ok_or("the workspace has no dependencies")?.clone();
    dependencies.retain(|name, _| used.contains(name));
    workspace.insert("dependencies", Item::Table(dependencies));
    let mut manifest = DocumentMut::new();
    manifest.insert("workspace", Item::Table(workspace));
    let profiles = fs::read_to_string(root.join(SERVER).join("profiles.toml"))?;
    Ok(format!("{manifest}\n{profiles}"))
}

/// Adds the sources below a folder, without tests.
fn sources(root: &Path, folder: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| "a name is not text")?;
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            if name != "tests" {
                sources(root, &path, files)?;
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(bytes.len())?);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}
