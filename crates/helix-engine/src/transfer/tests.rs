//! Random databases there and back; what is wrong with an export is told by file and line, and changes nothing.

use std::fs;
use std::path::Path;

use helix_plan::{
    Catalog, EdgeType, Field, Index, ItemType, NodeType, Program, ScalarType, TypeId, ValueType, VectorType,
};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::catalog::{LiveCatalog, activate};
use crate::engine::DATABASE;
use crate::graph::{Ends, Mutator};
use crate::ids::{IdCodec, ItemId};
use crate::row::Arena;
use crate::storage::lmdb::LmdbOptions;
use crate::storage::meta::{self, Meta};
use crate::storage::{Bounds, Lmdb, ReadTxn as _, Store as _, Table, WriteTxn as _};
use crate::text::TextConfig;
use crate::value::{Big, Date, Value};
use crate::verify::verify;

const THING: ItemType = ItemType::node(TypeId(0));
const JOINS: ItemType = ItemType::edge(TypeId(0));
const SHOWS: ItemType = ItemType::edge(TypeId(1));
const SIGHT: ItemType = ItemType::vector(TypeId(0));
const SECRET: [u8; 16] = [9; 16];

/// A field of each type, and arrays of each.
fn every_field() -> Vec<Field> {
    let scalars =
        ScalarType::ALL.into_iter().map(|scalar| (format!("{scalar}").to_lowercase(), ValueType::Scalar(scalar)));
    let lists = ScalarType::ALL.into_iter().map(|scalar| {
        let list = ValueType::List(Box::new(ValueType::List(Box::new(ValueType::Scalar(scalar)))));
        (format!("{scalar}s").to_lowercase(), list)
    });
    let field = |(name, ty)| Field { name, ty, index: Index::None, default: None };
    let mut fields: Vec<Field> = scalars.chain(lists).map(field).collect();
    fields[0].index = Index::Secondary;
    let number = ValueType::Scalar(ScalarType::U32);
    fields.push(Field { name: "number".to_owned(), ty: number, index: Index::Unique, default: None });
    fields
}

fn program() -> Program {
    let catalog = Catalog {
        version: 1,
        nodes: vec![NodeType { name: "Thing".to_owned(), fields: every_field() }],
        edges: vec![
            EdgeType { name: "Joins".to_owned(), from: THING, to: THING, unique: false, fields: every_field() },
            EdgeType { name: "Shows".to_owned(), from: SIGHT, to: THING, unique: true, fields: Vec::new() },
        ],
        vectors: vec![VectorType { name: "Sight".to_owned(), fields: every_field() }],
        ..Catalog::default()
    };
    Program::new(catalog, Vec::new(), Vec::new())
}

fn scalar(ty: ScalarType, seed: u64) -> Value<'static> {
    let extreme = seed % 5;
    let float = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, seed as f64 / 7e9][extreme as usize];
    let single = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, seed as f32 / 7e9][extreme as usize];
    match ty {
        ScalarType::String => {
            Value::Str(format!("{seed}\n\"\u{1}é\u{2028}\\{}", "x".repeat((seed % 40) as usize)).leak())
        }
        ScalarType::Boolean => Value::Bool(seed.is_multiple_of(2)),
        ScalarType::I8 => Value::Int((seed as i8).into()),
        ScalarType::I16 => Value::Int((seed as i16).into()),
        ScalarType::I32 => Value::Int((seed as i32).into()),
        ScalarType::I64 => Value::Int(if extreme == 0 { i64::MIN } else { seed as i64 }),
        ScalarType::U8 => Value::Int((seed as u8).into()),
        ScalarType::U16 => Value::Int((seed as u16).into()),
        ScalarType::U32 => Value::Int((seed as u32).into()),
        ScalarType::U64 => Value::unsigned(if extreme == 0 { u64::MAX.into() } else { seed.into() }),
        ScalarType::U128 if extreme == 0 => Value::Big(Big::new(u128::MAX)),
        ScalarType::U128 => Value::unsigned(u128::from(seed) << 50),
        ScalarType::F32 => Value::F32(single),
        ScalarType::F64 => Value::F64(float),
        ScalarType::Id => Value::Id(Uuid::from_u128(u128::from(seed) << 32)),
        ScalarType::Date => Value::Date(Date {
            // Among them years before our era, and beyond the calendar.
            seconds: [i64::MIN, -99_999_999_999, 0, 253_402_300_799, seed as i64 >> 24][extreme as usize],
            nanoseconds: (seed % 1_000_000_000) as u32,
        }),
    }
}

