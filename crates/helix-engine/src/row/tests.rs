//! Rows give back what was put into them, and damaged ones are errors, never panics.

use helix_plan::{ItemKind, ScalarType, ValueType};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::value::compare::equal;
use crate::value::{Date, Value};

fn scalar(ty: ScalarType) -> ValueType {
    ValueType::Scalar(ty)
}

fn all_types() -> Vec<ValueType> {
    let mut types: Vec<ValueType> = ScalarType::ALL.into_iter().map(scalar).collect();
    types.push(ValueType::List(Box::new(scalar(ScalarType::String))));
    types.push(ValueType::List(Box::new(ValueType::List(Box::new(scalar(ScalarType::I32))))));
    types
}

fn value_of(ty: &ValueType, seed: u64, arena: &Arena) -> Value<'static> {
    let int = seed as i64;
    let text = |seed: u64| Value::Str(format!("t{}", "é".repeat((seed % 7) as usize)).leak());
    let _ = arena;
    match ty {
        ValueType::Scalar(scalar) => match scalar {
            ScalarType::String => text(seed),
            ScalarType::Boolean => Value::Bool(seed.is_multiple_of(2)),
            ScalarType::I8 => Value::Int((int as i8).into()),
            ScalarType::I16 => Value::Int((int as i16).into()),
            ScalarType::I32 => Value::Int((int as i32).into()),
            ScalarType::I64 => Value::Int(int),
            ScalarType::U8 => Value::Int((int as u8).into()),
            ScalarType::U16 => Value::Int((int as u16).into()),
            ScalarType::U32 => Value::Int((int as u32).into()),
            ScalarType::U64 => Value::unsigned(seed.into()),
            ScalarType::U128 => Value::unsigned(u128::from(seed) << 40),
            ScalarType::F32 => Value::F32(seed as f32 / 3.0),
            ScalarType::F64 => Value::F64(seed as f64 / 3.0),
            ScalarType::Id => Value::Id(Uuid::from_u128(seed.into())),
            ScalarType::Date => Value::Date(Date { seconds: int, nanoseconds: (seed % 1_000_000_000) as u32 }),
        },
        ValueType::List(element) => {
            let len = (seed % 4) as usize;
            let elements: Vec<Value<'static>> =
                (0..len).map(|n| value_of(element, seed / 2 + n as u64, arena)).collect();
            Value::List(elements.leak())
        }
        ValueType::Object(_) | ValueType::Optional(_) => Value::Null,
    }
}

proptest! {
    #[test]
    fn a_row_gives_back_its_values(
        picks in prop::collection::vec((0_usize..17, any::<u64>(), any::<bool>()), 0..30),
        kind in prop::sample::select(vec![ItemKind::Node, ItemKind::Edge, ItemKind::Vector]),
    ) {
        let arena = Arena::new();
        let types = all_types();
        let fields: Vec<ValueType> = picks.iter().map(|(ty, ..)| types[*ty].clone()).collect();
        let values: Vec<Value<'_>> = picks
            .iter()
            .map(|(ty, seed, absent)| if *absent { Value::Null } else { value_of(&types[*ty], *seed, &arena) })
            .collect();
        let header = match kind {
            ItemKind::Node => Header::Node,
            ItemKind::Edge => Header::Edge { from: ItemId(7), to: ItemId(9) },
            ItemKind::Vector => Header::Vector { slot: 5 },
        };
        let layout = Layout::new(kind, 3, fields);
        let mut row = Vec::new();
        encode(&layout, header, &values, &mut row).unwrap();
        for (index, value) in values.iter().enumerate() {
            let found = FieldReader::new(&layout, index, []).read(&row, &arena).unwrap();
            prop_assert!(value.is_null() && found.is_null() || equal(value, &found) == Some(true), "{value:?} {found:?}");
        }
        match header {
            Header::Node => {}
            Header::Edge { from, to } => prop_assert_eq!(edge_ends(&row).unwrap(), (from, to)),
            Header::Vector { slot } => prop_assert_eq!(vector_slot(&row).unwrap(), slot),
        }
    }

    #[test]
    fn damaged_rows_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let arena = Arena::new();
        let layout = Layout::new(ItemKind::Node, 0, all_types());
        for index in 0..layout.fields().len() {
            let reader = FieldReader::new(&layout, index, []);
            let mut row = bytes.clone();
            let _ = reader.read(&row, &arena);
            if row.len() > 1 {
                row[0] = 1;
                row[1] = 0;
                let _ = reader.read(&row, &arena);
            }
        }
    }
}

#[test]
fn a_row_of_an_earlier_layout_is_read_through_its_own_offsets() {
    let arena = Arena::new();
    let old = Layout::new(ItemKind::Node, 0, vec![scalar(ScalarType::I32), scalar(ScalarType::F32)]);
    let new = Layout::new(
        ItemKind::Node,
        1,
        vec![scalar(ScalarType::I64), scalar(ScalarType::F64), scalar(ScalarType::String)],
    );
    let mut row = Vec::new();
    encode(&old, Header::Node, &[Value::Int(-5), Value::F32(0.5)], &mut row).unwrap();
    let read = |field, old_field| FieldReader::new(&new, field, [(&old, old_field)]).read(&row, &arena).unwrap();
    assert!(matches!(read(0, Some(0)), Value::Int(-5)));
    assert!(matches!(read(1, Some(1)), Value::F64(half) if half == 0.5));
    assert!(read(2, None).is_null());
    assert!(FieldReader::new(&new, 0, []).read(&row, &arena).is_err(), "an unknown layout version");
}

#[test]
fn numbers_are_converted_to_the_field_or_refused() {
    let arena = Arena::new();
    let fits = |value, ty| coerce(value, &scalar(ty), "f", &arena);
    assert!(matches!(fits(Value::Int(200), ScalarType::U8), Ok(Value::Int(200))));
    assert!(matches!(fits(Value::Int(3), ScalarType::F64), Ok(Value::F64(three)) if three == 3.0));
    assert!(matches!(fits(Value::F64(0.1), ScalarType::F32), Ok(Value::F32(tenth)) if tenth == 0.1));
    for (value, ty) in [
        (Value::Int(-1), ScalarType::U8),
        (Value::Int(128), ScalarType::I8),
        (Value::unsigned(u128::MAX), ScalarType::U64),
        (Value::F64(1e300), ScalarType::F32),
        (Value::Str("1"), ScalarType::I32),
    ] {
        let error = fits(value, ty).unwrap_err().to_string();
        assert!(error.contains("field `f`") && error.contains(ty.name()), "{error}");
    }
}
