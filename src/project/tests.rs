use super::*;

fn project(config: &str) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("db/deep")).unwrap();
    fs::write(folder.path().join(FILE_NAME), format!("[project]\nname = \"x\"\n{config}")).unwrap();
    let project = Project::find(&folder.path().join("db/deep"), None).unwrap();
    (folder, project)
}

#[test]
fn a_project_is_found_from_below() {
    let (folder, project) = project("[local.dev]\n");
    assert_eq!(project.root(), fs::canonicalize(folder.path()).unwrap());
    assert_eq!(project.queries(), project.root().join("db/"));
    assert_eq!(project.home("dev"), project.root().join(".helix/dev"));
    let (_, dev) = project.config().locals().next().unwrap();
    assert_eq!(project.data("dev", dev), project.root().join(".helix/.volumes/dev"));
    assert_eq!(project.instance("DEV").unwrap().0, "dev");
    assert_eq!(project.instance("dev2").unwrap_err().hint.as_deref(), Some("did you mean `dev`?"));
}

#[test]
fn no_project_and_an_old_one_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Project::find(folder.path(), None).unwrap_err().code, "E-CFG-NO-PROJECT");
    fs::write(folder.path().join(LEGACY_FILE_NAME), "{}").unwrap();
    assert_eq!(Project::find(folder.path(), None).unwrap_err().code, "E-CFG-LEGACY");
}

#[test]
fn slugs_fit_everywhere() {
    assert_eq!(slug("My App"), "my-app");
    assert_eq!(slug("--__--"), "project");
    assert_eq!(slug("Größe"), "gr-e");
    assert!(slug(&"a-".repeat(60)).len() <= MAX_SLUG);
}

#[test]
fn variables_come_from_the_strongest_source() {
    let (folder, project) =
        project("[local.dev]\nenv.set = { A = \"set\", B = \"set\", C = \"set\", D = \"set\", E = \"set\" }\n");
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    write(".env", "B=root\nC=root\nD=root\nE=root\nNEW=${A}-${HOME}\n");
    write("db/.env", "C=queries\nD=queries\nE=queries\n");
    write(".env.dev", "D=instance\nE=instance\n");
    write("more.env", "F=file\n");
    let (_, dev) = project.config().locals().next().unwrap();
    let process = BTreeMap::from([
        ("E".to_owned(), "process".to_owned()),
        ("HOME".to_owned(), "h".to_owned()),
        ("F".to_owned(), "process".to_owned()),
    ]);
    let files = [folder.path().join("more.env")];
    let variables = project.environment("dev", &dev.env, &process, &files).unwrap();
    let pairs: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(pairs, ["A=set", "B=root", "C=queries", "D=instance", "F=file", "NEW=set-h"]);

    write(".env", "A=1\nbroken\n");
    let failure = project.environment("dev", &dev.env, &process, &[]).unwrap_err();
    assert_eq!(failure.location.unwrap().to_string(), ".env:2:1");
}
