//! Versions of the schema: items written under one are read under the next, lazily; indexes follow at once.

use std::sync::Arc;

use helix::compiler::{self, SourceSet};
use helix_engine::{ActivateOptions, Engine, EngineError, EngineOptions};
use helix_plan::{Program, diff};
use serde_json::{Value, json};

const BEFORE: &str = "
    schema::1 {
        N::Person { INDEX name: String, age: String, note: String, height: F32, born: String, kept: I32 }
        N::Firm { INDEX title: String }
        E::WorksAt { From: Person, To: Firm, Properties: { since: String } }
        V::Face { of: String }
    }
    QUERY add(name: String, age: String, note: String, height: F32, born: String, kept: I32) =>
        p <- AddN<Person>({ name: name, age: age, note: note, height: height, born: born, kept: kept })
        f <- AddN<Firm>({ title: name })
        AddE<WorksAt>({ since: age })::From(p)::To(f)
        AddV<Face>([1.0, 0.0], { of: name })
        RETURN p::ID
    QUERY sparse(name: String) =>
        p <- AddN<Person>({ name: name })
        RETURN p::ID
";

const SCHEMA: &str = "
    schema::1 {
        N::Person { INDEX name: String, age: String, note: String, height: F32, born: String, kept: I32 }
        N::Firm { INDEX title: String }
        E::WorksAt { From: Person, To: Firm, Properties: { since: String } }
        V::Face { of: String }
    }
    schema::2 {
        N::Person {
            INDEX full_name: String, INDEX age: U8, height: F64, born: Date, kept: I64, country: String DEFAULT \"NO\",
            level: I32 DEFAULT 3, note: String DEFAULT \"none\", seen: Date
        }
        N::Company { UNIQUE INDEX title: String }
        E::WorksAt { From: Person, To: Company, Properties: { since: I32 } }
        V::Face { person: String }
    }
    MIGRATION schema::1 => schema::2 {
        N::Person => _:: { full_name: name, age: age AS U8, born: born AS Date, level: 7, seen: NOW, country: NONE }
        N::Firm => N::Company {}
        E::WorksAt => _:: { Properties: { since: since AS I32 } }
        V::Face => _:: { person: of }
    }
";

const QUERIES: &str = "
    QUERY people() =>
        people <- N<Person>
        RETURN people::{full_name, age, height, born, kept, country, level, note}
    QUERY seen() =>
        people <- N<Person>::WHERE(_::{seen}::GT(\"2024-01-01\"))::COUNT
        RETURN people
    QUERY by_name(name: String) =>
        p <- N<Person>({ full_name: name })
        RETURN p::{age}
    QUERY by_age(age: U8) =>
        p <- N<Person>({ age: age })
        RETURN p::{full_name}
    QUERY company(title: String) =>
        c <- N<Company>({ title: title })
        RETURN c::{label, title}
    QUERY staff() =>
        staff <- N<Company>::InE<WorksAt>
        RETURN staff::{since, who: _::FromN::{full_name}}
    QUERY faces() =>
        faces <- SearchV<Face>([1.0, 0.0], 5)
        RETURN faces::{person}
    QUERY rename(name: String, to: String) =>
        p <- N<Person>({ full_name: name })::UPDATE({ full_name: to })
        RETURN p::{full_name, age, level, country}
    QUERY find(text: String) =>
        people <- SearchBM25<Person>(text, 5)
        RETURN people::{full_name}
    QUERY new() =>
        p <- AddN<Person>({ full_name: \"new\" })
        RETURN p::{full_name, age, country, level, note}
";

fn program(text: &str) -> Program {
    let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), text.to_owned())]));
    compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

struct Database {
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
}

impl Database {
    fn new(engine: Arc<Engine>) -> Self {
        Self { engine, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap() }
    }

    fn activate(&self, text: &str) -> Result<Vec<String>, EngineError> {
        let activated = self.engine.activate(&program(text), ActivateOptions::default())?;
        Ok(activated.changes.iter().map(|change| format!("{}: {}", change.subject, change.reason)).collect())
    }

