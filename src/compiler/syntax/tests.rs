//! Laws of the parser: nothing is lost, nothing recurses, one mistake is one diagnostic.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Parse, parse};
use crate::compiler::source::FileId;

fn parsed(text: &str) -> Parse {
    parse(FileId(0), text)
}

/// The messages with the text that they point at, a line each.
fn messages(text: &str) -> String {
    let mut out = String::new();
    for diagnostic in parsed(text).diagnostics() {
        let span = diagnostic.span();
        let at = &text[span.start as usize..span.end as usize];
        let line = text[..span.start as usize].lines().count().max(1);
        writeln!(out, "{line}: `{at}`: {}", diagnostic.message).unwrap();
    }
    out
}

fn tree(text: &str) -> String {
    assert_eq!(messages(text), "", "no diagnostics were expected");
    format!("{:#?}", parsed(text).syntax())
}

const SCHEMA: &str = r#"
// A comment.
N::User { UNIQUE INDEX email: String, INDEX: U8, tags: [[String]] DEFAULT NONE, }
N::Tag
V:: Doc {}
E::Follows UNIQUE { From : User, To: User, Properties: { since: Date DEFAULT NOW, n: I32 DEFAULT -1 } , }
schema::2 { N::A { x: F64 DEFAULT 1.5e-3 } }
MIGRATION schema::1 => schema::2 { N::A => _:: { y: x AS U8, z: "new", w: NOW } E::B => E::B { Properties: { a: b } } }
"#;

const QUERIES: &str = r#"
#[mcp] #[ model("openai:x") ]
QUERY all(a: String, b?: [{ x: I64, y: { z: F32 } }], ) =>
    x <- N<User>(a, "id")::Out<Follows>::WHERE(AND(_::{age}::GTE(-1), !EXISTS(_::InE<Follows>::FromN), OR(a, true)))
    y <- N<User>({ email: a })::ORDER<Desc>(_::{age})::RANGE(0, 10)::!{ id }::{ name, who: name, n: _::COUNT, m: ::Out<A>, o: { p }, .. }
    FOR { x, kids } IN b { FOR k IN kids { AddE<Follows>({ n: 1 })::To(k)::From(x) } }
    v <- SearchV<Doc>(Embed(a), 5)::PREFILTER(_::{t}::IS_IN([1, 2]))::RerankMMR(lambda: 0.5, distance: "cosine")
    p <- N<City>(a)::ShortestPathDijkstras<Road>(MUL(_::{km}, ADD(1, _::ToN::{delay})))::To(b)
    e <- E<Follows>::UpsertE({ n: 2 })::From(x)::To(y)
    w <- V<Doc>::UpsertV([1, 2.5], { title: a })
    m <- ADD(E(), ATAN2(1, PI()))
    N<User>::UPDATE({ a: NONE, b: NOW })
    DROP N<User>::OutE<Follows>
    RETURN x::|u|{ id: u::ID, posts: u::Out<Wrote>::{title}::FIRST }, { a: [x, { b: y }] }, "done"
QUERY none() => RETURN NONE
"#;

#[test]
fn every_production_has_its_node() {
    insta::assert_snapshot!("schema_tree", tree(SCHEMA));
    insta::assert_snapshot!("query_tree", tree(QUERIES));
}

