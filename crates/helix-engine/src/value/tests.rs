//! Laws of values.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn scalar() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-3_i64..3).prop_map(Value::Int),
        any::<u128>().prop_map(Value::unsigned),
        any::<f32>().prop_map(Value::F32),
        any::<f64>().prop_map(Value::F64),
        (-3_i64..3).prop_map(|n| Value::F64(n as f64)),
        ".{0,5}".prop_map(|text| Value::Str(text.leak())),
        (any::<i32>(), 0_u32..1_000_000_000)
            .prop_map(|(seconds, nanoseconds)| Value::Date(Date { seconds: seconds.into(), nanoseconds })),
        any::<u128>().prop_map(|bits| Value::Id(Uuid::from_u128(bits))),
    ]
}

fn json(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    json::write(value, &mut out);
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn sorting_is_a_total_order(a in scalar(), b in scalar(), c in scalar()) {
        prop_assert_eq!(compare::sort(&a, &b), compare::sort(&b, &a).reverse());
        prop_assert_eq!(compare::sort(&a, &a), Ordering::Equal);
        if compare::sort(&a, &b).is_le() && compare::sort(&b, &c).is_le() {
            prop_assert!(compare::sort(&a, &c).is_le(), "{:?} {:?} {:?}", a, b, c);
        }
    }

    #[test]
    fn text_comes_back_from_json(text in any::<String>()) {
        let mut out = Vec::new();
        json::string(&text, &mut out);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn floats_come_back_from_json(value in any::<f64>(), single in any::<f32>()) {
        if value.is_finite() {
            prop_assert_eq!(json(&Value::F64(value)).parse::<f64>().unwrap(), value);
        }
        if single.is_finite() {
            prop_assert_eq!(json(&Value::F32(single)).parse::<f32>().unwrap(), single);
        }
    }

    #[test]
    fn dates_come_back_from_text(seconds in -60_000_000_000_i64..250_000_000_000, nanoseconds in 0_u32..1_000_000_000) {
        let date = Date { seconds, nanoseconds };
        let mut out = Vec::new();
        date.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        prop_assert_eq!(date::parse(&text), Some(date), "{}", text);
    }
}

#[test]
fn numbers_compare_across_types_exactly() {
    let cases = [
        (Value::Int(3), Value::F64(2.5), Ordering::Greater),
        (Value::F32(0.1), Value::F64(0.1), Ordering::Greater),
        (Value::Int(i64::MAX), Value::F64(9_223_372_036_854_775_808.0), Ordering::Less),
        (Value::unsigned(u128::MAX), Value::Int(i64::MAX), Ordering::Greater),
        (Value::Int(2), Value::F32(2.0), Ordering::Equal),
    ];
    for (a, b, order) in cases {
        assert_eq!(compare::compare(&a, &b), Some(order), "{a:?} {b:?}");
    }
    assert_eq!(compare::equal(&Value::Str("1"), &Value::Int(1)), None);
    assert_eq!(compare::equal(&Value::Null, &Value::Null), None);
}

#[test]
fn numbers_print_as_the_contract_says() {
    let shown = [Value::F64(1.0), Value::F64(f64::NAN), Value::F32(0.1), Value::F64(1e300), Value::unsigned(u128::MAX)];
    let shown: Vec<String> = shown.iter().map(json).collect();
    assert_eq!(shown, ["1.0", "null", "0.1", "1e300", "340282366920938463463374607431768211455"]);
}

#[test]
fn dates_without_an_offset_are_no_dates() {
    for text in ["2024-05-01T12:00:00", "2024-13-01", "yesterday", "", "2024-05-01T12:00:00+02:00[Europe/Oslo]"] {
        assert_eq!(date::parse(text), None, "{text}");
    }
    assert_eq!(date::parse("2024-05-01 12:00:00Z"), date::parse("2024-05-01T14:00:00+02:00"));
    assert_eq!(date::parse("2024-05-01").map(|date| date.seconds), Some(1_714_521_600));
}
