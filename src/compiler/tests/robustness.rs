//! What holds of every text: no panic, and a program exactly when there is no error.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{EXAMPLE, compile_text};
use crate::compiler::diagnostics::{Severity, codes};
use crate::compiler::{SourceSet, compile};

fn is_consistent(sources: &SourceSet) {
    let compiled = compile(sources);
    let failed = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
    assert_eq!(compiled.program.is_none(), failed);
    assert!(compiled.diagnostics.is_sorted_by_key(|found| found.span()));
    if let Some(program) = compiled.program {
        let decoded = helix_plan::Program::decode(&program.encode()).expect("what was encoded can be decoded");
        assert_eq!(decoded, program);
    }
}

#[test]
fn a_program_without_types_says_so() {
    for text in ["", "// only a comment", "QUERY q() => RETURN NONE", "schema::1 { }"] {
        let (_, compiled) = compile_text(text);
        let found: Vec<_> = compiled.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!(found, [codes::NO_SCHEMA], "{text}");
    }
    is_consistent(&SourceSet::default());
}

#[test]
fn too_many_fields_are_refused() {
    let mut text = "N::T {".to_owned();
    (0..5_000).for_each(|index| write!(text, "f{index}: I8,").expect("writing to a string succeeds"));
    text.push('}');
    let (_, compiled) = compile_text(&text);
    let found: Vec<_> = compiled.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(found, [codes::SYNTAX]);
}

#[test]
fn the_order_of_files_and_declarations_does_not_matter() {
    let parts = EXAMPLE.split("\n\n").map(str::to_owned);
    let (schema, queries): (Vec<_>, Vec<_>) = parts.partition(|part| part.contains("N::"));
    let named = |texts: Vec<String>| SourceSet::new((0..).map(|index| format!("{index}.hx")).zip(texts));
    let mut forward = schema.clone();
    forward.extend(queries.clone());
    let mut backward: Vec<String> = queries.into_iter().rev().collect();
    backward.extend(schema.iter().map(|part| part.trim().lines().rev().collect::<Vec<_>>().join("\n")));
    let digest = |texts| compile(&named(texts)).program.expect("the example compiles").digest();
    assert_eq!(digest(forward), digest(backward));
}

#[test]
fn deep_nesting_is_bounded() {
    let deep = 10_000;
    let filters = format!("{}_::Out<F>{}", "EXISTS(_::Out<F>::WHERE(".repeat(deep), "))".repeat(deep));
    let objects = format!("{}name{}", "a: {".repeat(deep), "}".repeat(deep));
    let maths = format!("{}1{}", "ADD(1, ".repeat(deep), ")".repeat(deep));
    let types = format!("{}I8{}", "[".repeat(deep), "]".repeat(deep));
    let steps = "::Out<F>".repeat(deep);
    let schema = "N::T { name: String }\nE::F { From: T, To: T }\n";
    for query in [
        format!("QUERY q() => RETURN N<T>::WHERE({filters})"),
        format!("QUERY q() => RETURN N<T>::{{ {objects} }}"),
        format!("QUERY q() => RETURN {maths}"),
        format!("QUERY q(x: {types}) => RETURN x"),
        format!("QUERY q() => RETURN N<T>{steps}"),
    ] {
        let sources = SourceSet::new([("case.hx".to_owned(), format!("{schema}{query}"))]);
        is_consistent(&sources);
    }
}

/// Words that make up programs, so that random sequences of them get far into the checker.
const WORDS: &[&str] = &[
    "N", "E", "V", "::", "<", ">", "(", ")", "{", "}", "[", "]", ",", ":", "<-", "=>", "|", "!", "_", "..", ".", "?",
    "User", "Post", "Wrote", "Follows", "name", "age", "email", "id", "x", "p", "QUERY", "RETURN", "NONE", "FOR", "IN",
    "DROP", "AddN", "AddE", "AddV", "UPDATE", "UpsertN", "UpsertE", "WHERE", "EQ", "GT", "IS_IN", "AND", "EXISTS",
    "Out", "OutE", "ToN", "COUNT", "FIRST", "RANGE", "ORDER", "Asc", "ADD", "5", "-1", "1.5", "\"text\"", "true",
    "NOW", "Embed", "SearchV", "From", "To", "String", "I32", "\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_text_compiles_or_is_diagnosed(text in "\\PC{0,200}") {
        is_consistent(&SourceSet::new([("case.hx".to_owned(), text)]));
    }

    #[test]
    fn any_words_compile_or_are_diagnosed(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..120)) {
        let text = format!("{EXAMPLE}\nQUERY extra(x: ID) =>\n{}", words.join(" "));
        is_consistent(&SourceSet::new([("case.hx".to_owned(), text)]));
    }

    #[test]
    fn any_damage_to_a_program_is_survived(
        start in 0..EXAMPLE.len(),
        len in 0..40_usize,
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..4),
    ) {
        let end = (start + len).min(EXAMPLE.len());
        let text = format!("{}{}{}", &EXAMPLE[..start], words.join(" "), &EXAMPLE[end..]);
        is_consistent(&SourceSet::new([("case.hx".to_owned(), text)]));
    }
}
