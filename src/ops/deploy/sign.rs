//! Signatures of releases: the keys are looked for before anything is built, an image is signed when it is published, and looked at
//! before it runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use secrecy::SecretString;
use serde::Serialize;

use super::{Remote, image};
use crate::config::Provider;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::{Finding, Registry, Severity};
use crate::project::Project;
use crate::registry::sign::{KeyError, Signer, Verdict, Verifier, signature_tag};

/// The variable that holds the private key, and the one that names its file.
const KEY: &str = "HELIX_SIGNING_KEY";
/// The variable that holds the password of the private key.
const PASSWORD: &str = "HELIX_SIGNING_PASSWORD";
/// The variable that holds the public key, and with `_FILE` the one that names its file.
const VERIFY_KEY: &str = "HELIX_VERIFY_KEY";
/// What makes a key.
const MAKE: &str =
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.pem && chmod 600 signing.pem";

/// Who signs the images of an instance, and whose signature is asked for.
#[derive(Debug, Default)]
pub struct Signing {
    signer: Option<Signer>,
    verifier: Option<Verifier>,
    /// What is wrong with the keys.
    findings: Vec<Finding>,
}

/// The signature of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// What the key is called: the digest of its public half.
    pub key: String,
    /// Where the signature is: the tag beside the image.
    pub tag: String,
    /// Whether it was made just now; it was there otherwise.
    pub added: bool,
}

impl Signing {
    /// Looks for the keys that a push to an instance needs.
    ///
    /// # Errors
    ///
    /// When the variables of the project cannot be read. What is wrong with a key is in the findings.
    pub fn of_push(ctx: &Ctx, project: &Project, remote: &Remote) -> Result<Self, Failure> {
        Self::look(ctx, project, remote, signs(remote))
    }

    /// Looks for the keys that running an earlier release again needs: nothing is signed.
    ///
    /// # Errors
    ///
    /// As [`Signing::of_push`].
    pub fn of_rollback(ctx: &Ctx, project: &Project, remote: &Remote) -> Result<Self, Failure> {
        Self::look(ctx, project, remote, false)
    }

    fn look(ctx: &Ctx, project: &Project, remote: &Remote, signs: bool) -> Result<Self, Failure> {
        let mut signing = Self::default();
        if !signs && !remote.require_signature {
            return Ok(signing);
        }
        if remote.registry().is_none() {
            signing.findings.push(no_image(remote));
            return Ok(signing);
        }
        let own = project.environment(&remote.name, &remote.cloud.env, &ctx.env, &ctx.env_files)?;
        let keys = Keys { ctx, own: &own, root: project.root() };
        let verifier = if remote.require_signature { keys.verifier() } else { Ok(None) };
        // The public half of the key that signs is what is asked for, where no other is named.
        let needs_signer = signs || matches!(verifier, Ok(None));
        let signer = if needs_signer { keys.signer() } else { Ok(None) };
        match signer {
            Ok(Some(signer)) => signing.signer = Some(signer),
            Ok(None) if needs_signer => signing.findings.push(missing(remote, signs)),
            Ok(None) => {}
            Err(finding) => signing.findings.push(*finding),
        }
        match verifier {
            Ok(Some(verifier)) => signing.verifier = Some(verifier),
            Ok(None) if remote.require_signature => {
                signing.verifier = signing.signer.as_ref().map(Signer::verifier);
            }
            Ok(None) => {}
            Err(finding) => signing.findings.push(*finding),
        }
        if !signs {
            signing.signer = None;
        }
        signing.compare();
        Ok(signing)
    }

    /// A signature of a key that is not the one asked for is of no use.
    fn compare(&mut self) {
        if let (Some(signer), Some(verifier)) = (&self.signer, &self.verifier)
            && signer.verifier() != *verifier
        {
            self.findings.push(Finding {
                code: "E-SIGN-KEY",
                severity: Severity::Error,
                summary: format!("`{KEY}` and `{VERIFY_KEY}` are not of one pair: what is signed now would not be run"),
                fix: Some(format!(
                    "leave `{VERIFY_KEY}` out, or set it to the public half: `openssl pkey -in signing.pem -pubout`"
                )),
            });
        }
    }

