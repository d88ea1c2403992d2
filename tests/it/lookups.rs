//! What an index narrows down is what looking at every row finds: in tables small and large, with hits few and many, however far
//! the steps behind look.

use std::path::Path;
use std::sync::Arc;

use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Engine, EngineError, EngineOptions};
use helix_plan::Program;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Each value is there twice: with an index, and without.
const SCHEMA: &str = "N::Item {
    INDEX i: I64, i2: I64,
    INDEX s: String, s2: String,
    INDEX f: F64, f2: F64,
    UNIQUE INDEX u: I64, u2: I64,
    number: I64
}
E::Joins { From: Item, To: Item, Properties: { number: I64 } }
QUERY join(pairs: [{a: I64, b: I64, number: I64}]) =>
    FOR {a, b, number} IN pairs {
        from <- N<Item>({ u: a })
        to <- N<Item>({ u: b })
        AddE<Joins>({ number: number })::From(from)::To(to)
    }
    RETURN NONE
QUERY ids() =>
    RETURN N<Item>::ID
QUERY indexed_ends(a: ID, b: ID, many: [ID], k: I64) =>
    RETURN {
        from: E<Joins>::WHERE(_::{from_node}::EQ(a))::{number},
        to: E<Joins>::WHERE(_::{to_node}::IS_IN(many))::{number},
        both: E<Joins>::WHERE(_::{from_node}::EQ(a))::WHERE(_::{to_node}::EQ(b))::{number},
        one: N<Item>::WHERE(_::ID::EQ(b))::{number},
        many: N<Item>::WHERE(_::ID::IS_IN(many))::{number},
        edges: E<Joins>::WHERE(_::ID::IS_IN(many))::COUNT,
        after: N<Item>::WHERE(_::ID::GT(a))::RANGE(0, 5)::{number},
        upto: N<Item>::WHERE(AND(_::ID::LTE(b), _::ID::GTE(a)))::{number},
        early: E<Joins>::WHERE(_::{id}::LT(a))::COUNT,
        oldest: N<Item>::ORDER<Asc>(_::ID)::RANGE(0, k)::{number},
        newest: N<Item>::ORDER<Desc>(_::{id})::RANGE(0, k)::{number},
        last: E<Joins>::ORDER<Desc>(_::ID)::{number}::FIRST
    }
QUERY looked_ends(a: ID, b: ID, many: [ID], k: I64) =>
    RETURN {
        from: E<Joins>::WHERE(OR(_::{from_node}::EQ(a), _::{number}::LT(0)))::{number},
        to: E<Joins>::WHERE(OR(_::{to_node}::IS_IN(many), _::{number}::LT(0)))::{number},
        both: E<Joins>::WHERE(AND(_::{number}::GTE(0), OR(AND(_::{from_node}::EQ(a), _::{to_node}::EQ(b)), _::{number}::LT(0))))::{number},
        one: N<Item>::WHERE(OR(_::ID::EQ(b), _::{number}::LT(0)))::{number},
        many: N<Item>::WHERE(OR(_::ID::IS_IN(many), _::{number}::LT(0)))::{number},
        edges: E<Joins>::WHERE(OR(_::ID::IS_IN(many), _::{number}::LT(0)))::COUNT,
        after: N<Item>::WHERE(OR(_::ID::GT(a), _::{number}::LT(0)))::RANGE(0, 5)::{number},
        upto: N<Item>::WHERE(OR(AND(_::ID::LTE(b), _::ID::GTE(a)), _::{number}::LT(0)))::{number},
        early: E<Joins>::WHERE(OR(_::{id}::LT(a), _::{number}::LT(0)))::COUNT,
        oldest: N<Item>::ORDER<Asc>(_::{number})::RANGE(0, k)::{number},
        newest: N<Item>::ORDER<Desc>(_::{number})::RANGE(0, k)::{number},
        last: E<Joins>::ORDER<Desc>(_::{number})::{number}::FIRST
    }
