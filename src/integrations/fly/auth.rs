//! The token that Fly.io is called with, and where it is found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use saphyr::{LoadableYamlNode as _, Yaml};
use secrecy::{ExposeSecret as _, SecretString};

use super::TITLE;
use crate::config::FlyAuth;
use crate::config::dotenv;
use crate::integrations::error::{Code, Result, TargetError};

/// The variables that may hold a token, in the order in which they are looked at.
const VARIABLES: [&str; 3] = ["HELIX_FLY_TOKEN", "FLY_ACCESS_TOKEN", "FLY_API_TOKEN"];
/// What macaroons begin with.
const MACAROONS: [&str; 3] = ["fm2_", "fm1r_", "fm1a_"];
/// The file of the earlier generation, in the project.
const LEGACY_FILE: &str = ".helix/helix.env";
const LEGACY_VARIABLE: &str = "FLY_API_KEY";

/// Where a token is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The variables of this process.
    pub env: &'a BTreeMap<String, String>,
    /// The user's folder.
    pub home: &'a Path,
    /// The folder of the project.
    pub root: &'a Path,
}

/// A token, and where it is from.
#[derive(Clone, Debug)]
pub struct Token {
    value: SecretString,
    /// The variable or the file.
    pub source: String,
    /// Whether it is from the file of the earlier generation.
    pub is_legacy: bool,
}

impl Token {
    fn new(text: &str, source: String) -> Result<Self> {
        let text = text.trim();
        let value = text.strip_prefix("FlyV1 ").unwrap_or(text).trim();
        let is_legacy = source.starts_with(LEGACY_FILE);
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let failed = TargetError::new(Code::AuthRejected, TITLE, "log in", format!("{source} holds no token"));
            return Err(failed.hint("set `FLY_API_TOKEN` to what `fly tokens create deploy` prints"));
        }
        Ok(Self { value: value.into(), source, is_legacy })
    }

    /// The token itself: the password of the registry.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.value
    }

    /// The value of the header `Authorization`. Macaroons, one or more with commas, have a scheme of their own.
    ///
    /// Source: <https://github.com/superfly/macaroon>.
    pub(super) fn header(&self) -> Result<HeaderValue> {
        let value = self.value.expose_secret();
        let scheme = if MACAROONS.iter().any(|prefix| value.starts_with(prefix)) { "FlyV1" } else { "Bearer" };
        let mut header = HeaderValue::from_str(&format!("{scheme} {value}")).map_err(|_| {
            TargetError::new(Code::AuthRejected, TITLE, "log in", format!("{} holds no token", self.source))
        })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Finds a token: variables, then the login of `flyctl` unless the project asks for a token, then the file that the earlier
/// generation kept. A source that is there and unusable is an error: no weaker one is tried.
pub(super) fn find(around: Surroundings<'_>, auth: FlyAuth) -> Result<Token> {
    for name in VARIABLES {
        if let Some(value) = around.env.get(name).filter(|value| !value.trim().is_empty()) {
            return Token::new(value, format!("`{name}`"));
        }
    }
    let login = login_file(around);
    if auth == FlyAuth::Cli
        && let Some(text) = read(&login)?
        && let Some(token) = access_token(&text, &login)?
    {
        return Token::new(&token, format!("`{}`", login.display()));
    }
    if let Some(text) = read(&around.root.join(LEGACY_FILE))? {
        let values = dotenv::parse(&text, |_| None).map_err(|error| unusable(LEGACY_FILE, &error.message))?;
        if let Some((_, value)) = values.into_iter().find(|(name, _)| name == LEGACY_VARIABLE) {
            return Token::new(&value, format!("{LEGACY_FILE} (`{LEGACY_VARIABLE}`)"));
        }
    }
    let mut tried: Vec<String> = VARIABLES.iter().map(|name| format!("looked at the variable `{name}`")).collect();
    if auth == FlyAuth::Cli {
        tried.push(format!("looked for `access_token` in `{}`", login.display()));
    }
    tried.push(format!("looked for `{LEGACY_VARIABLE}` in `{LEGACY_FILE}`"));
    Err(TargetError::new(Code::AuthMissing, TITLE, "log in", "there is no token")
        .hint("set `FLY_API_TOKEN` to what `fly tokens create deploy` prints, or log in: `fly auth login`")
        .context(tried))
}

fn login_file(around: Surroundings<'_>) -> PathBuf {
    let folder = around.env.get("FLY_CONFIG_DIR").filter(|folder| !folder.is_empty());
    folder.map_or_else(|| around.home.join(".fly"), PathBuf::from).join("config.yml")
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&path.display().to_string(), &error.to_string())),
    }
}

fn access_token(text: &str, path: &Path) -> Result<Option<String>> {
    // The parser's message may quote the line, which may be the token.
    let documents = Yaml::load_from_str(text).map_err(|_| unusable(&path.display().to_string(), "it is no YAML"))?;
    let token = documents.first().and_then(|document| document.as_mapping_get("access_token")?.as_str());
    Ok(token.map(str::to_owned).filter(|token| !token.is_empty()))
}

fn unusable(file: &str, reason: &str) -> TargetError {
    TargetError::new(Code::AuthRejected, TITLE, "log in", format!("cannot read `{file}`: {reason}"))
        .hint("set `FLY_API_TOKEN`, or log in again: `fly auth login`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        Token::new(text, "`X`".to_owned()).unwrap().header().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn macaroons_have_a_scheme_of_their_own() {
        assert_eq!(header("FlyV1 fm2_a,fm2_b\n"), "FlyV1 fm2_a,fm2_b");
        assert_eq!(header("fm1r_a"), "FlyV1 fm1r_a");
        assert_eq!(header("old"), "Bearer old");
    }

    #[test]
    fn sources_are_asked_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join(".fly")).unwrap();
        fs::create_dir_all(root.join(".helix")).unwrap();
        let mut env = BTreeMap::new();
        let find = |env: &BTreeMap<String, String>, auth| {
            super::find(Surroundings { env, home: root, root }, auth)
                .map(|token| token.value.expose_secret().to_owned())
                .map_err(|error| (error.code, error.context.len()))
        };
        assert_eq!(find(&env, FlyAuth::Cli), Err((Code::AuthMissing, 5)));
        fs::write(root.join(LEGACY_FILE), "FLY_API_KEY=legacy\n").unwrap();
        assert_eq!(find(&env, FlyAuth::Cli).as_deref(), Ok("legacy"));
        fs::write(root.join(".fly/config.yml"), "auto_update: true\naccess_token: \"fm2_login\"\n").unwrap();
        assert_eq!(find(&env, FlyAuth::Cli).as_deref(), Ok("fm2_login"));
        assert_eq!(find(&env, FlyAuth::ApiKey).as_deref(), Ok("legacy"));
        env.insert("FLY_ACCESS_TOKEN".to_owned(), String::new());
        env.insert("FLY_API_TOKEN".to_owned(), "api".to_owned());
        assert_eq!(find(&env, FlyAuth::Cli).as_deref(), Ok("api"));
        env.insert("FLY_API_TOKEN".to_owned(), "two words".to_owned());
        assert_eq!(find(&env, FlyAuth::Cli), Err((Code::AuthRejected, 0)), "a weaker source is not tried");
    }

    #[test]
    fn a_damaged_login_is_told_without_its_content() {
        let error = access_token("access_token: \"planted\n\t- [", Path::new("config.yml")).unwrap_err();
        assert!(!format!("{error:?}").contains("planted"), "{error}");
    }
}