    /// What is wrong with the keys.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the key that signs is called.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        self.signer.as_ref().map(|signer| signer.verifier().id())
    }

    /// Whether an image that is published lacks the signature that it should have.
    ///
    /// # Errors
    ///
    /// When the registry does not say.
    pub(super) async fn lacks(&self, registry: &dyn Registry, image: &str) -> Result<bool, Failure> {
        let (Some(signer), Some(digest)) = (&self.signer, digest_of(image)) else { return Ok(false) };
        let client = registry.client().await?;
        let verdict = client.verify(digest, &signer.verifier()).await;
        let verdict = verdict.map_err(|error| image::registry_failure(registry, "look at the signatures", error))?;
        Ok(verdict != Verdict::Signed)
    }

    /// Signs an image that was published, where that is wanted, and looks whether it may run.
    ///
    /// # Errors
    ///
    /// When the registry refuses, or the image may not run. It is there, and nothing of the instance points to it.
    pub(super) async fn pass(
        &self,
        ctx: &Ctx,
        remote: &Remote,
        registry: &dyn Registry,
        digest: &str,
    ) -> Result<Option<Signature>, Failure> {
        if self.signer.is_none() && self.verifier.is_none() {
            return Ok(None);
        }
        let step = ctx.ui.step("sign", "Looking at the signatures");
        let signature = self.sign(registry, digest).await?;
        self.check(remote, Some(&registry.repository().at(digest))).await?;
        step.done(match &signature {
            Some(Signature { added: true, .. }) => "Signed the image",
            Some(Signature { added: false, .. }) => "The image was signed already",
            None => "The image is signed as it must be",
        });
        Ok(signature)
    }

    /// Signs an image that was published, where that is wanted. A signature of the key that is there is left as it is.
    ///
    /// # Errors
    ///
    /// When the registry refuses. The image is there, and nothing of the instance points to it.
    async fn sign(&self, registry: &dyn Registry, digest: &str) -> Result<Option<Signature>, Failure> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let client = registry.client().await?;
        let added = client.sign(digest, signer).await;
        let added = added.map_err(|error| image::registry_failure(registry, "sign the image", error))?;
        Ok(Some(Signature { key: signer.verifier().id(), tag: signature_tag(digest), added }))
    }

    /// Fails unless an image has the signature that the project asks for, if it does.
    ///
    /// # Errors
    ///
    /// `E-DEPLOY-SIGNATURE` when it has none, or none that counts.
    pub async fn check(&self, remote: &Remote, image: Option<&str>) -> Result<(), Failure> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        let refuse = |why: String| {
            let key = verifier.id();
            let message =
                format!("`deploy.require_signature` keeps {} from `{}`: {why}", image.unwrap_or("it"), remote.name);
            let hint = format!(
                "set `sign = \"cosign\"` and push, or have whoever may release sign it: `cosign sign --key KEY {}`",
                image.unwrap_or("IMAGE")
            );
            Failure::new("E-DEPLOY-SIGNATURE", ExitCode::Rejected, message)
                .hint(hint)
                .context([format!("the key that is asked for is {key}")])
        };
        let (Some(registry), Some(digest)) = (remote.registry(), image.and_then(digest_of)) else {
            return Err(refuse("it is not known by its digest".to_owned()));
        };
        let client = registry.client().await?;
        let verdict = client.verify(digest, verifier).await;
        match verdict.map_err(|error| image::registry_failure(registry, "look at the signatures", error))? {
            Verdict::Signed => Ok(()),
            Verdict::Unsigned => Err(refuse("it has no signature".to_owned())),
            Verdict::Untrusted { misplaced: 0, others } => {
                Err(refuse(format!("none of its signatures is of the key, or they were changed ({others} there)")))
            }
            Verdict::Untrusted { misplaced, .. } => {
                Err(refuse(format!("what the key signed is for another image ({misplaced} there)")))
            }
        }
    }
}

/// Whether the project file has the images of an instance signed.
#[must_use]
pub fn signs(remote: &Remote) -> bool {
    match &remote.cloud.provider {
        Provider::Registry(registry) => registry.sign.is_some(),
        Provider::Fly(fly) => fly.sign.is_some(),
        Provider::Helix(_) | Provider::Enterprise(_) => false,
    }
}

fn digest_of(image: &str) -> Option<&str> {
    image.split_once('@').map(|(_, digest)| digest)
}

/// Where keys are looked for: the environment, and the files of variables of the project.
struct Keys<'a> {
    ctx: &'a Ctx,
    own: &'a BTreeMap<String, String>,
    root: &'a Path,
}

