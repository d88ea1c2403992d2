//! Names of images, `host/path:tag@digest`, by the grammar of the distribution specification and Docker's rules for what is left out.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// The host of Docker Hub, which is implied where none is named.
pub const DOCKER_HUB: &str = "docker.io";
/// The path of Docker Hub that names without a namespace are in.
const LIBRARY: &str = "library/";
/// The longest name, host and path together.
const MAX_NAME: usize = 255;

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    grammar(
        r"^(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]{1,5})?$",
    )
});
static PATH: LazyLock<Regex> =
    LazyLock::new(|| grammar(r"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$"));
static TAG: LazyLock<Regex> = LazyLock::new(|| grammar(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| grammar(r"^sha256:[0-9a-f]{64}$"));

fn grammar(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is one")
}

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A part is not by the grammar.
    #[error("`{text}` is no {what}: {rule}")]
    Grammar {
        /// The text.
        text: String,
        /// What it should be.
        what: &'static str,
        /// What that looks like.
        rule: &'static str,
    },
    /// It asks for plain HTTP to another machine.
    #[error("`{host}` is another machine, and would be spoken to without encryption")]
    Insecure {
        /// The host.
        host: String,
    },
}

fn wrong(text: &str, what: &'static str, rule: &'static str) -> ReferenceError {
    ReferenceError::Grammar { text: text.to_owned(), what, rule }
}

/// A repository of a registry: `host/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The host, with its port where it has one.
    pub host: String,
    /// The path in it.
    pub path: String,
    /// Whether plain HTTP is spoken.
    pub plain_http: bool,
}

impl Repository {
    /// The repository of `path` at `host`, which may have a scheme in front. Machines other than this one are spoken to with
    /// encryption, unless `plain_http` says that they cannot.
    ///
    /// # Errors
    ///
    /// When a part is not by the grammar, or plain HTTP is named and not allowed.
    pub fn new(host: &str, path: &str, plain_http: bool) -> Result<Self, ReferenceError> {
        let host = host.trim_end_matches('/');
        let (named_plain, host) = match host.split_once("://") {
            Some(("http", host)) => (true, host),
            Some(("https", host)) => (false, host),
            _ => (is_loopback(host), host),
        };
        let port_fits = |host: &str| port(host).is_none_or(|port| port.parse::<u16>().is_ok());
        if !HOST.is_match(host) || !port_fits(host) {
            return Err(wrong(
                host,
                "address of a registry",
                "a host, and a port if need be: `ghcr.io`, `localhost:5000`",
            ));
        }
        if named_plain && !plain_http && !is_loopback(host) {
            return Err(ReferenceError::Insecure { host: host.to_owned() });
        }
        let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { DOCKER_HUB } else { host };
        let implied = if host == DOCKER_HUB && !path.contains('/') { LIBRARY } else { "" };
        let path = format!("{implied}{path}");
        if !PATH.is_match(&path) || host.len() + path.len() >= MAX_NAME {
            let rule = "lower-case letters and digits, joined by `.`, `_`, `-` and `/`";
            return Err(wrong(&path, "name of an image", rule));
        }
        Ok(Self { host: host.to_owned(), path, plain_http: plain_http || named_plain })
    }

    /// Where its API is.
    #[must_use]
    pub fn origin(&self) -> String {
        let host = if self.host == DOCKER_HUB { "registry-1.docker.io" } else { &self.host };
        format!("{}://{host}", if self.plain_http { "http" } else { "https" })
    }

    /// The name of an image in it by its digest.
    #[must_use]
    pub fn at(&self, digest: &str) -> String {
        format!("{self}@{digest}")
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// The name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it is.
    pub repository: Repository,
    /// What it is called there.
    pub tag: Option<String>,
    /// What it is.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a name. Without a host it is Docker Hub's; a first part is a host when it has a `.`, a `:` or a capital, or is
    /// `localhost`.
    ///
    /// # Errors
    ///
    /// When a part is not by the grammar.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        // A `:` before the last `/` belongs to a port.
        let name_at = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_at..].split_once(':') {
            Some((last, tag)) => (&rest[..name_at + last.len()], Some(tag)),
            None => (rest, None),
        };
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost" || part.to_lowercase() != part;
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => (DOCKER_HUB, name),
        };
        let repository = Repository::new(host, path, false)?;
        tag.map_or(Ok(()), check_tag)?;
        digest.map_or(Ok(()), check_digest)?;
        Ok(Self { repository, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Checks a tag.
///
/// # Errors
///
/// When it is not by the grammar.
pub fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let rule = "up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`";
    if TAG.is_match(tag) { Ok(()) } else { Err(wrong(tag, "tag", rule)) }
}

/// Checks a digest. SHA-256 is the only one that registries must know.
///
/// # Errors
///
/// When it is not by the grammar.
pub fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    if DIGEST.is_match(digest) { Ok(()) } else { Err(wrong(digest, "digest", "`sha256:` and 64 hexadecimal digits")) }
}

fn port(host: &str) -> Option<&str> {
    host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'))
}

/// Whether a host, with or without port, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = port(host).map_or(host, |port| &host[..host.len() - port.len() - 1]);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_out_is_dockers() {
        let read = |text: &str| Reference::parse(text).unwrap().to_string();
        assert_eq!(read("redis"), "docker.io/library/redis");
        assert_eq!(read("acme/app:1"), "docker.io/acme/app:1");
        assert_eq!(read("index.docker.io/acme/app"), "docker.io/acme/app");
        assert_eq!(read("localhost/app"), "localhost/app");
        assert_eq!(read("localhost:5000/app:v1.0"), "localhost:5000/app:v1.0");
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(read(&format!("ghcr.io/a/b:c@{digest}")), format!("ghcr.io/a/b:c@{digest}"));
    }

    #[test]
    fn what_is_no_name_is_told() {
        for text in
            ["", "A/b/c d", "ghcr.io/Acme/app", "a//b", "a:", "a@sha256:12", "x.y:99999/a", "-a", "a/b_", "a:-x"]
        {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        assert!(check_tag(&"x".repeat(128)).is_ok() && check_tag(&"x".repeat(129)).is_err());
        assert!(Reference::parse(&format!("a/{}", "b".repeat(300))).is_err());
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open() {
        for host in ["localhost", "127.0.0.1:5000", "[::1]:5000", "127.9.9.9", "http://localhost:1"] {
            assert!(Repository::new(host, "a/b", false).unwrap().origin().starts_with("http://"), "{host}");
        }
        assert_eq!(Repository::new("docker.io", "a/b", false).unwrap().origin(), "https://registry-1.docker.io");
        assert_eq!(Repository::new("https://localhost:5", "a", false).unwrap().origin(), "https://localhost:5");
        let insecure = Repository::new("http://registry.example", "a/b", false).unwrap_err();
        assert!(matches!(insecure, ReferenceError::Insecure { .. }));
        assert_eq!(Repository::new("registry.example", "a", true).unwrap().origin(), "http://registry.example");
    }

    proptest! {
        #[test]
        fn reading_gives_back_what_was_written(
            host in "[a-z0-9]{1,10}\\.[a-z]{2,5}(:[1-9][0-9]{0,3})?",
            path in "[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,8}){0,2}",
            tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,20}"),
            digest in proptest::option::of("sha256:[0-9a-f]{64}"),
        ) {
            let repository = Repository::new(&host, &path, false).unwrap();
            let reference = Reference { repository, tag, digest };
            prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,300}") {
            if let Ok(reference) = Reference::parse(&text) {
                // What is read is complete: it reads as itself.
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
            }
        }
    }
}
