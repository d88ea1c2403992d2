//! Both stores keep the same promises; keys sort as what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::lmdb::LmdbOptions;
use super::*;
use crate::value::compare::sort;
use crate::value::{Date, Value};

#[derive(Clone, Debug)]
enum Change {
    Put(u8, Vec<u8>),
    Delete(u8),
    PutDup(u8, u8),
    DeleteDup(u8, u8),
    DeleteKey(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0_u8..20, prop::collection::vec(any::<u8>(), 0..10)).prop_map(|(key, value)| Change::Put(key, value)),
        (0_u8..20).prop_map(Change::Delete),
        (0_u8..6, 0_u8..20).prop_map(|(key, value)| Change::PutDup(key, value)),
        (0_u8..6, 0_u8..20).prop_map(|(key, value)| Change::DeleteDup(key, value)),
        (0_u8..6).prop_map(Change::DeleteKey),
    ]
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    plain: BTreeMap<Vec<u8>, Vec<u8>>,
    dups: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
}

fn apply<W: WriteTxn>(txn: &mut W, model: &mut Model, change: &Change) {
    match change {
        Change::Put(key, value) => {
            txn.put(Table::Node, &[*key], value).unwrap();
            model.plain.insert(vec![*key], value.clone());
        }
        Change::Delete(key) => {
            let removed = txn.del(Table::Node, &[*key]).unwrap();
            assert_eq!(removed, model.plain.remove(&vec![*key]).is_some());
        }
        Change::PutDup(key, value) => {
            let value = [*value; 16];
            let added = txn.put_dup(Table::Out, &[*key], &value).unwrap();
            assert_eq!(added, model.dups.entry(vec![*key]).or_default().insert(value.to_vec()));
        }
        Change::DeleteDup(key, value) => {
            let value = [*value; 16];
            let removed = txn.del_dup(Table::Out, &[*key], &value).unwrap();
            let dups = model.dups.entry(vec![*key]).or_default();
            assert_eq!(removed, dups.remove(&value.to_vec()));
        }
        Change::DeleteKey(key) => {
            let removed = txn.del(Table::Out, &[*key]).unwrap();
            let held = model.dups.remove(&vec![*key]).is_some_and(|dups| !dups.is_empty());
            assert_eq!(removed, held);
        }
    }
    model.dups.retain(|_, dups| !dups.is_empty());
}

fn check<T: ReadTxn>(txn: &T, model: &Model) {
    let plain: Vec<(Vec<u8>, Vec<u8>)> = txn
        .range(Table::Node, Bounds::Prefix(&[]))
        .unwrap()
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap())
        .collect();
    assert_eq!(plain, model.plain.clone().into_iter().collect::<Vec<_>>());
    let dups: Vec<(Vec<u8>, Vec<u8>)> = txn
        .range(Table::Out, Bounds::Prefix(&[]))
        .unwrap()
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap())
        .collect();
    let expected: Vec<_> =
        model.dups.iter().flat_map(|(key, dups)| dups.iter().map(|dup| (key.clone(), dup.clone()))).collect();
    assert_eq!(dups, expected);
    for key in 0..20_u8 {
        assert_eq!(txn.get(Table::Node, &[key]).unwrap(), model.plain.get(&vec![key]).map(Vec::as_slice));
        let held = model.dups.get(&vec![key]);
        let found: Vec<Vec<u8>> = txn.dups(Table::Out, &[key]).unwrap().map(|dup| dup.unwrap().to_vec()).collect();
        assert_eq!(found, held.into_iter().flatten().cloned().collect::<Vec<_>>());
        assert_eq!(txn.dup_count(Table::Out, &[key]).unwrap(), found.len() as u64);
    }
    let last = txn.last(Table::Node, Bounds::Prefix(&[])).unwrap();
    assert_eq!(last.map(|(key, _)| key.to_vec()), model.plain.keys().next_back().cloned());
    for end in 5..12_u8 {
        let (plain, dups) = (model.plain.range(vec![5]..vec![end]), model.dups.range(vec![5]..vec![end]));
        let last = |table| txn.last(table, Bounds::Range(&[5], &[end])).unwrap().map(|(key, _)| key.to_vec());
        assert_eq!(last(Table::Node), plain.map(|(key, _)| key).next_back().cloned());
        assert_eq!(last(Table::Out), dups.map(|(key, _)| key).next_back().cloned());
    }
    let range = txn.range(Table::Node, Bounds::Range(&[5], &[9])).unwrap().map(|entry| entry.unwrap().0[0]);
    let expected = model.plain.keys().map(|key| key[0]).filter(|key| (5..9).contains(key));
    assert_eq!(range.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// Transactions that commit, abort and nest, against the model.
fn promises<S: Store>(store: &S, rounds: &[(Vec<Change>, Vec<Change>, bool, bool)]) {
    let mut model = Model::default();
    for (outer, inner, keeps_inner, keeps_outer) in rounds {
        let snapshot = store.read().unwrap();
        let before = model.clone();
        let mut txn = store.write().unwrap();
        let mut working = model.clone();
        for change in outer {
            apply(&mut txn, &mut working, change);
        }
        {
            let mut nested = txn.nested().unwrap();
            let mut nested_model = working.clone();
            for change in inner {
                apply(&mut nested, &mut nested_model, change);
            }
            check(&nested, &nested_model);
            if *keeps_inner {
                nested.commit().unwrap();
                working = nested_model;
            }
        }
        check(&txn, &working);
        check(&snapshot, &before);
        if *keeps_outer {
            txn.commit().unwrap();
            model = working;
        } else {
            drop(txn);
        }
        check(&snapshot, &before);
        check(&store.read().unwrap(), &model);
    }
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-3_i64..3).prop_map(Value::Int),
        any::<u128>().prop_map(Value::unsigned),
    ]
}

