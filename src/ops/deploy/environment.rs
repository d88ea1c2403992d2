//! The variables of a server that is elsewhere: those that anybody may see, and those that only the target may.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::config::{Cloud, Provider};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::embedded::settings::EMBEDDING_VARS;
use crate::ops::build::PORT;
use crate::project::Project;

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
    let mut forwarded: Vec<&str> = cloud.env.forward.iter().map(String::as_str).collect();
    let mut plain = cloud.env.set.clone();
    match &cloud.provider {
        // It runs servers as it likes, and has its own place for keys.
        Provider::Helix(helix) => plain.extend(helix.env_vars.clone()),
        Provider::Fly(_) | Provider::Registry(_) | Provider::Enterprise(_) => {
            forwarded.extend(EMBEDDING_VARS);
            let own = [
                ("HELIX_PORT", PORT.to_string()),
                ("HELIX_DATA_DIR", "/data".to_owned()),
                ("HELIX_PROJECT", project.slug()),
                ("HELIX_INSTANCE", name.to_owned()),
            ];
            plain.extend(own.map(|(variable, value)| (variable.to_owned(), value)));
        }
    }
    let set = forwarded.into_iter().filter(|variable| !plain.contains_key(*variable));
    let secret = set.filter_map(|variable| Some((variable.to_owned(), SecretString::from(known(variable)?)))).collect();
    Ok(Environment { plain, secret })
}
