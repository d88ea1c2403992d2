//! Sending a build to the daemon, and what it answers as values: which step runs, what it writes, which one failed.
//!
//! BuildKit tells steps as such; the classic builder writes text that names them. Both become the same [`Event`]s.

use std::collections::{BTreeMap, HashMap};

use bollard::Docker;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuilderVersion};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::build_secrets;

/// The first version of the API that has BuildKit.
const BUILDKIT_API: (u32, u32) = (1, 39);

/// Who builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    /// BuildKit, inside of the daemon.
    BuildKit,
    /// The builder that every daemon has, and Podman's.
    Classic,
}

/// What to build.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The archive with a `Dockerfile` in it.
    pub context: Bytes,
    /// The names that the image gets; at least one.
    pub tags: Vec<String>,
    /// The platform, as in `linux/amd64`; the daemon's own when omitted.
    pub platform: Option<String>,
    /// Who builds.
    pub builder: Builder,
    /// The network of the steps, as in `host`.
    pub network: Option<String>,
    /// Whether earlier results are left aside.
    pub no_cache: bool,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Secrets that steps mount: their ids, and the variables of this process that hold them. For BuildKit only.
    pub secrets: BTreeMap<String, String>,
}

/// What happens in a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step began.
    Started(String),
    /// A step was not needed: its result was there.
    Cached(String),
    /// A step wrote a line.
    Line {
        /// The step.
        step: String,
        /// The line.
        line: String,
    },
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildFailed {
    /// A step failed.
    #[error("{message}")]
    Step {
        /// The step, where the builder names it.
        step: Option<String>,
        /// What it failed with.
        message: String,
    },
    /// The daemon does not do what it is asked.
    #[error("the container runtime refused: {0}")]
    Daemon(#[from] bollard::errors::Error),
}

/// The best builder that a daemon has.
///
/// # Errors
///
/// When it does not answer.
pub async fn builder(docker: &Docker) -> Result<Builder, BuildFailed> {
    let version = docker.version().await?;
    let podman = version.components.iter().flatten().any(|component| component.name.contains("Podman"));
    let api = version.api_version.as_deref().and_then(|text| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    let has_buildkit =
        !podman && version.os.as_deref() == Some("linux") && api.is_some_and(|api: (u32, u32)| api >= BUILDKIT_API);
    Ok(if has_buildkit { Builder::BuildKit } else { Builder::Classic })
}

/// Builds an image, and tells `tell` what happens. Dropping the future ends the build.
///
/// # Errors
///
/// When a step fails or the daemon refuses.
pub async fn build(docker: &Docker, request: &BuildRequest, mut tell: impl FnMut(Event)) -> Result<(), BuildFailed> {
    if request.secrets.is_empty() {
        through_daemon(docker, request, &mut tell).await?;
    } else {
        build_secrets::build(docker, request).await?;
    }
    for tag in request.tags.iter().skip(1) {
        let first = request.tags.first().map_or("", String::as_str);
        let (repo, name) = tag.rsplit_once(':').unwrap_or((tag, "latest"));
        let options =
            bollard::query_parameters::TagImageOptions { repo: Some(repo.to_owned()), tag: Some(name.to_owned()) };
        docker.tag_image(first, Some(options)).await?;
    }
    Ok(())
}

async fn through_daemon(
    docker: &Docker,
    request: &BuildRequest,
    tell: &mut impl FnMut(Event),
) -> Result<(), BuildFailed> {
    let buildkit = request.builder == Builder::BuildKit;
    let options = BuildImageOptions {
        dockerfile: "Dockerfile".to_owned(),
        t: request.tags.first().cloned(),
        platform: request.platform.clone().unwrap_or_default(),
        networkmode: request.network.clone(),
        nocache: request.no_cache,
        rm: true,
        forcerm: true,
        buildargs: Some(request.build_args.clone().into_iter().collect::<HashMap<_, _>>()),
        version: if buildkit { BuilderVersion::BuilderBuildKit } else { BuilderVersion::BuilderV1 },
        session: buildkit.then(|| uuid::Uuid::new_v4().simple().to_string()),
        ..BuildImageOptions::default()
    };
    let mut stream = docker.build_image(options, None, Some(bollard::body_full(request.context.clone())));
    let mut steps = Steps::default();
    while let Some(info) = stream.next().await {
        match info {
            Ok(info) => steps.take(info, tell)?,
            Err(bollard::errors::Error::DockerStreamError { error }) => return Err(steps.failed(error)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What is known of the steps of a build.
#[derive(Debug, Default)]
struct Steps {
    /// Names by BuildKit's digests.
    names: HashMap<String, String>,
    told: HashMap<String, Told>,
    /// Of BuildKit: the step that failed, and with what. Of the classic builder: the one that runs.
    current: Option<String>,
    error: Option<String>,
    partial: HashMap<String, String>,
}

/// What was told of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Started,
    Cached,
}

impl Steps {
    fn take(&mut self, info: BuildInfo, tell: &mut impl FnMut(Event)) -> Result<(), BuildFailed> {
        if let Some(BuildInfoAux::BuildKit(status)) = info.aux {
            for vertex in status.vertexes {
                // What the daemon does for itself: `[internal] load build context`.
                let name = vertex.name.clone();
                self.names.insert(vertex.digest.clone(), name.clone());
                if !vertex.error.is_empty() {
                    self.current = Some(name);
                    self.error = Some(vertex.error);
                } else if vertex.cached {
                    self.tell_once(&vertex.digest, Told::Cached, || tell(Event::Cached(name)));
                } else if vertex.started.is_some() {
                    self.tell_once(&vertex.digest, Told::Started, || tell(Event::Started(name)));
                }
            }
            for log in status.logs {
                let step = self.names.get(&log.vertex).cloned().unwrap_or_default();
                self.lines(&step, &String::from_utf8_lossy(&log.msg), tell);
            }
        }
        if let Some(text) = info.stream {
            self.classic(&text, tell);
        }
        match info.error_detail {
            Some(error) => Err(self.failed(error.message.unwrap_or_default())),
            None => Ok(()),
        }
    }

    fn tell_once(&mut self, step: &str, what: Told, tell: impl FnOnce()) {
        let before = self.told.get(step).copied();
        if before.is_none_or(|before| before < what) {
            self.told.insert(step.to_owned(), what);
            tell();
        }
    }

    /// `Step 3/20 : RUN …`, ` ---> Using cache`, ` ---> 1a2b…`, or output.
    fn classic(&mut self, text: &str, tell: &mut impl FnMut(Event)) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if let Some((number, instruction)) = line.strip_prefix("Step ").and_then(|rest| rest.split_once(" : ")) {
                let step = format!("[{number}] {instruction}");
                self.current = Some(step.clone());
                tell(Event::Started(step));
            } else if let Some(note) = line.trim_start().strip_prefix("---> ") {
                if note == "Using cache" {
                    tell(Event::Cached(self.current.clone().unwrap_or_default()));
                }
            } else {
                tell(Event::Line { step: self.current.clone().unwrap_or_default(), line: line.to_owned() });
            }
        }
    }

    /// Output comes in pieces that need not end where lines do.
    fn lines(&mut self, step: &str, text: &str, tell: &mut impl FnMut(Event)) {
        let partial = self.partial.entry(step.to_owned()).or_default();
        partial.push_str(text);
        while let Some(end) = partial.find('\n') {
            let line: String = partial.drain(..=end).collect();
            let line = line.trim_end().to_owned();
            if !line.is_empty() {
                tell(Event::Line { step: step.to_owned(), line });
            }
        }
    }

    fn failed(&self, message: String) -> BuildFailed {
        let message = self.error.clone().unwrap_or(message);
        BuildFailed::Step { step: self.current.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ErrorDetail;

    use super::*;

    fn stream(text: &str) -> BuildInfo {
        BuildInfo { stream: Some(text.to_owned()), ..BuildInfo::default() }
    }

    #[test]
    fn the_text_of_the_classic_builder_names_its_steps() {
        let (mut steps, mut told) = (Steps::default(), Vec::new());
        for text in
            ["Step 1/2 : FROM base\n", " ---> 1a2b\n", "Step 2/2 : RUN make\n", " ---> Using cache\n", "out\nput\n"]
        {
            steps.take(stream(text), &mut |event| told.push(event)).unwrap();
        }
        let line = |line: &str| Event::Line { step: "[2/2] RUN make".to_owned(), line: line.to_owned() };
        let expected = [
            Event::Started("[1/2] FROM base".to_owned()),
            Event::Started("[2/2] RUN make".to_owned()),
            Event::Cached("[2/2] RUN make".to_owned()),
            line("out"),
            line("put"),
        ];
        assert_eq!(told, expected);
        let error = ErrorDetail { message: Some("returned a non-zero code: 1".to_owned()), code: Some(1) };
        let failed = steps.take(BuildInfo { error_detail: Some(error), ..BuildInfo::default() }, &mut |_| {});
        let Err(BuildFailed::Step { step, message }) = failed else { panic!("it failed") };
        assert_eq!(step.as_deref(), Some("[2/2] RUN make"));
        assert_eq!(message, "returned a non-zero code: 1");
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let (mut steps, mut told) = (Steps::default(), Vec::new());
        for text in ["Comp", "iling a\nCompiling", " b\n"] {
            steps.lines("cook", text, &mut |event| told.push(event));
        }
        let line = |line: &str| Event::Line { step: "cook".to_owned(), line: line.to_owned() };
        assert_eq!(told, [line("Compiling a"), line("Compiling b")]);
    }
}
