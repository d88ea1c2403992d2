//! Signatures of images, in the format of cosign ("simple signing"), so that `cosign verify --key` and whatever else knows it take them.
//!
//! What is signed is a small JSON text that names the digest of an image. The texts are the layers of a manifest under the tag
//! `sha256-….sig` in the repository of the image, each with its signature beside it: everybody may add one.

mod key;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use key::{KeyError, Signer, Verifier};

use super::blobs::{Blob, Watch};
use super::client::Client;
use super::error::{RegistryError, Result};
use super::manifest::{CONFIG, Descriptor, ImageManifest, MANIFEST, Manifest};
use super::reference::{Repository, check_digest};

/// The media type of a signed text.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that has its signature, in base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What a signed text says that it is.
const KIND: &str = "cosign container image signature";
/// The size that a signed text has at most, in bytes: ours are a quarter of a KiB.
const MAX_PAYLOAD: u64 = 64 << 10;
/// How often a signature is added that somebody else overwrote in the same moment.
const TRIES: u32 = 5;
/// Before the second try; later ones wait longer.
const PAUSE: Duration = Duration::from_millis(100);
/// What cosign writes in place of a time.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// A signed text.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Signed,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Signed {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What the signatures of an image say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is signed with the key.
    Signed,
    /// Nobody signed it.
    Unsigned,
    /// It has signatures, and none that counts.
    Untrusted {
        /// How many are of other keys, or were changed: nobody can tell these two apart.
        others: usize,
        /// How many are of the key, and for another image.
        misplaced: usize,
    },
}

/// The signatures of an image as they are stored.
struct Signatures {
    manifest: Manifest,
    layers: Vec<Descriptor>,
}

impl Client {
    /// Signs the image with that digest; whether a signature was added. One of the same key is there once; those of others stay.
    ///
    /// # Errors
    ///
    /// When the registry refuses, or has something else under the tag of the signatures.
    pub async fn sign(&self, digest: &str, signer: &Signer) -> Result<bool> {
        check_digest(digest)?;
        let verifier = signer.verifier();
        let text = payload(self.repository(), digest)?;
        let signature = STANDARD.encode(signer.sign(&text));
        let payload = Blob::bytes(SIMPLE_SIGNING, text);
        let mut layer = payload.descriptor.clone();
        layer.annotations.insert(SIGNATURE.to_owned(), signature);
        for attempt in 0..=TRIES {
            // It is looked at once more after it was stored: registries cannot compare and set at once.
            let there = self.signatures(digest).await?;
            if let Some(there) = &there
                && self.judge(digest, there, &verifier).await? == Verdict::Signed
            {
                return Ok(attempt > 0);
            }
            if attempt == TRIES {
                break;
            }
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            self.push_blob(&payload, None, &Watch::default()).await?;
            let manifest = self.with_layer(digest, there.as_ref(), &layer).await?;
            self.put_manifest(&signature_tag(digest), &manifest).await?;
        }
        let repository = self.repository().to_string();
        Err(RegistryError::Moved { repository, tag: signature_tag(digest), found: "signatures of others".to_owned() })
    }

    /// What the signatures of the image with that digest say, for whoever trusts that key.
    ///
    /// # Errors
    ///
    /// When the registry does not answer as it should.
    pub async fn verify(&self, digest: &str, verifier: &Verifier) -> Result<Verdict> {
        check_digest(digest)?;
        match self.signatures(digest).await? {
            Some(there) => self.judge(digest, &there, verifier).await,
            None => Ok(Verdict::Unsigned),
        }
    }

    async fn signatures(&self, digest: &str) -> Result<Option<Signatures>> {
        let Some(manifest) = self.manifest(&signature_tag(digest)).await? else { return Ok(None) };
        let parsed: ImageManifest = serde_json::from_slice(&manifest.bytes).map_err(|_| self.foreign(digest))?;
        Ok(Some(Signatures { manifest, layers: parsed.layers }))
    }

