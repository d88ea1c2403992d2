//! Another instance in the project file.

use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use super::local;
use crate::config::{Config, check_instance_name, edit};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::port;
use crate::project::Project;

/// Where ports of instances begin.
const FIRST_PORT: u16 = 6969;

/// An instance that is to be added.
#[derive(Clone, Debug)]
pub struct NewInstance {
    provider: &'static str,
    is_local: bool,
    keys: Vec<(&'static str, toml_edit::Value)>,
}

/// An instance that was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// The target.
    pub provider: &'static str,
    /// Its table.
    pub config: Map<String, Value>,
}

impl NewInstance {
    /// One on this machine, on a port that no other instance of the project has and nobody listens on.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub fn local(ctx: &Ctx, project: &Project, runtime: Option<String>) -> Result<Self, Failure> {
        let taken: Vec<u16> = project.config().locals().map(|(_, local)| local.port).collect();
        let mut wanted = FIRST_PORT;
        while taken.contains(&wanted) {
            wanted += 1;
        }
        let free = port::search(Ipv4Addr::LOCALHOST.into(), wanted)?;
        let free = if taken.contains(&free) { wanted } else { free };
        ctx.ui.note(&format!("its port is {free}"));
        let mut keys = vec![("port", i64::from(free).into())];
        let provider = match runtime.as_deref() {
            Some("docker") => "docker",
            Some("podman") => "podman",
            _ => "embedded",
        };
        if provider != "embedded" {
            keys.push(("runtime", provider.into()));
        }
        Ok(Self { provider, is_local: true, keys })
    }

    /// One elsewhere.
    #[must_use]
    pub const fn cloud(provider: &'static str, keys: Vec<(&'static str, toml_edit::Value)>) -> Self {
        Self { provider, is_local: false, keys }
    }
}

/// The name of a new instance: the one that was given, or the usual one.
///
/// # Errors
///
/// When it cannot be one, or there is one of that name.
pub fn name(project: &Project, given: Option<&str>, is_local: bool) -> Result<String, Failure> {
    let name = given.map_or_else(|| if is_local { "dev".to_owned() } else { project.slug() }, str::to_owned);
    check_name(&name, project.config().instances.keys().map(String::as_str))?;
    Ok(name)
}

/// Whether a name can be that of another instance beside these.
///
/// # Errors
///
/// When it cannot.
pub fn check_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let hint = "give it another name with `-n NAME`";
    check_instance_name(name).map_err(|what| {
        let message = format!("`{name}` cannot be the name of an instance: {what}");
        Failure::new("E-INPUT-NAME", ExitCode::Usage, message).hint(hint)
    })?;
    if known.into_iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let message = format!("there is an instance `{name}` already");
        return Err(Failure::new("E-CFG-INSTANCE-EXISTS", ExitCode::Config, message).hint(hint));
    }
    Ok(())
}

/// Adds it to the project file. Nothing is written unless the whole file is right with it.
///
/// # Errors
///
/// When there is one of that name, or the table is not right.
pub fn apply(project: &Project, name: Option<&str>, new: NewInstance) -> Result<Added, Failure> {
    let name = self::name(project, name, new.is_local)?;
    let path: Vec<&str> = if new.is_local { vec!["local", &name] } else { vec!["cloud", &name, new.provider] };
    local::change_file(
        project,
        |text| edit::add_instance(text, &path, &new.keys).map(Some),
        |text| Ok(Config::parse("helix.toml", text).map(|_| ())?),
    )?;
    let shown = |value: &toml_edit::Value| match value {
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(flag) => Value::from(*flag.value()),
        other => Value::from(other.as_str().unwrap_or_default()),
    };
    let config = new.keys.iter().map(|(key, value)| ((*key).to_owned(), shown(value))).collect();
    Ok(Added { name, provider: new.provider, config })
}
