//! Taking secrets out of texts: the values that are known to be secret, and whatever looks like one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use toml_edit::{Item, TableLike};

use crate::config::dotenv;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";
/// Shorter values would take ordinary words out of every text.
const SHORTEST: usize = 5;
/// Shorter values of variables that are named like secrets.
const SHORTEST_SECRET: usize = 3;
/// Words of names whose values are secret.
const SECRET_WORDS: &str = "key|keys|apikey|token|tokens|secret|secrets|password|passwd|passphrase|pwd|credential|credentials|auth|authorization|cookie|dsn";
/// Values that say nothing, whatever they are the value of.
const PLAIN: [&str; 10] =
    ["true", "false", "none", "null", "trace", "debug", "error", "localhost", "production", "development"];

/// A pattern of ours, which is right.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that the tests use")
}

/// `user:password@` in an address; a password may hold anything.
static USERINFO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/@:'"<>]*:[^\s'"<>]+|[^\s/?#'"<>]+)@"#));
/// A name that stands for a secret, alone.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?i)(?:^|[^a-z])(?:{SECRET_WORDS})(?:$|[^a-z])|(?:[a-z](?:Key|Token|Secret|Password))$"))
});
/// `name = value`, `"name": "value"`, `name=value`, also within a text of JSON, where the name stands for a secret.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    let words = format!(r"(?:[\w.-]*[^a-z\s])?(?:{SECRET_WORDS})(?:[_.-][\w.-]*)?");
    let camel = r"\w*(?-i:[a-z](?:Key|Token|Secret|Password))";
    let value = r#"\\"(?:[^"\\]|\\\\\\"|\\[^"])*|"(?:[^"\\]|\\.)*"|'[^'\n]*'|[^\s"',;&|<>(){}\[\]\\]+"#;
    pattern(&format!(r#"(?i)(\b(?:{words}|{camel})\\?["']?\s*[:=]\s*)({value})"#))
});
/// A text in quotes.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#""[^"\n]*"|'[^'\n]*'"#));
/// What follows the word for how somebody proves who they are.
static SCHEME: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}"));
/// Keys that are known by their shape: of providers, of registries, signed tokens, private keys.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)
        -----BEGIN\ [A-Z\x20]*PRIVATE\ KEY-----(?s:.*?)(?:-----END\ [A-Z\x20]*PRIVATE\ KEY-----|\z)
        | \b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}
        | \b(?:gh[opsur]_|github_pat_|glpat-|dckr_pat_|xox[a-z]-|npm_|hlx_)[A-Za-z0-9_-]{8,}
        | \b(?:AKIA|ASIA)[A-Z0-9]{12,}
        | \bAIza[A-Za-z0-9_-]{20,}
        | \b(?:fm[12]|fo1)_[A-Za-z0-9_+/=,-]{8,}
        | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    )
});

/// An address without the name and the password in it; any other text as it is.
#[must_use]
pub fn without_userinfo(text: &str) -> String {
    let masked = USERINFO.replace_all(text, format!("${{1}}{REDACTED}@"));
    // A proxy may be given without its scheme.
    match masked.rsplit_once('@') {
        Some((_, host)) if !masked.contains("://") => format!("{REDACTED}@{host}"),
        _ => masked.into_owned(),
    }
}

/// Takes secrets out of texts.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Known secrets in every spelling.
    values: BTreeSet<String>,
    home: Option<String>,
}

