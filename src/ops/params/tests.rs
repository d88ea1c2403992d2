use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(ty: &str, text: &str) -> Option<Value> {
    from_text("p", &parse_type(ty).expect(ty), text).ok()
}

#[test]
fn the_type_decides_what_a_text_is() {
    assert_eq!(read("String", "31"), Some(json!("31")));
    assert_eq!(read("U8", "31"), Some(json!(31)));
    assert_eq!(read("I8", "-31"), Some(json!(-31)));
    assert_eq!(read("F64", "1.5"), Some(json!(1.5)));
    assert_eq!(read("Boolean", "true"), Some(json!(true)));
    assert_eq!(read("Date", "2024-05-01"), Some(json!("2024-05-01")));
    assert_eq!(read("Date", "1714521600"), Some(json!(1_714_521_600)));
    assert_eq!(
        read("U128", "340282366920938463463374607431768211455"),
        Some(json!("340282366920938463463374607431768211455"))
    );
    assert_eq!(read("Array(F64)", "0.5, 1"), Some(json!([0.5, 1.0])));
    assert_eq!(read("Array(String)", "[\"a\",\"b,c\"]"), Some(json!(["a", "b,c"])));
    assert_eq!(read("Array(I32)", ""), Some(json!([])));
    assert_eq!(
        read("{name: String, tags: Array(U8)}", r#"{"tags":[1],"name":"x"}"#),
        Some(json!({"name":"x","tags":[1]}))
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    for (ty, text) in [
        ("U8", "300"),
        ("U8", "-1"),
        ("U8", "1.0"),
        ("I64", "9223372036854775808"),
        ("Boolean", "yes"),
        ("ID", "12"),
        ("Date", "yesterday"),
        ("F32", "NaN"),
        ("Array(U8)", "[1, \"2\"]"),
        ("{a: U8}", "{}"),
        ("{a: U8}", "3"),
    ] {
        assert_eq!(read(ty, text), None, "{ty} {text}");
    }
}

#[test]
fn an_error_names_the_place() {
    let ty = parse_type("Array({age: U8})").unwrap();
    let error = from_text("people", &ty, r#"[{"age":1},{"age":"x"}]"#).unwrap_err();
    insta::assert_snapshot!(error, @"parameter `people[1].age`: expected U8, got `\"x\"`");
}

fn types() -> impl Strategy<Value = ValueType> {
    let scalar = prop::sample::select(ScalarType::ALL.to_vec()).prop_map(ValueType::Scalar);
    scalar.prop_recursive(3, 12, 3, |inner| {
        let list = inner.clone().prop_map(|ty| ValueType::List(Box::new(ty)));
        let member = prop_oneof![inner.clone(), inner.prop_map(|ty| ValueType::Optional(Box::new(ty)))];
        let object = prop::collection::btree_map("[a-z]{1,4}", member, 0..3);
        prop_oneof![list, object.prop_map(|members| ValueType::Object(members.into_iter().collect()))]
    })
}

proptest! {
    #[test]
    fn every_type_text_is_read_back(ty in types()) {
        prop_assert_eq!(parse_type(&ty.to_string()), Some(ty));
    }

    #[test]
    fn any_text_is_harmless(text in ".{0,40}") {
        let _ = parse_type(&text);
        for scalar in ScalarType::ALL {
            let _ = from_text("p", &ValueType::Scalar(scalar), &text);
        }
    }
}
