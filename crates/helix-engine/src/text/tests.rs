//! Laws of text search, on both stores: it agrees with scoring every node by the formula, whatever was written before, and
//! the index agrees with the rows, also when it was filled in slices beside writes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use helix_plan::{
    Access, Cardinality, Catalog, Expr, ExprKind, Field, FieldId, Index, ItemType, Kind, NodeType, Program, Query,
    ReadClass, Return, ScalarType, Source, SourceMap, SpanId, Statement, StatementKind, Traversal, Type, TypeId,
    ValueType,
};
use proptest::prelude::*;

use super::*;
use crate::catalog::pending::{self, Pending};
use crate::catalog::{LiveCatalog, activate, active, build, indexes_text};
use crate::graph::{self, Mutator};
use crate::ids::{IdCodec, ItemId};
use crate::storage::lmdb::LmdbOptions;
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, Lmdb, Memory, Store, WriteTxn};
use crate::value::Value;

const NOTE: ItemType = ItemType::node(TypeId(0));
const CODEC: fn() -> IdCodec = || IdCodec::new([3; 16]);
const ON: TextConfig = TextConfig { enabled: true, stemming: BTreeMap::new() };
const OFF: TextConfig = TextConfig { enabled: false, stemming: BTreeMap::new() };

/// A program of one node type with fields, and a query that searches it, if `searches`.
fn program(fields: &[(&str, ValueType)], searches: bool) -> Program {
    let mut fields: Vec<Field> = fields
        .iter()
        .map(|(name, ty)| Field { name: (*name).to_owned(), ty: ty.clone(), index: Index::None, default: None })
        .collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let nodes = vec![NodeType { name: "Note".to_owned(), fields }];
    let null = || Box::new(Expr { kind: ExprKind::Null, ty: Type::one(Kind::Null), span: SpanId(0) });
    let source = Source::SearchText { node: TypeId(0), text: null(), k: null() };
    let traversal = Traversal { source, steps: Vec::new(), cardinality: Cardinality::Many };
    let ty = Type::many(Kind::Item(NOTE));
    let expr = Expr { kind: ExprKind::Traversal(Box::new(traversal)), ty, span: SpanId(0) };
    let query = Query {
        name: "find".to_owned(),
        params: Vec::new(),
        access: Access::Read,
        class: ReadClass::Long,
        mcp: false,
        embedding_model: None,
        slots: Vec::new(),
        body: vec![Statement { kind: StatementKind::Evaluate(expr), span: SpanId(0) }],
        returns: Return::Null,
        span: SpanId(0),
        source_map: SourceMap::default(),
    };
    let queries = if searches { vec![query] } else { Vec::new() };
    Program::new(Catalog { version: 1, nodes, ..Catalog::default() }, queries, Vec::new())
}

fn string() -> ValueType {
    ValueType::Scalar(ScalarType::String)
}

fn notes(searches: bool) -> Program {
    program(&[("text", string()), ("year", ValueType::Scalar(ScalarType::I64))], searches)
}

fn start<S: Store>(store: &S, program: &Program) -> LiveCatalog {
    let mut txn = store.write().unwrap();
    meta::prepare(&mut txn, [3; 16]).unwrap();
    meta::put(&mut txn, Meta::LastId, &u64::MAX.to_be_bytes()).unwrap();
    let catalog = activate(&mut txn, program, CODEC(), false, &ON).unwrap().catalog;
    txn.commit().unwrap();
    catalog
}

/// Makes another program active, as the writer does: in slices of two rows, with `between` after each.
fn change<S: Store>(
    store: &S,
    program: &Program,
    config: &TextConfig,
    mut between: impl FnMut(&LiveCatalog),
) -> LiveCatalog {
    let mut txn = store.write().unwrap();
    let before = active(&txn).unwrap().unwrap();
    let mut more = build::begin(&mut txn, &before, program, config).unwrap();
    txn.commit().unwrap();
    let catalog = LiveCatalog::load(&store.read().unwrap(), &before.catalog).unwrap();
    while more {
        let mut txn = store.write().unwrap();
        more = build::fill(&mut txn, &catalog, CODEC(), 2).unwrap();
        txn.commit().unwrap();
        between(&catalog);
    }
    let mut txn = store.write().unwrap();
    let catalog = activate(&mut txn, program, CODEC(), true, config).unwrap().catalog;
    txn.commit().unwrap();
    assert!(indexes_text(&catalog, program, config));
    catalog
}

