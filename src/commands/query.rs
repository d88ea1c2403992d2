//! `helix query`.

use std::io::Read as _;
use std::time::{Duration, Instant};

use clap::Args;
use helix_plan::introspect::{AccessInfo, QueryInfo};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::args::duration;
use crate::compiler;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::deploy::{self, Remote};
use crate::ops::invoke::{ApiKey, Endpoint, InvokeError, Json, arguments, find};
use crate::ops::local;
use crate::ops::platform::Platform;
use crate::ui::{Page, Report, Style};
use crate::utils::nearest;

/// The longest body that is read from a file or stdin, in bytes.
const MAX_DATA_BYTES: u64 = 256 << 20;

/// Arguments of `helix query`.
#[derive(Debug, Args)]
#[command(override_usage = "helix query [OPTIONS] [INSTANCE] <NAME>\n       helix query [OPTIONS] [INSTANCE] --list")]
pub struct QueryArgs {
    /// Instance, when there are several, and the query
    // One more than is right, so that a body written here is told from a mistyped name.
    #[arg(value_name = "INSTANCE] [NAME", num_args = 0..=3)]
    words: Vec<String>,
    /// A parameter; its type is that of the query
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// The parameters as a JSON object, `@FILE`, or `-` for stdin
    #[arg(short, long, value_name = "JSON|@FILE|-")]
    data: Option<String>,
    /// Ask this address instead of an instance of the project
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,
    /// Print the answer as it came
    #[arg(long)]
    raw: bool,
    /// Print lists of objects as tables
    #[arg(long, conflicts_with = "raw")]
    table: bool,
    /// Call it this often, one call after the other, and tell how long the calls took
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: Option<u32>,
    /// Show how the query is run, without calling it
    #[arg(long, conflicts_with_all = ["param", "data", "raw", "table", "repeat", "url"])]
    explain: bool,
    /// List what can be called
    #[arg(long, conflicts_with_all = ["param", "data", "raw", "table", "repeat", "explain"])]
    list: bool,
}

/// An answer, or what can be called.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum QueryReport {
    /// An answer.
    Answer {
        /// Who answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
        /// Where.
        url: String,
        /// What was asked.
        query: String,
        /// The HTTP status.
        status: u16,
        /// What came back.
        response: Json,
        /// How long it took, in milliseconds; of several calls, the last.
        ms: f64,
        /// How long several calls took.
        #[serde(skip_serializing_if = "Option::is_none")]
        repeated: Option<Latencies>,
        /// How a human sees it.
        #[serde(skip)]
        shown: Shown,
    },
    /// How a query is run.
    Plan {
        /// Whose plan it is.
        instance: String,
        /// The query.
        query: String,
        /// The digest of the plan.
        digest: String,
        /// The plan as text.
        plan: String,
    },
    /// What can be called.
    List {
        /// Who was asked.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
        /// Where.
        url: String,
        /// What can be called.
        queries: Vec<QueryInfo>,
    },
}

/// How an answer is shown.
#[derive(Debug)]
pub enum Shown {
    /// As JSON that is laid out.
    Json,
    /// As it came.
    Raw(Vec<u8>),
    /// Lists of objects as tables.
    Tables,
}

