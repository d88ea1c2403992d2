//! The developer routes, over a real socket.

use crate::support::Project;
use serde_json::{Value, json};

const APP: &str = r"
N::User { name: String, age: U8, tags: [String] }
N::City { name: String }
V::Photo { title: String }
E::Knows { From: User, To: User }
E::Lives { From: User, To: City }
E::Shows { From: User, To: Photo }

QUERY setup() =>
    ann <- AddN<User>({ name: 'ann', age: 31, tags: ['x'] })
    bob <- AddN<User>({ name: 'bob' })
    oslo <- AddN<City>({ name: 'Oslo' })
    photo <- AddV<Photo>([1.0, 0.5], { title: 't' })
    AddE<Knows>::From(ann)::To(bob)
    AddE<Knows>::From(ann)::To(ann)
    AddE<Lives>::From(ann)::To(oslo)
    AddE<Shows>::From(bob)::To(photo)
    RETURN ann::ID, bob::ID, oslo::ID, photo::ID
";

fn get(project: &Project, route: &str) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = reqwest::get(format!("{}/{route}", project.url())).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

fn project() -> (Project, Value) {
    let project = Project::new(&APP.replace('\'', "\""));
    project.helix(&["push", "dev"]).code(0);
    let ids = project.ok("setup", &json!({}));
    (project, ids)
}

#[test]
fn the_graph_is_shown_whole_and_by_its_best_connected_nodes() {
    let (project, ids) = project();
    let (status, all) = get(&project, "nodes-edges");
    assert_eq!((status, &all["stats"]), (200, &json!({"num_nodes": 3, "num_edges": 4, "num_vectors": 1})), "{all}");
    assert_eq!(all["data"]["nodes"].as_array().unwrap().len(), 3);
    assert!(all["data"]["nodes"][0].get("label").is_none());
    assert_eq!(all["data"]["edges"].as_array().unwrap().len(), 4);
    assert_eq!((&all["vectors"][0]["dimension"], &all["vectors"][0]["data"]), (&json!(2), &json!([1.0, 0.5])));
    assert_eq!(all["vectors"][0]["id"], ids["photo"]);
    let (_, named) = get(&project, "nodes-edges?node_label=age");
    let labels: Vec<&Value> = named["data"]["nodes"].as_array().unwrap().iter().map(|node| &node["label"]).collect();
    assert_eq!(labels, ["City", "31", "User"]);
    let (_, best) = get(&project, "nodes-edges?limit=1&node_label=name");
    assert_eq!(best["data"]["nodes"], json!([{"id": ids["ann"], "title": ids["ann"], "label": "ann"}]));
    assert_eq!(best["data"]["edges"].as_array().unwrap().len(), 3);
    assert!(best["data"]["edges"][0].get("id").is_none());
    assert_eq!(get(&project, "nodes-edges?limit=301").0, 400);
    assert_eq!(get(&project, "nodes-edges?limit=many").0, 400);
    let (status, refused) = project.call("nodes_edges", &json!({"limit": -1}));
    let message = "Decode error: expected a whole number for `limit` at line 1 column 12";
    assert_eq!((status, &refused["error"]), (400, &json!(message)));
    assert_eq!(project.call("nodes_edges", &json!({"limit": 1})).1["stats"]["num_nodes"], 3);
}

#[test]
fn nodes_are_shown_by_type_and_id_with_text_for_values() {
    let (project, ids) = project();
    let (_, users) = get(&project, "nodes-by-label?label=User&limit=1");
    let ann =
        json!({"id": ids["ann"], "label": "User", "title": ids["ann"], "name": "ann", "age": "31", "tags": "[\"x\"]"});
    assert_eq!(users, json!({"nodes": [ann], "count": 1}));
    assert_eq!(get(&project, "nodes-by-label?label=Nobody").1, json!({"nodes": [], "count": 0}));
    let id = ids["bob"].as_str().unwrap();
    let bob = json!({"id": id, "label": "User", "title": id, "name": "bob"});
    assert_eq!(get(&project, &format!("node-details?id={id}")).1, json!({"node": bob, "found": true}));
    let decimal = uuid::Uuid::parse_str(id).unwrap().as_u128().to_string();
    assert_eq!(get(&project, &format!("node-details?id={decimal}")).1["found"], true);
    assert_eq!(project.call("node_details", &json!({"id": "0"})), (200, json!({"node": null, "found": false})));
    for (route, message) in [
        ("nodes-by-label", "Graph error: label is required"),
        ("node-details", "Graph error: id is required"),
        ("node-connections", "Graph error: node_id is required"),
        ("node-details?id=x", "Graph error: invalid ID format: must be UUID or u128"),
        ("node-connections?node_id=x", "Graph error: Invalid node_id format - must be UUID or u128"),
    ] {
        let (status, error) = get(&project, route);
        assert_eq!((status, &error["error"]), (400, &json!(message)), "{route}");
    }
}

#[test]
fn connections_of_a_node_are_shown_in_both_directions() {
    let (project, ids) = project();
    let (_, ann) = get(&project, &format!("node-connections?node_id={}", ids["ann"].as_str().unwrap()));
    let names: Vec<&Value> = ann["connected_nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
    assert_eq!(names, ["bob", "ann", "Oslo"], "{ann}");
    assert_eq!(ann["outgoing_edges"].as_array().unwrap().len(), 3);
    assert_eq!(ann["incoming_edges"].as_array().unwrap().len(), 1);
    let (_, bob) = get(&project, &format!("node-connections?node_id={}", ids["bob"].as_str().unwrap()));
    assert_eq!(bob["outgoing_edges"][0]["to_node"], ids["photo"]);
    assert_eq!(bob["connected_nodes"].as_array().unwrap().len(), 1, "vectors are no nodes");
}