fn sound<S: Store>(store: &S, catalog: &LiveCatalog) {
    assert_eq!(crate::verify::verify(&store.read().unwrap(), catalog).unwrap().findings, Vec::<String>::new());
}

fn mutate<S: Store, R>(
    store: &S,
    catalog: &LiveCatalog,
    change: impl FnOnce(&mut Mutator<'_, S::Write<'_>>) -> R,
) -> R {
    let arena = Arena::new();
    let mut txn = store.write().unwrap();
    let result = change(&mut Mutator::new(&mut txn, catalog, &arena));
    txn.commit().unwrap();
    result
}

/// A note of the model: text and year.
type Note = (String, i64);

fn insert<S: Store>(store: &S, catalog: &LiveCatalog, id: u64, (text, year): &Note) {
    let values = [Value::Str(text), Value::Int(*year)];
    mutate(store, catalog, |mutator| mutator.insert_node(NOTE, ItemId(id), &values).unwrap());
}

fn update<S: Store>(store: &S, catalog: &LiveCatalog, id: u64, text: &str) {
    let changes = [(FieldId(0), Value::Str(text))];
    mutate(store, catalog, |mutator| mutator.update(NOTE, ItemId(id), &changes).unwrap());
}

fn delete<S: Store>(store: &S, catalog: &LiveCatalog, id: u64) {
    assert!(mutate(store, catalog, |mutator| mutator.delete(NOTE, ItemId(id)).unwrap()));
}

fn find<S: Store>(store: &S, catalog: &LiveCatalog, text: &str, k: usize) -> Vec<(u64, f32)> {
    let index = catalog.get(NOTE).text.as_ref().unwrap();
    let txn = store.read().unwrap();
    let hits = search(&txn, (index.number, index.stemmer), text, k, &mut || Ok(())).unwrap();
    if index.stemmer.is_none() {
        let (mut scan, arena) = (Scan::new(text), Arena::new());
        for row in graph::scan(&txn, catalog.get(NOTE)).unwrap() {
            let (id, row) = row.unwrap();
            scan.take(id, &index.document(row, &arena).unwrap());
        }
        assert_eq!(scan.best(k), hits, "without the index");
    }
    hits.into_iter().map(|hit| (hit.id.0, hit.score)).collect()
}

fn split(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).filter(|word| word.len() > 2).collect()
}

/// Every node scored by the formula.
fn scored(model: &BTreeMap<u64, Note>, query: &str, k: usize) -> Vec<(u64, f32)> {
    let documents: Vec<(u64, Vec<String>)> =
        model.iter().map(|(id, (text, year))| (*id, split(&format!("{text} {year}")))).collect();
    let count = documents.len() as f64;
    let average = documents.iter().map(|(_, words)| words.len()).sum::<usize>() as f64 / count;
    let mut terms: Vec<(String, u32)> = Vec::new();
    for word in split(query) {
        match terms.iter_mut().find(|(known, _)| *known == word) {
            Some((_, times)) => *times += 1,
            None => terms.push((word, 1)),
        }
    }
    let found = |term: &str| documents.iter().filter(|(_, words)| words.iter().any(|word| word == term)).count() as f64;
    let weights: Vec<f64> = terms
        .iter()
        .map(|(term, times)| {
            let found = found(term);
            f64::from(*times) * ((count - found + 0.5) / (found + 0.5) + 1.0).ln() * 2.2
        })
        .collect();
    let mut all: Vec<(u64, f32)> = documents
        .iter()
        .filter_map(|(id, words)| {
            let norm = 1.2 * (1.0 - 0.75 + 0.75 * (words.len() as f64 / average));
            let parts = terms.iter().zip(&weights).filter_map(|((term, _), weight)| {
                let times = words.iter().filter(|word| *word == term).count() as f64;
                (times > 0.0).then(|| weight / (1.0 + norm / times))
            });
            let parts: Vec<f64> = parts.collect();
            (!parts.is_empty()).then(|| (*id, parts.iter().sum::<f64>() as f32))
        })
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

/// Words of very different frequency.
fn word() -> impl Strategy<Value = String> {
    (0_u32..12, 0_u32..3).prop_map(|(a, b)| format!("word{}", a.saturating_sub(b * 4)))
}

fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(word(), words).prop_map(|words| words.join(" "))
}

