//! The container runtime: does it answer, is it new enough, is there a compose to go with it? Only containers and images need
//! it.

use tokio::time::timeout;

use super::tools::{LIMIT, all_on_path, run};
use super::{Check, Outcome, without_userinfo};
use crate::config::{Instance, Runtime};
use crate::ctx::Ctx;
use crate::docker::{Client, MIN_API};
use crate::errors::Failure;
use crate::ops::container;
use crate::project::Project;

pub(super) async fn checks(ctx: &Ctx, project: Option<&Project>) -> Vec<Check> {
    let mut needed: Vec<(&Project, &Instance, Runtime)> = Vec::new();
    for (project, instance) in
        project.iter().flat_map(|project| project.config().instances.values().map(move |one| (*project, one)))
    {
        if let Instance::Local(local) = instance
            && local.runtime != Runtime::Embedded
            && needed.iter().all(|(_, _, known)| *known != local.runtime)
        {
            needed.push((project, instance, local.runtime));
        }
    }
    if needed.is_empty() {
        return vec![match timeout(LIMIT, container::connect_for_machine(ctx)).await {
            Ok(Ok(client)) => answers(&client),
            Ok(Err(failure)) => Check::skip("container-runtime", format!("no instance needs one; {}", failure.message)),
            Err(_) => Check::skip("container-runtime", "no instance needs one; it does not answer in time"),
        }];
    }
    let mut checks = Vec::new();
    for (project, instance, runtime) in needed {
        let found = timeout(LIMIT, container::connect(ctx, project, instance)).await;
        checks.push(of_instance(found, instance.target()));
        checks.push(compose(ctx, runtime).await);
    }
    checks
}

fn of_instance(found: Result<Result<Client, Failure>, tokio::time::error::Elapsed>, target: &str) -> Check {
    match found {
        Ok(Ok(client)) => answers(&client),
        Ok(Err(failure)) => Check::failed("container-runtime", Outcome::Fail, failure),
        Err(_) => {
            let found = format!("`{target}` does not answer within {} s", LIMIT.as_secs());
            Check::fail("container-runtime", found, format!("see what it waits for: `{target} info`"))
        }
    }
}

/// Whoever is too old is refused when it is connected to.
fn answers(client: &Client) -> Check {
    let host = without_userinfo(client.host());
    Check::pass("container-runtime", format!("{} answers at {host}, and has API {MIN_API}", client.runtime()))
}

/// Helix writes a compose file beside each container and does not need it itself.
async fn compose(ctx: &Ctx, runtime: Runtime) -> Check {
    let (program, alone, package) = match runtime {
        Runtime::Podman => ("podman", "podman-compose", "podman-compose"),
        Runtime::Docker | Runtime::Embedded => ("docker", "docker-compose", "docker-compose-v2"),
    };
    if let Some(path) = all_on_path(&ctx.env, program).first()
        && let Ok(said) = run(path, &["compose".as_ref(), "version".as_ref()]).await
    {
        let line = said.lines().next().unwrap_or_default().trim();
        return Check::pass("compose", format!("`{program} compose`: {line}"));
    }
    match all_on_path(&ctx.env, alone).first() {
        Some(path) => Check::pass("compose", format!("`{}`", path.display())),
        None => {
            let found = format!(
                "neither `{program} compose` nor `{alone}` is there: the compose files in `.helix` are for them"
            );
            Check::warn("compose", found, format!("`sudo apt install {package}`; helix itself does not need it"))
        }
    }
}
