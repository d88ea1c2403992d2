//! The encoding gives back what it was given, and takes any bytes without harm.

use helix_plan::{Catalog, DecodeError, FORMAT_VERSION, NodeType, Program};
use proptest::prelude::*;

fn program(names: &[String]) -> Program {
    let nodes = names.iter().map(|name| NodeType { name: name.clone(), fields: Vec::new() }).collect();
    let catalog = Catalog { version: 1, nodes, ..Catalog::default() };
    Program::new(catalog, Vec::new(), vec!["db/schema.hx".to_owned()])
}

proptest! {
    #[test]
    fn a_program_comes_back(names in prop::collection::vec(".{0,20}", 0..10)) {
        let program = program(&names);
        prop_assert_eq!(Program::decode(&program.encode()).ok(), Some(program));
    }

    #[test]
    fn any_bytes_are_a_program_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        plan: bool,
        version in 1_u8..=3,
    ) {
        let mut bytes = bytes;
        if plan {
            bytes.splice(0..0, [b'H', b'X', b'P', b'L', 0, version]);
        }
        let _ = Program::decode(&bytes);
    }

    #[test]
    fn a_cut_program_is_an_error(names in prop::collection::vec(".{1,20}", 1..5), cut in 0.0_f64..1.0) {
        let bytes = program(&names).encode();
        let len = (bytes.len() as f64 * cut) as usize;
        prop_assert!(Program::decode(&bytes[..len]).is_err());
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = program(&[]).encode();
    bytes[5] += 1;
    let error = Program::decode(&bytes).unwrap_err();
    assert!(matches!(error, DecodeError::Version { found, expected: FORMAT_VERSION } if found == FORMAT_VERSION + 1));
}

#[test]
fn a_program_of_the_first_format_has_no_migrations() {
    let now = program(&["User".to_owned()]);
    let Catalog { version, nodes, edges, vectors, migrations: _ } = &now.catalog;
    let body =
        postcard::to_stdvec(&(1_u16, (version, nodes, edges, vectors), &now.queries, &now.files)).expect("plain data");
    let bytes = [b"HXPL\x00\x01", &body[..]].concat();
    assert_eq!(Program::decode(&bytes).ok(), Some(now));
}

#[test]
fn a_program_of_the_second_format_keeps_its_digest() {
    let second = Program { format_version: 2, ..program(&["User".to_owned()]) };
    let bytes = second.encode();
    assert_eq!(&bytes[..6], b"HXPL\x00\x02");
    let read = Program::decode(&bytes).expect("a program");
    assert_eq!((read.digest(), read.encode()), (second.digest(), bytes));
}

#[test]
fn the_digest_ignores_where_things_were_written() {
    let (mut a, b) = (program(&["User".to_owned()]), program(&["User".to_owned()]));
    a.files = vec!["elsewhere.hx".to_owned()];
    assert_eq!(a.digest(), b.digest());
    assert_ne!(a.digest(), program(&["Other".to_owned()]).digest());
}
