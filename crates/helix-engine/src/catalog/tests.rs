//! Activations in slices, with writes between them: what is shown is always one program or the other, and every index agrees
//! with its rows.

use std::time::{Duration, Instant};

use helix_plan::{
    Catalog, DefaultValue, EdgeType, Field, FieldId, Index, ItemKind, ItemType, Literal, Migration, NodeType, Origin,
    Program, ScalarType, TypeId, ValueType, VectorType,
};
use proptest::prelude::*;

use super::*;
use crate::catalog::pending::Pending;
use crate::error::EngineError;
use crate::graph::{self, Ends, Mutator};
use crate::ids::{IdCodec, ItemId};
use crate::row::Arena;
use crate::storage::meta::{self, Meta};
use crate::storage::{Memory, Store, Table, WriteTxn, keys};
use crate::text::TextConfig;
use crate::value::Value;
use crate::verify::verify;

const USER: ItemType = ItemType::node(TypeId(0));
const FOLLOWS: ItemType = ItemType::edge(TypeId(0));
const CODEC: fn() -> IdCodec = || IdCodec::new([3; 16]);

struct Schema {
    name: Index,
    city: Index,
    is_pair_unique: bool,
    /// Whether it is the second version: users are people, with their names as text, and theirs are the cities under another name.
    is_second: bool,
}

const PLAIN: Schema = Schema { name: Index::None, city: Index::None, is_pair_unique: false, is_second: false };

fn program(schema: &Schema) -> Program {
    let field = |name: &str, index| Field {
        name: name.to_owned(),
        ty: ValueType::Scalar(ScalarType::I64),
        index,
        default: None,
    };
    let text = |name: &str, index| Field { ty: ValueType::Scalar(ScalarType::String), ..field(name, index) };
    let second =
        NodeType { name: "Person".to_owned(), fields: vec![text("name", schema.name), field("town", schema.city)] };
    let first =
        NodeType { name: "User".to_owned(), fields: vec![field("name", schema.name), field("city", schema.city)] };
    let name = Origin::Cast(Box::new(Origin::Stored("name".to_owned())), ScalarType::String);
    let town = Origin::Or(Box::new(Origin::Stored("city".to_owned())), DefaultValue::Literal(Literal::Integer(7)));
    let migration = Migration { from: 1, item: USER, name: "User".to_owned(), fields: vec![name, town] };
    let catalog = Catalog {
        version: if schema.is_second { 2 } else { 1 },
        nodes: vec![if schema.is_second { second } else { first }],
        migrations: if schema.is_second { vec![migration] } else { Vec::new() },
        edges: vec![EdgeType {
            name: "Follows".to_owned(),
            from: USER,
            to: USER,
            unique: schema.is_pair_unique,
            fields: Vec::new(),
        }],
        vectors: vec![VectorType { name: "Face".to_owned(), fields: Vec::new() }],
    };
    Program::new(catalog, Vec::new(), Vec::new())
}

fn start(schema: &Schema) -> (Memory, LiveCatalog) {
    let store = Memory::default();
    let mut txn = store.write().unwrap();
    meta::prepare(&mut txn, [3; 16]).unwrap();
    meta::put(&mut txn, Meta::LastId, &u64::MAX.to_be_bytes()).unwrap();
    let catalog = activate(&mut txn, &program(schema), CODEC(), false, &TextConfig::default()).unwrap().catalog;
    txn.commit().unwrap();
    (store, catalog)
}

fn add_user(store: &Memory, catalog: &LiveCatalog, id: u64, name: i64, city: i64) {
    let arena = Arena::new();
    let mut txn = store.write().unwrap();
    Mutator::new(&mut txn, catalog, &arena)
        .insert_node(USER, ItemId(id), &[Value::Int(name), Value::Int(city)])
        .unwrap();
    txn.commit().unwrap();
}

fn follow(store: &Memory, catalog: &LiveCatalog, id: u64, from: u64, to: u64) {
    let arena = Arena::new();
    let mut txn = store.write().unwrap();
    let ends = Ends { from: ItemId(from), to: ItemId(to) };
    Mutator::new(&mut txn, catalog, &arena).insert_edge(FOLLOWS, ItemId(id), ends, &[]).unwrap();
    txn.commit().unwrap();
}

