//! The key of an instance: made once, shown once. The target has its hash alone.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// The variable that a server reads the hash of its key from, and that a client has the key in.
pub const VARIABLE: &str = crate::ops::env_file::API_KEY;

/// A new key of 256 bits.
#[must_use]
pub fn generate() -> SecretString {
    // A UUID has 122 random bits: three have more than 256.
    let random: Vec<u8> = std::iter::repeat_with(uuid::Uuid::new_v4).take(3).flat_map(uuid::Uuid::into_bytes).collect();
    SecretString::from(hex::encode(Sha256::digest(random)))
}

/// What the server compares requests with.
#[must_use]
pub fn hash(key: &SecretString) -> SecretString {
    SecretString::from(hex::encode(Sha256::digest(key.expose_secret().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_the_hash_is_what_a_server_takes() {
        let [one, other] = [generate(), generate()];
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 64);
        assert_eq!(hash(&SecretString::from("abc")).expose_secret().get(..8), Some("ba7816bf"));
    }
}
