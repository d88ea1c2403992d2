use super::*;
use crate::registry::manifest::digest;

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzBuilder::new().filename("x").mtime(7).write(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "config": {"Labels": {"dev.helix.project": "shop", "private": "x"}},
    });
    serde_json::to_vec(&config).unwrap()
}

#[test]
fn layers_are_found_by_their_digests_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let (plain, packed) = (b"one".repeat(1000), b"two".repeat(1000));
    let compressed = gzip(&packed);
    let config = config(&[&plain, &packed]);
    let list = br#"[{"Config": "blobs/sha256/c", "Layers": ["a/layer.tar", "blobs/sha256/b"]}]"#;
    let files: [(&str, &[u8]); 5] = [
        ("a/layer.tar", &plain),
        ("a/VERSION", b"1.0"),
        ("blobs/sha256/b", &compressed),
        ("blobs/sha256/c", &config),
        ("manifest.json", list),
    ];
    let diff_ids = vec![digest(&plain), digest(&packed)];
    let missing = diff_ids.iter().cloned().collect();
    unpack(archive(&files).as_slice(), "sha256:id", &missing, &cache, &Watch::default()).unwrap();

    let layers: Vec<Blob> = diff_ids.iter().map(|diff_id| cache.layer(diff_id).unwrap()).collect();
    assert_eq!(layers[1].descriptor.digest, digest(&compressed), "what is compressed stays as it is");
    let image = assemble(cache.config("sha256:id").unwrap(), &diff_ids, layers).unwrap();
    let manifest: ImageManifest = serde_json::from_slice(&image.manifest.bytes).unwrap();
    assert_eq!(manifest.annotations.into_iter().collect::<Vec<_>>(), [("dev.helix.project".into(), "shop".into())]);
    assert_eq!(manifest.config.digest, digest(&config));
    let rest: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(rest.len(), 5, "two layers with their records, one configuration: {rest:?}");
}

#[test]
fn the_same_layer_is_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("layer");
    std::fs::write(&source, b"content".repeat(10_000)).unwrap();
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    assert_eq!(compress(&source, &first).unwrap(), compress(&source, &second).unwrap());
    let bytes = std::fs::read(&first).unwrap();
    assert_eq!((digest(&bytes), bytes.len() as u64), compress(&source, &folder.path().join("3")).unwrap());
}

#[test]
fn an_export_that_breaks_off_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let layer = b"layer".repeat(1000);
    let whole = archive(&[("a/layer.tar", &layer)]);
    let missing = BTreeSet::from([digest(&layer)]);
    let cut = unpack(&whole[..2000], "id", &missing, &cache, &Watch::default());
    assert!(cut.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let nameless = unpack(whole.as_slice(), "id", &missing, &cache, &Watch::default()).unwrap_err();
    assert!(nameless.to_string().contains("names no configuration"), "{nameless}");
}