fn ordered(a: &Value<'_>, b: &Value<'_>) -> (Vec<u8>, Vec<u8>) {
    let (mut key_a, mut key_b) = (Vec::new(), Vec::new());
    keys::index(1, a, &mut key_a);
    keys::index(1, b, &mut key_b);
    (key_a, key_b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_stores_keep_transactions_apart(
        rounds in prop::collection::vec(
            (prop::collection::vec(change(), 0..20), prop::collection::vec(change(), 0..10), any::<bool>(), any::<bool>()),
            1..6,
        )
    ) {
        promises(&Memory::default(), &rounds);
        let folder = tempfile::tempdir().unwrap();
        promises(&Lmdb::open(folder.path(), LmdbOptions::default()).unwrap(), &rounds);
    }

    #[test]
    fn index_keys_of_integers_sort_as_integers(a in value(), b in value()) {
        let (key_a, key_b) = ordered(&a, &b);
        prop_assert_eq!(sort(&a, &b), key_a.cmp(&key_b));
    }

    #[test]
    fn index_keys_of_floats_sort_as_floats(a: f64, b: f64) {
        prop_assume!(!a.is_nan() && !b.is_nan());
        let (key_a, key_b) = ordered(&Value::F64(a), &Value::F64(b));
        prop_assert_eq!(a.partial_cmp(&b).unwrap(), key_a.cmp(&key_b));
    }

    #[test]
    fn index_keys_of_text_sort_as_text(a in "[\\x00-\\x02a-c]{0,6}", b in "[\\x00-\\x02a-c]{0,6}") {
        let (key_a, key_b) = ordered(&Value::Str(&a), &Value::Str(&b));
        prop_assert_eq!(a.cmp(&b), key_a.cmp(&key_b));
    }

    #[test]
    fn index_keys_of_dates_sort_as_dates(a: i64, b: i64, x in 0_u32..1_000_000_000, y in 0_u32..1_000_000_000) {
        let (a, b) = (Date { seconds: a, nanoseconds: x }, Date { seconds: b, nanoseconds: y });
        let (key_a, key_b) = ordered(&Value::Date(a), &Value::Date(b));
        prop_assert_eq!(a.cmp(&b), key_a.cmp(&key_b));
    }

    #[test]
    fn index_keys_fit_the_store_and_tell_long_values_apart(a in ".{0,600}", b in ".{0,600}") {
        let (key_a, key_b) = ordered(&Value::Str(&a), &Value::Str(&b));
        prop_assert!(key_a.len() <= 511 && key_b.len() <= 511);
        prop_assert_eq!(a == b, key_a == key_b);
    }
}

#[test]
fn a_folder_is_opened_once_and_again_after_its_owner_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Lmdb::open(folder.path(), LmdbOptions::default()).unwrap();
    let error = Lmdb::open(folder.path(), LmdbOptions::default()).unwrap_err();
    assert!(
        matches!(&error, crate::EngineError::Locked { pid, .. } if *pid == std::process::id().to_string()),
        "{error}"
    );
    drop(first);
    Lmdb::open(folder.path(), LmdbOptions::default()).unwrap();
}

#[test]
fn a_full_store_refuses_the_write_names_the_setting_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Lmdb::open_with_map(folder.path(), 1 << 20).unwrap();
    let mut txn = store.write().unwrap();
    txn.put(Table::Node, b"kept", b"1").unwrap();
    txn.commit().unwrap();
    let mut txn = store.write().unwrap();
    let value = vec![7; 10_000];
    let error = (0_u32..1_000).find_map(|n| txn.put(Table::Node, &n.to_be_bytes(), &value).err()).unwrap();
    assert!(error.to_string().contains("db_max_size_gb"), "{error}");
    drop(txn);
    let mut txn = store.write().unwrap();
    assert_eq!(txn.get(Table::Node, b"kept").unwrap(), Some(&b"1"[..]));
    txn.put(Table::Node, b"after", b"2").unwrap();
    txn.commit().unwrap();
}
