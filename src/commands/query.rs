//! `helix query`.

use std::io::Read as _;
use std::time::{Duration, Instant};

use clap::Args;
use helix_plan::introspect::{AccessInfo, QueryInfo};
use serde::Serialize;
use serde_json::Value;

use super::args::duration;
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::ops::invoke::{ApiKey, Endpoint, arguments, find};
use crate::ops::{lifecycle, local};
use crate::ui::{Page, Report, Style};

/// The longest body that is read from a file or stdin, in bytes.
const MAX_DATA_BYTES: u64 = 256 << 20;

/// Arguments of `helix query`.
#[derive(Debug, Args)]
#[command(override_usage = "helix query [OPTIONS] [INSTANCE] <NAME>\n       helix query [OPTIONS] [INSTANCE] --list")]
pub struct QueryArgs {
    /// Instance, when there are several, and the query
    #[arg(value_name = "INSTANCE] [NAME", num_args = 0..=2)]
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
    /// List what can be called
    #[arg(long, conflicts_with_all = ["param", "data", "raw"])]
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
        response: Value,
        /// How long it took, in milliseconds.
        ms: f64,
        /// What came back, as it came.
        #[serde(skip)]
        raw: Option<Vec<u8>>,
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

impl Report for QueryReport {
    fn human(&self, page: &mut Page) {
        match self {
            Self::Answer { raw: Some(raw), .. } => page.verbatim(&format!("{}\n", String::from_utf8_lossy(raw))),
            Self::Answer { response, .. } => page.verbatim(&format!("{response:#}\n")),
            Self::List { queries, .. } => list(page, queries),
        }
    }

    fn summary(&self) -> Option<String> {
        match self {
            Self::Answer { response, .. } => Some(response.to_string()),
            Self::List { queries, .. } => {
                Some(queries.iter().map(|query| query.name.as_str()).collect::<Vec<_>>().join("\n"))
            }
        }
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
    let (instance, url) = match &args.url {
        Some(url) => (instance, url.trim_end_matches('/').to_owned()),
        None => {
            let (name, url) = address(ctx, instance.as_deref())?;
            (Some(name), url)
        }
    };
    let key = ctx.var("HELIX_API_KEY").map(|key| ApiKey(key.to_owned()));
    let endpoint = Endpoint { http: local::http(args.url.is_some())?, url: url.clone(), key, timeout: args.timeout };
    let introspection = endpoint.introspect().await?;
    let Some(name) = name else {
        return Ok(QueryReport::List { instance, url, queries: introspection.queries });
    };
    let data = args.data.as_deref().map(|data| read_data(ctx, data)).transpose()?;
    let body = arguments(find(&introspection, &name)?, data, &args.param)?;
    let began = Instant::now();
    let answer = endpoint.call(&name, &body).await?;
    let ms = (began.elapsed().as_secs_f64() * 1e5).round() / 100.0;
    let response = answer.json().ok_or_else(|| {
        Failure::new("E-NET-PROTOCOL", ExitCode::Network, format!("the answer of {url} is not JSON"))
            .context([String::from_utf8_lossy(&answer.body).into_owned()])
    })?;
    let raw = args.raw.then_some(answer.body);
    Ok(QueryReport::Answer { instance, url, query: name, status: answer.status, response, ms, raw })
}

/// The instance and the query that were named. One word is the instance under `--list`, else the query.
fn words(args: &QueryArgs) -> Result<(Option<String>, Option<String>), Failure> {
    let usage = |message: &str| {
        Failure::new("E-INPUT-USAGE", ExitCode::Usage, message).hint("see what can be called: `helix query --list`")
    };
    match (args.words.as_slice(), args.list) {
        ([], true) => Ok((None, None)),
        ([instance], true) => Ok((Some(instance.clone()), None)),
        ([_, _, ..], true) => Err(usage("`--list` takes no name of a query")),
        ([], false) => Err(usage("the name of a query is missing")),
        ([name], false) => Ok((None, Some(name.clone()))),
        ([instance, name, ..], false) => Ok((Some(instance.clone()), Some(name.clone()))),
    }
}

/// The instance and where it is reached.
fn address(ctx: &Ctx, given: Option<&str>) -> Result<(String, String), Failure> {
    let project = ctx.project()?;
    let name = local::choose(ctx, project, given)?;
    let settings = local::settings(ctx, project, &name)?;
    match lifecycle::running(&settings)? {
        Some(running) => Ok((name, running.url)),
        None => {
            let pushed = settings.files.state().exists();
            let verb = if pushed { "start" } else { "push" };
            let message = format!("instance `{name}` is not running");
            Err(Failure::new("E-STATE-NOT-RUNNING", ExitCode::State, message).hint(format!("`helix {verb} {name}`")))
        }
    }
}

fn read_data(ctx: &Ctx, data: &str) -> Result<Value, Failure> {
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
    serde_json::from_str(&text).map_err(|error| {
        Failure::new("E-INPUT-DATA", ExitCode::Usage, format!("{origin} is no JSON")).cause(error.to_string())
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}
