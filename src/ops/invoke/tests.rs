use serde_json::json;

use super::*;

fn introspection() -> Introspection {
    serde_json::from_value(json!({
        "schema": {"nodes": [], "vectors": [], "edges": []},
        "queries": [
            {"name": "add_user", "parameters": {"age": "U8", "name": "String"}, "returns": [], "access": "write"},
            {"name": "feed", "parameters": {}, "returns": []},
        ],
    }))
    .unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn texts_are_typed_and_win_over_data() {
    let introspection = introspection();
    let query = find(&introspection, "add_user").unwrap();
    let body = arguments(query, Some(json!({"age": 1, "name": "Ann", "more": true}).into()), &texts(&[("age", "31")]))
        .unwrap();
    assert_eq!(body.value(), json!({"age": 31, "name": "Ann", "more": true}));
}

#[test]
fn mistakes_are_named_before_anything_is_sent() {
    let introspection = introspection();
    let query = find(&introspection, "add_user").unwrap();
    let error = |data: Option<Value>, pairs: &[(&str, &str)]| {
        arguments(query, data.map(Json::from), &texts(pairs)).unwrap_err().to_string()
    };
    assert_eq!(error(None, &[("age", "31")]), "query `add_user` needs parameter `name`: String");
    assert_eq!(error(None, &[("agee", "31")]), "query `add_user` has no parameter `agee`");
    assert_eq!(error(None, &[("age", "300"), ("name", "x")]), "parameter `age`: expected U8, got `300`");
    assert_eq!(error(Some(json!({"age": "1", "name": "x"})), &[]), "parameter `age`: expected U8, got `\"1\"`");
    assert_eq!(error(Some(json!([1])), &[]), "the data must be a JSON object, got [1]");
}

#[test]
fn an_unknown_query_suggests_the_nearest_name() {
    let error = find(&introspection(), "addUser").unwrap_err();
    assert!(
        matches!(&error, InvokeError::UnknownQuery { nearest: Some(nearest), .. } if nearest == "add_user"),
        "{error}"
    );
    assert!(matches!(find(&introspection(), "zzz").unwrap_err(), InvokeError::UnknownQuery { nearest: None, .. }));
}
