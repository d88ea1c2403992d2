//! Every code has a program that raises it, and nothing else: one mistake, one diagnostic. The snapshots show what users read.

use std::collections::BTreeSet;

use super::{compile_text, render};
use crate::compiler::diagnostics::codes;

/// Declared before the queries of a case, unless the case declares types itself.
const SCHEMA: &str = r"
N::User { INDEX email: String, name: String, age: U8, born: Date, owner: ID, active: Boolean, tags: [String] }
N::City { name: String }
V::Doc { title: String }
E::Follows { From: User, To: User }
E::Lives { From: User, To: City, Properties: { since: Date } }
E::Wrote { From: User, To: Doc }
E::Cites { From: Doc, To: Doc }
";

struct Case {
    code: &'static str,
    text: &'static str,
}

const fn case(code: &'static str, text: &'static str) -> Case {
    Case { code, text }
}

const SYNTAX: &[Case] = &[
    case("E-HQL-001", "QUERY q() =>\n    x <- N<User>::ORDER<Up>(_::{age})\n    RETURN x"),
    case("E-HQL-001", "QUERY q() =>\n    N<User>::{name}\n    RETURN NONE"),
    case("E-HQL-001", "QUERY q(id: ID) =>\n    x <- N<User>(id)::UPDATE({})\n    RETURN x"),
    case("E-HQL-001", "QUERY q(id: ID) =>\n    AddE<Follows>::From(id)::From(id)::To(id)\n    RETURN NONE"),
    case("E-HQL-001", "schema::0 { N::T {} }"),
];

const SCHEMAS: &[Case] = &[
    case("E-HQL-106", "N::T {}\nE::Likes { From: T, To: S }\nQUERY q() => RETURN E<Likes>::ToN::{name}"),
    case("E-HQL-107", "N::T { a: I8 }\nN::T { b: I8 }"),
    case("E-HQL-109", "N::T { name: String, Name: String }"),
    case("E-HQL-112", "N::T { age: U8 DEFAULT 256 }"),
    case("E-HQL-112", "N::T { at: String DEFAULT NOW }"),
    case("E-HQL-112", "N::T { tags: [String] DEFAULT \"x\" }"),
    case("E-HQL-204", "N::T { Label: String }"),
    case("E-HQL-209", "N::T { part: { a: I8 } }\nQUERY q() => RETURN N<T>::{part}"),
    case("E-HQL-209", "N::T { other: T }"),
    case("E-HQL-209", "N::T { name: Sting }\nQUERY q() => RETURN N<T>::WHERE(_::{name}::EQ(5))"),
    case("E-HQL-501", "N::T { at: Date DEFAULT \"2024-13-01\" }"),
    case("E-HQL-303", "N::T { at: ID DEFAULT \"zz\" }"),
    case("W-HQL-104", "N::A {}\nE::T { From: A, To: A, Properties: { UNIQUE INDEX at: Date } }"),
    case("W-HQL-104", "N::T { INDEX tags: [String] }"),
    case("W-HQL-105", "N::Response { name: String }"),
];

const NAMES: &[Case] = &[
    case("E-HQL-101", "QUERY q() =>\n    x <- N<Usr>::{nothing}\n    RETURN x"),
    case("E-HQL-101", "QUERY q() => RETURN N<Lives>"),
    case("E-HQL-101", "QUERY q() => RETURN N"),
    case("E-HQL-102", "QUERY q() =>\n    x <- N<User>::Out<follows>::{name}\n    RETURN x"),
    case("E-HQL-103", "QUERY q(v: [F64]) => RETURN SearchV<Dok>(v, 5)"),
    case("E-HQL-105", "QUERY q() => RETURN String"),
    case("E-HQL-111", "QUERY q() => RETURN NONE\nQUERY q() => RETURN NONE"),
    case("E-HQL-202", "QUERY q() => RETURN N<User>::{nmae}"),
    case("E-HQL-202", "QUERY q() =>\n    AddN<City>({ population: 5 })\n    RETURN NONE"),
    case("E-HQL-204", "QUERY q(id: ID) =>\n    x <- N<User>(id)::UPDATE({ label: \"x\" })\n    RETURN x"),
    case(
        "E-HQL-209",
        "QUERY q(rows: [{ a: Strng }]) =>\n    FOR { a } IN rows { AddN<City>({ name: a }) }\n    RETURN NONE",
    ),
    case("E-HQL-301", "QUERY q(user: ID) =>\n    x <- N<User>(usr)\n    RETURN x::{name}"),
    case("E-HQL-301", "QUERY q(xs: [String]) =>\n    FOR x IN xs { y <- AddN<City>({ name: x }) }\n    RETURN y"),
    case("E-HQL-302", "QUERY q() =>\n    x <- N<User>\n    x <- N<City>\n    RETURN x::{age}"),
    case(
        "E-HQL-652",
        "QUERY q(rows: [{ title: String }]) =>\n    FOR { titel } IN rows { AddN<City>({ name: titel }) }\n    RETURN NONE",
    ),
    case(
        "E-HQL-658",
        "QUERY q(rows: [{ a: [{ b: I32 }] }]) =>\n    FOR { a } IN rows {\n        FOR { c } IN a { AddN<User>({ age: c }) }\n    }\n    RETURN NONE",
    ),
    case("E-HQL-658", "QUERY q(row: { a: String }) => RETURN row::{b}"),
];

