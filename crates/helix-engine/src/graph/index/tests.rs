//! What indexes tell of random values agrees with comparing and sorting them.

use helix_plan::{Catalog, Field, Index, ItemType, NodeType, Program, TypeId, ValueType};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::catalog::{LiveCatalog, activate};
use crate::graph::Mutator;
use crate::ids::IdCodec;
use crate::storage::lmdb::LmdbOptions;
use crate::storage::{Lmdb, Memory, Store, WriteTxn, meta};
use crate::text::TextConfig;
use crate::value::compare::{compare, equal, sort};
use crate::value::{Big, Date};

const THING: ItemType = ItemType::node(TypeId(0));

const TYPES: [ScalarType; 8] = [
    ScalarType::String,
    ScalarType::F64,
    ScalarType::F32,
    ScalarType::I64,
    ScalarType::U128,
    ScalarType::Date,
    ScalarType::Id,
    ScalarType::Boolean,
];

fn activated<S: Store>(store: &S) -> LiveCatalog {
    let field = |(place, ty): (usize, &ScalarType)| Field {
        name: format!("f{place}"),
        ty: ValueType::Scalar(*ty),
        index: Index::Secondary,
        default: None,
    };
    let nodes = vec![NodeType { name: "Thing".to_owned(), fields: TYPES.iter().enumerate().map(field).collect() }];
    let program = Program::new(Catalog { version: 1, nodes, ..Catalog::default() }, Vec::new(), Vec::new());
    let mut txn = store.write().unwrap();
    meta::prepare(&mut txn, [7; 16]).unwrap();
    let catalog = activate(&mut txn, &program, IdCodec::new([7; 16]), false, &TextConfig::default()).unwrap().catalog;
    txn.commit().unwrap();
    catalog
}

/// A value of a type; few of each, and those at which indexes are at their limits.
fn value(arena: &Arena, ty: ScalarType, seed: u8) -> Value<'_> {
    let floats = [0.0, -0.0, 1.5, -1.5, 1e300, -1e300, f64::INFINITY, 3.0];
    let float = floats[usize::from(seed) % floats.len()];
    match ty {
        _ if seed.is_multiple_of(7) => Value::Null,
        ScalarType::String => {
            let length = [0, 1, 439, 440, 500][usize::from(seed) % 5];
            let end = ["", "\0", "a", "b", "\u{10ffff}"][usize::from(seed / 5) % 5];
            Value::Str(arena.alloc_str(&format!("{}{end}", "x".repeat(length))))
        }
        ScalarType::F64 => Value::F64(float),
        ScalarType::F32 => Value::F32(if float.abs() > 1e30 { 0.1 } else { float as f32 }),
        ScalarType::I64 => Value::Int([i64::MIN, -1, 0, 1, 2, i64::MAX][usize::from(seed) % 6]),
        ScalarType::U128 if seed > 200 => Value::Big(Big::new(u128::MAX - u128::from(seed))),
        ScalarType::U128 => Value::Int(i64::from(seed / 40)),
        ScalarType::Date => Value::Date(Date { seconds: i64::from(seed / 40) - 3, nanoseconds: u32::from(seed % 2) }),
        ScalarType::Id => Value::Id(Uuid::from_u128(u128::from(seed / 30) << 120)),
        _ => Value::Bool(seed.is_multiple_of(2)),
    }
}

/// What a field may be compared with: a value of its type, or of another one.
fn bound(arena: &Arena, ty: ScalarType, seed: u8) -> Value<'_> {
    match (ty, seed % 4) {
        (ScalarType::F64 | ScalarType::F32, 0) => Value::Int(i64::from(seed) - 100),
        (ScalarType::F32, 1) => Value::F64(0.1),
        (ScalarType::I64 | ScalarType::U128, 0) => Value::F64(f64::from(seed) - 100.5),
        (ScalarType::I64 | ScalarType::U128, 1) => Value::Big(Big::new(u128::MAX)),
        _ => value(arena, ty, seed),
    }
}