fn values(fields: &[Field], seed: u64, number: u32) -> Vec<Value<'static>> {
    let mut seeds = fastrand(seed);
    let values = fields.iter().map(|field| match (&field.ty, seeds()) {
        _ if field.name == "number" => Value::Int(number.into()),
        (_, seed) if seed.is_multiple_of(6) => Value::Null,
        (ValueType::Scalar(ty), seed) => scalar(*ty, seed),
        (ValueType::List(inner), seed) => {
            let ValueType::List(element) = &**inner else { unreachable!("arrays of arrays") };
            let ValueType::Scalar(ty) = **element else { unreachable!("of scalars") };
            let inner = |n: u64| (0..n).map(|k| scalar(ty, seed / (k + 2))).chain([Value::Null]).collect::<Vec<_>>();
            let outer: Vec<_> = (0..seed % 3).map(|n| Value::List(inner(n).leak())).collect();
            Value::List(outer.leak())
        }
        (ValueType::Object(_) | ValueType::Optional(_), _) => unreachable!("no field is an object"),
    });
    values.collect()
}

/// SplitMix64, by Sebastiano Vigna.
fn fastrand(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

fn open(data: &Path) -> Lmdb {
    Lmdb::open(&data.join(DATABASE), LmdbOptions::default()).unwrap()
}

/// A data directory with random items, some of them deleted again.
fn filled(seeds: &[u64]) -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let mut txn = store.write().unwrap();
    meta::prepare(&mut txn, SECRET).unwrap();
    let live = activate(&mut txn, &program(), IdCodec::new(SECRET), false, &TextConfig::default()).unwrap().catalog;
    let (arena, fields) = (Arena::new(), every_field());
    let (mut things, mut sights) = (Vec::new(), Vec::new());
    let mut last = 0;
    for (number, seed) in seeds.iter().enumerate() {
        last += 1 + seed % 1000;
        let (id, number) = (ItemId(last), u32::try_from(number).unwrap());
        let pick = |items: &[ItemId]| items[usize::try_from(*seed).unwrap() % items.len()];
        let mut mutator = Mutator::new(&mut txn, &live, &arena);
        match seed % 7 {
            0 | 1 => {
                let data: Vec<f32> = (1..=5).map(|k| (seed % (97 * k)) as f32 / 3.0).collect();
                mutator.insert_vector(SIGHT, id, &data, &values(&fields, *seed, number)).unwrap();
                sights.push(id);
            }
            2 if !things.is_empty() => {
                let ends = Ends { from: pick(&things), to: things[0] };
                mutator.insert_edge(JOINS, id, ends, &values(&fields, *seed, number)).unwrap();
            }
            3 if !things.is_empty() && !sights.is_empty() => {
                // A pair that is joined already stays so.
                let _ = mutator.insert_edge(SHOWS, id, Ends { from: pick(&sights), to: pick(&things) }, &[]);
            }
            4 if sights.len() > 2 => {
                mutator.delete(SIGHT, sights.remove(0)).unwrap();
            }
            _ => {
                mutator.insert_node(THING, id, &values(&fields, *seed, number)).unwrap();
                things.push(id);
            }
        }
    }
    meta::put(&mut txn, Meta::LastId, &(last + 5).to_be_bytes()).unwrap();
    txn.commit().unwrap();
    data
}

/// Everything that does not depend on which slots vectors have. Of counters, those of types without items may be left out.
fn contents(data: &Path) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let store = open(data);
    let txn = store.read().unwrap();
    let live = LiveCatalog::load(&txn, &program().catalog).unwrap();
    assert_eq!(verify(&txn, &live).unwrap().findings, Vec::<String>::new());
    let tables = [Table::Node, Table::Edge, Table::Out, Table::In, Table::Pair, Table::Index, Table::Unique];
    let mut found = Vec::new();
    for table in tables {
        for entry in txn.range(table, Bounds::Prefix(&[])).unwrap() {
            let (key, value) = entry.unwrap();
            found.push((table, key.to_vec(), value.to_vec()));
        }
    }
    for name in [Meta::Secret, Meta::LastId, Meta::Plan] {
        found.push((Table::Meta, Vec::new(), meta::get(&txn, name).unwrap().unwrap().to_vec()));
    }
    found
}

/// Every file of an export.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn exported(data: &Path, to: &Path) -> Contents {
    export(data, to, &Progress::default()).unwrap()
}

