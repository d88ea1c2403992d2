//! From what the project file says to a target that can be spoken to.

use super::Kind;
use crate::config::Cloud;
use crate::ctx::Ctx;
use crate::errors::Failure;
use crate::integrations::role::SourceBundle;
use crate::ops::compile::CompiledProject;
use crate::project::Project;

pub(super) fn open(_ctx: &Ctx, _project: &Project, name: &str, cloud: &Cloud) -> Result<Kind, Failure> {
    Err(crate::ops::local::unsupported(name, cloud.target()))
}

pub(super) fn sources(_project: &Project, _name: &str, _compiled: &CompiledProject) -> Result<SourceBundle, Failure> {
    Ok(SourceBundle::default())
}