QUERY add(items: [{i: I64, s: String, f: F64, u: I64, number: I64}]) =>
    FOR {i, s, f, u, number} IN items {
        AddN<Item>({ i: i, i2: i, s: s, s2: s, f: f, f2: f, u: u, u2: u, number: number })
    }
    RETURN NONE
QUERY forget(number: I64) =>
    N<Item>::WHERE(_::{number}::LT(number))::UPDATE({ i: NONE, i2: NONE, f: NONE, f2: NONE })
    RETURN NONE
QUERY remove(number: I64) =>
    DROP N<Item>::WHERE(_::{number}::LT(number))
    RETURN NONE
";

/// Conditions, orders and folds of the fields `$i`, `$s`, `$f` and `$u`.
const BODIES: [&str; 30] = [
    "N<Item>::WHERE(_::{$i}::EQ(a))",
    "N<Item>::WHERE(_::{$i}::GT(a))",
    "N<Item>::WHERE(_::{$i}::GTE(a))::FIRST",
    "N<Item>::WHERE(_::{$i}::LT(a))::RANGE(0, 3)",
    "N<Item>::WHERE(_::{$i}::LTE(a))::RANGE(2, 200)",
    "N<Item>::WHERE(AND(_::{$i}::GTE(a), _::{$i}::LT(b)))",
    "N<Item>::WHERE(AND(_::{$i}::GT(a), _::{$s}::EQ(s)))",
    "N<Item>::WHERE(OR(_::{$i}::EQ(a), _::{$s}::EQ(s)))",
    "N<Item>::WHERE(OR(_::{$i}::LT(a), AND(_::{$f}::GT(x), _::{$u}::GT(b))))",
    "N<Item>::WHERE(_::{$i}::IS_IN(many))",
    "N<Item>::WHERE(_::{$u}::IS_IN(many))",
    "N<Item>::WHERE(_::{$u}::EQ(a))",
    "N<Item>::WHERE(_::{$s}::GT(s))",
    "N<Item>::WHERE(_::{$f}::LTE(x))",
    "N<Item>::WHERE(_::{$f}::EQ(x))",
    "N<Item>::WHERE(_::{$u}::LT(b))::ORDER<Desc>(_::{$i})::RANGE(0, 5)",
    "N<Item>::ORDER<Asc>(_::{$i})::RANGE(0, 7)",
    "N<Item>::ORDER<Desc>(_::{$i})::RANGE(0, 7)",
    "N<Item>::ORDER<Asc>(_::{$i})::RANGE(5, k)",
    "N<Item>::ORDER<Desc>(_::{$i})::RANGE(5, k)",
    "N<Item>::ORDER<Asc>(_::{$f})::FIRST",
    "N<Item>::ORDER<Desc>(_::{$f})::FIRST",
    "N<Item>::ORDER<Desc>(_::{$u})::RANGE(0, k)",
    "N<Item>::ORDER<Asc>(_::{$s})::RANGE(0, 20)",
    "N<Item>::ORDER<Desc>(_::{$s})::RANGE(0, 20)",
    "MAX(N<Item>::{$i})",
    "MIN(N<Item>::{$f})",
    "MIN(N<Item>::{$u})",
    "N<Item>::WHERE(_::{$i}::GT(a))::COUNT",
    "MAX(N<Item>::WHERE(_::{$i}::GT(a))::{$f})",
];

/// A query per body, and one that does the same without an index; `$` is what the fields' names end in.
fn program() -> Program {
    let mut source = SCHEMA.to_owned();
    for (place, body) in BODIES.iter().enumerate() {
        for (name, end) in [("indexed", ""), ("looked", "2")] {
            let body = ["i", "s", "f", "u"]
                .iter()
                .fold((*body).to_owned(), |body, field| body.replace(&format!("${field}"), &format!("{field}{end}")));
            let shown =
                if body.starts_with('M') || body.ends_with("COUNT") { body } else { format!("{body}::{{number}}") };
            let params = "a: I64, b: I64, k: I64, x: F64, s: String, many: [I64]";
            source += &format!("QUERY {name}_{place}({params}) =>\n    found <- {shown}\n    RETURN found\n");
        }
    }
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), source)]));
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn open(folder: &Path) -> Arc<Engine> {
    Engine::open(folder, EngineOptions::default()).unwrap()
}

