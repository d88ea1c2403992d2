//! A development session: each save is compiled and, if nothing is wrong with it, live at once.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use helix_plan::diff::{Change, Diff};
use serde_json::json;
use tempfile::TempDir;

use super::compile::{self, CompiledProject};
use super::instance::tidy;
use super::invoke::Endpoint;
use super::push::PortChoice;
use super::watch::Watch;
use super::{local, seed, warnings};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::control::Event;
use crate::integrations::embedded::live::Live;
use crate::integrations::embedded::settings::Settings;
use crate::integrations::embedded::{Files, Phase, Session, State, log, port, process, state};
use crate::project::Project;
use crate::ui::Style;
use crate::utils::count;

/// How long requests in flight may take at the end.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a line of a seed may take.
const SEED_TIMEOUT: Duration = Duration::from_secs(60);

/// What a session is asked to do.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// Where to listen.
    pub port: PortChoice,
    /// A file with first data.
    pub seed: Option<PathBuf>,
    /// Whether data is thrown away at the end.
    pub ephemeral: bool,
    /// Whether stored data may be lost.
    pub allow_breaking: bool,
    /// How long to wait for another command.
    pub lock_timeout: Duration,
}

/// A session.
pub struct DevSession<'a> {
    ctx: &'a Ctx,
    name: &'a str,
    options: DevOptions,
    throw_away: Option<TempDir>,
    live: Option<Live>,
    /// Of the settings that it runs with.
    config_hash: String,
    /// Of what it serves.
    digest: Option<String>,
    /// Whether the last edit was no good.
    broken: bool,
    /// How often a plan was activated.
    pub activations: usize,
    /// How many requests were answered.
    pub requests: u64,
}

impl<'a> DevSession<'a> {
    /// A session on the instance `name`; nothing runs yet.
    ///
    /// # Errors
    ///
    /// When there is no place for data that is thrown away.
    pub fn new(ctx: &'a Ctx, name: &'a str, options: DevOptions) -> Result<Self, Failure> {
        let throw_away = options.ephemeral.then(|| tempfile::Builder::new().prefix("helix-dev-").tempdir()).transpose();
        let throw_away = throw_away.map_err(|error| Failure::file("create", &std::env::temp_dir(), &error))?;
        Ok(Self {
            ctx,
            name,
            options,
            throw_away,
            live: None,
            config_hash: String::new(),
            digest: None,
            broken: false,
            activations: 0,
            requests: 0,
        })
    }

    /// The settings of the instance, with data that is thrown away if that is asked for.
    ///
    /// # Errors
    ///
    /// When the instance cannot run here.
    fn settings(&self, project: &Project) -> Result<Settings, Failure> {
        let settings = local::embedded(self.ctx, project, self.name)?;
        Ok(match &self.throw_away {
            None => settings,
            Some(folder) => {
                let files = Files::new(self.name, settings.files.home().to_owned(), folder.path().join("data"));
                Settings { files, ..settings }
            }
        })
    }

    /// Compiles, runs what comes out, and fills it with first data.
    ///
    /// # Errors
    ///
    /// When any of that fails.
    pub async fn begin(&mut self, project: &Project) -> Result<(), Failure> {
        let began = Instant::now();
        let settings = self.settings(project)?;
        let compiled = self.compile(project)?;
        self.open(&settings, compiled, began).await?;
        self.fill().await
    }

    /// Whether a failure to begin can be mended by an edit.
    #[must_use]
    pub fn is_mendable(&self, failure: &Failure) -> bool {
        self.live.is_some() || matches!(failure.exit, ExitCode::Queries | ExitCode::Config | ExitCode::Rejected)
    }