const TYPES: &[Case] = &[
    case("E-HQL-203", "QUERY q(s: String) => RETURN s::{name}"),
    case("E-HQL-203", "QUERY q() => RETURN N<User>::COUNT::!{name}"),
    case("E-HQL-205", "QUERY q(n: I64) =>\n    AddN<User>({ name: n })\n    RETURN NONE"),
    case("E-HQL-205", "QUERY q() =>\n    users <- N<User>\n    AddN<City>({ name: users::{name} })\n    RETURN NONE"),
    case("E-HQL-205", "QUERY q(id: ID) =>\n    user <- N<User>(id)\n    AddN<User>({ owner: user })\n    RETURN NONE"),
    case("E-HQL-306", "QUERY q() => RETURN SearchV<Doc>([1, \"x\"], 5)"),
    case("E-HQL-205", "QUERY q() => RETURN SearchV<Doc>([\"x\"], 5)"),
    case("E-HQL-205", "QUERY q(v: [I32]) => RETURN SearchV<Doc>(v, 5)"),
    case("E-HQL-205", "QUERY q(v: [F64], k: String) => RETURN SearchV<Doc>(v, k)"),
    case("E-HQL-206", "QUERY q(row: { a: String }) =>\n    AddN<City>({ name: row })\n    RETURN NONE"),
    case("E-HQL-210", "QUERY q(name: String) => RETURN N<User>(name)"),
    case(
        "E-HQL-210",
        "QUERY q(id: ID) =>\n    users <- N<User>\n    x <- E<Lives>::UpsertE({ since: NOW })::From(users)::To(id)\n    RETURN x",
    ),
    case("E-HQL-211", "QUERY q() => RETURN N<User>::{ x: MUL(_::{name}, 2) }"),
    case("E-HQL-211", "QUERY q() => RETURN N<User>::WHERE(_::{age}::CONTAINS(5))"),
    case("E-HQL-306", "QUERY q() => RETURN N<User>::WHERE(AND(_::{active}, 5))"),
    case("E-HQL-306", "QUERY q() =>\n    x <- [1, \"two\"]\n    RETURN x"),
    case("E-HQL-621", "QUERY q() => RETURN N<User>::WHERE(_::{name, age}::EQ(\"x\"))"),
    case("E-HQL-621", "QUERY q(names: [String]) => RETURN N<User>::WHERE(_::{name}::EQ(names))"),
    case("E-HQL-621", "QUERY q(name: String) => RETURN N<User>::WHERE(_::{name}::IS_IN(name))"),
    case("E-HQL-622", "QUERY q(n: I32) => RETURN N<User>::WHERE(_::{name}::EQ(n))"),
    case("E-HQL-622", "QUERY q(names: [String]) => RETURN N<User>::WHERE(_::{age}::IS_IN(names))"),
    case("E-HQL-628", "QUERY q(id: ID) =>\n    DROP id\n    RETURN NONE"),
    case("E-HQL-633", "QUERY q(s: String) => RETURN N<User>::RANGE(0, s)"),
    case("E-HQL-651", "QUERY q(s: String) =>\n    FOR x IN s { AddN<City>({ name: x }) }\n    RETURN NONE"),
    case("E-HQL-653", "QUERY q(xs: [I32]) =>\n    FOR { a } IN xs { AddN<City>({ name: a }) }\n    RETURN NONE"),
    case("E-HQL-659", "QUERY q() => RETURN N<User>::WHERE(_::Out<Follows>)"),
    case("E-HQL-660", "QUERY q(n: I32) =>\n    AddV<Doc>(Embed(n))\n    RETURN NONE"),
    case(
        "E-HQL-661",
        "QUERY q(id: ID) =>\n    city <- AddN<City>\n    AddE<Follows>::From(city)::To(id)\n    RETURN NONE",
    ),
];