impl Redactor {
    /// One that knows the variables of this process that are named like secrets. Paths below `HOME` become `~`.
    #[must_use]
    pub fn new<'v>(vars: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let mut redactor = Self::default();
        for (name, value) in vars {
            if name == "HOME" && Path::new(value).components().count() > 1 {
                redactor.home = Some(value.trim_end_matches('/').to_owned());
            } else if is_secret_name(name) {
                redactor.add(value, SHORTEST_SECRET);
            }
        }
        redactor
    }

    /// Learns every value of a file of variables.
    pub fn learn_variables(&mut self, text: &str) {
        // One line that cannot be read must not make the others known.
        let parsed = dotenv::parse(text, |_| None)
            .unwrap_or_else(|_| text.lines().filter_map(|line| dotenv::parse(line, |_| None).ok()).flatten().collect());
        for (name, value) in parsed {
            self.add(&value, if is_secret_name(&name) { SHORTEST_SECRET } else { SHORTEST });
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            if let Some((_, value)) = line.split_once('=') {
                self.add(value.trim().trim_matches(['"', '\'']), SHORTEST);
            }
        }
    }

    /// Learns every value of a file of keys.
    pub fn learn_credentials(&mut self, text: &str) {
        for (_, value) in text.lines().filter_map(|line| line.split_once('=')) {
            self.add(value.trim().trim_matches(['"', '\'']), SHORTEST);
        }
    }

    fn add(&mut self, value: &str, shortest: usize) {
        let value = value.trim();
        if value.len() < shortest || PLAIN.contains(&value.to_lowercase().as_str()) {
            return;
        }
        self.values.insert(value.to_owned());
        // As it is within JSON, within an address, and in parts when a log breaks its lines.
        let json = |text: &str| {
            let quoted = Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        self.values.insert(json(&json(value)));
        self.values.insert(json(value));
        let percent: String = reqwest::Url::parse_with_params("http://h/", [("v", value)])
            .ok()
            .and_then(|url| Some(url.query()?.strip_prefix("v=")?.to_owned()))
            .unwrap_or_default();
        if !percent.is_empty() {
            self.values.insert(percent.replace('+', "%20"));
            self.values.insert(percent);
        }
        if value.contains('\n') {
            self.values.extend(value.lines().map(str::trim).filter(|line| line.len() >= 8).map(str::to_owned));
        }
    }

    /// The text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // The longest first: a secret may hold another.
        let mut values: Vec<&String> = self.values.iter().filter(|value| text.contains(value.as_str())).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values {
            text = text.replace(value.as_str(), REDACTED);
        }
        let text = SHAPES.replace_all(&text, REDACTED);
        let text = USERINFO.replace_all(&text, format!("${{1}}{REDACTED}@"));
        let text = SCHEME.replace_all(&text, format!("${{1}}${{2}}{REDACTED}"));
        let text = ASSIGNED.replace_all(&text, |found: &Captures<'_>| {
            let (before, value) = (&found[1], &found[2]);
            let bare = value.trim_start_matches('\\').trim_matches(['"', '\'']).trim_end_matches('\\');
            // Settings that are named after keys and are none.
            if bare.is_empty() || bare.parse::<f64>().is_ok() || PLAIN.contains(&bare) || bare.starts_with(REDACTED) {
                return found[0].to_owned();
            }
            format!("{before}{}", value.replacen(bare, REDACTED, 1))
        });
        match &self.home {
            Some(home) => text.replace(home.as_str(), "~"),
            None => text.into_owned(),
        }
    }

    /// The value without secrets in its texts, and without the values of members that are named like secrets.
    #[must_use]
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(members) => {
                let hide = |name: &str, value: &Value| value.is_string() && is_secret_name(name);
                let member = |(name, value): (&String, &Value)| {
                    let value = if hide(name, value) { REDACTED.into() } else { self.json(value) };
                    (self.text(name), value)
                };
                Value::Object(members.iter().map(member).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A project file without the variables that it sets, and without secrets elsewhere. Comments stay.
    #[must_use]
    pub fn project_file(&self, text: &str) -> String {
        match text.parse::<toml_edit::DocumentMut>() {
            Ok(mut document) => {
                hide(document.as_table_mut(), false);
                self.text(&document.to_string())
            }
            // What is a variable cannot be told.
            Err(_) => self.text(&QUOTED.replace_all(text, format!("\"{REDACTED}\""))),
        }
    }
}

/// Replaces texts: all of them in a table of variables, else those whose keys are named like secrets.
fn hide(table: &mut dyn TableLike, all: bool) {
    for (key, item) in table.iter_mut() {
        let variables = all || matches!(key.get(), "set" | "env_vars");
        let secret = variables || is_secret_name(key.get());
        hide_item(item, variables, secret);
    }
}

fn hide_item(item: &mut Item, variables: bool, secret: bool) {
    if let Some(table) = item.as_table_like_mut() {
        return hide(table, variables);
    }
    if let Some(tables) = item.as_array_of_tables_mut() {
        return tables.iter_mut().for_each(|table| hide(table, variables));
    }
    if let Some(value) = item.as_value_mut().filter(|value| secret && value.is_str()) {
        // With the comment behind it.
        let decor = value.decor().clone();
        *value = REDACTED.into();
        *value.decor_mut() = decor;
    }
}

fn is_secret_name(name: &str) -> bool {
    SECRET_NAME.is_match(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_go_in_every_spelling() {
        let mut redactor = Redactor::new([("HOME", "/home/ann"), ("MY_TOKEN", "abc"), ("LANG", "en_GB.UTF-8")]);
        redactor
            .learn_variables("A='pass \"word\"/1'\nB=innocent-name\nbroken line\nSHORT=ab\nC=\"two\\nlines of it\"\n");
        let text = r#"{"m":"pass \"word\"/1", "n": "innocent-name", "u": "http://x/?q=pass+%22word%22%2F1"} abc en_GB.UTF-8 ab
            two\nlines of it, lines of it, /home/ann/app"#;
        let clean = redactor.text(text);
        for secret in ["word", "innocent", "abc", "lines of it", "/home/ann"] {
            assert!(!clean.contains(secret), "{secret} is in {clean}");
        }
        assert!(clean.contains("en_GB.UTF-8 ab") && clean.contains("~/app"), "{clean}");
    }

    #[test]
    fn what_looks_like_a_secret_goes() {
        let redactor = Redactor::default();
        let secrets = [
            "https://ann:hunter2@host/path",
            "postgres://ann:hun/ter2@host",
            "Authorization: Bearer hunter2hunter2",
            "x-api-key: hunter2",
            r#"{"api_key":"hunter2","other":1}"#,
            r#"\"openaiKey\": \"hunter2\""#,
            "OPENAI_API_KEY=hunter2",
            "password = 'hunter2 hunter2'",
            "GET /?token=hunter2&x=1",
            "sk-hunter2hunter2hunter2",
            "ghp_hunter2hunter2hunter2",
            "eyJhunter2hunter2.hunter2.hunter2",
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        ];
        for secret in secrets {
            let clean = redactor.text(secret);
            assert!(!clean.contains("hunter2") && !clean.contains("ter2@"), "{secret} became {clean}");
            assert!(clean.contains(REDACTED), "{secret} became {clean}");
        }
        for plain in
            ["api_key = true", "query addUser took 3 ms", "http://127.0.0.1:6969/healthz", "monkey: blue", "keyed: 1"]
        {
            assert_eq!(redactor.text(plain), plain);
        }
    }

    #[test]
    fn a_project_file_keeps_its_shape_and_loses_its_variables() {
        let file = "# mine\n[local.dev]\nport = 1 # a port\napi_token = \"hunter2\"\n[local.dev.env]\nset = { PLACE = \"hunter2\" }\n";
        let clean = Redactor::default().project_file(file);
        assert!(!clean.contains("hunter2"), "{clean}");
        assert!(clean.starts_with("# mine\n[local.dev]\nport = 1 # a port\n"), "{clean}");
        assert!(!Redactor::default().project_file("api_token = \"hunter2\"\n[[[").contains("hunter2"));
    }

    #[test]
    fn members_of_json_named_like_secrets_go() {
        let clean =
            Redactor::default().json(&json!({"apiKey": "x", "list": [{"password": "y z"}], "keys": 2, "n": "ok"}));
        assert_eq!(clean, json!({"apiKey": REDACTED, "list": [{"password": REDACTED}], "keys": 2, "n": "ok"}));
    }
}
