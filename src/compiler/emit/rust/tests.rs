//! What a human sees of the emitted code; that all of it compiles and answers is in `tests/generated.rs`.

use crate::compiler::{SourceSet, compile};

#[test]
fn a_program_is_readable_as_rust() {
    let source = r#"
N::User { UNIQUE INDEX email: String, name: String, age: U8 DEFAULT 18 }
E::Follows { From: User, To: User }

QUERY adult_fans(email: String, age: U8) =>
    user <- N<User>({ email: email })
    fans <- user::In<Follows>::WHERE(_::{age}::GTE(age))::ORDER<Asc>(_::{name})
    RETURN fans::{ name, age }

QUERY follow(from: ID, to: ID) =>
    edge <- AddE<Follows>::From(from)::To(to)
    RETURN edge
"#;
    let compiled = compile(&SourceSet::new([("queries.hx".to_owned(), source.to_owned())]));
    let program = compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    insta::assert_snapshot!(super::queries(&program));
    assert_eq!(super::queries(&program), super::queries(&program));
}
