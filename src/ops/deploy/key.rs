//! The key of an instance: made once, shown once. The target has its hash alone.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::push::Deployed;
use crate::ctx::Ctx;
use crate::ui::Style;

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

/// Shows a key, once, to whoever sits here; it is in no log.
pub fn show(ctx: &Ctx, key: &SecretString) {
    let mut page = ctx.ui.page();
    page.put(Style::Plain, "The key, shown only now: ").put(Style::Bold, key.expose_secret()).end();
    ctx.ui.narrate(&page);
}

/// Tells whoever deployed where the key is that was made for it, or shows it, once and to people only. It is in no log. `is_revealed`
/// says that the result has it.
pub fn tell(ctx: &Ctx, name: &str, deployed: &Deployed, is_revealed: bool) {
    let Some(made) = &deployed.key else { return };
    if let Some(file) = &deployed.key_written_to {
        ctx.ui.note(&format!("the key of `{name}` is in `{}`, as `{VARIABLE}`", file.display()));
        return;
    }
    if is_revealed {
        return;
    }
    let mut page = ctx.ui.page();
    page.line(Style::Bold, format_args!("The key of `{name}`, which is shown this once:"));
    page.text_line(format_args!("  {}", made.expose_secret()));
    page.line(Style::Dim, "  clients send it as `x-api-key`; `--write-env .env` writes it to a file instead");
    ctx.ui.narrate(&page);
    if ctx.ui.is_json() {
        ctx.ui.warn(
            "W-DEPLOY-KEY",
            "a key was made and is not in the result: make another with `helix secrets rotate HELIX_API_KEY`",
        );
    }
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
