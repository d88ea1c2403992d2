use super::*;
use crate::compiler::{SourceSet, compile};

fn project(root: &Path) -> NewProject {
    let root = root.to_owned();
    let name = "My \"App\"".to_owned();
    NewProject { root, name, queries: "./db/".to_owned(), instance: "dev".to_owned(), runtime: None }
}

#[test]
fn the_example_compiles_without_a_word() {
    let sources =
        [("schema.hx", SCHEMA), ("queries.hx", QUERIES)].map(|(path, text)| (path.to_owned(), text.to_owned()));
    let compiled = compile(&SourceSet::new(sources));
    assert_eq!(compiled.diagnostics, []);
    let names: Vec<_> = compiled.program.unwrap().queries.into_iter().map(|query| query.name).collect();
    assert_eq!(names, ["add_user", "follow", "followers", "users"]);
}

#[test]
fn the_project_file_is_valid_whatever_the_name() {
    let text = config(&project(Path::new("/x")));
    let errors = crate::config::Config::parse("helix.toml", &text).unwrap_err();
    assert_eq!(errors.problems.len(), 1, "the name is quoted, and refused for what it is: {errors:?}");
}

#[test]
fn gitignore_gets_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".gitignore");
    fs::write(&path, "mine\n.helix/\n*.log").unwrap();
    let planned = gitignore(&path).unwrap();
    assert_eq!(planned.deed, Deed::Extend);
    assert_eq!(planned.content, "mine\n.helix/\n*.log\ntarget/\n.env\n.env.*\n!.env.example\n");
    fs::write(&path, &planned.content).unwrap();
    assert_eq!(gitignore(&path).unwrap().deed, Deed::Keep);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("app");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("db"), "a file where a folder should be").unwrap();
    fs::write(root.join(".gitignore"), "mine\n").unwrap();
    let new = project(&root);
    let files = plan(&new).unwrap();
    assert!(apply(&new, &files).is_err());
    let left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(fs::read_to_string(root.join(".gitignore")).unwrap(), "mine\n");
}
