use std::os::unix::fs::PermissionsExt as _;

use super::*;

struct Home {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Home {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".docker")).unwrap();
        std::fs::write(folder.path().join(".docker/config.json"), config).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        Self { folder, env: BTreeMap::from([("PATH".to_owned(), path)]) }
    }

    fn helper(&self, name: &str, script: &str) {
        let path = self.folder.path().join(format!("docker-credential-{name}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    async fn find(&self, host: &str, path: &str) -> Result<Option<(String, String, String)>, CredentialError> {
        let repository = Repository::new(host, path, false).unwrap();
        let found = find(&self.env, self.folder.path(), &repository).await?;
        Ok(found.map(|login| {
            let (user, secret) = match &login.credential {
                Credential::Basic { user, password } => (user.clone(), password.expose_secret().to_owned()),
                Credential::Identity(token) => ("<identity>".to_owned(), token.expose_secret().to_owned()),
            };
            (user, secret, login.source)
        }))
    }
}

#[tokio::test]
async fn the_most_specific_login_counts_and_names_its_source() {
    // `a:b`, `c:d:e`, `hub:p`.
    let home = Home::new(
        r#"{"auths": {"https://r.example/v2/": {"auth": "YTpi"}, "r.example/acme": {"auth": "YzpkOmU"},
            "https://index.docker.io/v1/": {"auth": "aHViOnA="}, "i.example": {"identitytoken": "it"}, "e.example": {}}}"#,
    );
    let source = home.folder.path().join(".docker/config.json").display().to_string();
    let login = |user: &str, secret: &str| Some((user.to_owned(), secret.to_owned(), source.clone()));
    assert_eq!(home.find("r.example", "acme/app").await.unwrap(), login("c", "d:e"));
    assert_eq!(home.find("r.example", "acmes/app").await.unwrap(), login("a", "b"));
    assert_eq!(home.find("docker.io", "acme/app").await.unwrap(), login("hub", "p"));
    assert_eq!(home.find("i.example", "a").await.unwrap(), login("<identity>", "it"));
    assert_eq!(home.find("e.example", "a").await.unwrap(), None);
    assert_eq!(home.find("other.example", "a").await.unwrap(), None);
}

#[tokio::test]
async fn helpers_are_asked_and_may_know_nothing() {
    let home = Home::new(
        r#"{"credsStore": "all", "credHelpers": {"h.example": "one", "slow.example": "missing"},
            "auths": {"n.example": {"auth": "YTpi"}}}"#,
    );
    home.helper("one", r#"read key; echo "{\"ServerURL\":\"$key\",\"Username\":\"<token>\",\"Secret\":\"for $key\"}""#);
    home.helper("all", "echo 'credentials not found in native keychain'; exit 1");
    let (user, secret, source) = home.find("h.example", "a/b").await.unwrap().unwrap();
    assert_eq!((user.as_str(), secret.as_str()), ("<identity>", "for h.example"));
    assert_eq!(source, "docker-credential-one");
    assert_eq!(home.find("n.example", "a").await.unwrap().unwrap().0, "a");
    let missing = home.find("slow.example", "a").await.unwrap_err().to_string();
    assert!(missing.contains("docker-credential-missing") && missing.contains("config.json"), "{missing}");
    home.helper("all", "echo planted; exit 1");
    let failed = home.find("n.example", "a").await.unwrap_err().to_string();
    assert!(failed.contains("docker-credential-all") && !failed.contains("planted"), "{failed}");
}

#[tokio::test]
async fn a_damaged_file_is_told_and_not_quoted() {
    let home = Home::new(r#"{"auths": {"r.example": {"auth": 5, "password": "planted"}}}"#);
    let error = home.find("r.example", "a").await.unwrap_err().to_string();
    assert!(error.contains("line 1") && !error.contains("planted"), "{error}");
    let home = Home::new(r#"{"auths": {"r.example": {"auth": "cGxhbnRlZA=="}}}"#);
    let error = home.find("r.example", "a").await.unwrap_err().to_string();
    assert!(error.contains("damaged") && !error.contains("planted"), "{error}");
}