    fn call(&self, query: &str, body: Value) -> Value {
        match self.runtime.block_on(self.engine.call(query, body.to_string().into())) {
            Ok(answer) => serde_json::from_slice(&answer).unwrap(),
            Err(error) => json!([error.status(), error.to_string()]),
        }
    }

    fn fill(&self) {
        let add = |name: &str, age: &str, born: &str, kept: i32| {
            let body = json!({"name": name, "age": age, "note": "x", "height": 1.5, "born": born, "kept": kept});
            assert!(self.call("add", body).get("p").is_some());
        };
        add("ann", "31", "1990-02-03", 1);
        add("bob", "old", "yesterday", 2);
        add("cat", "300", "2000-01-01T00:00:00Z", 3);
        assert!(self.call("sparse", json!({"name": "dan"})).get("p").is_some());
    }

    fn check(&self) {
        let person = |name: &str, age: Value, height: Value, born: Value, kept: Value, note: &str| {
            json!({
                "full_name": name, "age": age, "height": height, "born": born, "kept": kept,
                "country": null, "level": 7, "note": note,
            })
        };
        let expected = json!([
            person("ann", json!(31), json!(1.5), json!("1990-02-03T00:00:00+00:00"), json!(1), "x"),
            person("bob", json!(null), json!(1.5), json!(null), json!(2), "x"),
            person("cat", json!(null), json!(1.5), json!("2000-01-01T00:00:00+00:00"), json!(3), "x"),
            person("dan", json!(null), json!(null), json!(null), json!(null), "none"),
        ]);
        assert_eq!(self.call("people", json!({}))["people"], expected);
        assert_eq!(self.call("seen", json!({}))["people"], 4);
        assert_eq!(self.call("by_name", json!({"name": "ann"})), json!({"p": 31}));
        assert_eq!(self.call("by_age", json!({"age": 31})), json!({"p": "ann"}));
        assert_eq!(self.call("company", json!({"title": "bob"})), json!({"c": {"label": "Company", "title": "bob"}}));
        let staff = self.call("staff", json!({}));
        assert_eq!(staff["staff"][0], json!({"since": 31, "who": {"full_name": "ann"}}), "{staff}");
        assert_eq!(staff["staff"][1]["since"], Value::Null);
        assert_eq!(self.call("faces", json!({}))["faces"], json!(["ann", "bob", "cat"]));
        assert_eq!(self.call("find", json!({"text": "cat"}))["people"], json!(["cat"]));
        let report = self.engine.verify().unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

#[test]
fn items_of_an_earlier_version_are_read_as_those_of_the_newest() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate(BEFORE).unwrap();
    database.fill();
    let changes = database.activate(&format!("{SCHEMA}{QUERIES}")).unwrap();
    insta::assert_snapshot!(changes.join("\n"));
    database.check();
    // What is written next is of the newest version, and keeps what its items showed.
    let renamed = database.call("rename", json!({"name": "ann", "to": "anna"}));
    assert_eq!(renamed, json!({"p": {"full_name": "anna", "age": 31, "level": 7, "country": null}}));
    assert_eq!(database.call("by_name", json!({"name": "ann"}))[0], 404);
    assert_eq!(database.call("by_age", json!({"age": 31})), json!({"p": "anna"}));
    let new = json!({"p": {"full_name": "new", "age": null, "country": "NO", "level": 3, "note": "none"}});
    assert_eq!(database.call("new", json!({})), new);
    assert!(database.engine.verify().unwrap().findings.is_empty());
}

#[test]
fn a_migrated_database_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Database::new(Engine::open(folder.path(), EngineOptions::default()).unwrap());
    let database = open();
    database.activate(BEFORE).unwrap();
    database.fill();
    database.activate(&format!("{SCHEMA}{QUERIES}")).unwrap();
    database.engine.close().unwrap();
    drop(database);
    open().check();
}

