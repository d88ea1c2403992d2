//! The variables of an instance, with the place that each is from.

use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::config::{Instance, looks_secret};
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::embedded::settings::EMBEDDING_VARS;
use crate::ops::env_file::API_KEY;
use crate::ops::secrets::Store;
use crate::project::{FOR_THE_TOOL, Project};

/// What every container gets from the environment of the command, where it is set: how models are reached, and the key of the
/// server itself.
pub(super) fn forwarded_to_containers<'a>() -> impl Iterator<Item = &'a str> {
    EMBEDDING_VARS.into_iter().chain([API_KEY])
}

/// What reaches any server when it is set here: how models are reached, and how many threads there are.
fn forwarded<'a>() -> impl Iterator<Item = &'a str> {
    EMBEDDING_VARS.into_iter().chain(["HELIX_CORES_OVERRIDE"])
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, or a mask where it may be a secret.
    pub value: String,
    /// Where it is from: a file, the environment, the project file.
    pub source: String,
}

/// The variables that the server of an instance gets, by name.
///
/// # Errors
///
/// When there is no such instance, or a file of variables cannot be read.
pub fn of(ctx: &Ctx, project: &Project, name: &str) -> Result<Vec<Variable>, Failure> {
    let (name, instance) = project.instance(name)?;
    let table = match instance {
        Instance::Local(local) => &local.env,
        Instance::Cloud(cloud) => &cloud.env,
    };
    let mut sourced = project.sourced_environment(name, table, &ctx.env, &ctx.env_files)?;
    if let Instance::Local(_) = instance {
        for (variable, value) in Store::of(ctx, project).values(name)? {
            if !ctx.env.contains_key(&variable) {
                sourced.insert(variable, (value.expose_secret().to_owned(), "secrets".to_owned()));
            }
        }
    }
    let wanted = |variable: &str| match instance {
        // What a file says reaches a server elsewhere only when that is asked for.
        Instance::Cloud(_) => {
            table.set.contains_key(variable)
                || table.forward.iter().any(|known| known == variable)
                || forwarded().any(|known| known == variable)
        }
        Instance::Local(_) => !FOR_THE_TOOL.contains(&variable),
    };
    let mut all: Vec<Variable> = sourced
        .into_iter()
        .filter(|(variable, _)| wanted(variable))
        .map(|(variable, (value, source))| shown(variable, &value, source))
        .collect();
    let forwarded = table.forward.iter().map(String::as_str).chain(forwarded());
    for variable in forwarded {
        let is_known = all.iter().any(|known| known.name == variable);
        if let Some(value) = ctx.var(variable).filter(|_| !is_known) {
            all.push(shown(variable.to_owned(), value, "environment".to_owned()));
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn shown(name: String, value: &str, source: String) -> Variable {
    // Only what the project file has in the open is shown: it is committed.
    let is_open = source.contains("env.set") && !looks_secret(&name, value);
    let value = if is_open { value.to_owned() } else { mask(value) };
    Variable { name, value, source }
}

/// Nothing of a short value, the last letters of a long one.
fn mask(value: &str) -> String {
    const SHOWN: usize = 4;
    let count = value.chars().count();
    if count < 4 * SHOWN {
        return "****".to_owned();
    }
    let end: String = value.chars().skip(count - SHOWN).collect();
    format!("****{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_models_are_reached_goes_to_every_server() {
        for name in EMBEDDING_VARS {
            assert!(forwarded().any(|known| known == name), "{name}");
            assert!(forwarded_to_containers().any(|known| known == name), "{name}");
        }
        assert!(EMBEDDING_VARS.contains(&"HELIX_EMBED_URL"));
    }

    #[test]
    fn a_short_secret_shows_nothing() {
        assert_eq!(mask("hunter2"), "****");
        assert_eq!(mask("sk-0123456789abcdef"), "****cdef");
        assert_eq!(shown("API_TOKEN".to_owned(), "0123456789ab", "`env.set`".to_owned()).value, "****");
        assert_eq!(shown("GREETING".to_owned(), "hello", "`env.set`".to_owned()).value, "hello");
    }
}
