//! A compose file that says what runs, for people: to look at, or to go on with elsewhere. Nothing here reads it.
//!
//! What nobody should see who looks at the container is in a file of its own that only its owner may read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::docker::containers::ContainerSpec;

/// The compose file, within the workspace.
pub const FILE: &str = "docker-compose.yml";
/// The file of variables beside it.
pub const ENV_FILE: &str = "container.env";

/// The text of the compose file. `project` is its name for compose.
#[must_use]
pub fn text(project: &str, instance: &str, spec: &ContainerSpec) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}");
    };
    line(format_args!(
        "# What runs as instance `{instance}`. Written by helix at each push, and read by nobody but you."
    ));
    // Old versions of compose know no `name`.
    line(format_args!("# docker compose -p {project} up"));
    line(format_args!("services:"));
    line(format_args!("  app:"));
    line(format_args!("    image: {}", quoted(&spec.image)));
    line(format_args!("    container_name: {}", quoted(&spec.name)));
    line(format_args!("    user: {}", quoted(&spec.user)));
    line(format_args!("    ports:"));
    line(format_args!("      - {}", quoted(&format!("{}:{}", spec.published, spec.port))));
    line(format_args!("    volumes:"));
    line(format_args!("      - type: bind"));
    line(format_args!("        source: {}", quoted(&spec.data.display().to_string())));
    line(format_args!("        target: {}", quoted(&spec.data_inside)));
    if let Some((_, inside)) = &spec.secrets {
        line(format_args!("      - type: bind"));
        line(format_args!("        source: ./{ENV_FILE}"));
        line(format_args!("        target: {}", quoted(inside)));
        line(format_args!("        read_only: true"));
    }
    line(format_args!("    environment:"));
    for (name, value) in &spec.env {
        line(format_args!("      {name}: {}", quoted(value)));
    }
    line(format_args!("    restart: {}", quoted(&spec.restart.to_string())));
    line(format_args!("    stop_grace_period: {}s", spec.grace_secs));
    line(format_args!("    read_only: true"));
    line(format_args!("    tmpfs:"));
    line(format_args!("      - /tmp"));
    line(format_args!("    cap_drop:"));
    line(format_args!("      - ALL"));
    line(format_args!("    security_opt:"));
    line(format_args!("      - no-new-privileges"));
    if let Some(bytes) = spec.memory_bytes {
        line(format_args!("    mem_limit: {bytes}"));
        line(format_args!("    memswap_limit: {bytes}"));
    }
    if let Some(nanos) = spec.nano_cpus {
        line(format_args!("    cpus: {}", nanos as f64 / 1e9));
    }
    line(format_args!("    healthcheck:"));
    let test: Vec<String> =
        std::iter::once("CMD").chain(spec.healthcheck.iter().map(String::as_str)).map(quoted).collect();
    line(format_args!("      test: [{}]", test.join(", ")));
    line(format_args!("      interval: 10s"));
    line(format_args!("    networks:"));
    line(format_args!("      - net"));
    line(format_args!("    labels:"));
    for (name, value) in &spec.labels {
        line(format_args!("      {name}: {}", quoted(value)));
    }
    line(format_args!("networks:"));
    line(format_args!("  net:"));
    line(format_args!("    name: {}", quoted(&spec.network)));
    line(format_args!("    external: true"));
    text
}

/// The text of the file of variables.
#[must_use]
pub fn env_text(env: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in env {
        let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,@+=".contains(c));
        let _ = if plain {
            writeln!(text, "{name}={value}")
        } else {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('$', "\\$");
            writeln!(text, "{name}=\"{escaped}\"")
        };
    }
    text
}

/// Where both files are: the compose file, and the file of variables.
#[must_use]
pub fn paths(home: &Path) -> (PathBuf, PathBuf) {
    (home.join(FILE), home.join(ENV_FILE))
}

/// JSON's strings are YAML's; compose replaces what follows a `$`.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::containers::Restart;

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "helix-shop-dev_app".to_owned(),
            image: "sha256:1234".to_owned(),
            labels: BTreeMap::from([("dev.helix.managed".to_owned(), "true".to_owned())]),
            env: BTreeMap::from([
                ("HELIX_SETTINGS".to_owned(), r#"{"m":16}"#.to_owned()),
                ("PRICE".to_owned(), "5$".to_owned()),
            ]),
            secrets: Some(("/my shop/.helix/dev/container.env".into(), "/run/helix.env".to_owned())),
            user: "1000:1000".to_owned(),
            published: "127.0.0.1:7000".parse().unwrap(),
            port: 6969,
            data: "/my shop/.helix/.volumes/dev".into(),
            data_inside: "/data".to_owned(),
            relabel: false,
            network: "helix-shop-dev_net".to_owned(),
            restart: Restart::UnlessStopped,
            memory_bytes: Some(512 << 20),
            nano_cpus: Some(1_500_000_000),
            healthcheck: vec!["helix-server".to_owned(), "health".to_owned()],
            grace_secs: 30,
        }
    }

    #[test]
    fn secrets_are_left_to_the_file_of_variables() {
        insta::assert_snapshot!(text("helix-shop-dev", "dev", &spec()));
    }

    #[test]
    fn variables_of_any_content_can_be_written() {
        let env = [("A", "plain-1"), ("B", "two words"), ("C", "a\"b\\c\n$d"), ("D", "")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        insta::assert_snapshot!(env_text(&env));
    }
}
