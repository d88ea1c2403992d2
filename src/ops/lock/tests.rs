use super::*;

#[tokio::test]
async fn the_second_is_told_who_is_first_and_gets_it_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("dev");
    let first = InstanceLock::take(&home, "dev", "push", Duration::ZERO).await.unwrap();
    let error = InstanceLock::take(&home, "dev", "stop", Duration::ZERO).await.unwrap_err();
    let LockError::Held { instance, holder: Some(holder) } = error else { panic!("{error}") };
    assert_eq!((instance.as_str(), holder.command.as_str(), holder.pid), ("dev", "push", std::process::id()));

    let waiting = InstanceLock::take(&home, "dev", "stop", Duration::from_secs(30));
    let (second, ()) = tokio::join!(waiting, async { drop(first) });
    second.unwrap();
}

#[tokio::test]
async fn a_lock_on_a_removed_file_is_not_a_lock() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("dev");
    let first = InstanceLock::take(&home, "dev", "delete", Duration::ZERO).await.unwrap();
    fs::remove_dir_all(&home).unwrap();
    let _second = InstanceLock::take(&home, "dev", "push", Duration::ZERO).await.unwrap();
    drop(first);
    assert!(InstanceLock::take(&home, "dev", "stop", Duration::ZERO).await.is_err());
}
