//! Where Helix Cloud is. No host is compiled in.

use std::net::IpAddr;

use reqwest::Url;

/// Why an address cannot be that of the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is no address.
    #[error("`{text}` is no address of Helix Cloud: {reason}")]
    Invalid {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Keys would be sent in the clear.
    #[error("`{url}` is another machine: its key would be sent in the clear")]
    Insecure {
        /// The address.
        url: Url,
    },
}

/// Reads a whole address. Plain HTTP is for this machine only, unless `insecure` says otherwise.
///
/// # Errors
///
/// When it is no address, holds a credential, or is plain HTTP to another machine.
pub fn parse(text: &str, insecure: bool) -> Result<Url, EndpointError> {
    let text = text.trim();
    // What is shown of a text that may hold a credential stops before it.
    let shown = if text.contains('@') { "…" } else { text };
    let invalid = |reason: &str| EndpointError::Invalid { text: shown.to_owned(), reason: reason.to_owned() };
    let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it must not hold a name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must not have a query or a fragment"));
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure || is_loopback(&url) => {}
        "http" => return Err(EndpointError::Insecure { url }),
        _ => return Err(invalid("it must begin with `https://`")),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The address that a bare authority stands for, as in `CLOUD_AUTHORITY` of version 2.
#[must_use]
pub fn of_authority(authority: &str) -> String {
    let authority = authority.trim();
    if authority.starts_with("http://") || authority.starts_with("https://") {
        authority.to_owned()
    } else if authority.starts_with("localhost") || authority.starts_with("127.0.0.1") {
        format!("http://{authority}")
    } else {
        format!("https://{authority}")
    }
}

/// Whether an address is on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        ip.map_or(host == "localhost", |ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for local in ["http://localhost:1", "http://127.0.0.1:1/x/", "http://[::1]:1"] {
            assert!(parse(local, false).is_ok(), "{local}");
        }
        for other in ["http://cloud.example", "http://localhost.example", "http://127.0.0.1.example", "http://10.0.0.1"]
        {
            assert!(matches!(parse(other, false), Err(EndpointError::Insecure { .. })), "{other}");
            assert!(parse(other, true).is_ok(), "{other}");
        }
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        assert_eq!(parse("https://a.example/b/", false), parse("https://a.example/b", false));
    }

    #[test]
    fn a_credential_in_an_address_is_refused_and_not_shown() {
        let error = parse("https://me:hunter2@a.example", false).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_no_address_of_a_service_is_refused() {
        for text in ["", "cloud.example", "ftp://a.example", "https://a.example?x=1", "https://"] {
            assert!(matches!(parse(text, true), Err(EndpointError::Invalid { .. })), "{text}");
        }
    }

    #[test]
    fn authorities_of_version_2_are_read() {
        assert_eq!(of_authority("localhost:80"), "http://localhost:80");
        assert_eq!(of_authority("127.0.0.1:80"), "http://127.0.0.1:80");
        assert_eq!(of_authority("cloud.example"), "https://cloud.example");
        assert_eq!(of_authority("http://cloud.example"), "http://cloud.example");
    }
}
