//! Random writes against a model, on both stores; `verify` finds nothing after them and everything that is planted.

use std::collections::{BTreeMap, BTreeSet};

use helix_plan::{
    Catalog, Direction as Order, EdgeType, Field, FieldId, Index, ItemType, NodeType, Program, ScalarType, TypeId,
    ValueType, VectorType,
};
use proptest::prelude::*;

use super::*;
use crate::catalog::{LiveCatalog, activate};
use crate::error::EngineError;
use crate::ids::IdCodec;
use crate::row::Arena;
use crate::storage::lmdb::LmdbOptions;
use crate::storage::meta::{self, Meta};
use crate::storage::{Lmdb, Memory, Store, WriteTxn};
use crate::text::TextConfig;
use crate::value::Value;
use crate::verify::verify;

const PERSON: ItemType = ItemType::node(TypeId(0));
const KNOWS: ItemType = ItemType::edge(TypeId(0));
const OWNS: ItemType = ItemType::edge(TypeId(1));
const FACE: ItemType = ItemType::vector(TypeId(0));

fn field(name: &str, ty: ScalarType, index: Index) -> Field {
    Field { name: name.to_owned(), ty: ValueType::Scalar(ty), index, default: None }
}

fn program() -> Program {
    let catalog = Catalog {
        version: 1,
        nodes: vec![NodeType {
            name: "Person".to_owned(),
            fields: vec![
                field("name", ScalarType::String, Index::Unique),
                field("city", ScalarType::U8, Index::Secondary),
                field("note", ScalarType::String, Index::None),
            ],
        }],
        edges: vec![
            EdgeType { name: "Knows".to_owned(), from: PERSON, to: PERSON, unique: false, fields: Vec::new() },
            EdgeType { name: "Owns".to_owned(), from: PERSON, to: FACE, unique: true, fields: Vec::new() },
        ],
        vectors: vec![VectorType { name: "Face".to_owned(), fields: Vec::new() }],
        ..Catalog::default()
    };
    Program::new(catalog, Vec::new(), Vec::new())
}

fn activated<S: Store>(store: &S) -> LiveCatalog {
    let mut txn = store.write().unwrap();
    meta::prepare(&mut txn, [7; 16]).unwrap();
    meta::put(&mut txn, Meta::LastId, &u64::MAX.to_be_bytes()).unwrap();
    let catalog = activate(&mut txn, &program(), IdCodec::new([7; 16]), false, &TextConfig::default()).unwrap().catalog;
    txn.commit().unwrap();
    catalog
}

#[derive(Clone, Debug)]
enum Write {
    AddPerson { name: u8, city: Option<u8> },
    AddFace,
    Know { a: usize, b: usize },
    Own { a: usize, face: usize },
    Rename { who: usize, name: u8 },
    Move { who: usize, city: Option<u8> },
    Drop { who: usize },
    DropFace { face: usize },
    DropEdge { edge: usize },
    ReplaceFace { face: usize },
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (0_u8..12, prop::option::of(0_u8..3)).prop_map(|(name, city)| Write::AddPerson { name, city }),
        Just(Write::AddFace),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Write::Know { a, b }),
        (any::<usize>(), any::<usize>()).prop_map(|(a, face)| Write::Own { a, face }),
        (any::<usize>(), 0_u8..12).prop_map(|(who, name)| Write::Rename { who, name }),
        (any::<usize>(), prop::option::of(0_u8..3)).prop_map(|(who, city)| Write::Move { who, city }),
        any::<usize>().prop_map(|who| Write::Drop { who }),
        any::<usize>().prop_map(|face| Write::DropFace { face }),
        any::<usize>().prop_map(|edge| Write::DropEdge { edge }),
        any::<usize>().prop_map(|face| Write::ReplaceFace { face }),
    ]
}

#[derive(Clone, Debug, Default)]
struct Model {
    people: BTreeMap<ItemId, (u8, Option<u8>)>,
    faces: BTreeSet<ItemId>,
    knows: BTreeMap<ItemId, (ItemId, ItemId)>,
    owns: BTreeMap<ItemId, (ItemId, ItemId)>,
}

fn pick<T: Copy>(mut items: impl ExactSizeIterator<Item = T>, at: usize) -> Option<T> {
    let len = items.len();
    (len > 0).then(|| items.nth(at % len)).flatten()
}

