use std::io::Write as _;

use super::read::{Filter, Follow, Level, all, tail};
use super::write::RotatingFile;
use super::{KEPT_FILES, rotated};

fn line(number: usize) -> String {
    let level = if number.is_multiple_of(2) { "INFO" } else { "WARN" };
    let ts = format!("2026-01-01T00:00:{:02}Z", number % 60);
    format!(
        "{{\"timestamp\":\"{ts}\",\"level\":\"{level}\",\"message\":\"line {number}\",\"target\":\"t\",\"n\":{number}}}\n"
    )
}

fn messages(records: &[super::read::Record]) -> Vec<&str> {
    records.iter().map(|record| record.message.as_str()).collect()
}

#[test]
fn files_stay_bounded_and_the_oldest_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("instance.log");
    let log = RotatingFile::open(&path, 1_000).unwrap();
    for number in 0..200 {
        (&log).write_all(line(number).as_bytes()).unwrap();
    }
    for index in 0..=KEPT_FILES {
        assert!(rotated(&path, index).metadata().unwrap().len() <= 1_000);
    }
    assert!(!rotated(&path, KEPT_FILES + 1).exists());
    let kept = all(&path, &Filter::default()).unwrap();
    let first = 200 - kept.len();
    assert_eq!(messages(&kept), (first..200).map(|number| format!("line {number}")).collect::<Vec<_>>());
}

#[test]
fn the_tail_reaches_into_rotated_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("instance.log");
    let log = RotatingFile::open(&path, 300).unwrap();
    for number in 0..20 {
        (&log).write_all(line(number).as_bytes()).unwrap();
    }
    let last = tail(&path, &Filter::default(), 7).unwrap();
    assert_eq!(messages(&last), (13..20).map(|number| format!("line {number}")).collect::<Vec<_>>());
    assert!(tail(&directory.path().join("none.log"), &Filter::default(), 7).unwrap().is_empty());
}

#[test]
fn a_follower_misses_nothing_through_several_rotations() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("instance.log");
    let log = RotatingFile::open(&path, 1_000).unwrap();
    for number in 0..5 {
        (&log).write_all(line(number).as_bytes()).unwrap();
    }
    let (before, mut follow) = Follow::after_tail(&path, Filter::default(), 2).unwrap();
    assert_eq!(messages(&before), ["line 3", "line 4"]);
    let mut next = 5;
    // 30 lines a look are three rotations and a bit.
    for step in [30, 1, 0, 30, 9] {
        for number in next..next + step {
            (&log).write_all(line(number).as_bytes()).unwrap();
        }
        let seen = follow.poll().unwrap();
        assert_eq!(messages(&seen), (next..next + step).map(|number| format!("line {number}")).collect::<Vec<_>>());
        next += step;
    }
}

#[test]
fn a_line_is_told_when_it_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("instance.log");
    let (_, mut follow) = Follow::after_tail(&path, Filter::default(), 9).unwrap();
    let whole = line(1);
    std::fs::write(&path, &whole[..10]).unwrap();
    assert!(follow.poll().unwrap().is_empty());
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&whole.as_bytes()[10..]).unwrap();
    assert_eq!(messages(&follow.poll().unwrap()), ["line 1"]);
}

#[test]
fn filters_by_level_time_and_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("instance.log");
    let text: String = (0..10).map(line).chain(["thread panicked\n".to_owned()]).collect();
    std::fs::write(&path, text).unwrap();
    let warn = Filter { level: Level::Warn, ..Filter::default() };
    assert_eq!(all(&path, &warn).unwrap().len(), 5);
    let range = Filter {
        since: Some("2026-01-01T00:00:03Z".parse().unwrap()),
        until: Some("2026-01-01T00:00:05Z".parse().unwrap()),
        ..Filter::default()
    };
    assert_eq!(messages(&all(&path, &range).unwrap()), ["line 3", "line 4"]);
    let grep = Filter { grep: Some(regex::Regex::new("line [78]|panic").unwrap()), ..Filter::default() };
    assert_eq!(messages(&all(&path, &grep).unwrap()), ["line 7", "line 8", "thread panicked"]);
}
