//! How a registry is logged in to: its challenge, Basic, and tokens of its token service, which are kept until they are old
//! (distribution specification, "token authentication").

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::error::{RegistryError, Result, said};
use super::reference::{Repository, is_loopback};
use crate::http::{Api, HttpError, Policy};

/// What a token lasts when its service does not say.
const DEFAULT_LIFE_SECS: u64 = 60;

/// What a registry is logged in to with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A name and a password or token.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A token that is exchanged for others.
    Identity(SecretString),
}

/// What is done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Pull,
    Push,
    Delete,
}

impl Access {
    /// The scopes that a token needs; `from` is a repository that a blob is mounted from.
    fn scopes(self, path: &str, from: Option<&str>) -> Vec<String> {
        let actions = match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
            Self::Delete => "delete,pull",
        };
        let from = from.map(|from| format!("repository:{from}:pull"));
        std::iter::once(format!("repository:{path}:{actions}")).chain(from).collect()
    }
}

/// How a registry wants to be logged in to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    Open,
    Basic,
    Bearer { realm: String, service: Option<String> },
}

struct Token {
    value: SecretString,
    until: Instant,
}

/// A login that lasts as long as the client.
pub(super) struct Session {
    http: reqwest::Client,
    repository: Repository,
    credential: Option<Credential>,
    policy: Policy,
    scheme: tokio::sync::OnceCell<Scheme>,
    /// By their scopes.
    tokens: Mutex<BTreeMap<Vec<String>, Token>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("repository", &self.repository).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        http: reqwest::Client,
        repository: Repository,
        credential: Option<Credential>,
        policy: Policy,
    ) -> Self {
        let (scheme, tokens) = Default::default();
        Self { http, repository, credential, policy, scheme, tokens }
    }

    /// What a call has to carry; `None` when nothing.
    pub(super) async fn authorization(
        &self,
        api: &Api,
        access: Access,
        from: Option<&str>,
    ) -> Result<Option<HeaderValue>> {
        match self.scheme.get_or_try_init(|| self.ask(api)).await? {
            Scheme::Open => Ok(None),
            Scheme::Basic => match &self.credential {
                Some(Credential::Basic { user, password }) => Ok(Some(basic(user, password)?)),
                // A token service would take it, and there is none.
                Some(Credential::Identity(_)) | None => Ok(None),
            },
            Scheme::Bearer { realm, service } => {
                let scopes = access.scopes(&self.repository.path, from);
                let mut tokens = self.tokens.lock().await;
                let good = tokens.get(&scopes).filter(|token| token.until > Instant::now());
                if let Some(token) = good {
                    return Ok(Some(bearer(&token.value)?));
                }
                let token = self.token(realm, service.as_deref(), &scopes).await?;
                let header = bearer(&token.value)?;
                tokens.insert(scopes, token);
                Ok(Some(header))
            }
        }
    }

    /// Forgets the tokens; whether that may help a call that was turned away.
    pub(super) async fn forget(&self) -> bool {
        let is_bearer = matches!(self.scheme.get(), Some(Scheme::Bearer { .. }));
        self.tokens.lock().await.clear();
        is_bearer
    }

    /// How the registry wants to be logged in to.
    async fn ask(&self, api: &Api) -> Result<Scheme> {
        let answer = api.get("/v2/").accept(StatusCode::UNAUTHORIZED).send().await;
        let answer = answer.map_err(|error| RegistryError::of(&self.repository.host, error))?;
        let challenges = challenges(answer.headers());
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(Scheme::Open);
        }
        let bearer = challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
        if let Some(realm) = bearer.and_then(|bearer| bearer.parameters.get("realm")) {
            let service = bearer.and_then(|bearer| bearer.parameters.get("service")).cloned();
            return Ok(Scheme::Bearer { realm: realm.clone(), service });
        }
        Ok(Scheme::Basic)
    }

    async fn token(&self, realm: &str, service: Option<&str>, scopes: &[String]) -> Result<Token> {
        let url = Url::parse(realm).map_err(|_| self.no_realm(realm))?;
        let host = url.host_str().unwrap_or_default();
        // The password goes there: never in the open to another machine, unless the registry itself is.
        let is_open = self.repository.plain_http && !is_loopback(&self.repository.host);
        if url.scheme() != "https" && !is_loopback(host) && !is_open {
            return Err(RegistryError::Insecure { host: host.to_owned() });
        }
        let api = Api::new(self.http.clone(), url.clone()).policy(self.policy);
        let mut pairs: Vec<(&str, &str)> = service.map(|service| ("service", service)).into_iter().collect();
        let joined = scopes.join(" ");
        let call = match &self.credential {
            Some(Credential::Identity(token)) => {
                pairs.extend([("grant_type", "refresh_token"), ("scope", &joined), ("client_id", "helix")]);
                pairs.push(("refresh_token", token.expose_secret()));
                let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
                api.call_url(Method::POST, url.clone()).body(media_type, form(&pairs)).repeatable()
            }
            credential => {
                pairs.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
                pairs.push(("client_id", "helix"));
                let call = pairs
                    .iter()
                    .fold(api.call_url(Method::GET, url.clone()), |call, (name, value)| call.query(name, value));
                match credential {
                    Some(Credential::Basic { user, password }) => call.header(AUTHORIZATION, basic(user, password)?),
                    _ => call,
                }
            }
        };
        let answer: TokenAnswer = call.fetch().await.map_err(|error| self.no_token(realm, error))?;
        let Some(value) = answer.token.or(answer.access_token).filter(|token| !token.expose_secret().is_empty()) else {
            let empty = HttpError::malformed(&Method::GET, &url, "it holds no token");
            return Err(self.no_token(realm, empty));
        };
        let life = Duration::from_secs(answer.expires_in.unwrap_or(DEFAULT_LIFE_SECS));
        Ok(Token { value, until: Instant::now() + life.mul_f64(0.8) })
    }

    fn no_realm(&self, realm: &str) -> RegistryError {
        let error = HttpError::client(format!("`{realm}` is no address of a token service"));
        RegistryError::of(&self.repository.host, error)
    }

    fn no_token(&self, realm: &str, source: HttpError) -> RegistryError {
        let host = self.repository.host.clone();
        let Some(refused) = source.answer() else { return RegistryError::of(&host, source) };
        let (_, message) = said(&refused.body);
        let message = if message.is_empty() { refused.status.to_string() } else { message };
        RegistryError::Token { host, realm: realm.to_owned(), message, source }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Option<u64>,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

fn form(pairs: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://localhost", pairs).expect("a constant address is one");
    url.query().unwrap_or_default().to_owned()
}

fn header(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| HttpError::client("the credential has characters that none may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn basic(user: &str, password: &SecretString) -> Result<HeaderValue> {
    header(&format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret()))))
}