#[test]
fn another_program_of_the_same_schema_keeps_what_a_migration_indexed() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate(BEFORE).unwrap();
    database.fill();
    for more in ["", "QUERY more() => RETURN N<Person>::COUNT", "QUERY others() => RETURN N<Company>::COUNT"] {
        database.activate(&format!("{SCHEMA}{QUERIES}{more}")).unwrap();
        database.check();
    }
}

#[test]
fn what_a_dropped_field_held_is_lost_also_when_it_comes_back() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    let with = "N::A { INDEX x: String, INDEX y: I64 }
        QUERY add(x: String, y: I64) => a <- AddN<A>({ x: x, y: y }) RETURN a::ID
        QUERY touch(y: I64) => a <- N<A>::WHERE(_::{y}::EQ(y))::UPDATE({ y: y }) RETURN a::ID
        QUERY by(x: String) => a <- N<A>::WHERE(_::{x}::EQ(x)) RETURN a::{y}
        QUERY find(text: String) => a <- SearchBM25<A>(text, 9) RETURN a::{y}
        QUERY all() => a <- N<A> RETURN a::{x, y}";
    let drop_x = "N::A { INDEX y: I64 }
        QUERY touch(y: I64) => a <- N<A>::WHERE(_::{y}::EQ(y))::UPDATE({ y: y }) RETURN a::ID";
    let lose = |text: &str| {
        let options = ActivateOptions { allow_breaking: true };
        database.engine.activate(&program(text), options).unwrap();
    };
    database.activate(with).unwrap();
    database.call("add", json!({"x": "hello", "y": 1}));
    database.call("add", json!({"x": "hello", "y": 2}));
    lose(drop_x);
    // Whether an item was written meanwhile makes no difference.
    database.call("touch", json!({"y": 2}));
    database.activate(with).unwrap();
    assert_eq!(database.call("all", json!({})), json!({"a": [{"x": null, "y": 1}, {"x": null, "y": 2}]}));
    assert_eq!(database.call("by", json!({"x": "hello"})), json!({"a": []}));
    assert_eq!(database.call("find", json!({"text": "hello"})), json!({"a": []}));
    // A type that holds fewer values loses them all, also when the field becomes of the wider one again.
    lose("N::A { INDEX x: String, INDEX y: U8 } QUERY all() => a <- N<A> RETURN a::{y}");
    assert_eq!(database.call("all", json!({})), json!({"a": [null, null]}));
    lose(with);
    assert_eq!(database.call("all", json!({})), json!({"a": [{"x": null, "y": null}, {"x": null, "y": null}]}));
    database.call("add", json!({"x": "again", "y": 3}));
    assert_eq!(database.call("find", json!({"text": "again"})), json!({"a": [3]}));
    assert!(database.engine.verify().unwrap().findings.is_empty());
}

#[test]
fn a_field_that_the_newest_version_dropped_is_lost_in_items_of_earlier_ones_too() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    let first = "N::A { b: String, c: I32 }";
    let program_of = |newest: &str, fields: &str| {
        format!(
            "{first} {newest} QUERY all() => RETURN N<A>::{{{fields}}}
            QUERY touch(c: I32) => a <- N<A>::WHERE(_::{{c}}::EQ(c))::UPDATE({{ c: c }}) RETURN a::ID"
        )
    };
    let lose = |text: &str| {
        database.engine.activate(&program(text), ActivateOptions { allow_breaking: true }).unwrap();
    };
    database
        .activate(&format!("{first} QUERY add(c: I32) => a <- AddN<A>({{ b: \"x\", c: c }}) RETURN a::ID"))
        .unwrap();
    database.call("add", json!({"c": 1}));
    database.call("add", json!({"c": 2}));
    lose(&program_of("schema::2 { N::A { c: I32 } }", "c, id"));
    database.call("touch", json!({"c": 2}));
    lose(&program_of("schema::2 { N::A { c: I32, INDEX b: String } }", "c, b"));
    assert_eq!(database.call("all", json!({})), json!({"data": [{"c": 1, "b": null}, {"c": 2, "b": null}]}));
    assert!(database.engine.verify().unwrap().findings.is_empty());
}

