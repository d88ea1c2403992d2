use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::config::dotenv as file;

fn store(folder: &Path) -> Store {
    let path = folder.join(".helix/secrets.age");
    Store { path, state: folder.join("state"), identity: None, identity_file: None }
}

fn set(name: &str, value: &str) -> BTreeMap<String, Option<SecretString>> {
    BTreeMap::from([(name.to_owned(), Some(SecretString::from(value)))])
}

fn value(store: &Store, instance: &str, name: &str) -> Option<String> {
    store.values(instance).unwrap().get(name).map(|value| value.expose_secret().to_owned())
}

#[test]
fn secrets_are_kept_closed_and_by_instance() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    assert!(store.values("dev").unwrap().is_empty() && store.list("dev").unwrap().is_empty());
    let made = store.change("dev", &set("TOKEN", "planted")).unwrap();
    assert_eq!(made, Some(folder.path().join("state/secrets.key")));
    assert_eq!(store.change("other", &set("TOKEN", "planted")).unwrap(), None, "the key is made once");
    assert_eq!(value(&store, "dev", "TOKEN").as_deref(), Some("planted"));
    for path in [&store.path, &folder.path().join("state/secrets.key")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!String::from_utf8_lossy(&fs::read(&store.path).unwrap()).contains("planted"));
    let (one, other) = (store.list("dev").unwrap(), store.list("other").unwrap());
    assert_eq!((one[0].name.as_str(), &one[0].digest), ("TOKEN", &other[0].digest));
    store.change("dev", &set("TOKEN", "changed")).unwrap();
    assert_ne!(store.list("dev").unwrap()[0].digest, other[0].digest);
    store.forget("dev").unwrap();
    assert!(store.values("dev").unwrap().is_empty());
    assert_eq!(value(&store, "other", "TOKEN").as_deref(), Some("planted"));
}

#[test]
fn another_key_a_damaged_file_and_open_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mine = store(folder.path());
    mine.change("dev", &set("TOKEN", "planted")).unwrap();
    let code = |store: &Store| store.values("dev").unwrap_err().code;
    let stranger =
        Store { identity: Some(Identity::generate().to_string().expose_secret().into()), ..store(folder.path()) };
    assert_eq!(code(&stranger), "E-SECRET-KEY");
    let without = Store { state: folder.path().join("nowhere"), ..store(folder.path()) };
    assert_eq!(code(&without), "E-SECRET-KEY");
    let named = Store {
        identity_file: Some(folder.path().join("state/secrets.key")),
        state: "/nowhere".into(),
        ..store(folder.path())
    };
    assert_eq!(value(&named, "dev", "TOKEN").as_deref(), Some("planted"));
    let nonsense = Store { identity: Some("AGE-SECRET-KEY-NO".into()), ..store(folder.path()) };
    assert_eq!(code(&nonsense), "E-SECRET-KEY");

    fs::set_permissions(&mine.path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(mine.values("dev").is_err(), "others may read it");
    fs::set_permissions(&mine.path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut bytes = fs::read(&mine.path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&mine.path, &bytes).unwrap();
    assert_eq!(code(&mine), "E-SECRET-DAMAGED");
    assert!(mine.change("dev", &set("A", "b")).is_err(), "what cannot be read is not overwritten");
    assert_eq!(fs::read(&mine.path).unwrap(), bytes);
}

#[test]
fn what_is_exported_reads_back_the_same() {
    let values = ["plain", "it's", "a \"b\" $HOME \\ c", "two\nlines's", "", " spaces "];
    let all: BTreeMap<String, SecretString> =
        values.iter().enumerate().map(|(index, value)| (format!("V{index}"), SecretString::from(*value))).collect();
    let text = dotenv(&all);
    let read: Vec<String> = file::parse(text.expose_secret(), |_| Some("other".to_owned()))
        .unwrap()
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(read, values);
}

#[test]
fn changes_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = store(folder.path());
            scope.spawn(move || store.change(&format!("i{number}"), &set("TOKEN", "planted")).unwrap());
        }
    });
    for number in 0..8 {
        assert_eq!(value(&store(folder.path()), &format!("i{number}"), "TOKEN").as_deref(), Some("planted"));
    }
}

#[test]
fn projects_that_make_the_key_at_once_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let of =
        |number: usize| Store { path: folder.path().join(format!("{number}/secrets.age")), ..store(folder.path()) };
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = of(number);
            scope.spawn(move || store.change("dev", &set("TOKEN", "planted")).unwrap());
        }
    });
    for number in 0..8 {
        assert_eq!(value(&of(number), "dev", "TOKEN").as_deref(), Some("planted"));
    }
}