fn check<S: Store>(store: &S, seeds: &[[u8; TYPES.len()]], (from, to): (u8, u8), len: usize) {
    let catalog = activated(store);
    let arena = Arena::new();
    let row = |seeds: &[u8; TYPES.len()]| -> Vec<Value<'_>> {
        TYPES.iter().zip(seeds).map(|(ty, seed)| value(&arena, *ty, *seed)).collect()
    };
    let rows: Vec<Vec<Value<'_>>> = seeds.iter().map(row).collect();
    let mut txn = store.write().unwrap();
    for (place, row) in rows.iter().enumerate() {
        Mutator::new(&mut txn, &catalog, &arena).insert_node(THING, ItemId(place as u64 + 1), row).unwrap();
    }
    txn.commit().unwrap();
    let (txn, ty) = (store.read().unwrap(), catalog.get(THING));
    let id = |place: usize| ItemId(place as u64 + 1);
    for (place, scalar) in TYPES.iter().enumerate() {
        let field = FieldId(place as u16);
        let values: Vec<Value<'_>> = rows.iter().map(|row| row[place]).collect();
        let expected = |holds: &dyn Fn(&Value<'_>) -> bool| -> Vec<ItemId> {
            let held = values.iter().enumerate().filter(|(_, value)| holds(value));
            held.map(|(place, _)| id(place)).collect()
        };
        let found = |range: IndexRange| range.read(&txn, usize::MAX, &mut || Ok(())).unwrap();
        let holds_all = |found: &[ItemId], expected: &[ItemId]| expected.iter().all(|id| found.contains(id));
        let (from, to) = (bound(&arena, *scalar, from), bound(&arena, *scalar, to));
        if let Some(range) = IndexRange::equal(ty, field, &from).unwrap() {
            let expected = expected(&|value| equal(value, &from) == Some(true));
            assert!(holds_all(&found(range), &expected), "{scalar:?} {from:?}");
        }
        for (least, most) in [(Some(&from), Some(&to)), (Some(&from), None), (None, Some(&to))] {
            let Some(range) = IndexRange::between(ty, field, least, most).unwrap() else { continue };
            let expected = expected(&|value| {
                least.is_none_or(|least| compare(value, least).is_some_and(std::cmp::Ordering::is_ge))
                    && most.is_none_or(|most| compare(value, most).is_some_and(std::cmp::Ordering::is_le))
            });
            assert!(holds_all(&found(range), &expected), "{scalar:?} {least:?} {most:?}");
        }
        for (order, absent) in
            [Order::Ascending, Order::Descending].into_iter().flat_map(|one| [(one, true), (one, false)])
        {
            let mut expected: Vec<usize> = (0..values.len()).filter(|at| absent || !values[*at].is_null()).collect();
            expected.sort_by(|a, b| match order {
                Order::Ascending => sort(&values[*a], &values[*b]),
                Order::Descending => sort(&values[*b], &values[*a]),
            });
            let expected: Vec<ItemId> = expected.into_iter().map(id).take(len).collect();
            match leading(&txn, ty, field, (order, absent), len, &mut || Ok(())).unwrap() {
                Some(found) => assert_eq!(found, expected, "{scalar:?} {order:?}"),
                None => assert_eq!(*scalar, ScalarType::String, "values of other types are never cut"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn indexes_agree_with_comparing_and_sorting(
        seeds in prop::collection::vec(any::<[u8; TYPES.len()]>(), 0..40),
        bounds: (u8, u8),
        len in 0_usize..50,
    ) {
        check(&Memory::default(), &seeds, bounds, len);
        let folder = tempfile::tempdir().unwrap();
        check(&Lmdb::open(folder.path(), LmdbOptions::default()).unwrap(), &seeds, bounds, len);
    }
}

#[test]
fn an_index_tells_nothing_of_what_it_does_not_hold() {
    let store = Memory::default();
    let mut catalog = activated(&store);
    let txn = store.read().unwrap();
    let place = TYPES.iter().position(|ty| *ty == ScalarType::I64).unwrap();
    let field = FieldId(place as u16);
    let tells = |catalog: &LiveCatalog, absent| {
        leading(&txn, catalog.get(THING), field, (Order::Ascending, absent), 5, &mut || Ok(())).unwrap().is_some()
    };
    assert!(tells(&catalog, true) && tells(&catalog, false));
    assert!(IndexRange::equal(catalog.get(THING), field, &Value::F64(1.0)).unwrap().is_none(), "of another type");
    catalog.forget_absent(THING);
    assert!(!tells(&catalog, true) && tells(&catalog, false), "an index of an earlier format");
}