/// How long calls took, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Latencies {
    calls: usize,
    per_second: f64,
    min: f64,
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Latencies {
    fn new(mut calls: Vec<Duration>, total: Duration) -> Self {
        calls.sort_unstable();
        let at = |quantile: f64| {
            let rank = (calls.len() as f64 * quantile).ceil() as usize;
            calls.get(rank.clamp(1, calls.len()) - 1).map_or(0.0, |call| millis(*call))
        };
        Self {
            calls: calls.len(),
            per_second: (calls.len() as f64 / total.as_secs_f64()).round(),
            min: at(0.0),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}

impl Report for QueryReport {
    fn human(&self, page: &mut Page) {
        match self {
            Self::Answer { repeated: Some(latencies), .. } => {
                let Latencies { calls, per_second, min, p50, p95, p99, max } = latencies;
                let figures = [calls.to_string(), per_second.to_string()].into_iter();
                let row = figures.chain([min, p50, p95, p99, max].map(|ms| format!("{ms:.2} ms")));
                page.table(
                    &["CALLS", "PER SECOND", "MIN", "P50", "P95", "P99", "MAX"],
                    &[row.map(|figure| (Style::Plain, figure)).collect()],
                );
            }
            Self::Answer { shown: Shown::Raw(raw), .. } => {
                page.verbatim(&format!("{}\n", String::from_utf8_lossy(raw)));
            }
            Self::Answer { response, shown: Shown::Tables, .. } => tables(page, response),
            Self::Answer { response, shown: Shown::Json, .. } => page.verbatim(&format!("{}\n", response.pretty())),
            Self::Plan { plan, .. } => page.verbatim(plan),
            Self::List { queries, .. } => list(page, queries),
        }
    }

    fn summary(&self) -> Option<String> {
        match self {
            Self::Answer { response, .. } => Some(response.to_string()),
            Self::Plan { plan, .. } => Some(plan.trim_end().to_owned()),
            Self::List { queries, .. } => {
                Some(queries.iter().map(|query| query.name.as_str()).collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

/// Each member of an answer: a table for a list of objects, or for one object; a line for anything else.
fn tables(page: &mut Page, response: &Json) {
    let Json::Object(members) = response else {
        page.verbatim(&format!("{}\n", response.pretty()));
        return;
    };
    for (name, value) in members {
        let all = match value {
            Json::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let rows: Vec<&IndexMap<String, Json>> = all.iter().filter_map(Json::members).collect();
        let is_table = rows.len() == all.len() && !rows.is_empty();
        if !is_table {
            page.put(Style::Bold, name).put(Style::Plain, format_args!(": {}", cell(value))).end();
            continue;
        }
        let mut columns: Vec<&str> = Vec::new();
        for key in rows.iter().flat_map(|row| row.keys()) {
            if !columns.contains(&key.as_str()) {
                columns.push(key);
            }
        }
        page.line(Style::Bold, name);
        let text = |row: &&IndexMap<String, Json>| {
            let cells = columns.iter().map(|column| row.get(*column).map_or_else(String::new, cell));
            cells.map(|cell| (Style::Plain, cell)).collect::<Vec<_>>()
        };
        page.table(&columns, &rows.iter().map(text).collect::<Vec<_>>());
    }
}

/// A value in one line.
fn cell(value: &Json) -> String {
    if value.number().is_some() {
        return value.to_string();
    }
    match value.value() {
        Value::String(text) => text.replace(['\n', '\r', '\t'], " "),
        Value::Null => String::new(),
        _ => value.to_string(),
    }
}

fn list(page: &mut Page, queries: &[QueryInfo]) {
    let row = |query: &QueryInfo| {
        let access = match query.access {
            AccessInfo::Read => (Style::Good, "read".to_owned()),
            AccessInfo::Write => (Style::Warn, "write".to_owned()),
        };
        let parameters: Vec<String> = query.parameters.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        vec![(Style::Bold, query.name.clone()), access, (Style::Plain, parameters.join(", "))]
    };
    page.table(&["QUERY", "ACCESS", "PARAMETERS"], &queries.iter().map(row).collect::<Vec<_>>());
}

/// Calls a query of a running instance, or lists its queries.
///
/// # Errors
///
/// When the instance does not run or answer, a parameter does not fit, or the answer is an error.
pub async fn run(args: QueryArgs, ctx: &Ctx) -> Result<QueryReport, Failure> {
    let (instance, name) = words(&args)?;
    if let (true, Some(name)) = (args.explain, &name) {
        return explain(ctx, instance.as_deref(), name);
    }
    let (instance, url) = match &args.url {
        Some(url) if ctx.offline && !is_of_this_machine(url) => {
            let failure = Failure::new("E-NET-OFFLINE", ExitCode::Network, format!("{url} is not on this machine"));
            return Err(failure.hint("leave `--offline` out to call it"));
        }
        Some(url) => (instance, url.trim_end_matches('/').to_owned()),
        None => {
            let (name, url) = address(ctx, instance.as_deref()).await?;
            (Some(name), url)
        }
    };
    let key = ctx.var("HELIX_API_KEY").map(|key| ApiKey(key.to_owned()));
    let endpoint =
        Endpoint { http: local::http(!is_of_this_machine(&url))?, url: url.clone(), key, timeout: args.timeout };
    let introspection = endpoint.introspect().await?;
    let Some(name) = name else {
        return Ok(QueryReport::List { instance, url, queries: introspection.queries });
    };
    let data = args.data.as_deref().map(|data| read_data(ctx, data)).transpose()?;
    let body = arguments(find(&introspection, &name)?, data, &args.param)?;
    let mut calls = Vec::new();
    let began = Instant::now();
    let answer = loop {
        let sent = Instant::now();
        let answer = ctx.unless_cancelled(async { Ok(endpoint.call(&name, &body).await?) }).await?;
        calls.push(sent.elapsed());
        if calls.len() >= args.repeat.unwrap_or(1) as usize {
            break answer;
        }
    };
    let ms = calls.last().map_or(0.0, |call| millis(*call));
    let repeated = args.repeat.map(|_| Latencies::new(calls, began.elapsed()));
    let response = answer.json().ok_or_else(|| {
        Failure::new("E-NET-PROTOCOL", ExitCode::Network, format!("the answer of {url} is not JSON"))
            .context([String::from_utf8_lossy(&answer.body).into_owned()])
    })?;
    let shown = match (args.raw, args.table) {
        (true, _) => Shown::Raw(answer.body),
        (false, true) => Shown::Tables,
        (false, false) => Shown::Json,
    };
    Ok(QueryReport::Answer { instance, url, query: name, status: answer.status, response, ms, repeated, shown })
}

/// How an instance runs a query, by the plan that was last pushed to it.
fn explain(ctx: &Ctx, given: Option<&str>, name: &str) -> Result<QueryReport, Failure> {
    let project = ctx.project()?;
    let instance = local::choose(ctx, project, given)?;
    let program = local::pushed_plan(ctx, project, &instance)?;
    let Some(query) = program.queries.iter().find(|query| query.name == name) else {
        let names = program.queries.iter().map(|query| query.name.as_str());
        let nearest = nearest(name, names).map(str::to_owned);
        return Err(InvokeError::UnknownQuery { name: name.to_owned(), nearest }.into());
    };
    let plan = compiler::explain::query(&program.catalog, query);
    Ok(QueryReport::Plan { instance, query: name.to_owned(), digest: program.digest().to_string(), plan })
}

/// Whether an address is one of this machine.
fn is_of_this_machine(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The instance and the query that were named. One word is the instance under `--list`, else the query.
fn words(args: &QueryArgs) -> Result<(Option<String>, Option<String>), Failure> {
    let usage = |message: &str| {
        Failure::new("E-INPUT-USAGE", ExitCode::Usage, message).hint("see what can be called: `helix query --list`")
    };
    if args.words.iter().any(|word| word.starts_with('{')) {
        let message = "parameters are no name of a query";
        return Err(Failure::new("E-INPUT-PARAMETERS", ExitCode::Usage, message)
            .hint("pass them with `--data '{…}'`, or one by one with `--param NAME=VALUE`"));
    }
    match (args.words.as_slice(), args.list) {
        ([], true) => Ok((None, None)),
        ([instance], true) => Ok((Some(instance.clone()), None)),
        ([_, _, ..], true) => Err(usage("`--list` takes no name of a query")),
        ([], false) => Err(usage("the name of a query is missing")),
        ([name], false) => Ok((None, Some(name.clone()))),
        ([instance, name], false) => Ok((Some(instance.clone()), Some(name.clone()))),
        ([_, _, more, ..], false) => Err(usage(&format!("`{more}` is one word too many"))),
    }
}

/// The instance and where it is reached.
async fn address(ctx: &Ctx, given: Option<&str>) -> Result<(String, String), Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, given)?;
    if let Some(remote) = Remote::of(ctx, project, &name).await? {
        remote.platform("call the queries of")?;
        let status = ctx.unless_cancelled(deploy::plan::status(&remote)).await?;
        let url = status.url.map(|url| url.trim_end_matches('/').to_owned());
        return url.map(|url| (name.clone(), url)).ok_or_else(|| {
            let message = format!("instance `{name}` has no address that is known here");
            Failure::new("E-STATE-NOT-RUNNING", ExitCode::State, message)
                .hint(format!("`helix status {name}`, or name the address: `--url`"))
        });
    }
    let platform = Platform::without_secrets(ctx, project, &name)?;
    match platform.running().await? {
        Some(running) => Ok((name, running.url)),
        None => {
            let pushed = platform.files().state().exists();
            let verb = if pushed { "start" } else { "push" };
            let message = format!("instance `{name}` is not running");
            Err(Failure::new("E-STATE-NOT-RUNNING", ExitCode::State, message).hint(format!("`helix {verb} {name}`")))
        }
    }
}

fn read_data(ctx: &Ctx, data: &str) -> Result<Json, Failure> {
    let (text, origin) = if data == "-" {
        let mut text = String::new();
        let read = std::io::stdin().take(MAX_DATA_BYTES).read_to_string(&mut text);
        read.map_err(|error| Failure::new("E-FS-IO", ExitCode::Failed, "cannot read stdin").cause(error.to_string()))?;
        (text, "stdin".to_owned())
    } else if let Some(path) = data.strip_prefix('@') {
        let path = ctx.cwd.join(path);
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
        (text, path.display().to_string())
    } else {
        (data.to_owned(), "`--data`".to_owned())
    };
    Json::read(text.as_bytes()).map_err(|error| {
        Failure::new("E-INPUT-DATA", ExitCode::Usage, format!("{origin} is no JSON")).cause(error.to_string())
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}
