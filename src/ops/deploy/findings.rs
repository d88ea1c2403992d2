//! What is found out before anything is changed.

use secrecy::SecretString;
use std::collections::BTreeMap;

use super::{Kind, Remote};
use crate::config::Provider;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::role::{Finding, Severity};

/// All that the target and the project file tell.
pub(super) async fn gather(
    remote: &Remote,
    secrets: &BTreeMap<String, SecretString>,
    allow_public: bool,
) -> Vec<Finding> {
    let mut findings = own(remote, secrets, allow_public);
    findings.extend(match &remote.kind {
        Kind::Registry(registry) => registry.preflight().await,
        Kind::Platform(platform) => platform.preflight().await,
    });
    findings
}

/// What is plain from the project file alone.
fn own(remote: &Remote, secrets: &BTreeMap<String, SecretString>, allow_public: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let database = &remote.cloud.database;
    if remote.is_public() && database.api_key == Some(false) {
        findings.push(Finding {
            code: "E-DEPLOY-PUBLIC",
            severity: if allow_public { Severity::Warning } else { Severity::Error },
            summary: format!(
                "`{}` has a public address, and `api_key = false`: anybody could read and write",
                remote.name
            ),
            fix: Some("leave `api_key` out, set `private = true`, or pass `--allow-public`".to_owned()),
        });
    }
    let key_of = |model: &str| match model.split_once(':').map_or(model, |(provider, _)| provider) {
        "gemini" => Some("GEMINI_API_KEY"),
        "azure_openai" => Some("AZURE_OPENAI_API_KEY"),
        "local" => None,
        _ => Some("OPENAI_API_KEY"),
    };
    let is_run = !matches!(remote.cloud.provider, Provider::Registry(_));
    if let Some(key) = database.embedding_model.as_deref().and_then(key_of)
        && is_run
        && !secrets.contains_key(key)
    {
        findings.push(Finding {
            code: "W-DEPLOY-MODEL-KEY",
            severity: Severity::Warning,
            summary: format!("`embedding_model` needs `{key}`, which is not set here"),
            fix: Some(format!("`helix secrets set {key} --instance {}`, unless that was done", remote.name)),
        });
    }
    findings
}

/// Shows what was found.
///
/// # Errors
///
/// When something of it is an error: the first one's code, with all of them.
pub fn show(ctx: &Ctx, findings: &[Finding]) -> Result<(), Failure> {
    let line = |finding: &Finding| match &finding.fix {
        Some(fix) => format!("{}: {fix}", finding.summary),
        None => finding.summary.clone(),
    };
    for finding in findings {
        match finding.severity {
            Severity::Error => {}
            Severity::Warning => ctx.ui.warn(finding.code, line(finding)),
            Severity::Info => ctx.ui.note(&line(finding)),
        }
    }
    let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let mut failure = Failure::new(first.code, exit(first.code), first.summary.clone());
    failure.hint.clone_from(&first.fix);
    Err(failure.context(errors.iter().skip(1).map(|finding| format!("[{}] {}", finding.code, line(finding)))))
}

/// The exit code that goes with the code of a finding.
fn exit(code: &str) -> ExitCode {
    match code {
        "E-DEPLOY-NOT-FOUND" => ExitCode::State,
        "E-DEPLOY-UNSUPPORTED" => ExitCode::Unsupported,
        "E-CLOUD-UNCONFIGURED" => ExitCode::Auth,
        code if code.starts_with("E-AUTH-") => ExitCode::Auth,
        code if code.starts_with("E-NET-") => ExitCode::Network,
        code if ["E-CFG-", "E-REG-", "E-SIGN-"].iter().any(|start| code.starts_with(start)) => ExitCode::Config,
        "E-STATE-LOCKED" => ExitCode::Locked,
        code if code.starts_with("E-STATE-") => ExitCode::State,
        code if code.starts_with("E-RUNTIME-") => ExitCode::Runtime,
        _ => ExitCode::Rejected,
    }
}