    /// Goes on until the command is told to stop, or the instance stops.
    ///
    /// # Errors
    ///
    /// When the project cannot be watched.
    pub async fn work(&mut self, watch: &mut Watch) -> Result<(), Failure> {
        let ctx = self.ctx;
        loop {
            let answered = async {
                match &mut self.live {
                    Some(live) => live.request().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = ctx.cancel.cancelled() => return Ok(()),
                _ = watch.changed() => self.edited().await,
                request = answered => match request {
                    Some(request) => self.tell_request(&request),
                    None => {
                        ctx.ui.note("the instance was stopped");
                        return Ok(());
                    }
                },
            }
        }
    }

    /// Ends the session. Returns whether the instance goes on running.
    ///
    /// # Errors
    ///
    /// When the instance does not end as it should.
    pub async fn end(&mut self) -> Result<bool, Failure> {
        let Some(live) = self.live.take() else { return Ok(false) };
        let goes_on = !live.is_own();
        live.leave(DRAIN).await?;
        Ok(goes_on)
    }

    /// Shows a failure without ending the session.
    pub fn show(&mut self, failure: &Failure) {
        self.broken = true;
        if self.ctx.ui.is_stream() {
            let kind = if failure.diagnostics.is_empty() { "failure" } else { "diagnostics" };
            self.ctx.ui.event(kind, &json!({ "error": failure.json(), "diagnostics": failure.diagnostics }));
        } else {
            self.ctx.ui.failure(failure);
            if self.live.is_some() {
                self.ctx.ui.note("the last good version goes on serving");
            } else {
                self.ctx.ui.note("waiting for an edit");
            }
        }
    }

    async fn edited(&mut self) {
        let began = Instant::now();
        if let Err(failure) = self.rebuild(began).await {
            self.show(&failure);
        }
    }

    async fn rebuild(&mut self, began: Instant) -> Result<(), Failure> {
        let project = self.ctx.fresh_project()?;
        let settings = self.settings(&project)?;
        let compiled = self.compile(&project)?;
        let reconfigured = settings.hash() != self.config_hash;
        match &self.live {
            Some(live) if reconfigured && live.is_own() => {
                self.end().await?;
                self.open(&settings, compiled, began).await
            }
            Some(_) => self.swap(&settings, compiled, began).await,
            None => {
                self.open(&settings, compiled, began).await?;
                self.fill().await
            }
        }
    }

    fn compile(&self, project: &Project) -> Result<CompiledProject, Failure> {
        let compiled = compile::compile(compile::read_sources(project)?)?;
        warnings::show(self.ctx, &compiled.warnings, &compiled.sources.set);
        Ok(compiled)
    }

    /// Runs the instance, or goes on with the one that runs.
    async fn open(&mut self, settings: &Settings, compiled: CompiledProject, began: Instant) -> Result<(), Failure> {
        let ctx = self.ctx;
        let lock = ctx.unless_cancelled(local::lock(settings, "dev", self.options.lock_timeout)).await?;
        settings.files.create()?;
        if let Some(record) = process::observe(&settings.files)?.running() {
            let Some(address) = record.address.filter(|_| record.phase == Phase::Ready && !self.options.ephemeral)
            else {
                let message = format!("instance `{}` is run by process {} already", self.name, record.process.pid);
                let failure = Failure::new("E-STATE-RUNNING", ExitCode::State, message);
                return Err(failure.hint(format!("stop it first: `helix stop {}`", self.name)));
            };
            if record.config_hash != settings.hash() {
                let name = self.name;
                let message = format!("`{name}` runs with older settings: `helix restart {name}` applies the new ones");
                ctx.ui.warn("W-DEV-SETTINGS", message);
            }
            let live = Live::attach(&settings.files, address).await?;
            ctx.ui.note(&format!("`{}` runs already and goes on running at the end", self.name));
            self.config_hash = settings.hash();
            self.digest = record.digest;
            self.live = Some(live);
            return self.swap(settings, compiled, began).await;
        }
        let path = settings.files.log();
        log::write::install(&path, settings.log_max_len_bytes, &settings.log_level)
            .map_err(|error| Failure::file("open", &path, &error))?;
        tidy(&settings.files)?;
        let port = match self.options.port {
            PortChoice::Configured => settings.port,
            PortChoice::Exact(port) => port,
            PortChoice::Search => port::search(settings.bind, settings.port)?,
        };
        let digest = compiled.program.digest().to_string();
        let plan = state::plan_file(&settings.files, &digest);
        let mut launch = settings.launch(Session::Dev, port, plan, digest);
        launch.allow_breaking = self.options.allow_breaking;
        let env = ctx.env.iter().chain(&settings.env).map(|(name, value)| (name.clone(), value.clone())).collect();
        let opened = Live::open(&launch, compiled.program.clone(), &env).await;
        if opened.is_err() {
            // The failure is told here; nobody else has to find it.
            tidy(&settings.files)?;
        }
        self.live = Some(opened.map_err(|error| self.explain(error.into()))?);
        self.config_hash = settings.hash();
        drop(lock);
        self.activated(settings, &compiled, &Diff::default(), began)
    }

    /// Serves another plan, unless it is the same.
    async fn swap(&mut self, settings: &Settings, compiled: CompiledProject, began: Instant) -> Result<(), Failure> {
        let Some(live) = &self.live else { return Ok(()) };
        let same = self.digest.as_deref() == Some(compiled.program.digest().to_string().as_str());
        if same && !self.broken && self.activations > 0 {
            return Ok(());
        }
        let changes = if same {
            Diff::default()
        } else {
            let activated = live.activate(compiled.program.clone(), self.options.allow_breaking).await;
            activated.map_err(|error| self.explain(error.into()))?
        };
        self.activated(settings, &compiled, &changes, began)
    }

    /// Tells what is live now, and remembers it for the next start.
    fn activated(
        &mut self,
        settings: &Settings,
        compiled: &CompiledProject,
        changes: &Diff,
        began: Instant,
    ) -> Result<(), Failure> {
        let took = began.elapsed();
        let digest = compiled.program.digest().to_string();
        let url = self.live.as_ref().map(Live::url).unwrap_or_default();
        self.activations += 1;
        self.broken = false;
        self.digest = Some(digest.clone());
        let queries = compiled.program.queries.len();
        let ms = (took.as_secs_f64() * 1e4).round() / 10.0;
        if self.ctx.ui.is_stream() {
            self.ctx.ui.event(
                "activated",
                &json!({ "url": url, "digest": digest, "queries": queries, "changes": changes, "ms": ms }),
            );
        } else if !self.ctx.ui.is_quiet() {
            let mut page = self.ctx.ui.page();
            let what = if self.activations == 1 { format!(" at {url}") } else { summary(changes) };
            page.success(format_args!("{} live in {ms} ms{what}", count(queries, "query", "queries")));
            self.ctx.ui.narrate(&page);
        }
        if self.options.ephemeral {
            return Ok(());
        }
        let files = &settings.files;
        state::store_plan(files, &compiled.program)?;
        let mut last = State::new(digest, settings.hash(), files.data().to_owned());
        last.release_id = State::load(files)?.and_then(|state| state.release_id);
        last.source_hash = Some(compiled.sources.hash.clone());
        Ok(last.save(files)?)
    }

    /// Calls the queries of the seed, once in a session.
    async fn fill(&mut self) -> Result<(), Failure> {
        let (Some(live), Some(path)) = (&self.live, self.options.seed.take()) else { return Ok(()) };
        let endpoint = Endpoint { http: local::http(false)?, url: live.url(), key: None, timeout: SEED_TIMEOUT };
        let calls = seed::run(&self.ctx.cwd.join(&path), &path.display().to_string(), &endpoint).await?;
        self.ctx.ui.event("seeded", &json!({ "calls": calls }));
        if !self.ctx.ui.is_json() {
            self.ctx.ui.note(&format!("called {} of the seed", count(calls, "query", "queries")));
        }
        Ok(())
    }

    fn explain(&self, failure: Failure) -> Failure {
        if failure.exit == ExitCode::Rejected || failure.code == "E-RUNTIME-ENGINE" {
            return failure.hint("`helix dev --allow-breaking` loses that data, `--ephemeral` uses none that stays");
        }
        failure
    }

    fn tell_request(&mut self, request: &Event) {
        self.requests += 1;
        if self.ctx.ui.is_stream() {
            self.ctx.ui.event("request", request);
        } else if !self.ctx.ui.is_quiet() {
            let style = if request.status < 400 { Style::Good } else { Style::Bad };
            let mut page = self.ctx.ui.page();
            page.put(style, format_args!("  {}", request.status)).put(Style::Plain, format_args!(" {}", request.query));
            page.put(Style::Dim, format_args!("  {:.1} ms", Duration::from_micros(request.micros).as_secs_f64() * 1e3));
            if let Some(error) = &request.error {
                page.put(Style::Plain, format_args!("  {error}"));
            }
            page.end();
            self.ctx.ui.narrate(&page);
        }
    }
}

/// The changes in a line.
fn summary(changes: &Diff) -> String {
    let sign = |change| match change {
        Change::Added => '+',
        Change::Changed => '~',
        Change::Removed => '-',
    };
    let schema = changes.schema.iter().map(|one| format!("{}{}", sign(one.change), one.subject));
    let queries = changes.queries.iter().map(|one| format!("{}{}", sign(one.change), one.name));
    let all: Vec<String> = schema.chain(queries).collect();
    match all.len() {
        0 => String::new(),
        1..=5 => format!(": {}", all.join(" ")),
        more => format!(": {} and {} more", all[..5].join(" "), more - 5),
    }
}
