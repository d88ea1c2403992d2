//! `helix explain`: every code that the compiler prints can be read about.

use crate::support::Project;
use serde_json::json;

const APP: &str = "N::User { name: String }\nQUERY users() =>\n    users <- N<Usr>\n    RETURN users, x\n";

#[test]
fn a_failed_check_says_where_to_read_on_once() {
    let project = Project::new(APP);
    let check = project.helix(&["check"]).code(4);
    let command = "helix explain E-HQL-101";
    assert_eq!(check.stderr.matches("helix explain").count(), 1, "{}", check.stderr);
    assert!(check.stderr.trim_end().ends_with(&format!("`{command}` says more")), "{}", check.stderr);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let page = project.helix(&words).code(0).stdout;
    assert!(page.starts_with("# E-HQL-101: ") && page.contains("```hx"), "what is no terminal gets Markdown: {page}");
    for short in ["E101", "e-hql-101", "101"] {
        assert_eq!(project.helix(&["explain", short]).code(0).stdout, page);
    }
    let json = project.helix(&["explain", "E101", "--json"]).code(0).json();
    assert_eq!(json["data"], json!({ "code": "E-HQL-101", "meaning": "node type not declared", "page": page }));
    project.write("db/app.hx", "N::Response { a: I8 }");
    let strict = project.helix(&["check", "--strict", "--json"]).code(4).json();
    assert_eq!(strict["error"]["hint"], "`helix explain W-HQL-105` says more");
}

#[test]
fn all_codes_are_listed_and_each_is_explained() {
    let project = Project::new(APP);
    let list = project.helix(&["explain", "--json"]).code(0).json();
    let codes: Vec<&str> =
        list["data"]["codes"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect();
    let (of_programs, of_files) = codes.split_at(codes.len() - 2);
    assert_eq!(of_programs, helix::compiler::diagnostics::codes());
    assert_eq!(of_files, ["E-HQL-ENCODING", "E-HQL-TOO-LARGE"]);
    let text = project.helix(&["explain"]).code(0).stdout;
    assert_eq!(text.lines().count(), codes.len() + 1);
    for code in codes {
        let page = project.helix(&["explain", code]).code(0).stdout;
        assert!(page.starts_with("# "), "{code}: {page}");
    }
}

#[test]
fn an_unknown_code_gets_the_nearest_one() {
    let project = Project::new(APP);
    let unknown = project.helix(&["explain", "E-HQL-1O1"]).code(2);
    assert!(unknown.stderr.contains("did you mean `helix explain E-HQL-101`?"), "{}", unknown.stderr);
    let other = project.helix(&["explain", "E-CFG-NO-PROJECT", "--json"]).code(2).json();
    assert_eq!(other["error"]["code"], "E-INPUT-CODE");
    assert_eq!(other["error"]["hint"], "`helix explain` lists those that it can explain");
}