    fn foreign(&self, digest: &str) -> RegistryError {
        RegistryError::Foreign { repository: self.repository().to_string(), tag: signature_tag(digest) }
    }

    async fn judge(&self, digest: &str, there: &Signatures, verifier: &Verifier) -> Result<Verdict> {
        let (mut others, mut misplaced) = (0, 0);
        for layer in there.layers.iter().filter(|layer| layer.media_type == SIMPLE_SIGNING) {
            let signature = layer.annotations.get(SIGNATURE).and_then(|text| STANDARD.decode(text).ok());
            let (Some(signature), true) = (signature, layer.size <= MAX_PAYLOAD) else {
                others += 1;
                continue;
            };
            let payload = match self.blob(&layer.digest).await {
                Ok(payload) => payload,
                // What is not what it is said to be is no signature; another one may be good.
                Err(RegistryError::Absent { .. } | RegistryError::Digest { .. }) => {
                    others += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match (verifier.accepts(&payload, &signature), serde_json::from_slice::<Payload>(&payload)) {
                (true, Ok(said)) if said.critical.image.digest == digest && said.critical.kind == KIND => {
                    return Ok(Verdict::Signed);
                }
                (true, _) => misplaced += 1,
                (false, _) => others += 1,
            }
        }
        Ok(match others + misplaced {
            0 => Verdict::Unsigned,
            _ => Verdict::Untrusted { others, misplaced },
        })
    }

    /// The manifest of the signatures with one more. What others wrote into it stays, also where it is not understood here.
    async fn with_layer(&self, digest: &str, there: Option<&Signatures>, layer: &Descriptor) -> Result<Manifest> {
        let malformed = |_| self.foreign(digest);
        let (mut manifest, mut config, media_type) = match there {
            Some(there) => {
                let manifest: Value = serde_json::from_slice(&there.manifest.bytes).map_err(malformed)?;
                let config = manifest["config"]["digest"].as_str().ok_or_else(|| self.foreign(digest))?;
                let config: Value = serde_json::from_slice(&self.blob(config).await?).map_err(malformed)?;
                (manifest, config, there.manifest.media_type.clone())
            }
            None => (
                json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG}, "layers": []}),
                json!({"architecture": "", "created": NO_TIME, "history": [], "os": "",
                    "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}),
                MANIFEST.to_owned(),
            ),
        };
        let encoded = |value: &Value| serde_json::to_vec(value).map_err(malformed);
        let told = serde_json::to_value(layer).map_err(malformed)?;
        // An artifact of another tool may have settings without layers; nobody needs those of signatures.
        for (list, entry) in [("/rootfs/diff_ids", json!(layer.digest)), ("/history", json!({"created": NO_TIME}))] {
            if let Some(Value::Array(list)) = config.pointer_mut(list) {
                list.push(entry);
            }
        }
        let kind = manifest["config"]["mediaType"].as_str().unwrap_or(CONFIG).to_owned();
        let config = Blob::bytes(&kind, encoded(&config)?);
        self.push_blob(&config, None, &Watch::default()).await?;
        manifest["config"]["digest"] = json!(config.descriptor.digest);
        manifest["config"]["size"] = json!(config.descriptor.size);
        manifest["layers"].as_array_mut().ok_or_else(|| self.foreign(digest))?.push(told);
        Ok(Manifest::new(&media_type, encoded(&manifest)?))
    }
}

/// The tag of the signatures of an image.
#[must_use]
pub fn signature_tag(digest: &str) -> String {
    format!("{}.sig", digest.replacen(':', "-", 1))
}

fn payload(repository: &Repository, digest: &str) -> Result<Vec<u8>> {
    let payload = Payload {
        critical: Critical {
            identity: Identity { reference: repository.to_string() },
            image: Signed { digest: digest.to_owned() },
            kind: KIND.to_owned(),
        },
        optional: json!({}),
    };
    serde_json::to_vec(&payload).map_err(|error| RegistryError::Image(error.to_string()))
}