const STEPS: &[Case] = &[
    case("E-HQL-207", "QUERY q() =>\n    x <- N<City>::Out<Lives>::{name}\n    RETURN x"),
    case("E-HQL-207", "QUERY q() => RETURN N<City>::InE<Follows>"),
    case("E-HQL-208", "QUERY q() => RETURN N<User>({ name: \"x\" })"),
    case("E-HQL-208", "QUERY q() => RETURN N<User>({ mail: \"x\" })"),
    case("E-HQL-208", "QUERY q() => RETURN E<Lives>({ since: \"2024-05-01\" })"),
    case("E-HQL-601", "QUERY q() => RETURN N<User>::COUNT::Out<Follows>::{name}"),
    case("E-HQL-601", "QUERY q() => RETURN N<User>::FromN"),
    case("E-HQL-601", "QUERY q() => RETURN _::{name}"),
    case("E-HQL-601", "QUERY q(id: ID) =>\n    x <- E<Lives>::UpsertE({ since: NOW })::From(id)\n    RETURN x"),
    case("E-HQL-601", "QUERY q(v: [F64]) => RETURN N<User>::SearchV<Doc>(v, 5)"),
    case("E-HQL-601", "QUERY q() => RETURN N<User>::{ made: AddN<City> }"),
    case("E-HQL-601", "QUERY q() =>\n    x <- Embed(\"text\")\n    RETURN x"),
    case("E-HQL-601", "QUERY q(xs: [I32]) => RETURN xs::COUNT"),
    case("E-HQL-604", "QUERY q() =>\n    x <- V<Doc>::UPDATE({ title: \"x\" })\n    RETURN x"),
    case("E-HQL-604", "QUERY q() =>\n    x <- E<Lives>::UpsertN({ since: NOW })\n    RETURN x"),
    case("E-HQL-611", "QUERY q(id: ID) =>\n    AddE<Follows>::From(id)\n    RETURN NONE"),
    case("E-HQL-612", "QUERY q(id: ID) =>\n    AddE<Follows>::To(id)\n    RETURN NONE"),
    case("E-HQL-623", "QUERY q() => RETURN E<Cites>::FromN"),
    case("E-HQL-624", "QUERY q() => RETURN E<Wrote>::ToN::{name}"),
    case("E-HQL-625", "QUERY q() => RETURN E<Lives>::FromV"),
    case("E-HQL-626", "QUERY q() => RETURN E<Lives>::ToV"),
    case("E-HQL-641", "QUERY q() => RETURN N<User>::|u|{ name }::COUNT"),
    case("E-HQL-643", "QUERY q() => RETURN N<User>::!{name}::!{age, name}"),
    case("E-HQL-643", "QUERY q() => RETURN N<User>::!{name}::{name, age}"),
    case("E-HQL-644", "QUERY q() => RETURN N<User>::!{name}::WHERE(_::{age}::GT(3))"),
    case("E-HQL-109", "QUERY q() => RETURN N<User>::{name, name: age}"),
    case(
        "E-HQL-654",
        "QUERY q(rows: [{ a: I32 }]) =>\n    FOR row.a IN rows { AddN<User>({ age: a }) }\n    RETURN NONE",
    ),
    case("E-HQL-627", "QUERY q(a: ID) => RETURN N<User>(a)::ShortestPath<Follows>"),
    case("E-HQL-655", "QUERY q(key: String) => RETURN N<User>::ORDER<Asc>(key)"),
    case("E-HQL-655", "QUERY q() => RETURN N<User>::ORDER<Asc>(_::Out<Follows>)"),
    case("E-HQL-657", "QUERY q() => RETURN N<User>::WHERE(_::EQ(\"x\"))"),
];

const VALUES: &[Case] = &[
    case("E-HQL-303", "QUERY q() => RETURN N<User>(\"not-a-uuid\")"),
    case("E-HQL-307", "QUERY q() =>\n    AddN<User>({ age: 256 })\n    RETURN NONE"),
    case("E-HQL-307", "QUERY q() => RETURN N<User>::WHERE(_::{age}::GT(-1))"),
    case("E-HQL-307", "QUERY q() => RETURN N<User>::RANGE(-1, 5)"),
    case("E-HQL-307", "QUERY q() =>\n    x <- -99999999999999999999\n    RETURN x"),
    case("E-HQL-501", "QUERY q() => RETURN N<User>::WHERE(_::{born}::LT(\"2024-05-01T12:00:00\"))"),
];