#[derive(Clone, Debug)]
enum Action {
    Insert(Note),
    /// So many alike, to fill blocks.
    InsertMany(u8, Note),
    Update(usize, String),
    Delete(usize),
    DeleteMany(usize, u8),
    Search(String, usize),
}

fn action() -> impl Strategy<Value = Action> {
    let note = || (text(0..8), 1990_i64..1994);
    prop_oneof![
        3 => note().prop_map(Action::Insert),
        1 => (any::<u8>(), note()).prop_map(|(count, note)| Action::InsertMany(count, note)),
        4 => (any::<usize>(), text(0..8)).prop_map(|(at, text)| Action::Update(at, text)),
        2 => any::<usize>().prop_map(Action::Delete),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(at, count)| Action::DeleteMany(at, count)),
        4 => (text(0..5), 0_usize..20).prop_map(|(text, k)| Action::Search(text, k)),
    ]
}

fn run<S: Store>(store: &S, actions: &[Action]) {
    let catalog = start(store, &notes(true));
    let mut model: BTreeMap<u64, Note> = BTreeMap::new();
    let mut next = 0;
    let at = |model: &BTreeMap<u64, Note>, place: usize| model.keys().nth(place % model.len().max(1)).copied();
    for action in actions {
        match action {
            Action::Insert(note) => {
                next += 3;
                insert(store, &catalog, next, note);
                model.insert(next, note.clone());
            }
            Action::InsertMany(count, (text, year)) => {
                for turn in 0..*count {
                    next += 1;
                    let note = (format!("{text} word{} ", turn % 5).repeat(1 + usize::from(turn) % 3), *year);
                    insert(store, &catalog, next, &note);
                    model.insert(next, note);
                }
            }
            Action::Update(place, text) => {
                if let Some(id) = at(&model, *place) {
                    update(store, &catalog, id, text);
                    model.get_mut(&id).unwrap().0.clone_from(text);
                }
            }
            Action::Delete(place) => {
                if let Some(id) = at(&model, *place) {
                    delete(store, &catalog, id);
                    model.remove(&id);
                }
            }
            Action::DeleteMany(place, count) => {
                for _ in 0..*count {
                    if let Some(id) = at(&model, *place) {
                        delete(store, &catalog, id);
                        model.remove(&id);
                    }
                }
            }
            Action::Search(text, k) => assert_eq!(find(store, &catalog, text, *k), scored(&model, text, *k)),
        }
    }
    sound(store, &catalog);
    for (query, k) in [("word0", 10), ("word1 word2 word0 word11", 300), ("1991 word3 word3", 5), ("word7 missing", 1)]
    {
        assert_eq!(find(store, &catalog, query, k), scored(&model, query, k));
    }
}