/// The catalog of the active program, as the store has it now.
fn reload(store: &Memory) -> LiveCatalog {
    let txn = store.read().unwrap();
    LiveCatalog::load(&txn, &active(&txn).unwrap().unwrap().catalog).unwrap()
}

fn begin(store: &Memory, schema: &Schema) -> bool {
    let mut txn = store.write().unwrap();
    let active = active(&txn).unwrap().unwrap();
    let builds = build::begin(&mut txn, &active, &program(schema), &TextConfig::default()).unwrap();
    txn.commit().unwrap();
    builds
}

/// Fills in slices of three rows; `between` is run after each.
fn fill(store: &Memory, mut between: impl FnMut(&LiveCatalog)) -> Result<(), EngineError> {
    let catalog = reload(store);
    loop {
        let mut txn = store.write().unwrap();
        let more = build::fill(&mut txn, &catalog, CODEC(), 3)?;
        txn.commit().unwrap();
        between(&catalog);
        assert_sound(store);
        if !more {
            return Ok(());
        }
    }
}

fn finish(store: &Memory, schema: &Schema) -> Result<LiveCatalog, EngineError> {
    let mut txn = store.write().unwrap();
    let catalog = activate(&mut txn, &program(schema), CODEC(), true, &TextConfig::default())?.catalog;
    txn.commit().unwrap();
    Ok(catalog)
}

fn abandon(store: &Memory) {
    let mut txn = store.write().unwrap();
    let mut pending = Pending::read(&txn).unwrap();
    pending.abandon();
    pending.write(&mut txn).unwrap();
    txn.commit().unwrap();
}

fn collect_all(store: &Memory) {
    let mut txn = store.write().unwrap();
    assert!(!pending::collect(&mut txn, Instant::now() + Duration::from_secs(60)).unwrap());
    txn.commit().unwrap();
}

fn assert_sound(store: &Memory) {
    assert_eq!(verify(&store.read().unwrap(), &reload(store)).unwrap().findings, Vec::<String>::new());
}

fn entries(store: &Memory, table: Table) -> usize {
    store.read().unwrap().range(table, crate::storage::Bounds::Prefix(&[])).unwrap().count()
}

use crate::storage::ReadTxn as _;

const INDEXED: Schema = Schema { name: Index::Unique, city: Index::Secondary, is_pair_unique: true, is_second: false };

const MIGRATED: Schema = Schema { is_second: true, ..INDEXED };

#[test]
fn indexes_are_filled_in_slices_while_the_earlier_program_writes() {
    let (store, catalog) = start(&PLAIN);
    for id in 1..=20 {
        add_user(&store, &catalog, id, id as i64, id as i64 % 3);
    }
    for id in 1..20 {
        follow(&store, &catalog, 100 + id, id, id + 1);
    }
    assert!(begin(&store, &INDEXED));
    let mut next = 1_000;
    fill(&store, |catalog| {
        // One behind the slices, one ahead; one item changes its values, one goes with its edges.
        next += 10;
        add_user(&store, catalog, next, next as i64, 1);
        follow(&store, catalog, next + 1, next, 20);
        let arena = Arena::new();
        let mut txn = store.write().unwrap();
        let mut mutator = Mutator::new(&mut txn, catalog, &arena);
        mutator.update(USER, ItemId(2), &[(FieldId(0), Value::Int(next as i64 + 5_000))]).unwrap();
        mutator.update(USER, ItemId(19), &[(FieldId(1), Value::Int(next as i64))]).unwrap();
        mutator.delete(USER, ItemId(if next % 20 == 0 { 3 } else { 18 })).unwrap();
        txn.commit().unwrap();
    })
    .unwrap();
    let catalog = finish(&store, &INDEXED).unwrap();
    assert_sound(&store);
    let txn = store.read().unwrap();
    let user = catalog.get(USER);
    let found = graph::by_index(&txn, user, FieldId(0), &Value::Int(7)).unwrap();
    assert_eq!(found, Some(ItemId(7)));
    assert!(Pending::read(&txn).unwrap().building.is_empty());
}

