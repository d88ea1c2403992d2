//! First data for an instance: lines of JSON, each a query and what it is called with.

use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;

use super::invoke::{Endpoint, Json};
use crate::errors::{ExitCode, Failure, Location};

/// A line of a seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    query: String,
    #[serde(default = "nothing")]
    data: Json,
}

fn nothing() -> Json {
    Json::Object(IndexMap::new())
}

/// Calls each line's query, in order. Returns how many there were. Empty lines and those with `//` are passed over.
///
/// # Errors
///
/// At the first line that cannot be read, or whose query fails, with its place. What was called before stays.
pub async fn run(path: &Path, shown: &str, endpoint: &Endpoint) -> Result<usize, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let mut called = 0;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with("//") {
            continue;
        }
        let at = |failure: Failure| failure.at(Location { file: shown.to_owned(), line, column: 1 });
        let call: Call = serde_json::from_str(text).map_err(|error| {
            let failure = Failure::new("E-INPUT-SEED", ExitCode::Usage, "the line is no call of a query");
            at(failure.cause(error.to_string()).hint(r#"write `{"query": "NAME", "data": {…}}`"#))
        })?;
        endpoint.call(&call.query, &call.data).await.map_err(|error| at(error.into()))?;
        called += 1;
    }
    Ok(called)
}
