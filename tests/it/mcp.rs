//! The Model Context Protocol: the tools that the published clients call, with those clients, and the standard server, with the
//! official client.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, post_text, post_with, test_package};
use helix::compiler::{self, SourceSet};
use serde_json::{Value, json};

const APP: &str = include_str!("mcp/app.hx");

struct Walk<'p> {
    project: &'p Project,
    id: String,
}

impl<'p> Walk<'p> {
    fn new(project: &'p Project) -> Self {
        let (status, id) = project.call("mcp/init", &json!({}));
        assert_eq!(status, 200);
        Self { project, id: id.as_str().unwrap().to_owned() }
    }

    fn call(&self, tool: &str, mut body: Value) -> (u16, Value) {
        body["connection_id"] = json!(self.id);
        self.project.call(&format!("mcp/{tool}"), &body)
    }

    fn step(&self, tool: &str, data: Value) -> Value {
        let (status, item) = self.call(tool, json!({"data": data}));
        assert_eq!(status, 200, "{tool}: {item}");
        item
    }

    fn names(&self) -> Vec<String> {
        let (status, items) = self.call("collect", json!({"drop": false}));
        assert_eq!(status, 200, "{items}");
        items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

fn project() -> Project {
    let project = Project::new(APP);
    project.helix(&["push", "dev"]).code(0);
    project.ok("setup", &json!({}));
    project
}

#[test]
fn a_walk_keeps_its_steps_and_its_place() {
    let project = project();
    let walk = Walk::new(&project);
    let first = walk.step("n_from_type", json!({"node_type": "User"}));
    assert_eq!((&first["label"], &first["version"], &first["name"]), (&json!("User"), &json!(1), &json!("ann")));
    assert_eq!(first.as_object().unwrap().len(), 6, "what is absent is not shown: {first}");
    assert_eq!(walk.names(), ["ann", "bob", "cat"]);
    assert_eq!(walk.call("next", json!({})).1["name"], "bob");
    assert_eq!(walk.call("next", json!({})).1["name"], "cat");
    assert_eq!(walk.call("next", json!({})), (200, Value::Null));
    // A step goes on from all items.
    assert_eq!(walk.step("out_step", json!({"edge_label": "Follows", "edge_type": "node"}))["name"], "bob");
    assert_eq!(walk.names(), ["bob", "cat", "cat"]);
    assert_eq!(walk.step("out_e_step", json!({"edge_label": "Follows"}))["since"], 2021);
    assert_eq!(walk.step("in_step", json!({"edge_label": "Follows", "edge_type": "node"})), Value::Null);
    // A source starts anew.
    let edge = walk.step("e_from_type", json!({"edge_type": "Follows"}));
    assert_eq!(edge["label"], "Follows");
    assert!(edge["from_node"].as_str().unwrap().len() == 36 && edge["to_node"].as_str().unwrap().len() == 36, "{edge}");
    let (_, part) = walk.call("collect", json!({"range": {"start": 1, "end": 2}, "drop": false}));
    assert_eq!(part.as_array().unwrap().len(), 1);
    let (_, rest) = walk.call("collect", json!({"range": {"start": 1, "end": -1}}));
    assert_eq!(rest.as_array().unwrap().len(), 2);
    // `collect` has dropped the steps.
    assert_eq!(walk.call("next", json!({})).0, 400);
    assert_eq!(walk.call("reset", json!({})), (200, json!(walk.id)));
}

#[test]
fn filters_orders_and_groups() {
    let project = project();
    let walk = Walk::new(&project);
    let users = || walk.step("n_from_type", json!({"node_type": "User"}));
    let filter = |filter: Value| {
        users();
        walk.step("filter_items", json!({"filter": filter}));
        walk.names()
    };
    let is = |key: &str, operator: &str, value: Value| json!({"key": key, "operator": operator, "value": value});
    assert_eq!(filter(json!({"properties": [[{"key": "name", "value": "bob"}]]})), ["bob"]);
    assert_eq!(filter(json!({"properties": [[is("age", ">=", json!(31))]]})), ["ann", "bob"]);
    assert_eq!(filter(json!({"properties": [[is("age", "<", json!(31.5)), is("age", ">", json!(20))]]})), ["ann"]);
    assert_eq!(
        filter(json!({"properties": [[is("name", "==", json!("ann"))], [is("name", "==", json!("cat"))]]})),
        ["ann", "cat"]
    );
    assert_eq!(filter(json!({"properties": [[is("name", "==", json!(["bob", "cat"]))]]})), ["bob", "cat"]);
    assert_eq!(filter(json!({"properties": [[is("tags", "==", json!(["x", "z"]))]]})), ["ann", "cat"]);
    assert_eq!(filter(json!({"properties": [[is("nothing", "==", json!(1))]]})), Vec::<String>::new());
    assert_eq!(filter(json!({"properties": [[is("age", "==", json!("old"))]]})), Vec::<String>::new());
    assert_eq!(filter(json!({"properties": [], "filter_traversals": []})), ["ann", "bob", "cat"]);
    let follows = json!({"tool_name": "out_step", "args": {"edge_label": "Follows", "edge_type": "node"}});
    assert_eq!(filter(json!({"filter_traversals": [follows]})), ["ann", "bob"]);
    let follows_cat = json!({"tool_name": "out_step", "args": {
        "edge_label": "Follows", "edge_type": "node", "filter": {"properties": [[is("name", "==", json!("cat"))]]},
    }});
    assert_eq!(
        filter(json!({"properties": [[is("age", ">", json!(31))]], "filter_traversals": [follows_cat]})),
        ["bob"]
    );
    users();
    walk.step("out_step", json!({"edge_label": "Follows", "edge_type": "node", "filter": {"properties": [[is("name", "!=", json!("cat"))]]}}));
    assert_eq!(walk.names(), ["bob"]);
    users();
    assert_eq!(walk.step("order_by", json!({"properties": "age", "order": "desc"}))["name"], "bob");
    assert_eq!(walk.names(), ["bob", "ann", "cat"]);
    walk.step("order_by", json!({"properties": "nothing", "order": "asc"}));
    users();
    let (status, groups) = walk.call("group_by", json!({"properties": ["city"], "drop": false}));
    let expected =
        json!({"Count": {"Oslo": {"values": {"city": "Oslo"}, "count": 2}, "null": {"values": {}, "count": 1}}});
    assert_eq!((status, groups), (200, expected));
    let (status, groups) = walk.call("aggregate_by", json!({"properties": ["city", "nothing"]}));
    assert_eq!((status, &groups["Count"]["Oslo_null"]["count"]), (200, &json!(2)), "{groups}");
    assert_eq!(walk.call("group_by", json!({"properties": ["city"]})).0, 400, "the walk was dropped");
    // The same steps through the general call.
    let (status, first) =
        walk.call("tool_call", json!({"tool": {"tool_name": "n_from_type", "args": {"node_type": "User"}}}));
    assert_eq!((status, &first["name"]), (200, &json!("ann")));
}

#[test]
fn searches_are_walks_too() {
    let project = project();
    let walk = Walk::new(&project);
    assert_eq!(
        walk.step("search_keyword", json!({"query": "graph databases", "label": "Doc", "limit": 2}))["name"],
        "one"
    );
    assert_eq!(walk.names(), ["one", "two"]);
    // No query searches users, so that they have no index.
    let user = walk.step("search_keyword", json!({"query": "oslo cat", "label": "User", "limit": 5}));
    assert_eq!((&user["name"], walk.names()), (&json!("cat"), vec!["cat".to_owned(), "bob".to_owned()]));
    walk.step("n_from_type", json!({"node_type": "Doc"}));
    let nearest = walk.step("out_step", json!({"edge_label": "Embedded", "edge_type": "vec"}));
    assert!(nearest.get("data").is_none(), "{nearest}");
    assert_eq!((&nearest["deleted"], &nearest["level"]), (&json!(false), &json!(0)));
    let found = walk.step("search_vector", json!({"vector": [0.0, 1.0], "k": 2, "min_score": null}));
    assert_eq!(found["of"], "two");
    let step = json!({"tool_name": "search_vec", "args": {"vector": [1.0, 0.0], "k": 1}});
    assert_eq!(walk.call("tool_call", json!({"tool": step})).1["of"], "one");
}

#[test]
fn queries_with_the_macro_are_tools_and_others_are_not() {
    let project = project();
    let walk = Walk::new(&project);
    assert_eq!(walk.call("olderMcp", json!({"data": {"than": 30}})), (200, json!({"users": ["ann", "bob"]})));
    assert_eq!(walk.call("olderMcp", json!({"data": {}})).0, 400);
    assert_eq!(walk.call("setupMcp", json!({"data": {}})).0, 404);
    assert_eq!(walk.call("nothing", json!({"data": {}})).0, 404);
    let (status, error) = project.call("mcp/next", &json!({"connection_id": "none"}));
    assert_eq!((status, &error["error"]), (404, &json!("Storage error: Connection not found: none")));
    let (status, schema) = walk.call("schema_resource", json!({}));
    let schema: Value = serde_json::from_str(schema.as_str().unwrap()).unwrap();
    assert_eq!((status, &schema["schema"]["nodes"][1]["name"]), (200, &json!("User")));
    for (tool, data) in [
        ("n_from_type", json!({"node_type": "Nobody"})),
        ("out_step", json!({"edge_label": "Follows", "edge_type": "node"})),
        ("n_from_type", json!({})),
        ("search_keyword", json!({"query": "x", "label": "Follows"})),
    ] {
        assert_eq!(walk.call(tool, json!({"data": data})).0, 400, "{tool} {data}");
    }
}

#[test]
fn a_walk_goes_on_when_the_program_changes() {
    let project = project();
    let walk = Walk::new(&project);
    walk.step("n_from_type", json!({"node_type": "User"}));
    project.write("db/app.hx", &format!("N::Aardvark {{ name: String }}\n{APP}"));
    project.helix(&["push", "dev"]).code(0);
    assert_eq!(walk.call("next", json!({})).1["name"], "bob");
}

#[test]
fn the_tools_can_be_switched_off() {
    let project = Project::new(APP);
    let settings = std::fs::read_to_string(project.root().join("helix.toml")).unwrap();
    project.write("helix.toml", &settings.replacen("[local.dev]", "[local.dev]\nmcp = false", 1));
    project.helix(&["push", "dev"]).code(0);
    assert_eq!(project.call("mcp/init", &json!({})).0, 404);
    assert_eq!(project.call("mcp", &json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).0, 404);
}

fn run(mut command: Command) {
    let output = command.output().expect("the client's interpreter runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

fn script(package: &str, name: &str, project: &Project) -> Command {
    let mut command = Command::new(test_package(package).join("bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp").join(name)).arg(project.port().to_string());
    command
}

#[test]
fn a_query_that_hides_a_tool_is_warned_of() {
    let page = include_str!("../../docs/mcp.md");
    let names = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let tools: Vec<&str> = names.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    assert_eq!(tools.len(), 18, "{tools:?}");
    for tool in tools {
        let text = format!("N::User {{ name: String }}\n#[mcp]\nQUERY {tool}() => RETURN N<User>::COUNT\n");
        let compiled = compiler::compile(&SourceSet::new([("app.hx".to_owned(), text)]));
        let found: Vec<_> = compiled.diagnostics.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(found, [format!("the query hides the tool `{tool}` of the MCP server")]);
        assert!(compiled.program.is_some());
    }
}

#[test]
fn the_official_client_lists_and_calls_tools() {
    let project = project();
    run(script("mcp", "official.py", &project));
}

#[test]
fn the_published_client_walks() {
    let project = project();
    run(script("mcp-helix-py", "helix_py.py", &project));
}

#[test]
fn a_filter_takes_any_element_of_an_array() {
    let project = Project::new(
        r#"
        N::U { name: String, tags: [String], n: I32, ns: [I32], big: U128 }
        QUERY setup() =>
            full <- AddN<U>({ name: "full", tags: ["a", "b"], n: 1, ns: [1, 2], big: 18446744073709551617 })
            bare <- AddN<U>({ name: "bare" })
            RETURN NONE
        "#,
    );
    project.helix(&["push", "dev"]).code(0);
    project.ok("setup", &json!({}));
    let walk = Walk::new(&project);
    let filter = |key: &str, operator: &str, value: &str| {
        walk.step("n_from_type", json!({"node_type": "U"}));
        let value: Box<serde_json::value::RawValue> = serde_json::from_str(value).unwrap();
        let condition = format!(r#"{{"key": "{key}", "value": {value}, "operator": "{operator}"}}"#);
        let body =
            format!(r#"{{"connection_id": "{}", "data": {{"filter": {{"properties": [[{condition}]]}}}}}}"#, walk.id);
        let (status, answer) = post_text(&project.url(), "mcp/filter_items", body).unwrap();
        assert_eq!(status, 200, "{answer}");
        walk.names().join(" ")
    };
    for (key, operator, value, found) in [
        ("tags", "==", r#""a""#, "full"),
        ("tags", "==", r#""c""#, ""),
        ("tags", "!=", r#""a""#, "full"),
        ("tags", "!=", r#"["a", "b"]"#, "full"),
        ("tags", ">", r#""a""#, "full"),
        ("tags", ">", r#""b""#, ""),
        ("tags", "!=", "1", ""),
        ("ns", "<", "3", "full"),
        ("ns", "<", "1", ""),
        ("ns", ">=", "2", "full"),
        ("ns", ">", "[5, 1]", "full"),
        ("ns", "==", "[]", ""),
        ("ns", "==", "null", ""),
        ("n", "!=", "[1, 2]", "full"),
        ("n", "!=", "1", ""),
        ("big", "==", "18446744073709551617", "full"),
        ("big", "!=", "18446744073709551617", ""),
        ("big", ">", "18446744073709551616", "full"),
    ] {
        assert_eq!(filter(key, operator, value), found, "{key} {operator} {value}");
    }
}

#[test]
fn a_number_keeps_its_digits_on_each_way() {
    let project =
        Project::new("N::U { n: U8 }\n#[mcp]\nQUERY big(n: U128) => RETURN n\n#[mcp]\nQUERY float(n: F64) => RETURN n");
    project.helix(&["push", "dev"]).code(0);
    let walk = Walk::new(&project);
    let (number, answer) =
        ("340282366920938463463374607431768211455", r#"{"n":340282366920938463463374607431768211455}"#);
    let data = format!(r#"{{"n": {number}}}"#);
    assert_eq!(post_text(&project.url(), "big", data.clone()).unwrap(), (200, answer.to_owned()));
    let body = format!(r#"{{"connection_id": "{}", "data": {data}}}"#, walk.id);
    assert_eq!(post_text(&project.url(), "mcp/bigMcp", body).unwrap(), (200, answer.to_owned()));
    for (tool, expected) in [("big", answer), ("float", r#"{"n":3.402823669209385e38}"#)] {
        let params = format!(r#"{{"name": "{tool}", "arguments": {data}}}"#);
        let message = format!(r#"{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}"#);
        let (status, answer) = message_to(&project, &message, &[]);
        assert_eq!((status, &answer["result"]["content"][0]["text"]), (200, &json!(expected)), "{answer}");
    }
}

#[test]
fn what_is_wrong_with_a_call_is_said_in_its_words() {
    let project = project();
    let walk = Walk::new(&project);
    let filter = |condition: Value| json!({"data": {"filter": {"properties": [[condition]]}}});
    for (tool, body, message) in [
        ("n_from_type", json!({}), "missing field `data`"),
        ("n_from_type", json!({"data": null}), "missing field `data`"),
        ("n_from_type", json!({"data": []}), "field `data`: expected object, got array"),
        ("n_from_type", json!({"data": {}}), "missing field `data.node_type`"),
        ("n_from_type", json!({"data": {"node_type": 1}}), "field `data.node_type`: expected string, got 1"),
        (
            "order_by",
            json!({"data": {"properties": "age", "order": "up"}}),
            "field `data.order`: expected `asc` or `desc`, got `up`",
        ),
        ("filter_items", json!({"data": {"filter": "age"}}), "field `data.filter`: expected object, got string"),
        ("filter_items", filter(json!({"key": "age"})), "missing field `data.filter.properties.value`"),
        ("filter_items", filter(json!({"value": 1})), "missing field `data.filter.properties.key`"),
        (
            "search_keyword",
            json!({"data": {"query": "a", "label": "Doc", "limit": -1}}),
            "field `data.limit`: expected a whole number from 0 on, got -1",
        ),
        ("search_vector", json!({"data": {"vector": ["a"]}}), "field `data.vector`: expected number, got string"),
        (
            "out_step",
            json!({"data": {"edge_label": "Follows", "edge_type": 5}}),
            "field `data.edge_type`: expected `node` or `vec` or `vector`, got 5",
        ),
        ("tool_call", json!({}), "missing field `tool`"),
        ("tool_call", json!({"tool": {"tool_name": "n_from_type"}}), "missing field `tool.args`"),
        ("collect", json!({"range": {"end": 1}}), "missing field `range.start`"),
        ("group_by", json!({}), "missing field `properties`"),
        ("olderMcp", json!({"data": {"than": "a"}}), "field `than`: expected U8, got string"),
    ] {
        let (status, answer) = walk.call(tool, body.clone());
        assert_eq!((status, &answer["error"]), (400, &json!(format!("Decode error: {message}"))), "{tool} {body}");
    }
    let (status, answer) = project.call("mcp/next", &json!({}));
    assert_eq!((status, &answer["error"]), (400, &json!("Decode error: missing field `connection_id`")));
    let deep = (0..100).fold("{}".to_owned(), |inner, _| {
        format!(r#"{{"filter_traversals": [{{"tool_name": "out_step", "args": {{"edge_label": "Follows", "filter": {inner}}}}}]}}"#)
    });
    let body = format!(r#"{{"connection_id": "{}", "data": {{"filter": {deep}}}}}"#, walk.id);
    let (status, answer) = post_text(&project.url(), "mcp/filter_items", body).unwrap();
    assert_eq!(status, 400);
    assert!(answer.contains("nested more than"), "{answer}");
}

/// Sends a message to the standard server: the status, and the answer, null where it is no JSON.
fn message_to(project: &Project, message: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let all = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    let headers: Vec<_> = all.iter().chain(headers).copied().collect();
    let (status, text) = post_with(&project.url(), "mcp", message.to_owned(), &headers).unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn the_standard_server_refuses_in_the_words_of_json_rpc() {
    let project = project();
    let call = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    for (message, status, code) in [
        ("{".to_owned(), 400, -32700),
        ("graph".to_owned(), 400, -32700),
        ("[]".to_owned(), 400, -32600),
        ("{}".to_owned(), 400, -32600),
        (call("initialize", json!({})), 200, -32602),
        (call("tools/call", json!({})), 200, -32602),
        (call("tools/call", json!({"name": "older", "arguments": [1]})), 200, -32602),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}).to_string(), 200, -32602),
        (call("tools/call", json!({"name": "nothing"})), 200, -32602),
        (call("tools/burn", json!({})), 200, -32601),
    ] {
        let (found, answer) = message_to(&project, &message, &[]);
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{message}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0", "{message}: {answer}");
    }
}

#[test]
fn a_website_cannot_call_the_standard_server_of_this_machine() {
    let project = project();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    assert_eq!(message_to(&project, &ping, &[]).0, 200);
    for (origin, status) in [
        ("http://localhost:5173", 200),
        ("http://127.0.0.1", 200),
        ("https://[::1]:8443", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("nonsense", 403),
    ] {
        assert_eq!(message_to(&project, &ping, &[("origin", origin)]).0, status, "{origin}");
    }
}