#[test]
fn values_that_are_not_unique_refuse_and_name_both_items() {
    for is_written_meanwhile in [false, true] {
        let (store, catalog) = start(&PLAIN);
        for id in 1..=9 {
            add_user(&store, &catalog, id, id as i64, 0);
        }
        if !is_written_meanwhile {
            add_user(&store, &catalog, 10, 4, 0);
        }
        begin(&store, &INDEXED);
        let mut is_first = true;
        let filled = fill(&store, |catalog| {
            if is_written_meanwhile && std::mem::take(&mut is_first) {
                // The value of an item that was looked at.
                add_user(&store, catalog, 10, 1, 0);
            }
        });
        let refused = filled.and_then(|()| finish(&store, &INDEXED).map(drop)).unwrap_err().to_string();
        let other = ItemId(if is_written_meanwhile { 1 } else { 4 });
        for id in [other, ItemId(10)] {
            assert!(refused.contains(&CODEC().encode(id).to_string()), "{refused}");
        }
        assert!(refused.contains("N::User.name cannot be unique"), "{refused}");
        abandon(&store);
        assert_sound(&store);
        collect_all(&store);
        assert_eq!((entries(&store, Table::Unique), entries(&store, Table::Index)), (0, 0));
        // Without the culprit it works.
        let catalog = reload(&store);
        let arena = Arena::new();
        let mut txn = store.write().unwrap();
        Mutator::new(&mut txn, &catalog, &arena).delete(USER, ItemId(10)).unwrap();
        txn.commit().unwrap();
        begin(&store, &INDEXED);
        fill(&store, |_| {}).unwrap();
        finish(&store, &INDEXED).unwrap();
        assert_sound(&store);
    }
}

#[test]
fn a_pair_that_is_joined_twice_refuses_a_unique_edge() {
    let (store, catalog) = start(&PLAIN);
    add_user(&store, &catalog, 1, 1, 1);
    add_user(&store, &catalog, 2, 2, 2);
    follow(&store, &catalog, 3, 1, 2);
    follow(&store, &catalog, 4, 1, 2);
    let unique = Schema { is_pair_unique: true, ..PLAIN };
    begin(&store, &unique);
    let refused = fill(&store, |_| {}).unwrap_err().to_string();
    assert!(refused.contains("E::Follows cannot be unique"), "{refused}");
}

#[test]
fn what_a_program_no_longer_shows_is_removed_afterwards_in_slices() {
    let (store, catalog) = start(&INDEXED);
    for id in 1..=2_000 {
        add_user(&store, &catalog, id, id as i64, 0);
    }
    for id in 1..2_000 {
        follow(&store, &catalog, 10_000 + id, id, id + 1);
    }
    let empty = Program::new(Catalog { version: 1, ..Catalog::default() }, Vec::new(), Vec::new());
    let mut txn = store.write().unwrap();
    activate(&mut txn, &empty, CODEC(), true, &TextConfig::default()).unwrap();
    txn.commit().unwrap();
    assert_sound(&store);
    // The same names again: they start empty, whatever is still there.
    let catalog = finish(&store, &INDEXED).unwrap();
    assert_eq!(graph::count(&store.read().unwrap(), catalog.get(USER)).unwrap(), 0);
    add_user(&store, &catalog, 50_000, 1, 1);
    assert_sound(&store);
    let mut slices = 0;
    loop {
        let mut txn = store.write().unwrap();
        // A deadline that has passed: the least that a slice does.
        let more = pending::collect(&mut txn, Instant::now()).unwrap();
        txn.commit().unwrap();
        assert_sound(&store);
        if !more {
            break;
        }
        slices += 1;
    }
    assert!(slices > 10, "{slices}");
    assert_eq!(
        [Table::Node, Table::Edge, Table::Out, Table::In, Table::Pair].map(|table| entries(&store, table)),
        [1, 0, 0, 0, 0]
    );
    let txn = store.read().unwrap();
    assert!(txn.get(Table::Node, &keys::row(catalog.get(USER).stored, ItemId(50_000))).unwrap().is_some());
}

