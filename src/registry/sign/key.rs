//! The keys of signatures: ECDSA over P-256, as PEM texts that `openssl` makes and reads.

use std::fmt;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::registry::manifest;

/// Why a text is no key. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not what `openssl genpkey` writes.
    #[error("it is no PEM text of a private key in the format PKCS#8 (`-----BEGIN PRIVATE KEY-----`)")]
    NotPrivate,
    /// It is in the older format of elliptic curves.
    #[error("it is in the format SEC1; `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW` gives PKCS#8")]
    Older,
    /// It has a password, and none is given.
    #[error("it is closed with a password, and none is given")]
    Closed,
    /// It has another password, or is closed in a way that is not known here.
    #[error("the password does not open it")]
    Password,
    /// It is of another curve or algorithm, or damaged.
    #[error("it is no key of ECDSA over the curve P-256")]
    Curve,
    /// It is no public key.
    #[error("it is no PEM text of a public key (`-----BEGIN PUBLIC KEY-----`) of ECDSA over the curve P-256")]
    NotPublic,
}

/// What signs. It is wiped from memory when it is let go.
#[derive(Clone)]
pub struct Signer(SigningKey);

impl Signer {
    /// The private key of a PEM text in the format PKCS#8, which may be closed with a password.
    ///
    /// # Errors
    ///
    /// When it is none, or the password does not open it.
    pub fn parse(pem: &SecretString, password: Option<&SecretString>) -> Result<Self, KeyError> {
        let text = pem.expose_secret().trim();
        let parsed = match label(text) {
            Some("PRIVATE KEY") => SigningKey::from_pkcs8_pem(text).map_err(|_| KeyError::Curve),
            Some("ENCRYPTED PRIVATE KEY") => {
                let password = password.ok_or(KeyError::Closed)?;
                SigningKey::from_pkcs8_encrypted_pem(text, password.expose_secret()).map_err(|_| KeyError::Password)
            }
            Some("EC PRIVATE KEY") => Err(KeyError::Older),
            Some(_) | None => Err(KeyError::NotPrivate),
        };
        parsed.map(Self)
    }

    /// What checks its signatures.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier(*self.0.verifying_key())
    }

    /// The signature of bytes, in DER: the same for the same bytes (RFC 6979).
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.0.sign(bytes);
        signature.as_bytes().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.verifier().id()).finish()
    }
}

/// What checks signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(VerifyingKey);

impl Verifier {
    /// The public key of a PEM text.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_public_key_pem(pem.trim()).map(Self).map_err(|_| KeyError::NotPublic)
    }

    /// What the key is called: `sha256:…` over its DER form, which is what
    /// `openssl pkey -pubin -in KEY -outform DER | sha256sum` gives.
    #[must_use]
    pub fn id(&self) -> String {
        // The encoding of a point on a curve that is known cannot fail.
        self.0.to_public_key_der().map(|der| manifest::digest(der.as_bytes())).unwrap_or_default()
    }

    /// Whether these bytes were signed with the key, and are what they were then.
    pub(super) fn accepts(&self, bytes: &[u8], signature: &[u8]) -> bool {
        DerSignature::from_bytes(signature).is_ok_and(|signature| self.0.verify(bytes, &signature).is_ok())
    }
}

/// What a PEM text says that it is.
fn label(pem: &str) -> Option<&str> {
    pem.strip_prefix("-----BEGIN ")?.split_once("-----").map(|(label, _)| label)
}
