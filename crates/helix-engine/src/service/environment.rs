//! How the surroundings of a server tell it what to do: variables, and nothing else.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value};

use super::log::LogFormat;
use super::settings::{EngineSettings, Env};
use super::{Exit, Failure};

/// The port of a server that was told none.
const DEFAULT_PORT: u16 = 6969;
/// How long requests in flight may take when the server stops, in seconds.
const DEFAULT_DRAIN_SECS: u64 = 10;

/// What the variables of a server say.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    /// Where to listen.
    pub(super) address: SocketAddr,
    /// The data directory.
    pub(super) data: PathBuf,
    /// The settings of the engine.
    pub(super) settings: EngineSettings,
    /// Whether stored data may be lost by the schema of this release.
    pub(super) allow_breaking: bool,
    /// How long requests in flight may take when the server stops.
    pub(super) drain: Duration,
    /// The least level that is logged, or directives.
    pub(super) log_level: String,
    /// What a line of the log looks like.
    pub(super) log_format: LogFormat,
    /// The variables, with those that files hold.
    pub(super) env: Env,
}

/// The folder that holds the data.
pub(super) fn data(env: &Env) -> Result<PathBuf, Failure> {
    set(env, "HELIX_DATA_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new(Exit::Usage, "`HELIX_DATA_DIR` is not set: name the folder that holds the data"))
}

impl Configuration {
    /// Reads the variables. `built_in` are the settings that the release was made with, as JSON.
    pub(super) fn read(built_in: &str, mut env: Env) -> Result<Self, Failure> {
        read_variables(&mut env)?;
        read_key_file(&mut env)?;
        let address = address(&env)?;
        Ok(Self {
            address,
            data: data(&env)?,
            settings: settings(built_in, set(&env, "HELIX_SETTINGS"))?,
            allow_breaking: set(&env, "HELIX_ALLOW_BREAKING").is_some_and(|value| value == "1" || value == "true"),
            drain: Duration::from_secs(
                parsed(&env, "HELIX_DRAIN", "a number of seconds")?.unwrap_or(DEFAULT_DRAIN_SECS),
            ),
            log_level: set(&env, "HELIX_LOG").unwrap_or("info").to_owned(),
            log_format: match set(&env, "HELIX_LOG_FORMAT") {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(other) => return Err(unreadable("HELIX_LOG_FORMAT", other, "`text` or `json`")),
            },
            env,
        })
    }
}

/// Where a server with these variables listens.
pub(super) fn address(env: &Env) -> Result<SocketAddr, Failure> {
    let port = parsed(env, "HELIX_PORT", "a port")?.unwrap_or(DEFAULT_PORT);
    let ip = parsed(env, "HELIX_BIND", "an IP address")?.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Ok(SocketAddr::new(ip, port))
}

/// The built-in settings, with the members of `given` in their place.
fn settings(built_in: &str, given: Option<&str>) -> Result<EngineSettings, Failure> {
    let object = |text: &str, whose: &str| {
        let read = serde_json::from_str::<Map<String, Value>>(text);
        read.map_err(|error| Failure::new(Exit::Usage, format!("{whose} cannot be read: {error}")))
    };
    let mut members = object(built_in, "the settings of this release")?;
    if let Some(given) = given {
        members.extend(object(given, "`HELIX_SETTINGS`")?);
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|error| Failure::new(Exit::Usage, format!("`HELIX_SETTINGS` cannot be used: {error}")))
}

/// Variables in a file are as good as any, and are in no description of a container. Those that are set otherwise stay.
fn read_variables(env: &mut Env) -> Result<(), Failure> {
    let Some(path) = set(env, "HELIX_ENV_FILE") else { return Ok(()) };
    let failed = |why: String| Failure::new(Exit::Usage, format!("`HELIX_ENV_FILE`: cannot read `{path}`: {why}"));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        // What is in the line may be a secret: it is not told.
        let wrong = || failed(format!("line {} is not `NAME=VALUE`, with `\"` around what is not plain", number + 1));
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        found.push((name.to_owned(), unquoted(value).ok_or_else(wrong)?));
    }
    for (name, value) in found {
        env.entry(name).or_insert(value);
    }
    Ok(())
}