const WARNINGS: &[Case] = &[
    case("W-HQL-102", "QUERY q() =>\n    users <- N<User>\n    RETURN users, users::{name}"),
    case("W-HQL-103", "QUERY q(name: String) => RETURN N<User>::{ who: name, age }"),
    case("W-HQL-104", "QUERY q(rows: [{ a: I32 DEFAULT 5 }]) => RETURN rows"),
    case("W-HQL-106", "QUERY q(a: ID, b: ID) => RETURN N<User>(a)::ShortestPath<Follows>::To(b)::From(a)"),
    case("W-HQL-107", "QUERY q() => RETURN N<User, City>"),
    case("W-HQL-107", "QUERY q(a: ID, b: ID) => RETURN N<City>(a)::ShortestPath<Follows>::To(b)"),
    case("W-HQL-107", "QUERY q() => RETURN N<User>::{ who: nothing, age }"),
    case("W-HQL-107", "QUERY q(v: [F64]) =>\n    AddV<Doc>(v, { title: \"a\" }, { title: \"b\" })\n    RETURN NONE"),
    case("W-HQL-107", "QUERY q() =>\n    city <- AddN<City>\n    x <- N<User>(city)\n    RETURN x"),
    case("W-HQL-107", "QUERY q() => RETURN N<User>::WHERE(_::{name}::EQ(NONE))"),
    case("E-HQL-632", "QUERY q() => RETURN N<User>::RANGE(5, 1)"),
];

const UNSUPPORTED: &[Case] = &[
    case("E-UNSUPPORTED-MCP", "#[mcp]\nQUERY q() => RETURN N<User>"),
    case("E-UNSUPPORTED-MIGRATION", "MIGRATION schema::1 => schema::2 { N::User => _:: { name: email } }"),
    case("E-UNSUPPORTED-SCHEMA-VERSION", "schema::2 { N::T { a: I8 } }\nQUERY q() => RETURN N<T>::{a}"),
    case("E-UNSUPPORTED-SEARCH-BM25", "QUERY q(t: String) => RETURN SearchBM25<User>(t, 5)::{name}"),
];

const FAMILIES: [(&str, &[Case]); 8] = [
    ("syntax", SYNTAX),
    ("schema", SCHEMAS),
    ("names", NAMES),
    ("types", TYPES),
    ("steps", STEPS),
    ("values", VALUES),
    ("warnings", WARNINGS),
    ("unsupported", UNSUPPORTED),
];

impl Case {
    fn source(&self) -> String {
        let declares = ["N::", "schema::0", "schema::2"].iter().any(|start| self.text.starts_with(start));
        if declares { self.text.to_owned() } else { format!("{SCHEMA}{}", self.text) }
    }

    /// What users read, without the shared schema.
    fn shown(&self) -> String {
        let skipped = if self.source() == self.text { 0 } else { SCHEMA.lines().count() };
        render(&self.source()).lines().skip(skipped).map(|line| format!("{line}\n")).collect()
    }
}

#[test]
fn every_mistake_gives_its_diagnostic_and_no_other() {
    let mut wrong = String::new();
    for case in FAMILIES.iter().flat_map(|(_, cases)| *cases) {
        let (_, compiled) = compile_text(&case.source());
        let found: Vec<_> = compiled.diagnostics.iter().map(|found| found.code).collect();
        let is_warning = case.code.starts_with('W') || case.code == codes::EMPTY_RANGE;
        if found != [case.code] || compiled.program.is_some() != is_warning {
            wrong.push_str(&format!("{} expected in\n{}\n", case.code, case.shown()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_code_is_raised() {
    let raised: BTreeSet<_> = FAMILIES.iter().flat_map(|(_, cases)| *cases).map(|case| case.code).collect();
    // A program without types has a test of its own.
    let elsewhere = [codes::NO_SCHEMA];
    let missing: Vec<_> = codes::ALL
        .iter()
        .map(|code| code.code)
        .filter(|code| !raised.contains(code) && !elsewhere.contains(code))
        .collect();
    assert!(missing.is_empty(), "no case raises {missing:?}");
}

#[test]
fn every_family_reads_well() {
    for (family, cases) in FAMILIES {
        let shown: Vec<_> = cases.iter().map(Case::shown).collect();
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(family, shown.join("\n")) });
    }
}