fn apply<W: WriteTxn>(txn: &mut W, catalog: &LiveCatalog, model: &mut Model, next: &mut u64, write: &Write) {
    let arena = Arena::new();
    let mut mutator = Mutator::new(txn, catalog, &arena);
    *next += 1;
    let id = ItemId(*next);
    let city_value = |city: Option<u8>| city.map_or(Value::Null, |city| Value::Int(city.into()));
    let person = |at: usize| pick(model.people.keys().copied(), at);
    let face = |at: usize| pick(model.faces.iter().copied(), at);
    match *write {
        Write::AddPerson { name, city } => {
            let text = format!("p{name}");
            let taken = model.people.values().any(|(known, _)| *known == name);
            let added = mutator.insert_node(PERSON, id, &[Value::Str(&text), city_value(city), Value::Null]);
            assert_eq!(added.is_err(), taken, "{added:?}");
            if taken {
                // A request that fails is undone as a whole; here the failed row was never put.
                assert!(matches!(added, Err(EngineError::DuplicateKey { key }) if key == "name"));
            } else {
                model.people.insert(id, (name, city));
            }
        }
        Write::AddFace => {
            mutator.insert_vector(FACE, id, &[1.0, *next as f32], &[]).unwrap();
            model.faces.insert(id);
        }
        Write::Know { a, b } => {
            let (Some(from), Some(to)) = (person(a), person(b)) else { return };
            mutator.insert_edge(KNOWS, id, Ends { from, to }, &[]).unwrap();
            model.knows.insert(id, (from, to));
        }
        Write::Own { a, face: at } => {
            let (Some(from), Some(to)) = (person(a), face(at)) else { return };
            let taken = model.owns.values().any(|ends| *ends == (from, to));
            let added = mutator.insert_edge(OWNS, id, Ends { from, to }, &[]);
            assert_eq!(added.is_err(), taken, "{added:?}");
            if !taken {
                model.owns.insert(id, (from, to));
            }
        }
        Write::Rename { who, name } => {
            let Some(who) = person(who) else { return };
            let text = format!("p{name}");
            let taken = model.people.iter().any(|(id, (known, _))| *known == name && *id != who);
            let renamed = mutator.update(PERSON, who, &[(FieldId(0), Value::Str(&text))]);
            assert_eq!(renamed.is_err(), taken, "{renamed:?}");
            if !taken {
                model.people.get_mut(&who).unwrap().0 = name;
            }
        }
        Write::Move { who, city } => {
            let Some(who) = person(who) else { return };
            mutator.update(PERSON, who, &[(FieldId(1), city_value(city))]).unwrap();
            model.people.get_mut(&who).unwrap().1 = city;
        }
        Write::Drop { who } => {
            let Some(who) = person(who) else { return };
            assert!(mutator.delete(PERSON, who).unwrap());
            assert!(!mutator.delete(PERSON, who).unwrap(), "deleting again is no error and does nothing");
            model.people.remove(&who);
            model.knows.retain(|_, (from, to)| *from != who && *to != who);
            model.owns.retain(|_, (from, _)| *from != who);
        }
        Write::DropFace { face: at } => {
            let Some(face) = face(at) else { return };
            assert!(mutator.delete(FACE, face).unwrap());
            model.faces.remove(&face);
            model.owns.retain(|_, (_, to)| *to != face);
        }
        Write::DropEdge { edge } => {
            let Some(edge) = pick(model.knows.keys().copied(), edge) else { return };
            assert!(mutator.delete(KNOWS, edge).unwrap());
            model.knows.remove(&edge);
        }
        Write::ReplaceFace { face: at } => {
            let Some(face) = face(at) else { return };
            mutator.replace_vector(FACE, face, &[*next as f32, 1.0]).unwrap();
        }
    }
}

fn check<T: ReadTxn>(txn: &T, catalog: &LiveCatalog, model: &Model) {
    let report = verify(txn, catalog).unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    let person = catalog.get(PERSON);
    assert_eq!(ids(txn, person).unwrap(), model.people.keys().copied().collect::<Vec<_>>());
    assert_eq!(count(txn, person).unwrap(), model.people.len() as u64);
    assert_eq!(ids(txn, catalog.get(FACE)).unwrap(), model.faces.iter().copied().collect::<Vec<_>>());
    for name in 0..12_u8 {
        let found = by_index(txn, person, FieldId(0), &Value::Str(&format!("p{name}"))).unwrap();
        assert_eq!(found, model.people.iter().find(|(_, (known, _))| *known == name).map(|(id, _)| *id));
    }
    for city in 0..3_u8 {
        let found = by_index(txn, person, FieldId(1), &Value::Int(city.into())).unwrap();
        assert_eq!(
            found,
            model.people.iter().find(|(_, (_, known))| *known == Some(city)).map(|(id, _)| *id),
            "oldest"
        );
    }
    let by_city = |order: Order| {
        let mut people: Vec<_> = model.people.iter().map(|(id, (_, city))| (*city, *id)).collect();
        people.sort_by(|(a, _), (b, _)| if order == Order::Ascending { a.cmp(b) } else { b.cmp(a) });
        people.into_iter().map(|(_, id)| id)
    };
    for order in [Order::Ascending, Order::Descending] {
        let found = leading(txn, person, FieldId(1), (order, true), 4, &mut || Ok(())).unwrap();
        assert_eq!(found, Some(by_city(order).take(4).collect()));
    }
    for id in model.people.keys() {
        for (edge, edges) in [(KNOWS, &model.knows), (OWNS, &model.owns)] {
            let out: Vec<_> =
                adjacent(txn, Direction::Out, *id, catalog.get(edge)).unwrap().map(Result::unwrap).collect();
            let expected: Vec<_> =
                edges.iter().filter(|(_, (from, _))| from == id).map(|(edge, (_, to))| (*edge, *to)).collect();
            assert_eq!(out, expected, "in the order of creation");
            assert_eq!(degree(txn, Direction::Out, *id, catalog.get(edge)).unwrap(), expected.len() as u64);
        }
        let into: Vec<_> = adjacent(txn, Direction::In, *id, catalog.get(KNOWS)).unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> =
            model.knows.iter().filter(|(_, (_, to))| to == id).map(|(edge, (from, _))| (*edge, *from)).collect();
        assert_eq!(into, expected);
    }
}