/// The value behind quotes: `\n` is a line feed, any other character behind a `\` is itself.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut chars = rest.strip_suffix('"')?.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                c => c,
            },
            c => c,
        });
    }
    Some(text)
}

/// A key in a file is as good as one in a variable, and is in no process list.
fn read_key_file(env: &mut Env) -> Result<(), Failure> {
    let Some(path) = set(env, "HELIX_API_KEY_FILE") else { return Ok(()) };
    let key = fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("`HELIX_API_KEY_FILE`: cannot read `{path}`: {error}")))?;
    env.insert("HELIX_API_KEY".to_owned(), key.trim().to_owned());
    Ok(())
}

fn set<'e>(env: &'e Env, name: &str) -> Option<&'e str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn parsed<T: FromStr>(env: &Env, name: &'static str, expected: &str) -> Result<Option<T>, Failure> {
    let Some(text) = set(env, name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| unreadable(name, text, expected))
}

fn unreadable(name: &str, text: &str, expected: &str) -> Failure {
    Failure::new(Exit::Usage, format!("`{name}` is `{text}`, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn refused(pairs: &[(&str, &str)]) -> String {
        let failure = Configuration::read("{}", env(pairs)).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        failure.message
    }

    #[test]
    fn given_settings_take_the_place_of_built_in_ones_member_by_member() {
        let env = env(&[("HELIX_DATA_DIR", "/d"), ("HELIX_SETTINGS", r#"{"m": 7, "later": true}"#)]);
        let read = Configuration::read(r#"{"m": 5, "ef_search": 9}"#, env).unwrap();
        let expected = EngineSettings { m: 7, ef_search: 9, ..EngineSettings::default() };
        assert_eq!(read.settings, expected);
        assert_eq!(read.address, "127.0.0.1:6969".parse().unwrap());
        assert_eq!(read.drain, Duration::from_secs(10));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        assert!(refused(&[]).contains("HELIX_DATA_DIR"));
        let data = ("HELIX_DATA_DIR", "/d");
        assert_eq!(refused(&[data, ("HELIX_PORT", "70000")]), "`HELIX_PORT` is `70000`, expected a port");
        assert!(refused(&[data, ("HELIX_BIND", "here")]).contains("an IP address"));
        assert!(refused(&[data, ("HELIX_LOG_FORMAT", "xml")]).contains("`text` or `json`"));
        assert!(refused(&[data, ("HELIX_SETTINGS", "[]")]).starts_with("`HELIX_SETTINGS` cannot be read"));
        assert!(refused(&[data, ("HELIX_SETTINGS", r#"{"m": "x"}"#)]).starts_with("`HELIX_SETTINGS` cannot be used"));
        assert!(refused(&[data, ("HELIX_API_KEY_FILE", "/nowhere")]).contains("`/nowhere`"));
    }

    #[test]
    fn variables_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let read = |text: &str| {
            fs::write(file.path(), text).unwrap();
            let given = env(&[("HELIX_DATA_DIR", "/d"), ("HELIX_ENV_FILE", &path), ("HELIX_PORT", "7000")]);
            Configuration::read("{}", given)
        };
        let good =
            read("# mine\nA=plain=1\n\nB=\"a\\\"b\\\\c\\n\\$d\"\nC=\"\"\nHELIX_PORT=1\nHELIX_DRAIN=3\n").unwrap();
        assert_eq!((&*good.env["A"], &*good.env["B"], &*good.env["C"]), ("plain=1", "a\"b\\c\n$d", ""));
        assert_eq!((good.address.port(), good.drain), (7000, Duration::from_secs(3)));
        for text in ["A=1\nsecret", "A=1\nB=\"secret", "A=1\nB=\"secret\\\""] {
            let message = read(text).unwrap_err().message;
            assert!(message.contains("line 2") && !message.contains("secret"), "{message}");
        }
        assert!(refused(&[("HELIX_DATA_DIR", "/d"), ("HELIX_ENV_FILE", "/nowhere")]).contains("`/nowhere`"));
    }

    #[test]
    fn a_key_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc\n").unwrap();
        let path = file.path().display().to_string();
        let read = Configuration::read("{}", env(&[("HELIX_DATA_DIR", "/d"), ("HELIX_API_KEY_FILE", &path)])).unwrap();
        assert_eq!(read.env["HELIX_API_KEY"], "abc");
    }
}
