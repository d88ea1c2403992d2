//! The text of a Dockerfile: a pure value, two flavours from one template.
//!
//! The stages go from what changes least to what changes most: the tools, what the engine depends on (`cook`, the same for every
//! project of one version), the engine, the queries, and a runtime that nothing but the result is copied to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::generate::PACKAGE;
use crate::config::BuildMode;

/// The image that servers are compiled in when the project names none.
pub const BUILDER_IMAGE: &str = "rust:1.95.0-slim-bookworm";
/// The image that servers run on when the project names none.
pub const RUNTIME_IMAGE: &str = "debian:bookworm-slim";
/// The port that a server in a container always has.
pub const PORT: u16 = 6969;
/// The user and group that it runs as.
pub const USER: u64 = 10_001;
/// Where the folder of the data is in the context, as an archive.
pub const DATA_FILE: &str = "build/data.tar";
/// The cargo-chef that is installed where the builder image has none.
const CARGO_CHEF: &str = "0.1.78";
/// Where the certificates are while building, in the context and in the builder stages.
pub const CA_FILE: &str = "build/ca.pem";
/// Where the cargo configuration is in the context.
pub const CARGO_CONFIG_FILE: &str = "build/cargo.toml";
/// Build arguments that every builder knows and that never become part of an image.
const PREDEFINED: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Which builder reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// BuildKit: crates are kept in a cache that all builds share.
    BuildKit,
    /// Any builder.
    Classic,
}

/// What a Dockerfile depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The image to compile in.
    pub builder_image: String,
    /// The image to run on.
    pub runtime_image: String,
    /// How the server is compiled.
    pub mode: BuildMode,
    /// Whether there are more certificates to trust while building.
    pub ca: bool,
    /// Whether there is a cargo configuration.
    pub cargo_config: bool,
    /// The names of build arguments.
    pub build_args: Vec<String>,
    /// Secrets that compiling needs: their ids, and the variables that hold them. BuildKit's flavour only.
    pub secrets: BTreeMap<String, String>,
    /// The name of the project.
    pub project: String,
    /// The name of the instance.
    pub instance: String,
    /// What is written on the image.
    pub labels: BTreeMap<String, String>,
}

impl Recipe {
    /// The Dockerfile.
    #[must_use]
    pub fn text(&self, flavour: Flavour) -> String {
        let cached = match flavour {
            Flavour::BuildKit => {
                let cache = "--mount=type=cache,id=helix-cargo,target=/cargo/registry,sharing=locked ";
                format!("{cache}{}", self.mounted_secrets())
            }
            Flavour::Classic => String::new(),
        };
        let (release, profile) = match self.mode {
            BuildMode::Dev => ("", "debug"),
            BuildMode::Release => (" --release", "release"),
        };
        let build = format!("cargo build --locked{release} --package {PACKAGE}");
        let Self { builder_image, runtime_image, project, instance, .. } = self;
        let mut text = format!(
            "# Written by helix: changes are lost. Build it with `docker build .`\n\
             \n\
             FROM {builder_image} AS base\n\
             WORKDIR /helix\n\
             ENV CARGO_HOME=/cargo CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never CARGO_NET_RETRY=5\n\
             # The time that C compilers write into what they compile.\n\
             ENV SOURCE_DATE_EPOCH=0\n"
        );
        let mut line = |words: &str| {
            text.push_str(words);
            text.push('\n');
        };
        for name in self.build_args.iter().filter(|name| !PREDEFINED.contains(&name.as_str())) {
            line(&format!("ARG {name}"));
        }
        if self.ca {
            line(&format!("COPY {CA_FILE} /helix/ca.pem"));
            line(
                "ENV CARGO_HTTP_CAINFO=/helix/ca.pem SSL_CERT_FILE=/helix/ca.pem GIT_SSL_CAINFO=/helix/ca.pem CURL_CA_BUNDLE=/helix/ca.pem",
            );
        }
        if self.cargo_config {
            line(&format!("COPY {CARGO_CONFIG_FILE} /helix/.cargo/config.toml"));
        }
        for part in [
            format!(
                "\nFROM base AS chef\n\
                 RUN {cached}command -v cargo-chef >/dev/null || cargo install --locked --root /usr/local --version {CARGO_CHEF} cargo-chef\n"
            ),
            "# Sees nothing of the project: its result, and what is cooked by it, is the same for all.\n\
             FROM chef AS planner\n\
             COPY Cargo.toml Cargo.lock ./\n\
             COPY crates crates\n\
             COPY server/Cargo.toml server/Cargo.toml\n\
             COPY server/src/main.rs server/src/main.rs\n\
             RUN cargo chef prepare --recipe-path recipe.json\n"
                .to_owned(),
            format!(
                "FROM chef AS cook\n\
                 COPY --from=planner /helix/recipe.json recipe.json\n\
                 RUN {cached}cargo chef cook --locked{release} --package {PACKAGE} --recipe-path recipe.json\n"
            ),
            // The dummy program links what the real one links, so that the engine is compiled with the same features.
            format!(
                "FROM cook AS engine\n\
                 COPY Cargo.toml Cargo.lock ./\n\
                 COPY crates crates\n\
                 COPY server/Cargo.toml server/Cargo.toml\n\
                 RUN {cached}find crates server -type f -exec touch {{}} + && {build}\n"
            ),
            // No variable that the stages before did not have: build scripts watch some, and would run again with all behind them.
            format!(
                "FROM engine AS queries\n\
                 COPY server server\n\
                 RUN {cached}find server -type f -exec touch {{}} + && {build} \\\n    \
                 && mkdir -p /out/usr/local/bin /out/etc/ssl/certs \\\n    \
                 && cp target/{profile}/{PACKAGE} /out/usr/local/bin/ \\\n    \
                 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \\\n    \
                 && find /out -exec touch --date=@0 {{}} +\n"
            ),
            format!(
                "FROM {runtime_image} AS runtime\n\
                 COPY --from=queries /out/etc /etc\n\
                 ADD {DATA_FILE} /\n\
                 COPY --from=queries /out/usr /usr\n\
                 ENV HELIX_PORT={PORT} HELIX_BIND=0.0.0.0 HELIX_DATA_DIR=/data HELIX_PROJECT={} HELIX_INSTANCE={}\n\
                 EXPOSE {PORT}\n\
                 USER {USER}:{USER}\n\
                 STOPSIGNAL SIGTERM\n\
                 HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \\\n    \
                 CMD [\"/usr/local/bin/{PACKAGE}\", \"health\"]",
                quoted(project),
                quoted(instance),
            ),
        ] {
            line(&part);
        }
        for (name, value) in &self.labels {
            line(&format!("LABEL {name}={}", quoted(value)));
        }
        line(&format!("ENTRYPOINT [\"/usr/local/bin/{PACKAGE}\"]"));
        text
    }
}

