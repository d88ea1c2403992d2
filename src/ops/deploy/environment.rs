//! The variables of a server that is elsewhere: those that anybody may see, and those that only the target may.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::config::Cloud;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::ops::build::PORT;
use crate::project::Project;

/// Keys of models: they reach the server when they are set here.
const MODEL_KEYS: [&str; 4] =
    ["OPENAI_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_RESOURCE_NAME"];

/// The variables of a server.
#[derive(Debug)]
pub(super) struct Environment {
    /// What the project file says, in the open.
    pub(super) plain: BTreeMap<String, String>,
    /// What comes from the environment and from files that are not committed.
    pub(super) secret: BTreeMap<String, SecretString>,
}

/// Gathers them. `[…].env.set` is in the open: it is in the project file. Everything that is forwarded is a secret.
pub(super) fn gather(ctx: &Ctx, project: &Project, name: &str, cloud: &Cloud) -> Result<Environment, Failure> {
    let own = project.environment(name, &cloud.env, &ctx.env, &ctx.env_files)?;
    let known = |variable: &str| own.get(variable).cloned().or_else(|| ctx.var(variable).map(str::to_owned));
    let forwarded = cloud.env.forward.iter().map(String::as_str).chain(MODEL_KEYS);
    let secret = forwarded.filter_map(|variable| Some((variable.to_owned(), SecretString::from(known(variable)?))));
    let mut plain = BTreeMap::from([
        ("HELIX_PORT".to_owned(), PORT.to_string()),
        ("HELIX_DATA_DIR".to_owned(), "/data".to_owned()),
        ("HELIX_PROJECT".to_owned(), project.slug()),
        ("HELIX_INSTANCE".to_owned(), name.to_owned()),
    ]);
    plain.extend(cloud.env.set.clone());
    Ok(Environment { plain, secret: secret.filter(|(variable, _)| !cloud.env.set.contains_key(variable)).collect() })
}