#[test]
fn a_version_that_is_taken_back_loses_what_it_did_not_keep() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    let queries = "QUERY all() => a <- N<A> RETURN a::{y} QUERY named() => RETURN N<A>::COUNT";
    let first = format!(
        "N::A {{ x: String, y: I32 }} {queries}
        QUERY add() => a <- AddN<A>({{ x: \"1\", y: 1 }}) RETURN a::ID QUERY names() => a <- N<A> RETURN a::{{x}}"
    );
    let second = format!(
        "N::A {{ x: String, y: I32 }} schema::2 {{ N::A {{ z: String, y: I32 }} }}
        MIGRATION schema::1 => schema::2 {{ N::A => _:: {{ z: x }} }} {queries}"
    );
    database.activate(&first).unwrap();
    database.call("add", json!({}));
    database.activate(&second).unwrap();
    database.engine.activate(&program(&first), ActivateOptions { allow_breaking: true }).unwrap();
    assert_eq!(database.call("names", json!({})), json!({"a": [null]}));
    assert_eq!(database.call("all", json!({})), json!({"a": [1]}));
    // And the version again: it finds no name to read either.
    database.activate(&second.replace("N<A>::COUNT", "N<A>::{z, y}")).unwrap();
    assert_eq!(database.call("named", json!({})), json!({"data": [{"z": null, "y": 1}]}));
    assert!(database.engine.verify().unwrap().findings.is_empty());
}

#[test]
fn several_versions_are_composed() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    let first = "N::A { x: String } QUERY add(x: String) => a <- AddN<A>({ x: x }) RETURN a::ID";
    database.activate(first).unwrap();
    database.call("add", json!({"x": "12"}));
    let schemas = "N::A { x: String }
        schema::2 { N::A { y: I32, d: I32 DEFAULT 5 } }
        schema::4 { N::B { z: F64, d: String, e: I32 DEFAULT 9 } }
        MIGRATION schema::1 => schema::2 { N::A => _:: { y: x AS I32 } }
        MIGRATION schema::2 => schema::4 { N::A => N::B { z: y AS F64, d: d AS String } }
        QUERY all() => all <- N<B> RETURN all::{z, d, e}";
    database.activate(schemas).unwrap();
    assert_eq!(database.call("all", json!({})), json!({"all": [{"z": 12.0, "d": "5", "e": 9}]}));
}

#[test]
fn a_migration_is_not_taken_away_from_items_that_it_reads() {
    const FIRST: &str = "N::A { a: I32 } QUERY add(a: I32) => x <- AddN<A>({ a: a }) RETURN x::{a}";
    const TYPES: &str = "schema::2 { N::A { b: I32, c: I32 DEFAULT 7 } }\nschema::1 { N::A { a: I32 } }";
    const READ: &str = "QUERY all() => RETURN N<A>::{ b, c }";
    let with = |migration: &str| format!("{TYPES}\nMIGRATION schema::1 => schema::2 {{ {migration} }}\n{READ}");
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate(FIRST).unwrap();
    database.call("add", json!({"a": 1}));
    database.activate(&with("N::A => _:: { b: a }")).unwrap();
    let read = json!({"data": [{"b": 1, "c": 7}]});
    assert_eq!(database.call("all", json!({})), read);
    for lost in [
        with("N::A => _:: {}"),
        with("N::A => _:: { b: 5 }"),
        format!("{TYPES}\n{READ}"),
        format!("{}\n{READ}", TYPES.lines().next().unwrap()),
    ] {
        let refused = database.activate(&lost).unwrap_err().to_string();
        assert!(refused.contains("items stored under version 1 are no longer read from `a`"), "{refused}");
        assert_eq!(database.call("all", json!({})), read);
    }
    // What is read from elsewhere is told; nothing is lost.
    let changes = database.activate(&with("N::A => _:: { b: a, c: a }")).unwrap();
    assert_eq!(changes, ["N::A.c: items stored under version 1 are read in another way"]);
    assert_eq!(database.call("all", json!({})), json!({"data": [{"b": 1, "c": 1}]}));
    // A later version that goes on from there reads the same.
    let third = "schema::3 { N::A { d: I32, c: I32 } }\nMIGRATION schema::2 => schema::3 { N::A => _:: { d: b } }";
    let later = |first: &str| format!("{third}\n{TYPES}\n{first}\nQUERY all() => RETURN N<A>::{{ d, c }}");
    assert!(database.activate(&later("")).is_err(), "the step from 1 to 2 is gone");
    database.activate(&later("MIGRATION schema::1 => schema::2 { N::A => _:: { b: a, c: a } }")).unwrap();
    assert_eq!(database.call("all", json!({})), json!({"data": [{"d": 1, "c": 1}]}));
}

#[test]
fn a_request_has_one_now_for_all_that_a_migration_fills() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate("N::A { a: I32 } QUERY add() => x <- AddN<A>({ a: 1 }) RETURN x::{a}").unwrap();
    database.call("add", json!({}));
    database.call("add", json!({}));
    database
        .activate(
            "schema::1 { N::A { a: I32 } }
            schema::2 { N::A { a: I32, d: Date DEFAULT NOW } }
            QUERY now() =>
                x <- N<A>::FIRST
                y <- N<A>::WHERE(_::{d}::EQ(NOW))
                RETURN { same: x::{d}::EQ(NOW), all: y::COUNT, none: N<A>::WHERE(_::{d}::GT(NOW))::COUNT }
            QUERY keep() =>
                x <- N<A>::FIRST
                kept <- N<A>(x)::UPDATE({ a: 2 })
                RETURN { same: kept::{d}::EQ(NOW), as_read: kept::{d}::EQ(x::{d}) }",
        )
        .unwrap();
    assert_eq!(database.call("now", json!({})), json!({"same": true, "all": 2, "none": 0}));
    assert_eq!(database.call("keep", json!({})), json!({"same": true, "as_read": true}));
}