impl Recipe {
    /// The start of a step that sees the secrets, as variables of its own. A step fails where one of them is missing.
    fn mounted_secrets(&self) -> String {
        let mounts = self.secrets.keys().map(|id| format!("--mount=type=secret,id={id},required=true "));
        let variables = self.secrets.iter().map(|(id, name)| format!("export {name}=\"$(cat /run/secrets/{id})\" && "));
        mounts.chain(variables).collect()
    }
}

/// A value in quotes, with nothing in it that means something to a builder.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => {
                let _ = write!(text, "\\{c}");
            }
            '\n' | '\r' => text.push(' '),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(mode: BuildMode) -> Recipe {
        Recipe {
            builder_image: BUILDER_IMAGE.to_owned(),
            runtime_image: RUNTIME_IMAGE.to_owned(),
            mode,
            ca: false,
            cargo_config: false,
            build_args: Vec::new(),
            secrets: BTreeMap::new(),
            project: "app".to_owned(),
            instance: "dev".to_owned(),
            labels: BTreeMap::from([("dev.helix.managed".to_owned(), "true".to_owned())]),
        }
    }

    #[test]
    fn the_flavour_of_buildkit() {
        insta::assert_snapshot!(recipe(BuildMode::Release).text(Flavour::BuildKit));
    }

    #[test]
    fn secrets_are_mounted_in_the_steps_that_compile_and_nowhere_else() {
        let secrets = BTreeMap::from([("token".to_owned(), "CARGO_REGISTRIES_OWN_TOKEN".to_owned())]);
        let recipe = Recipe { secrets, ..recipe(BuildMode::Release) };
        let text = recipe.text(Flavour::BuildKit);
        let with: Vec<&str> = text.lines().filter(|line| line.contains("token")).collect();
        assert_eq!(with.len(), 4, "{text}");
        for line in with {
            assert!(line.starts_with("RUN --mount=type=cache,") && line.contains("id=token,required=true "), "{line}");
            assert!(line.contains("export CARGO_REGISTRIES_OWN_TOKEN=\"$(cat /run/secrets/token)\" && "), "{line}");
        }
        assert!(!text.split(" AS runtime").nth(1).is_some_and(|runtime| runtime.contains("secret")));
    }

    #[test]
    fn the_classic_flavour_with_all_settings() {
        let recipe = Recipe {
            ca: true,
            cargo_config: true,
            build_args: vec!["HTTP_PROXY".to_owned(), "MIRROR".to_owned()],
            project: "a \"$HOME\" \\ b".to_owned(),
            ..recipe(BuildMode::Dev)
        };
        insta::assert_snapshot!(recipe.text(Flavour::Classic));
    }

    /// What comes before the runtime stage names no project: the slow layers are shared.
    #[test]
    fn what_is_cooked_is_the_same_for_every_project() {
        let other = Recipe { project: "other".to_owned(), instance: "prod".to_owned(), ..recipe(BuildMode::Release) };
        let slow = |recipe: &Recipe| recipe.text(Flavour::BuildKit).split(" AS runtime").next().map(str::to_owned);
        assert_eq!(slow(&other), slow(&recipe(BuildMode::Release)));
    }

    #[test]
    fn no_frontend_is_asked_for() {
        // It would have to be pulled from a registry.
        assert!(!recipe(BuildMode::Dev).text(Flavour::BuildKit).contains("syntax="));
    }
}
