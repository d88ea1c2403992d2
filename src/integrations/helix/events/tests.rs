use std::convert::Infallible;

use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn shown(data: &Value) -> String {
    format!("{:?}", decode(&data.to_string()))
}

#[test]
fn both_encodings_mean_the_same() {
    let cases = [
        ("user_verification", json!({"user_code": "AB-12", "verification_uri": "https://a.example"})),
        ("success", json!({"key": "k", "user_id": 7})),
        ("device_code_timeout", json!({"message": "too late"})),
        ("error", json!({"error": "no"})),
        ("progress", json!({"percentage": 12.5, "message": "half"})),
        ("log", json!({"message": "hello", "level": "warn", "timestamp": "2026-01-01T00:00:00Z"})),
        ("backfill_complete", json!({})),
        ("status_transition", json!({"from": "a", "to": "b"})),
        ("creating_project", json!({})),
        ("project_created", json!({"cluster_id": "c"})),
        ("validating_queries", json!({})),
        ("building", json!({})),
        ("deploying", json!({})),
        ("deployed", json!({"url": "u", "auth_key": "k"})),
        ("redeployed", json!({"url": "u"})),
        ("done", json!({"url": "u"})),
        ("bad_request", json!({"error": "e"})),
        ("query_validation_error", json!({"error": "e"})),
    ];
    for (kind, fields) in cases {
        let external = shown(&json!({ kind: fields }));
        let mut internal = fields.clone();
        internal["type"] = json!(kind);
        assert_eq!(external, shown(&internal), "{kind}");
        assert!(external.starts_with("Ok(Some("), "{kind}: {external}");
        if fields == json!({}) {
            assert_eq!(external, shown(&json!(kind)), "{kind}");
        }
    }
    let nested = shown(&json!({"type": "success", "data": {"key": "k", "user_id": 7}}));
    assert_eq!(nested, shown(&json!({"success": {"key": "k", "user_id": 7}})));
}

#[test]
fn a_key_is_in_no_debug_text_and_in_no_error() {
    let texts = [
        shown(&json!({"success": {"key": "planted"}})),
        shown(&json!({"deployed": {"url": "u", "auth_key": "planted"}})),
        shown(&json!({"deployed": {"auth_key": "planted"}})),
        format!("{:?}", decode("{\"success\": {\"key\": \"planted\"")),
    ];
    for text in texts {
        assert!(!text.contains("planted"), "{text}");
    }
}

#[test]
fn unknown_types_are_left_out_and_broken_ones_are_not() {
    assert!(matches!(decode("{\"confetti\": {\"count\": 3}}"), Ok(None)));
    assert!(matches!(decode("\"confetti\""), Ok(None)));
    for broken in ["", "{", "12", "[]", "{}", "{\"a\": 1, \"b\": 2}", "{\"deployed\": {}}"] {
        assert!(decode(broken).is_err(), "{broken}");
    }
}

/// The events in these parts, told as text, and the failure at the end if there is one.
fn read(parts: Vec<Vec<u8>>) -> Vec<String> {
    let bytes = stream::iter(parts.into_iter().map(Ok::<_, Infallible>));
    let all = of_bytes(bytes).map(|event| format!("{event:?}")).collect::<Vec<_>>().now_or_never();
    all.expect("a stream in memory does not wait")
}

fn cut(bytes: &[u8], places: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #[test]
    fn where_the_bytes_are_cut_changes_nothing(
        messages in prop::collection::vec("\\PC{0,12}", 1..6),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        internal in any::<bool>(),
        windows in any::<bool>(),
    ) {
        let mut text = String::new();
        for message in &messages {
            let data = if internal { json!({"type": "log", "message": message}) } else { json!({"log": {"message": message}}) };
            text.push_str(&format!(": still here\nevent: x\ndata: {data}\n\ndata: \"confetti\"\n\n"));
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        let whole = read(vec![text.as_bytes().to_vec()]);
        prop_assert_eq!(whole.len(), messages.len());
        prop_assert_eq!(read(cut(text.as_bytes(), &places)), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..64),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        framed in any::<bool>(),
    ) {
        let mut all = if framed { b"data: ".to_vec() } else { Vec::new() };
        all.extend(bytes);
        all.extend(b"\n\n");
        read(cut(&all, &places));
    }
}