type Looked<T> = Result<Option<T>, Box<Finding>>;

impl Keys<'_> {
    /// A variable, and the folder that a path in it starts from.
    fn var(&self, name: &str) -> Option<(&str, &Path)> {
        let from_file = self.own.get(name).map(|value| (value.as_str(), self.root));
        from_file.or_else(|| Some((self.ctx.var(name)?, self.ctx.cwd.as_path()))).filter(|(value, _)| !value.is_empty())
    }

    fn signer(&self) -> Looked<Signer> {
        let Some((pem, place)) = self.text(KEY, true)? else { return Ok(None) };
        let password = self.var(PASSWORD).map(|(value, _)| SecretString::from(value));
        Signer::parse(&pem, password.as_ref()).map(Some).map_err(|error| {
            let fix = match error {
                KeyError::Closed => format!("set `{PASSWORD}` to its password"),
                KeyError::Password => format!(
                    "set `{PASSWORD}` to its password; keys are closed by `openssl pkcs8 -topk8 -v2 aes-256-cbc`"
                ),
                KeyError::NotPrivate | KeyError::Older | KeyError::Curve | KeyError::NotPublic => {
                    format!("make one: `{MAKE}`")
                }
            };
            wrong(&place, &error, fix)
        })
    }

    fn verifier(&self) -> Looked<Verifier> {
        use secrecy::ExposeSecret as _;

        let Some((pem, place)) = self.text(VERIFY_KEY, false)? else { return Ok(None) };
        Verifier::parse(pem.expose_secret()).map(Some).map_err(|error| {
            wrong(
                &place,
                &error,
                "take the public half of the key that signs: `openssl pkey -in signing.pem -pubout`".to_owned(),
            )
        })
    }

    /// The text of a key, from the variable or from the file that the other one names; and what to call the place.
    fn text(&self, variable: &str, is_private: bool) -> Looked<(SecretString, String)> {
        if let Some((value, _)) = self.var(variable) {
            // One line is what many systems of variables have room for.
            let text = value.replace("\\n", "\n");
            return Ok(Some((SecretString::from(text), format!("`{variable}`"))));
        }
        let Some((file, folder)) = self.var(&format!("{variable}_FILE")) else { return Ok(None) };
        let path = folder.join(file);
        let place = format!("`{}`, which `{variable}_FILE` names,", path.display());
        if is_private {
            closed(&path, &place)?;
        }
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some((SecretString::from(text), place))),
            Err(error) => Err(wrong(&place, &error, format!("name a file that is there; `{MAKE}` makes a key"))),
        }
    }
}

/// Fails when others may read a private key.
fn closed(path: &Path, place: &str) -> Result<(), Box<Finding>> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777).unwrap_or(0o600);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let fix = format!("close it: `chmod 600 {}`; if others had access, make another key", path.display());
    Err(wrong(place, &format!("others may read it (mode {mode:o})"), fix))
}

fn wrong(place: &str, why: &dyn std::fmt::Display, fix: String) -> Box<Finding> {
    let summary = format!("{place} cannot be used as a key: {why}");
    Box::new(Finding { code: "E-SIGN-KEY", severity: Severity::Error, summary, fix: Some(fix) })
}

fn missing(remote: &Remote, signs: bool) -> Finding {
    let (summary, fix) = if signs {
        (
            format!("images of `{}` are signed (`sign = \"cosign\"`), and there is no key", remote.name),
            format!("make one, `{MAKE}`, and set `{KEY}_FILE=signing.pem` in the environment or in `.env`"),
        )
    } else {
        (
            format!("`deploy.require_signature` is set, and it is not known whose signature `{}` needs", remote.name),
            format!(
                "set `{VERIFY_KEY}_FILE` to a file with the public key: `openssl pkey -in signing.pem -pubout -out signing.pub`"
            ),
        )
    };
    Finding { code: "E-SIGN-KEY", severity: Severity::Error, summary, fix: Some(fix) }
}

fn no_image(remote: &Remote) -> Finding {
    Finding {
        code: "E-DEPLOY-UNSUPPORTED",
        severity: Severity::Error,
        summary: format!(
            "{} compiles sources: there is no image whose signature could be looked at",
            remote.target().title
        ),
        fix: Some("leave `deploy.require_signature` out of this project".to_owned()),
    }
}