struct Database {
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Database {
    /// Items of which one in `spread` has each value.
    fn new(len: i64, spread: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path());
        engine.activate(&program(), ActivateOptions::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = Self { engine, runtime, _folder: folder };
        let items: Vec<Value> = (0..len)
            .map(|number| {
                // A permutation of the numbers, so that the order of values is not that of creation.
                let mixed = number * 7_919 % 1_000_003;
                let i = mixed % spread;
                let f = (i - 5) as f64 / if number % 2 == 0 { 2.0 } else { -2.0 };
                json!({"i": i, "s": format!("s{}", mixed % 50), "f": f, "u": mixed, "number": number})
            })
            .collect();
        for chunk in items.chunks(5_000) {
            database.call("add", &json!({"items": chunk}));
        }
        database
    }

    fn call(&self, query: &str, body: &Value) -> Option<Value> {
        match self.runtime.block_on(self.engine.call(query, body.to_string().into())) {
            Ok(answer) => Some(serde_json::from_slice(&answer).unwrap()),
            Err(EngineError::NoValue) => None,
            Err(EngineError::BadValue(why)) if why.starts_with("range bounds") => None,
            Err(error) => panic!("{query} {body}: {error}"),
        }
    }

    fn check(&self, arguments: &Value) {
        for (place, body) in BODIES.iter().enumerate() {
            let indexed = self.call(&format!("indexed_{place}"), arguments);
            let looked = self.call(&format!("looked_{place}"), arguments);
            assert_eq!(indexed, looked, "{body} {arguments}");
        }
    }
}

fn arguments(a: i64, b: i64, k: i64, x: f64) -> Value {
    json!({"a": a, "b": b, "k": k, "x": x, "s": format!("s{}", a % 50), "many": [a, b, a, k, 10_000_000]})
}

/// The plans of the queries that should use an index do, and no other.
#[test]
fn every_body_has_an_access_path() {
    let text = compiler::explain::program(&program());
    let mut count = 0;
    for (head, found) in text.lines().zip(text.lines().skip(1)) {
        let is_one =
            |name: &str| head.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if !is_one("indexed_") && !is_one("looked_") {
            continue;
        }
        let has_path = [" with ", " least ", " greatest "].iter().any(|word| found.contains(word));
        assert_eq!(has_path, head.starts_with("indexed_"), "{found}");
        count += 1;
    }
    assert_eq!(count, 2 * BODIES.len());
}

#[test]
fn large_tables_answer_alike_through_indexes_and_without() {
    for (len, spread) in [(30_000, 20_000), (30_000, 4)] {
        let database = Database::new(len, spread);
        for round in 0..2 {
            for (a, b, k, x) in
                [(0, 1, 3, 0.0), (3, 900, 40, -1.0), (15_000, 19_000, 6_000, 4_000.5), (40_000, -1, 0, f64::MAX)]
            {
                database.check(&arguments(a, b, k, x));
            }
            if round == 0 {
                // Some are without values, and some of the oldest are gone.
                database.call("forget", &json!({"number": 300})).unwrap();
                database.call("remove", &json!({"number": 200})).unwrap();
            }
        }
        assert_eq!(database.engine.verify().unwrap().findings, Vec::<String>::new());
    }
}

#[test]
fn ends_of_edges_and_ids_are_looked_up() {
    let database = Database::new(4_000, 100);
    let mixed = |number: i64| number * 7_919 % 1_000_003;
    // Item 0 has most of the edges, so that looking them up is no shorter than going through all.
    let pairs = (0..8_000).map(|number| {
        let a = if number % 8 == 0 { number % 3_000 } else { 0 };
        json!({"a": mixed(a), "b": mixed(number * 31 % 500), "number": number})
    });
    let pairs: Vec<Value> = pairs.collect();
    database.call("join", &json!({"pairs": pairs})).unwrap();
    let ids = database.call("ids", &json!({})).unwrap();
    let ids = ids.as_object().unwrap().values().next().unwrap().as_array().unwrap();
    let mut found = 0;
    for (a, b, k) in [(0, 0, 0), (8, 248, 3), (16, 100, 200), (3_999, 1, 3_000), (0, 31, 9_000)] {
        let mut many =
            vec![ids[b].clone(), ids[a].clone(), ids[b].clone(), json!("00000000-0000-0000-0000-000000000000")];
        many.extend(ids.iter().skip(a).step_by(40).cloned());
        let arguments = json!({"a": ids[a], "b": ids[b], "many": many, "k": k});
        let indexed = database.call("indexed_ends", &arguments).unwrap();
        assert_eq!(indexed, database.call("looked_ends", &arguments).unwrap(), "{a} {b}");
        found += ["from", "to", "both"].iter().filter(|part| indexed[**part] != json!([])).count();
    }
    assert!(found > 9, "{found} of 15 find something");
    // Ids of nobody are compared as any others.
    for id in ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
        let arguments = json!({"a": id, "b": id, "many": [id], "k": 1});
        let answers = ["indexed_ends", "looked_ends"].map(|query| database.call(query, &arguments).unwrap());
        assert_eq!(answers[0], answers[1]);
    }
}