#[test]
fn a_migration_fills_indexes_of_what_the_coming_program_shows_in_slices() {
    let (store, catalog) = start(&INDEXED);
    for id in 1..=20 {
        add_user(&store, &catalog, id, id as i64, id as i64 % 3);
    }
    assert!(begin(&store, &MIGRATED));
    let mut next = 1_000;
    fill(&store, |catalog| {
        next += 10;
        add_user(&store, catalog, next, next as i64, 1);
        let arena = Arena::new();
        let mut txn = store.write().unwrap();
        let mut mutator = Mutator::new(&mut txn, catalog, &arena);
        mutator.update(USER, ItemId(2), &[(FieldId(1), Value::Null)]).unwrap();
        mutator.update(USER, ItemId(19), &[(FieldId(0), Value::Int(next as i64 + 5_000))]).unwrap();
        txn.commit().unwrap();
        // Until then, the earlier program finds by what it shows.
        let found = graph::by_index(&store.read().unwrap(), catalog.get(USER), FieldId(0), &Value::Int(7)).unwrap();
        assert_eq!(found, Some(ItemId(7)));
    })
    .unwrap();
    let catalog = finish(&store, &MIGRATED).unwrap();
    assert_sound(&store);
    let txn = store.read().unwrap();
    let find = |field, value| graph::by_index(&txn, catalog.get(USER), FieldId(field), &value).unwrap();
    assert_eq!(find(0, Value::Str("7")), Some(ItemId(7)));
    assert_eq!(find(0, Value::Str("19")), None);
    assert_eq!(find(1, Value::Int(7)), Some(ItemId(2)));
    assert!(meta::get(&txn, Meta::Coming).unwrap().is_none());
}

#[test]
fn what_was_begun_for_a_program_goes_on_for_that_one_only() {
    let (store, catalog) = start(&PLAIN);
    for id in 1..=20 {
        add_user(&store, &catalog, id, id as i64, 1);
    }
    let cursors = || -> Vec<u64> {
        let pending = Pending::read(&store.read().unwrap()).unwrap();
        pending.building.iter().map(|building| building.next).collect()
    };
    assert!(begin(&store, &INDEXED));
    let mut txn = store.write().unwrap();
    assert!(build::fill(&mut txn, &reload(&store), CODEC(), 3).unwrap());
    txn.commit().unwrap();
    assert_eq!(cursors()[0], 4);
    assert!(begin(&store, &INDEXED));
    assert_eq!(cursors()[0], 4);
    // Writes keep in step with it all the while.
    add_user(&store, &reload(&store), 2_000, 2_000, 1);
    let other = Schema { city: Index::Secondary, ..PLAIN };
    assert!(begin(&store, &other));
    assert_eq!(cursors(), [0]);
    fill(&store, |_| {}).unwrap();
    finish(&store, &other).unwrap();
    assert_sound(&store);
    collect_all(&store);
    assert_eq!((entries(&store, Table::Unique), entries(&store, Table::Index)), (0, 21));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_writes_between_slices_leave_every_index_sound(
        users in prop::collection::vec((0_i64..1_000, 0_i64..3), 0..30),
        writes in prop::collection::vec((any::<usize>(), 0_i64..1_000, 0_u8..4), 0..30),
        is_migrated: bool,
    ) {
        let after = if is_migrated { MIGRATED } else { INDEXED };
        let (store, catalog) = start(&PLAIN);
        for (id, (name, city)) in (1..).zip(&users) {
            add_user(&store, &catalog, id, *name, *city);
        }
        begin(&store, &after);
        let mut writes = writes.into_iter();
        let filled = fill(&store, |catalog| {
            for (at, value, what) in writes.by_ref().take(4) {
                let id = ItemId(at as u64 % 40 + 1);
                let arena = Arena::new();
                let mut txn = store.write().unwrap();
                let exists = graph::row(&txn, catalog.get(USER), id).unwrap().is_some();
                let mut mutator = Mutator::new(&mut txn, catalog, &arena);
                match what {
                    0 => drop(mutator.delete(USER, id).unwrap()),
                    _ if exists => mutator.update(USER, id, &[(FieldId(0), Value::Int(value))]).unwrap(),
                    _ => mutator.insert_node(USER, id, &[Value::Int(value), Value::Null]).unwrap(),
                }
                txn.commit().unwrap();
            }
        });
        if filled.and_then(|()| finish(&store, &after).map(drop)).is_err() {
            abandon(&store);
            collect_all(&store);
        }
        assert_sound(&store);
    }
}

