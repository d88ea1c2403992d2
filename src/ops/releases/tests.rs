use super::*;

fn release(number: usize) -> Release {
    let mut release = Release::new("dev", "embedded", format!("sha256:{number}"), String::new(), Diff::default());
    release.id = format!("{number:026}");
    release
}

#[test]
fn the_newest_fifty_are_remembered_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..KEPT + 3 {
        record(directory.path(), &release(number)).unwrap();
    }
    let kept = list(directory.path()).unwrap();
    assert_eq!(kept.len(), KEPT);
    assert_eq!(kept.first().unwrap().digest, format!("sha256:{}", KEPT + 2));
    assert_eq!(kept.last().unwrap().digest, "sha256:3");
}

#[test]
fn a_torn_release_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    record(directory.path(), &release(1)).unwrap();
    fs::write(directory.path().join("2.json"), "{").unwrap();
    assert_eq!(
        list(directory.path()).unwrap(),
        [release(1)].map(|mut one| {
            one.created_at = list(directory.path()).unwrap()[0].created_at.clone();
            one
        })
    );
    assert!(list(&directory.path().join("none")).unwrap().is_empty());
}

#[test]
fn the_commit_is_read_from_loose_packed_and_detached_heads() {
    let directory = tempfile::tempdir().unwrap();
    let git = directory.path().join(".git");
    let nested = directory.path().join("a/b");
    fs::create_dir_all(git.join("refs/heads")).unwrap();
    fs::create_dir_all(&nested).unwrap();
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    assert_eq!(git_revision(&nested), None);
    fs::write(git.join("packed-refs"), "# pack-refs\nabc refs/heads/main\n").unwrap();
    assert_eq!(git_revision(&nested).as_deref(), Some("abc"));
    fs::write(git.join("refs/heads/main"), "def\n").unwrap();
    assert_eq!(git_revision(&nested).as_deref(), Some("def"));
    fs::write(git.join("HEAD"), "0123\n").unwrap();
    assert_eq!(git_revision(&nested).as_deref(), Some("0123"));
}