#[test]
fn what_no_migration_maps_is_refused() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate("N::A { x: String, y: I32 } QUERY n() => n <- N<A>::COUNT RETURN n").unwrap();
    let lost = "N::A { x: String, y: I32 } schema::2 { N::A { x: String } } QUERY n() => n <- N<A>::COUNT RETURN n";
    let error = database.activate(lost).unwrap_err().to_string();
    assert!(error.contains("N::A.y is a breaking change: its stored values are lost"), "{error}");
}

#[test]
fn a_value_that_must_be_unique_stops_the_migration_and_leaves_everything() {
    let database = Database::new(Engine::in_memory(EngineOptions::default()).unwrap());
    database.activate("N::A { x: String } QUERY add(x: String) => a <- AddN<A>({ x: x }) RETURN a::{x}").unwrap();
    database.call("add", json!({"x": "1"}));
    database.call("add", json!({"x": " 1"}));
    let unique = "N::A { x: String } schema::2 { N::A { UNIQUE INDEX n: I32 } }
        MIGRATION schema::1 => schema::2 { N::A => _:: { n: x AS I32 } }
        QUERY n() => n <- N<A>::COUNT RETURN n";
    let before = program("N::A { x: String }");
    let told = diff::diff(&before, &program(unique)).schema;
    let told: Vec<String> = told.iter().map(|change| format!("{}: {}", change.subject, change.reason)).collect();
    assert!(told.contains(&"N::A.n: stored values are checked to be unique".to_owned()), "{told:?}");
    let error = database.activate(unique).unwrap_err().to_string();
    assert!(error.contains("N::A.n cannot be unique"), "{error}");
    assert_eq!(database.call("add", json!({"x": "2"})), json!({"a": "2"}));
}
