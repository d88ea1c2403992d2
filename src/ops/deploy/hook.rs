//! The command that a project runs after its image is in a registry.

use std::process::Stdio;

use crate::errors::{ExitCode, Failure};
use crate::project::Project;

/// Runs the command of the user in a shell, in the folder of the project; what it writes goes to where ours goes, except for results.
///
/// # Errors
///
/// When it cannot be started, or fails. The image is where it is.
pub async fn run(project: &Project, command: &str, variables: &[(&str, &str)]) -> Result<(), Failure> {
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", command]).current_dir(project.root()).stdin(Stdio::null()).stdout(Stdio::piped());
    shell.stderr(Stdio::piped()).kill_on_drop(true).envs(variables.iter().copied());
    let failed = |message: String| {
        Failure::new("E-DEPLOY-HOOK", ExitCode::Failed, message)
            .hint("the image is published; mend `deploy_hook` and push again with `--force`")
    };
    let output = shell.output().await.map_err(|error| failed(format!("`deploy_hook` cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let last = lines.into_iter().rev().take(20).collect::<Vec<_>>().into_iter().rev();
    Err(failed(format!("`deploy_hook` ended with {}", output.status)).context(last))
}