/// Makes the store one whose definitions are of format 2, with indexes that list no absent values.
fn to_format_2(store: &Memory) {
    let mut txn = store.write().unwrap();
    for ty in stored::all(&txn, ItemKind::Node).unwrap() {
        let indexes: Vec<_> = ty.indexes.iter().map(|index| (index.id, &index.field, index.unique)).collect();
        let body = postcard::to_stdvec(&(ty.id, &ty.name, &ty.layouts, &indexes, &ty.ends)).unwrap();
        let key = keys::kind_and_id(stored::kind_byte(ItemKind::Node), ty.id);
        txn.put(Table::Catalog, &key, &[&[2], &body[..]].concat()).unwrap();
        for (id, _, _) in indexes {
            txn.del(Table::Index, &keys::absent(id)).unwrap();
        }
    }
    txn.commit().unwrap();
}

#[test]
fn indexes_of_an_earlier_format_go_on_without_what_is_absent() {
    let schema = || Schema { name: Index::Unique, city: Index::Secondary, ..PLAIN };
    let (store, catalog) = start(&schema());
    let add = |catalog: &LiveCatalog, id, values: [Value<'_>; 2]| {
        let arena = Arena::new();
        let mut txn = store.write().unwrap();
        Mutator::new(&mut txn, catalog, &arena).insert_node(USER, ItemId(id), &values).unwrap();
        txn.commit().unwrap();
    };
    add(&catalog, 1, [Value::Int(1), Value::Null]);
    add(&catalog, 2, [Value::Null, Value::Int(5)]);
    to_format_2(&store);
    let youngest = |catalog: &LiveCatalog, absent| {
        let (txn, order) = (store.read().unwrap(), helix_plan::Direction::Ascending);
        graph::leading(&txn, catalog.get(USER), FieldId(1), (order, absent), 1, &mut || Ok(())).unwrap()
    };
    let catalog = reload(&store);
    add(&catalog, 3, [Value::Null, Value::Null]);
    assert_sound(&store);
    assert_eq!((youngest(&catalog, true), youngest(&catalog, false)), (None, Some(vec![ItemId(2)])));

    // What is kept stays as it is; what is filled anew lists everything.
    let without = Schema { name: Index::Unique, ..PLAIN };
    finish(&store, &without).unwrap();
    collect_all(&store);
    assert!(begin(&store, &schema()));
    fill(&store, |_| {}).unwrap();
    let catalog = finish(&store, &schema()).unwrap();
    assert_sound(&store);
    assert_eq!(youngest(&catalog, true), Some(vec![ItemId(1)]));
    let lists = |field| catalog.get(USER).field(FieldId(field)).index.unwrap().lists_absent;
    assert!(!lists(0) && lists(1));
}

#[test]
fn how_far_a_filling_is_can_be_told() {
    let (store, catalog) = start(&PLAIN);
    for id in 100..110 {
        add_user(&store, &catalog, id, 1, 2);
    }
    let wanted = || Schema { name: Index::Secondary, city: Index::Secondary, ..PLAIN };
    let share = || build::filled(&store.read().unwrap()).unwrap();
    assert_eq!(share(), None);
    assert!(begin(&store, &wanted()));
    let mut shares = vec![share().unwrap()];
    fill(&store, |_| shares.push(share().unwrap())).unwrap();
    assert_eq!(shares, [0.0, 0.15, 0.3, 0.45, 0.5, 0.65, 0.8, 0.95, 1.0]);
    finish(&store, &wanted()).unwrap();
    assert_eq!(share(), None);
}
