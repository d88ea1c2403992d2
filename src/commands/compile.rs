//! `helix compile`.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use helix_plan::Program;
use serde::Serialize;

use crate::compiler::emit;
use crate::compiler::emit::openapi::Server;
use crate::config::{Config, Local};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::compile;
use crate::project::Project;
use crate::ui::{Page, Report, Style};
use crate::utils::{count, write_atomic};

/// Arguments of `helix compile`.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// Where the search for the project starts
    #[arg(short, long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Where to write to
    #[arg(short, long, value_name = "DIR", default_value = ".helix/compiled")]
    output: PathBuf,
    /// What to write
    #[arg(long, value_name = "WHAT", default_value = "all")]
    emit: Emit,
    /// Write nothing; exit with 20 when something would change
    #[arg(long)]
    check: bool,
    /// Write nothing; say what would be written
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// The plan, for the engine and for people
    Plan,
    /// The queries as Rust, as they are built into servers
    Rust,
    /// The schema and the queries as clients see them
    Introspection,
    /// The queries as an OpenAPI document
    Openapi,
    /// Everything
    All,
}

/// What was compiled.
#[derive(Debug, Serialize)]
pub struct CompileReport {
    files: Vec<Written>,
    queries: usize,
    schema: SchemaCounts,
    source_hash: String,
    digest: String,
    changed: bool,
    /// Whether nothing was written.
    #[serde(skip)]
    only_looked: bool,
    #[serde(skip)]
    check: bool,
}

#[derive(Debug, Serialize)]
struct Written {
    path: PathBuf,
    changed: bool,
}

#[derive(Debug, Serialize)]
struct SchemaCounts {
    nodes: usize,
    edges: usize,
    vectors: usize,
}

impl Report for CompileReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
        for file in &self.files {
            let note = match (file.changed, self.only_looked) {
                (true, true) => " (would change)",
                (true, false) => "",
                (false, _) => " (unchanged)",
            };
            page.put(Style::Plain, format_args!("  {}", file.path.display())).put(Style::Dim, note).end();
        }
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }

    fn exit(&self) -> ExitCode {
        if self.check && self.changed { ExitCode::Differences } else { ExitCode::Done }
    }
}

impl CompileReport {
    fn line(&self) -> String {
        let types = self.schema.nodes + self.schema.edges + self.schema.vectors;
        format!("Compiled {} over {}", count(self.queries, "query", "queries"), count(types, "type", "types"))
    }
}

/// Compiles the project and writes what was asked for.
///
/// # Errors
///
/// When the project does not compile, or a file cannot be written.
pub fn run(args: &CompileArgs, ctx: &Ctx) -> Result<CompileReport, Failure> {
    let found;
    let project = match &args.path {
        Some(path) => {
            found = crate::project::Project::find(&ctx.cwd.join(path), None)?;
            &found
        }
        None => ctx.project()?,
    };
    let step = ctx.ui.step("compile", "Compiling");
    let compiled = compile::compile(compile::read_sources(project)?)?;
    let program = &compiled.program;
    step.done(&format!("Compiled {}", count(program.queries.len(), "query", "queries")));
    // The default is of the project, what is given is of the user's folder.
    let relative = args.output == Path::new(".helix/compiled");
    let folder = if relative { project.root().join(&args.output) } else { ctx.cwd.join(&args.output) };
    let mut files = Vec::new();
    for (name, bytes) in contents(program, args.emit, project) {
        let path = folder.join(name);
        let changed = fs::read(&path).ok().as_deref() != Some(bytes.as_slice());
        if changed && !args.check && !args.dry_run {
            fs::create_dir_all(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
            write_atomic(&path, &bytes).map_err(|error| Failure::file("write", &path, &error))?;
        }
        files.push(Written { path, changed });
    }
    let catalog = &program.catalog;
    Ok(CompileReport {
        changed: files.iter().any(|file| file.changed),
        files,
        queries: program.queries.len(),
        schema: SchemaCounts { nodes: catalog.nodes.len(), edges: catalog.edges.len(), vectors: catalog.vectors.len() },
        source_hash: compiled.sources.hash,
        digest: program.digest().to_string(),
        only_looked: args.check || args.dry_run,
        check: args.check,
    })
}

fn contents(program: &Program, what: Emit, project: &Project) -> Vec<(&'static str, Vec<u8>)> {
    let pretty = |value: serde_json::Result<Vec<u8>>| {
        let mut bytes = value.unwrap_or_default();
        bytes.push(b'\n');
        bytes
    };
    let mut files = Vec::new();
    if matches!(what, Emit::Plan | Emit::All) {
        files.push(("plan.hxplan", program.encode()));
        files.push(("plan.json", pretty(serde_json::to_vec_pretty(program))));
    }
    if matches!(what, Emit::Rust | Emit::All) {
        files.push(("queries.rs", emit::rust::queries(program).into_bytes()));
    }
    if matches!(what, Emit::Introspection | Emit::All) {
        files.push(("introspection.json", pretty(serde_json::to_vec_pretty(&program.introspect()))));
    }
    if matches!(what, Emit::Openapi | Emit::All) {
        let document = {
            let version = program.catalog.version.to_string();
            emit::openapi::document(program, project.name(), &version, &servers(project.config()))
        };
        files.push(("openapi.json", pretty(serde_json::to_vec_pretty(&document))));
    }
    files
}

/// The instances of this machine, in the order of the project file.
fn servers(config: &Config) -> Vec<Server> {
    let server = |(name, local): (&str, &Local)| {
        let host = match local.bind {
            ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Server { url: format!("http://{host}:{}", local.port), description: format!("The instance `{name}`") }
    };
    config.locals().map(server).collect()
}