fn lmdb() -> (tempfile::TempDir, Lmdb) {
    let folder = tempfile::tempdir().unwrap();
    let store = Lmdb::open(folder.path(), LmdbOptions::default()).unwrap();
    (folder, store)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn searches_agree_with_scoring_every_node(actions in prop::collection::vec(action(), 0..60)) {
        run(&Memory::default(), &actions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn so_they_do_on_disk(actions in prop::collection::vec(action(), 0..40)) {
        let (_folder, store) = lmdb();
        run(&store, &actions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_index_that_is_filled_beside_writes_is_whole(
        before in prop::collection::vec((text(0..6), 1990_i64..1994), 0..24),
        writes in prop::collection::vec((0_u8..3, any::<usize>(), text(0..6)), 0..40),
    ) {
        let store = Memory::default();
        let catalog = start(&store, &notes(false));
        let mut model: BTreeMap<u64, Note> = BTreeMap::new();
        for (id, note) in (1..).zip(&before) {
            insert(&store, &catalog, id, note);
            model.insert(id, note.clone());
        }
        let mut next = 1_000;
        let mut writes = writes.into_iter();
        let catalog = change(&store, &notes(true), &ON, |catalog| {
            for (what, place, text) in writes.by_ref().take(3) {
                let id = model.keys().nth(place % model.len().max(1)).copied();
                match (what, id) {
                    (0, _) | (_, None) => {
                        next += 1;
                        insert(&store, catalog, next, &(text.clone(), 2000));
                        model.insert(next, (text, 2000));
                    }
                    (1, Some(id)) => {
                        update(&store, catalog, id, &text);
                        model.get_mut(&id).unwrap().0 = text;
                    }
                    (_, Some(id)) => {
                        delete(&store, catalog, id);
                        model.remove(&id);
                    }
                }
            }
        });
        sound(&store, &catalog);
        for query in ["word0 word1", "word4", "1992 2000"] {
            assert_eq!(find(&store, &catalog, query, 50), scored(&model, query, 50));
        }
    }
}

#[test]
fn words_are_lower_cased_runs_of_more_than_two_bytes() {
    let words = |text: &str| {
        let mut words = Vec::new();
        document::tokens(text, None, |word| words.push(word.to_owned()));
        words
    };
    assert_eq!(words("The Quick-brown fox, a 42 of 1984!"), ["the", "quick", "brown", "fox", "1984"]);
    assert_eq!(words("Straße ÉCOLE naïve Ω ΩΩ ΟΔΟΣ"), ["straße", "école", "naïve", "ωω", "οδος"]);
    assert_eq!(words("東京 京 l'été snake_case"), ["東京", "京", "été", "snake", "case"]);
    assert_eq!(words(&"ä".repeat(200))[0], "ä".repeat(127));
    assert_eq!(words("\u{0} \n\t ... -- "), Vec::<String>::new());
}

#[test]
fn scores_are_those_of_the_formula() {
    let store = Memory::default();
    let catalog = start(&store, &program(&[("text", string())], true));
    for (id, text) in [(1, "red red apple"), (2, "green apple tree"), (3, "nothing alike here at all, really")] {
        mutate(&store, &catalog, |mutator| mutator.insert_node(NOTE, ItemId(id), &[Value::Str(text)]).unwrap());
    }
    // Lengths 3, 3 and 5 ("at" is too short); of three documents one holds "red", twice.
    let idf = (2.5_f64 / 1.5 + 1.0).ln();
    let norm = 1.2 * (0.25 + 0.75 * 3.0 / (11.0 / 3.0));
    let expected = idf * 2.0 * 2.2 / (2.0 + norm);
    let [(1, score)] = find(&store, &catalog, "RED", 9)[..] else { panic!("one hit") };
    assert!((f64::from(score) - expected).abs() < 1e-6, "{score} {expected}");
    // Alike but for the id.
    assert_eq!(find(&store, &catalog, "apple", 9).iter().map(|hit| hit.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(find(&store, &catalog, "apple", 1).len(), 1);
    assert_eq!(find(&store, &catalog, "of it", 9), []);
}

#[test]
fn values_of_all_fields_are_text() {
    let list = ValueType::List(Box::new(string()));
    let fields =
        [("tags", list), ("on", ValueType::Scalar(ScalarType::Boolean)), ("year", ValueType::Scalar(ScalarType::I64))];
    let store = Memory::default();
    let catalog = start(&store, &program(&fields, true));
    // In the order of the names: on, tags, year.
    let values = [Value::Bool(true), Value::List(&[Value::Str("first tag"), Value::Str("second")]), Value::Int(-1984)];
    mutate(&store, &catalog, |mutator| mutator.insert_node(NOTE, ItemId(1), &values).unwrap());
    for word in ["first", "second", "true", "1984"] {
        assert_eq!(find(&store, &catalog, word, 9).len(), 1, "{word}");
    }
    for word in ["tags", "year", "note"] {
        assert_eq!(find(&store, &catalog, word, 9), [], "{word}");
    }
    sound(&store, &catalog);
}

#[test]
fn types_that_no_query_searches_have_no_index_and_switching_it_off_removes_it() {
    let store = Memory::default();
    let catalog = start(&store, &notes(false));
    let entries = |table| store.read().unwrap().range(table, Bounds::Prefix(&[])).unwrap().count();
    for id in 1..=20 {
        insert(&store, &catalog, id, &(format!("some words {id}00"), 1984));
    }
    assert!(TABLES.iter().all(|table| entries(*table) == 0));
    let catalog = change(&store, &notes(true), &ON, |_| {});
    assert_eq!(find(&store, &catalog, "words", 99).len(), 20);
    let number = catalog.get(NOTE).text.as_ref().unwrap().number;
    assert_eq!(counts(&store.read().unwrap(), number).unwrap(), TextCounts { documents: 20, terms: 23 });
    // The same program, but text is not indexed any more.
    let catalog = change(&store, &notes(true), &OFF, |_| {});
    assert!(catalog.get(NOTE).text.is_none() && !indexes_text(&catalog, &notes(true), &ON));
    insert(&store, &catalog, 21, &("more words".to_owned(), 1984));
    let mut txn = store.write().unwrap();
    assert!(!pending::collect(&mut txn, Instant::now() + Duration::from_secs(60)).unwrap());
    txn.commit().unwrap();
    assert!(TABLES.iter().all(|table| entries(*table) == 0));
    // On again: with what was written in between.
    let catalog = change(&store, &notes(true), &ON, |_| {});
    assert_eq!(find(&store, &catalog, "words", 99).len(), 21);
    sound(&store, &catalog);
}

#[test]
fn words_are_brought_to_their_stems_where_the_settings_say_so() {
    let store = Memory::default();
    let catalog = start(&store, &notes(true));
    insert(&store, &catalog, 1, &("Connections of graphs".to_owned(), 1));
    insert(&store, &catalog, 2, &("a connected graph".to_owned(), 2));
    assert_eq!(find(&store, &catalog, "connecting", 9), []);
    let in_language = |language| TextConfig { stemming: BTreeMap::from([("Note".to_owned(), language)]), ..ON };
    let english = in_language(Algorithm::English);
    assert!(!indexes_text(&catalog, &notes(true), &english));
    let catalog = change(&store, &notes(true), &english, |_| {});
    let ids = |catalog, text| find(&store, catalog, text, 9).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(&catalog, "connecting GRAPH"), [1, 2]);
    insert(&store, &catalog, 3, &("to connect".to_owned(), 3));
    assert_eq!(ids(&catalog, "connects").len(), 3);
    sound(&store, &catalog);
    // The same program and settings: nothing is built again. Another language, or none: everything is.
    let number = |catalog: &LiveCatalog| catalog.get(NOTE).text.as_ref().unwrap().number;
    let same = change(&store, &notes(true), &english, |_| panic!("there is nothing to build"));
    assert_eq!(number(&same), number(&catalog));
    let german = change(&store, &notes(true), &in_language(Algorithm::German), |_| {});
    assert_ne!(number(&german), number(&catalog));
    let plain = change(&store, &notes(true), &ON, |_| {});
    assert_eq!(find(&store, &plain, "connecting", 9), []);
    sound(&store, &plain);
}

#[test]
fn an_index_follows_the_fields_that_a_program_shows() {
    let (old, new) = (("text", string()), ("title", string()));
    let store = Memory::default();
    let catalog = start(&store, &program(std::slice::from_ref(&old), true));
    let add = |catalog: &LiveCatalog, id, values: &[Value<'_>]| {
        mutate(&store, catalog, |mutator| mutator.insert_node(NOTE, ItemId(id), values).unwrap());
    };
    add(&catalog, 1, &[Value::Str("ancient")]);
    let number = |catalog: &LiveCatalog| catalog.get(NOTE).text.as_ref().unwrap().number;
    // A new field changes no row's text: nothing is built again.
    let both =
        change(&store, &program(&[old.clone(), new.clone()], true), &ON, |_| panic!("there is nothing to build"));
    assert_eq!(number(&both), number(&catalog));
    add(&both, 2, &[Value::Str("middle"), Value::Str("heading")]);
    // A field that is gone takes its words with it, also those that are written while the index is built.
    let mut writes = vec![3, 4].into_iter();
    let later = change(&store, &program(std::slice::from_ref(&new), true), &ON, |catalog| {
        if let Some(id) = writes.next() {
            add(catalog, id, &[Value::Str("late"), Value::Str("heading")]);
        }
    });
    assert_ne!(number(&later), number(&both));
    sound(&store, &later);
    assert_eq!(find(&store, &later, "ancient middle late", 9), []);
    assert!(find(&store, &later, "heading", 9).len() >= 2);
    // One that comes back brings nothing back, although rows of its time hold the bytes.
    let again = change(&store, &program(&[old, new], true), &ON, |_| {});
    sound(&store, &again);
    assert_eq!(find(&store, &again, "ancient", 9), []);
    // What was given up on the way is removed.
    let mut txn = store.write().unwrap();
    pending::collect(&mut txn, Instant::now() + Duration::from_secs(60)).unwrap();
    txn.commit().unwrap();
    assert!(Pending::read(&store.read().unwrap()).unwrap().garbage.is_empty());
    sound(&store, &again);
    let kept = store.read().unwrap().range(Table::TextMeta, Bounds::Prefix(&[])).unwrap().count();
    assert_eq!(kept, 1);
}

#[test]
fn words_that_nothing_holds_are_forgotten() {
    let store = Memory::default();
    let catalog = start(&store, &program(&[("text", string())], true));
    let number = catalog.get(NOTE).text.as_ref().unwrap().number;
    let many: String = (0..1_500).map(|number| format!("once{number} ")).collect();
    mutate(&store, &catalog, |mutator| mutator.insert_node(NOTE, ItemId(1), &[Value::Str(&many)]).unwrap());
    mutate(&store, &catalog, |mutator| mutator.insert_node(NOTE, ItemId(2), &[Value::Str("once7 stays")]).unwrap());
    assert!(!wants_tending(&store.read().unwrap(), number).unwrap());
    delete(&store, &catalog, 1);
    assert!(wants_tending(&store.read().unwrap(), number).unwrap());
    sound(&store, &catalog);
    let mut slices = 0;
    loop {
        let mut txn = store.write().unwrap();
        // A deadline that has passed: the least that a slice does.
        let more = tend(&mut txn, number, Instant::now()).unwrap();
        txn.commit().unwrap();
        sound(&store, &catalog);
        slices += 1;
        if !more {
            break;
        }
    }
    assert!(slices > 3, "{slices}");
    assert_eq!(counts(&store.read().unwrap(), number).unwrap(), TextCounts { documents: 1, terms: 2 });
    assert_eq!(find(&store, &catalog, "once7", 9).len(), 1);
    // A word that comes back is a new one.
    mutate(&store, &catalog, |mutator| mutator.insert_node(NOTE, ItemId(3), &[Value::Str("once8")]).unwrap());
    assert_eq!(find(&store, &catalog, "once8", 9).len(), 1);
    sound(&store, &catalog);
}

#[test]
fn a_check_names_what_does_not_agree() {
    /// The entry of an index that is taken away.
    type Entry = fn(u16) -> (Table, Vec<u8>);
    let damages: [(Entry, &str); 4] = [
        (|number| (Table::TextPostings, table::postings_key(number, 0, postings::OPEN).to_vec()), "postings"),
        (|number| (Table::TextDocumentOf, table::document_of_key(number, ItemId(2)).to_vec()), "node 2 is not in"),
        (|number| (Table::TextTerm, table::text_key(number, "words")), "other words of node 1"),
        (|number| (Table::TextMeta, number.to_be_bytes().to_vec()), "counts 0 nodes"),
    ];
    for (key, expected) in damages {
        let store = Memory::default();
        let catalog = start(&store, &notes(true));
        insert(&store, &catalog, 1, &("some words".to_owned(), 1984));
        insert(&store, &catalog, 2, &("other words".to_owned(), 1985));
        sound(&store, &catalog);
        let (table, key) = key(catalog.get(NOTE).text.as_ref().unwrap().number);
        let mut txn = store.write().unwrap();
        assert!(txn.del(table, &key).unwrap());
        txn.commit().unwrap();
        let findings = crate::verify::verify(&store.read().unwrap(), &catalog).unwrap().findings;
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
    }
}

#[test]
fn a_search_may_be_ended() {
    let store = Memory::default();
    let catalog = start(&store, &notes(true));
    insert(&store, &catalog, 1, &("some words".to_owned(), 1984));
    let number = catalog.get(NOTE).text.as_ref().unwrap().number;
    let stop = &mut || Err(crate::EngineError::Moved);
    assert!(search(&store.read().unwrap(), (number, None), "words", 3, stop).is_err());
}
