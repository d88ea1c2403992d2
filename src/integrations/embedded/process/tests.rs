use super::*;

fn files() -> (tempfile::TempDir, Files) {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::new("dev", directory.path().join("dev"), directory.path().join("data"));
    files.create().unwrap();
    (directory, files)
}

fn record(process: ProcessId) -> ProcessRecord {
    ProcessRecord {
        process,
        session: Session::Detached,
        version: "0".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        phase: Phase::Starting,
        address: None,
        digest: None,
        config_hash: String::new(),
        port_override: None,
        data_dir: PathBuf::from("/data"),
        fault: None,
    }
}

#[test]
fn the_start_time_tells_a_process_from_one_with_the_same_pid() {
    let own = ProcessId::current();
    assert!(own.is_alive());
    assert!(!own.start.is_empty());
    let earlier = ProcessId { pid: own.pid, start: "another boot/1".to_owned() };
    assert!(!earlier.is_alive());
    assert!(!earlier.signal(Signal::KILL).unwrap(), "a process with a used pid is left alone");
}

#[test]
fn a_zombie_is_gone() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let id = ProcessId { pid: child.id(), start: start_time(child.id()).unwrap_or_default() };
    let deadline = Instant::now() + Duration::from_secs(10);
    while id.is_alive() && Instant::now() < deadline {
        std::thread::sleep(PAUSE);
    }
    assert!(!id.is_alive());
    child.wait().unwrap();
}

#[test]
fn a_record_without_the_lock_is_a_crash_even_if_its_process_lives() {
    let (_directory, files) = files();
    assert_eq!(observe(&files).unwrap(), Presence::None);
    let stale = record(ProcessId::current());
    files::write_json(&files.process(), &stale).unwrap();
    assert_eq!(observe(&files).unwrap(), Presence::Dead(stale));
}

#[test]
fn a_hold_is_seen_and_excludes_another() {
    let (_directory, files) = files();
    let mut hold = Hold::take(&files, record(ProcessId::current())).unwrap();
    hold.update(|record| record.phase = Phase::Ready).unwrap();
    let seen = observe(&files).unwrap().running().unwrap();
    assert_eq!(&seen, hold.record());
    let refused = Hold::take(&files, record(ProcessId::current())).unwrap_err();
    assert!(matches!(refused, EmbeddedError::AlreadyRunning { pid, .. } if pid == std::process::id()), "{refused}");
    hold.release().unwrap();
    assert_eq!(observe(&files).unwrap(), Presence::None);
}

#[test]
fn a_torn_record_counts_as_none() {
    let (_directory, files) = files();
    std::fs::write(files.process(), "{\"process\":").unwrap();
    assert_eq!(observe(&files).unwrap(), Presence::None);
}