fn bearer(token: &SecretString) -> Result<HeaderValue> {
    header(&format!("Bearer {}", token.expose_secret()))
}

/// One way to log in, as a registry names it.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: BTreeMap<String, String>,
}

/// The challenges of an answer: several headers, each with several challenges (RFC 9110, section 11.6.1).
fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for header in headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() && after.is_empty() {
                break;
            }
            let Some(value) = after.trim_start().strip_prefix('=') else {
                found.push(Challenge { scheme: word.to_owned(), parameters: BTreeMap::new() });
                rest = after;
                continue;
            };
            let (value, after) = parameter(value.trim_start());
            if let Some(challenge) = found.last_mut() {
                challenge.parameters.insert(word.to_ascii_lowercase(), value);
            }
            rest = after;
        }
    }
    found
}

/// The value of a parameter, quoted or not, and what comes after it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
        let mut map = HeaderMap::new();
        for text in headers {
            map.append(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
        }
        challenges(&map).into_iter().map(|found| (found.scheme, found.parameters.into_iter().collect())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn challenges_are_read_with_commas_in_quotes_and_several_in_one_header() {
        let bearer = r#"BEARER Realm="https://a/token?x=1,2",service="s \"q\"", scope=repository:a:pull"#;
        let expected = vec![
            pair("realm", "https://a/token?x=1,2"),
            pair("scope", "repository:a:pull"),
            pair("service", "s \"q\""),
        ];
        assert_eq!(read(&[bearer]), [("BEARER".to_owned(), expected)]);
        let both = read(&["Basic realm=\"x\", Bearer realm=\"y\"", "Digest"]);
        let names: Vec<&str> = both.iter().map(|(scheme, _)| scheme.as_str()).collect();
        assert_eq!(names, ["Basic", "Bearer", "Digest"]);
        assert_eq!(both[1].1, [pair("realm", "y")]);
    }

    #[test]
    fn nothing_shows_a_credential() {
        let password = SecretString::from("planted".to_owned());
        let credential = Credential::Basic { user: "ann".to_owned(), password: password.clone() };
        assert!(!format!("{credential:?}{:?}", basic("ann", &password).unwrap()).contains("planted"));
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(text in "[ -~]{0,80}") {
            let _ = read(&[&text]);
        }
    }
}