fn run<S: Store>(store: &S, groups: &[(Vec<Write>, bool)]) {
    let catalog = activated(store);
    let mut model = Model::default();
    let mut next = 0;
    for (writes, keeps) in groups {
        let mut txn = store.write().unwrap();
        let mut working = model.clone();
        for write in writes {
            apply(&mut txn, &catalog, &mut working, &mut next, write);
        }
        if *keeps {
            txn.commit().unwrap();
            model = working;
        } else {
            drop(txn);
        }
        check(&store.read().unwrap(), &catalog, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_writes_agree_with_the_model_on_both_stores(
        groups in prop::collection::vec((prop::collection::vec(write(), 1..25), prop::bool::weighted(0.8)), 1..6)
    ) {
        run(&Memory::default(), &groups);
        let folder = tempfile::tempdir().unwrap();
        run(&Lmdb::open(folder.path(), LmdbOptions::default()).unwrap(), &groups);
    }
}

#[test]
fn planted_damage_is_found() {
    let store = Memory::default();
    let catalog = activated(&store);
    let arena = Arena::new();
    let mut txn = store.write().unwrap();
    let (a, b, edge, face, own) = (ItemId(1), ItemId(2), ItemId(3), ItemId(4), ItemId(5));
    let mut mutator = Mutator::new(&mut txn, &catalog, &arena);
    mutator.insert_node(PERSON, a, &[Value::Str("a"), Value::Int(1), Value::Null]).unwrap();
    mutator.insert_node(PERSON, b, &[Value::Str("b"), Value::Null, Value::Null]).unwrap();
    mutator.insert_edge(KNOWS, edge, Ends { from: a, to: b }, &[]).unwrap();
    mutator.insert_vector(FACE, face, &[1.0], &[]).unwrap();
    mutator.insert_edge(OWNS, own, Ends { from: a, to: face }, &[]).unwrap();
    txn.commit().unwrap();
    assert_eq!(verify(&store.read().unwrap(), &catalog).unwrap().findings, Vec::<String>::new());
    let stored = |item| catalog.get(item).stored;
    let mut name_key = Vec::new();
    keys::index(catalog.get(PERSON).field(FieldId(0)).index.unwrap().id, &Value::Str("a"), &mut name_key);
    let no_city = keys::absent(catalog.get(PERSON).field(FieldId(1)).index.unwrap().id).to_vec();
    let damages: Vec<(Table, Vec<u8>, &str)> = vec![
        (Table::Index, no_city, "not in the index on `city`"),
        (Table::Node, keys::row(stored(PERSON), b).to_vec(), "does not exist"),
        (Table::Out, keys::adjacency(a, stored(KNOWS)).to_vec(), "not in the list"),
        (Table::In, keys::adjacency(b, stored(KNOWS)).to_vec(), "not in the list"),
        (Table::Pair, keys::pair(stored(OWNS), a, face).to_vec(), "not in the pairs"),
        (Table::Unique, name_key, "not in the index on `name`"),
        (Table::VectorData, [stored(FACE).to_be_bytes().to_vec(), vec![0; 4]].concat(), "has no components"),
        (Table::Count, keys::kind_and_id(1, stored(PERSON)).to_vec(), "counts 0 items and has 2"),
        (Table::Edge, keys::row(stored(KNOWS), edge).to_vec(), "its rows ask for"),
    ];
    for (table, key, words) in damages {
        let mut txn = store.write().unwrap();
        assert!(txn.del(table, &key).unwrap(), "{table:?}");
        let findings = verify(&txn, &catalog).unwrap().findings;
        assert!(findings.iter().any(|finding| finding.contains(words)), "{table:?}: {findings:?}");
    }
}

#[test]
fn an_end_that_is_missing_or_of_another_type_is_refused() {
    let store = Memory::default();
    let catalog = activated(&store);
    let arena = Arena::new();
    let mut txn = store.write().unwrap();
    let mut mutator = Mutator::new(&mut txn, &catalog, &arena);
    mutator.insert_node(PERSON, ItemId(1), &[Value::Null, Value::Null, Value::Null]).unwrap();
    mutator.insert_vector(FACE, ItemId(2), &[1.0], &[]).unwrap();
    let missing = mutator.insert_edge(KNOWS, ItemId(3), Ends { from: ItemId(1), to: ItemId(9) }, &[]);
    assert!(matches!(missing, Err(EngineError::NodeNotFound)), "{missing:?}");
    let wrong = mutator.insert_edge(KNOWS, ItemId(4), Ends { from: ItemId(1), to: ItemId(2) }, &[]).unwrap_err();
    assert_eq!(wrong.to_string(), "Traversal error: To of `Knows` must be a `Person`, found a `Face`");
}
