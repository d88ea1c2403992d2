//! The Model Context Protocol, in two forms: the tools that the published HelixDB clients call over plain HTTP
//! (`POST /mcp/<tool>`), and a standard server (`/mcp`, Streamable HTTP) that offers the same walks and every `#[mcp]` query as
//! typed tools.
//!
//! A walk is a chain of steps that a connection keeps. Each call turns the chain into a plan against the program that is
//! active, and the interpreter runs it on a fresh snapshot: no snapshot, id or row outlives a call.

mod chain;
mod connections;
mod raw;
mod schema;
mod standard;
mod tools;

use std::sync::Arc;

use bytes::Bytes;
use helix_plan::ItemKind;
use serde::Deserialize;
use serde_json::Value;

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use chain::Ask;
use connections::Connections;
pub(crate) use standard::{Standard, service};
use tools::Tool;

/// The end of the tool names under which queries are called.
const QUERY_SUFFIX: &str = "Mcp";

/// The walks of a server.
#[derive(Debug, Default)]
pub(crate) struct Mcp {
    connections: Connections,
}

#[derive(Deserialize)]
struct Call {
    connection_id: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    tool: Value,
    range: Option<Bounds>,
    properties: Option<Vec<String>>,
    drop: Option<bool>,
}

/// Positions of items; an end below 0 is that of the stream.
#[derive(Clone, Copy, Deserialize)]
struct Bounds {
    start: i64,
    end: Option<i64>,
}

impl Mcp {
    /// Answers a call of a tool.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTool`], [`EngineError::ConnectionNotFound`], [`EngineError::Decode`], and what the walk fails with.
    pub async fn call(&self, engine: &Engine, tool: &str, body: &[u8]) -> Result<Bytes> {
        if tool == "init" {
            return Ok(text(&self.connections.open()));
        }
        let unknown = || EngineError::UnknownTool { name: tool.to_owned() };
        let query = tool.strip_suffix(QUERY_SUFFIX).filter(|name| is_exposed(engine, name));
        if query.is_none() && !tools::NAMES.contains(&tool) {
            return Err(unknown());
        }
        let call: Call = serde_json::from_slice(body).map_err(|error| EngineError::Decode(error.to_string()))?;
        let id = &call.connection_id;
        if let Some(name) = query {
            self.connections.touch(id)?;
            return engine.call(name, Bytes::from(call.data.to_string())).await;
        }
        match tool {
            "next" => self.next(engine, id).await,
            "collect" => self.collect(engine, id, call.range, call.drop).await,
            "reset" => {
                self.connections.reset(id)?;
                Ok(text(id))
            }
            "schema_resource" => {
                self.connections.touch(id)?;
                Ok(text(&schema_text(engine)))
            }
            "aggregate_by" | "group_by" => {
                let properties = call.properties.ok_or_else(|| missing("properties"))?;
                let ask = Ask::Group { properties: &properties, items: tool == "aggregate_by" };
                let chain = self.connections.chain(id)?;
                let (answer, _) = walk(engine, &chain, &ask).await?;
                let groups = raw::groups(&answer)?;
                if call.drop.unwrap_or(true) {
                    self.connections.reset(id)?;
                }
                Ok(groups)
            }
            "tool_call" => {
                let step = serde_json::from_value(call.tool).map_err(|error| EngineError::Decode(error.to_string()))?;
                self.step(engine, id, step).await
            }
            step => {
                let step = serde_json::json!({"tool_name": step, "args": call.data});
                let step = serde_json::from_value(step).map_err(|error| EngineError::Decode(error.to_string()))?;
                self.step(engine, id, step).await
            }
        }
    }

    /// Appends a step to the chain of a connection; gives the first item behind it.
    async fn step(&self, engine: &Engine, id: &str, tool: Tool) -> Result<Bytes> {
        let mut chain = self.connections.chain(id)?;
        if tool.begins() {
            chain.clear();
        }
        chain.push(tool);
        let first = self.item(engine, &chain, 0).await?;
        self.connections.set(id, chain, usize::from(first.is_some()))?;
        Ok(first.unwrap_or_else(null))
    }

    /// The item at the cursor, which moves on.
    async fn next(&self, engine: &Engine, id: &str) -> Result<Bytes> {
        let (chain, cursor) = self.connections.position(id)?;
        let item = self.item(engine, &chain, cursor).await?;
        if item.is_some() {
            self.connections.set(id, chain, cursor + 1)?;
        }
        Ok(item.unwrap_or_else(null))
    }

    async fn item(&self, engine: &Engine, chain: &[Tool], index: usize) -> Result<Option<Bytes>> {
        let ask = Ask::Items { start: index, end: Some(index.saturating_add(1)) };
        let (answer, kind) = walk(engine, chain, &ask).await?;
        raw::first(&answer, kind, engine)
    }

    /// The items of a range, which is everything when none is given.
    async fn collect(&self, engine: &Engine, id: &str, range: Option<Bounds>, drop: Option<bool>) -> Result<Bytes> {
        let chain = self.connections.chain(id)?;
        let position = |value: i64| usize::try_from(value).ok();
        let ask = match range {
            None => Ask::Items { start: 0, end: None },
            Some(Bounds { start, end }) => {
                let start = position(start).ok_or_else(|| bad("a range starts at 0 or later"))?;
                Ask::Items { start, end: end.and_then(position) }
            }
        };
        let (answer, kind) = walk(engine, &chain, &ask).await?;
        let items = raw::all(&answer, kind, engine)?;
        if drop.unwrap_or(true) {
            self.connections.reset(id)?;
        }
        Ok(items)
    }
}

/// Runs a walk; gives the answer, and what kind of items it holds.
async fn walk(engine: &Engine, chain: &[Tool], ask: &Ask<'_>) -> Result<(Bytes, ItemKind)> {
    let active = engine.active().ok_or_else(|| bad("no program is active"))?;
    let (query, kind) = chain::plan(active.program(), chain, ask)?;
    Ok((engine.run_once(active.once(query)).await?, kind))
}

/// Whether the active program has a query of that name which is a tool.
fn is_exposed(engine: &Engine, name: &str) -> bool {
    engine.program().is_some_and(|program| program.query(name).is_some_and(|query| query.mcp))
}

/// The schema and the queries, as clients read them.
fn schema_text(engine: &Engine) -> String {
    let introspection = engine.program().and_then(|program| serde_json::to_string(&program.introspect()).ok());
    introspection.unwrap_or_else(|| "no schema".to_owned())
}

fn text(text: &str) -> Bytes {
    Bytes::from(Value::from(text).to_string())
}

fn null() -> Bytes {
    Bytes::from_static(b"null")
}

fn missing(member: &str) -> EngineError {
    EngineError::Decode(format!("missing field `{member}`"))
}

fn bad(message: &str) -> EngineError {
    EngineError::BadValue(message.to_owned())
}

/// What a connection of the standard protocol is served by, beside the walks.
pub(crate) type Shared = (Arc<Engine>, Arc<Mcp>);
