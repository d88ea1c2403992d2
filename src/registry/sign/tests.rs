use p256::ecdsa::SigningKey;
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use secrecy::SecretString;

use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn pem(key: &SigningKey) -> SecretString {
    SecretString::from(key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string())
}

#[test]
fn a_signature_is_that_of_its_key_and_of_its_bytes() {
    let [one, other] = [1, 2].map(|seed| Signer::parse(&pem(&key(seed)), None).unwrap());
    let signature = one.sign(b"text");
    assert_eq!(signature, one.sign(b"text"), "the same bytes give the same signature");
    assert!(one.verifier().accepts(b"text", &signature));
    assert!(!one.verifier().accepts(b"texts", &signature) && !other.verifier().accepts(b"text", &signature));
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(!one.verifier().accepts(b"text", &changed), "byte {at}");
    }
    assert!(!one.verifier().accepts(b"text", &[]));
}

#[test]
fn the_public_key_is_the_same_however_it_is_read() {
    let private = key(3);
    let public = private.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    let read = Verifier::parse(&format!("\n{public}\n")).unwrap();
    assert_eq!(read, Signer::parse(&pem(&private), None).unwrap().verifier());
    assert!(read.id().starts_with("sha256:") && read.id().len() == 71, "{}", read.id());
    let shown = format!("{:?}", Signer::parse(&pem(&private), None).unwrap());
    assert_eq!(shown, format!("Signer({:?})", read.id()), "nothing of the key is shown");
}

#[test]
fn what_is_no_key_is_told() {
    let parse = |text: &str| Signer::parse(&SecretString::from(text), None).unwrap_err();
    let framed = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    assert_eq!(parse(""), KeyError::NotPrivate);
    assert_eq!(parse("0123456789"), KeyError::NotPrivate);
    assert_eq!(parse(&framed("ENCRYPTED SIGSTORE PRIVATE KEY", "AAAA")), KeyError::NotPrivate);
    assert_eq!(parse(&framed("EC PRIVATE KEY", "AAAA")), KeyError::Older);
    assert_eq!(parse(&framed("ENCRYPTED PRIVATE KEY", "AAAA")), KeyError::Closed);
    assert_eq!(parse(&framed("PRIVATE KEY", "AAAA")), KeyError::Curve);
    assert_eq!(Verifier::parse(&framed("PUBLIC KEY", "AAAA")), Err(KeyError::NotPublic));
    let password = SecretString::from("word");
    let closed = SecretString::from(framed("ENCRYPTED PRIVATE KEY", "AAAA"));
    assert_eq!(Signer::parse(&closed, Some(&password)).unwrap_err(), KeyError::Password);
}

#[test]
fn the_text_that_is_signed_is_cosigns() {
    let repository = Repository::new("ghcr.io", "acme/shop", false).unwrap();
    let text = String::from_utf8(payload(&repository, "sha256:00").unwrap()).unwrap();
    assert_eq!(
        text,
        r#"{"critical":{"identity":{"docker-reference":"ghcr.io/acme/shop"},"image":{"docker-manifest-digest":"sha256:00"},"type":"cosign container image signature"},"optional":{}}"#
    );
    assert_eq!(signature_tag("sha256:00"), "sha256-00.sig");
}