#[test]
fn one_mistake_is_one_diagnostic_and_the_rest_is_parsed() {
    let cases = [
        "N::User { name String, age: U8 }\nQUERY q() => RETURN NONE",
        "N::User { name: String age: U8 }",
        "E::F { From: A }",
        "E::F { To: A, From: B, Props: {} }",
        "QUERY q(a: String => RETURN a\nQUERY r() => RETURN NONE",
        "QUERY q()\n  RETURN NONE",
        "QUERY q() =>\n  x = 5\n  RETURN x",
        "QUERY q() =>\n  x <- N<A>::Owt<B>\n  RETURN x",
        "QUERY q() =>\n  x <- N<A>::WHERE(_::{a} == 5)\n  y <- N<B>\n  RETURN x",
        "QUERY q() =>\n  x <- N<A>\nQUERY r() => RETURN NONE",
        "QUERY q() =>\n  x <- 'text'\n  RETURN x",
        "QUERY q() =>\n  x <- \"open\n  RETURN x",
        "QUERY q() =>\n  x <- ADD(1)\n  y <- \"\\q\"\n  z <- 340282366920938463463374607431768211456\n  RETURN x",
        "QUERY q(a: I32, a: I32) => RETURN a",
        "QUERYq() => RETURN NONE\nQUERY r() => RETURN NONE",
        "QUERY q() =>\n  x <- N<A>::{}\n  } \n  RETURN x\nQUERY r() => RETURN NONE",
        "QUERY q() =>\n  x <- N<A>({ a: 1, b: 2 })\n  RETURN x",
        "QUERY q() =>\n  x <- AddN<A>(name: 1)\n  RETURN x",
        "@@@ §§\nN::User {}",
        "",
    ];
    let shown: String = cases.iter().map(|text| format!("{text}\n---\n{}\n", messages(text))).collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn deep_nesting_is_one_diagnostic() {
    for open in ["(", "[", "{", "N<A>(", "AND(", "x::{a: ", "!", "::|x|{a: "] {
        let text = format!("QUERY q() => x <- {} RETURN x\nN::After {{}}", open.repeat(10_000));
        let parse = parsed(&text);
        assert!(!parse.diagnostics().is_empty(), "{open}");
        assert!(parse.diagnostics().len() < 10, "{open}: {}", parse.diagnostics().len());
        assert_eq!(parse.syntax().text().to_string(), text);
    }
    // Steps count from the outermost traversal on.
    let nested = format!("{}_{}", "_::WHERE(EXISTS(_::Out<F>::".repeat(60), "))".repeat(60));
    for (steps, problems) in [("::Out<F>".repeat(128), 0), ("::Out<F>".repeat(129), 1), ("::Out<F>".repeat(10_000), 1)]
    {
        let text = format!("QUERY q() => RETURN N<A>{steps}\nQUERY next() => RETURN NONE");
        assert_eq!(parsed(&text).diagnostics().len(), problems, "{:#?}", parsed(&text).diagnostics());
    }
    assert!(!parsed(&format!("QUERY q() => RETURN N<A>::WHERE({nested})")).diagnostics().is_empty());
    let text = format!("QUERY q(a: {}String) => RETURN a", "[".repeat(10_000));
    assert!(parsed(&text).diagnostics().len() < 10);
    let text = format!("QUERY q(a: [I32]) => {} RETURN a", "FOR x IN a { ".repeat(10_000));
    assert!(parsed(&text).diagnostics().len() < 10);
}

/// Each where recovery finds nothing to eat.
#[test]
fn recovery_gets_on() {
    for text in [
        "E::F { From: A, From <- x }",
        "E::F { To: A from <- x RETURN x",
        "schema::2 { E::F { From: A, To: B, To <- y } }",
        "E::F { Properties: {} Properties <- { } }",
        "QUERY q() => FOR x IN xs { From <- 1 RETURN x } RETURN x",
        "MIGRATION schema::1 => schema::2 { E::F => _:: { From <- x } }",
    ] {
        let parse = parsed(text);
        assert!(!parse.diagnostics().is_empty(), "{text}");
        assert_eq!(parse.syntax().text().to_string(), text);
    }
}

#[test]
fn huge_and_strange_texts_take_bounded_time() {
    let texts = [
        "x".repeat(10 << 20),
        "(".repeat(2 << 20),
        "N::A { ".repeat(1 << 18),
        "\u{0}\u{1}\u{fffd}".repeat(1 << 20),
        "\"".repeat(1 << 20),
        "\\\"\n".repeat(1 << 20),
        "QUERY q() => x <- N<A>::{a} ".repeat(1 << 15),
        "QUERY q() => } ".repeat(1 << 16),
        "}".repeat(1 << 20),
        "#[ # --".repeat(1 << 18),
        "/*".repeat(1 << 19),
        "QUERY q _a ".repeat(1 << 15),
        "\"a\" b".repeat(1 << 17),
    ];
    for text in texts {
        let started = Instant::now();
        let parse = parsed(&text);
        assert!(parse.diagnostics().len() <= 201, "{}", parse.diagnostics().len());
        assert!(started.elapsed() < Duration::from_secs(60), "{:?} for {:?}", started.elapsed(), &text[..10]);
    }
    assert_eq!(parsed(&"x".repeat(17 << 20)).diagnostics().len(), 1);
}

proptest! {
    #[test]
    fn nothing_is_lost(text in "\\PC*") {
        prop_assert_eq!(parsed(&text).syntax().text().to_string(), text);
    }

    #[test]
    fn nothing_is_lost_of_token_soup(words in prop::collection::vec(prop::sample::select(vec![
        "QUERY ", "q", "(", ")", "{", "}", "[", "]", "<", ">", "<-", "=>", "::", ":", ",", "..", "|x|", "!", "_", "N<A>",
        "E::", "N::A", "From:", "AddE<X>", "RETURN ", "FOR ", "IN ", "DROP ", "WHERE(", "1", "-2.5", "\"s\"", "\"", "\\", "//c\n",
        "MIGRATION ", "schema::1", "#[mcp]", "AND(", "EXISTS(", "ADD(", "é", "\n",
    ]), 0..60)) {
        let text: String = words.concat();
        prop_assert_eq!(parsed(&text).syntax().text().to_string(), text);
    }
}