/// What a migration sets to the time of the read is in no index.
#[test]
fn values_that_follow_the_time_of_the_read_are_found() {
    let version = |source: &str| {
        let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), source.to_owned())]));
        compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
    };
    let first = "schema::1 { N::Item { number: I64 } }";
    // The second version may not index what it sets to the time of the read; the third takes it over.
    let second = "schema::2 { N::Item { number: I64, seen: Date } }
        schema::3 { N::Item { number: I64, INDEX seen: Date } }
        MIGRATION schema::1 => schema::2 { N::Item => _:: { number: number, seen: NOW } }
        MIGRATION schema::2 => schema::3 { N::Item => _:: { number: number, seen: seen } }
        QUERY found() => RETURN {
            after: N<Item>::WHERE(_::{seen}::GT(\"2020-01-01\"))::{number},
            between: N<Item>::WHERE(AND(_::{seen}::GTE(\"2020-01-01\"), _::{seen}::LT(\"2300-01-01\")))::COUNT,
            oldest: N<Item>::ORDER<Asc>(_::{seen})::FIRST::{number}
        }";
    let add = "QUERY add(number: I64) =>
        AddN<Item>({ number: number })
        RETURN NONE";
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = Database { engine, runtime, _folder: folder };
    database.engine.activate(&version(&format!("{first}\n{add}")), ActivateOptions::default()).unwrap();
    for number in 0..3 {
        database.call("add", &json!({"number": number})).unwrap();
    }
    database.engine.activate(&version(&format!("{first}\n{second}\n{add}")), ActivateOptions::default()).unwrap();
    database.call("add", &json!({"number": 3})).unwrap();
    let found = database.call("found", &json!({})).unwrap();
    assert_eq!(found, json!({"after": [0, 1, 2], "between": 3, "oldest": 3}), "the last one was never seen");
    assert_eq!(database.engine.verify().unwrap().findings, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn tables_of_any_size_answer_alike(
        len in prop_oneof![0_i64..20, 100_i64..3_000],
        spread in prop_oneof![1_i64..10, 1_i64..2_000],
        forgotten in 0_i64..200,
        calls in prop::collection::vec((-5_i64..2_000, -5_i64..2_000, -1_i64..600, -10.0..1_000.0), 4),
    ) {
        let database = Database::new(len, spread);
        database.call("forget", &json!({"number": forgotten}));
        for (a, b, k, x) in calls {
            database.check(&arguments(a, b, k, x));
        }
        prop_assert_eq!(database.engine.verify().unwrap().findings, Vec::<String>::new());
    }
}