fn imported(data: &Path, from: &Path) -> Result<Contents> {
    import(data, from, &ImportOptions::default(), &Progress::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_database_comes_back_as_it_was(seeds in prop::collection::vec(any::<u64>(), 0..120)) {
        let data = filled(&seeds);
        let (place, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (place.path().join("first"), place.path().join("second"));
        let said = exported(data.path(), &first);
        let read = imported(other.path(), &first).unwrap();
        prop_assert_eq!(&read, &said);
        prop_assert_eq!(contents(other.path()), contents(data.path()));
        exported(other.path(), &second);
        prop_assert_eq!(files(&first), files(&second));
    }
}

#[test]
fn what_is_wrong_is_told_by_file_and_line_and_nothing_is_stored() {
    let seeds: Vec<u64> = (0..60).map(|n| n * 7 + n % 7).collect();
    let (data, place) = (filled(&seeds), tempfile::tempdir().unwrap());
    let dump = place.path().join("dump");
    exported(data.path(), &dump);
    let things = dump.join("nodes.Thing.jsonl");
    let whole = fs::read_to_string(&things).unwrap();
    let second = whole.lines().nth(1).unwrap();
    let first = whole.lines().next().unwrap();
    let foreign = format!("{{\"id\":\"{}\",\"fields\":{{}}}}", Uuid::from_u128(0x6000_8000_0000_0000_0000));
    let cases = [
        ("{\"id\":".to_owned(), "nodes.Thing.jsonl:2: EOF"),
        (second.replace("\"fields\":{", "\"fields\":{\"colour\":1,"), ":2: `Thing` has no field `colour`"),
        (second.replace("\"number\":", "\"number\":-"), ":2: field `number`: `-"),
        (second.replace("\"fields\":{", "\"data\":[1],\"fields\":{"), ":2: `Thing` is no vector"),
        (first.to_owned(), ":2: there is a `Thing` of this id already"),
        (foreign, "is no id of the database that was exported"),
        (second.replacen("\"fields\":{", "\"fields\": {", 1), "bytes, not"),
        (String::new(), "nodes.Thing.jsonl:2: "),
    ];
    for (line, expected) in cases {
        assert_ne!(line, second, "{expected}");
        fs::write(&things, whole.replace(second, &line)).unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = imported(target.path(), &dump).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!target.path().join(DATABASE).join("data.mdb").exists());
        assert!(!target.path().join(".import.partial").exists());
    }
    fs::write(&things, &whole).unwrap();
    let joins = dump.join("edges.Joins.jsonl");
    let edges = fs::read_to_string(&joins).unwrap();
    let nowhere = IdCodec::new(SECRET).encode(ItemId(1 << 50)).to_string();
    let end = edges.split("\"to\":\"").nth(1).unwrap().get(..36).unwrap();
    fs::write(&joins, edges.replacen(end, &nowhere, 1)).unwrap();
    let target = tempfile::tempdir().unwrap();
    let error = imported(target.path(), &dump).unwrap_err().to_string();
    assert!(error.contains("edges.Joins.jsonl:1: one of its ends does not exist"), "{error}");
    fs::remove_file(&joins).unwrap();
    assert!(imported(target.path(), &dump).unwrap_err().to_string().contains("edges.Joins.jsonl"));
}

#[test]
fn only_an_empty_database_is_filled_and_its_own_program_counts() {
    let (data, place) = (filled(&[5, 6, 12, 13, 19]), tempfile::tempdir().unwrap());
    let dump = place.path().join("dump");
    exported(data.path(), &dump);
    let error = imported(data.path(), &dump).unwrap_err();
    assert!(matches!(error, TransferError::NotEmpty { items: 5, .. }), "{error}");
    // A program without vectors, which the export has none of, and with a field less, which the export has.
    let empty = tempfile::tempdir().unwrap();
    {
        let mut program = program();
        program.catalog.nodes[0].fields.pop();
        let store = open(empty.path());
        let mut txn = store.write().unwrap();
        meta::prepare(&mut txn, [1; 16]).unwrap();
        activate(&mut txn, &program, IdCodec::new([1; 16]), false, &TextConfig::default()).unwrap();
        txn.commit().unwrap();
    }
    let error = imported(empty.path(), &dump).unwrap_err().to_string();
    assert!(error.contains("`Thing` has no field `number`"), "{error}");
    let held = open(empty.path());
    let error = imported(empty.path(), &dump).unwrap_err();
    assert!(matches!(error, TransferError::Engine(EngineError::Locked { .. })), "{error}");
    drop(held);
    let stopped = Progress::default();
    stopped.stop();
    let target = tempfile::tempdir().unwrap();
    let error = import(target.path(), &dump, &ImportOptions::default(), &stopped).unwrap_err();
    assert!(matches!(error, TransferError::Stopped), "{error}");
    assert!(!target.path().join(DATABASE).join("data.mdb").exists());
}
