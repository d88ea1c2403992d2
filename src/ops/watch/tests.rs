use std::fs;

use super::*;

fn project() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("helix.toml");
    let queries = folder.path().join("db");
    fs::create_dir(&queries).unwrap();
    fs::write(&config, "").unwrap();
    (folder, config, queries)
}

#[tokio::test]
async fn a_save_by_writing_or_renaming_is_one_change() {
    let (folder, config, queries) = project();
    let mut watch = Watch::new(&config, &queries).unwrap();
    let path = queries.join("app.hx");
    fs::write(&path, "a").unwrap();
    fs::write(&path, "b").unwrap();
    assert_eq!(watch.changed().await, std::slice::from_ref(&path));

    fs::write(queries.join("other.tmp"), "c").unwrap();
    fs::rename(queries.join("other.tmp"), &path).unwrap();
    assert_eq!(watch.changed().await, [path]);

    fs::write(folder.path().join("unrelated.txt"), "d").unwrap();
    fs::write(&config, "e").unwrap();
    assert_eq!(watch.changed().await, [config]);
}

#[tokio::test]
async fn new_folders_and_removed_files_count() {
    let (_folder, config, queries) = project();
    let nested = queries.join("more");
    fs::create_dir(&nested).unwrap();
    let path = nested.join("app.hx");
    fs::write(&path, "a").unwrap();
    let mut watch = Watch::new(&config, &queries).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(watch.changed().await, [path]);
    let moved = queries.join("moved");
    fs::rename(&nested, &moved).unwrap();
    assert!(watch.changed().await.contains(&moved));
    fs::create_dir(queries.join(".helix")).unwrap();
    fs::write(queries.join(".helix/state.hx"), "b").unwrap();
    fs::write(moved.join("app.hx"), "c").unwrap();
    assert_eq!(watch.changed().await, [moved.join("app.hx")]);
}
