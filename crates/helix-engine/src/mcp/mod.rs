//! The Model Context Protocol, in two forms: the tools that the published HelixDB clients call over plain HTTP
//! (`POST /mcp/<tool>`), and a standard server (`/mcp`, Streamable HTTP) that offers the same walks and every `#[mcp]` query as
//! typed tools.
//!
//! A walk is a chain of steps that a connection keeps. Each call turns the chain into a plan against the program that is
//! active, and the interpreter runs it on a fresh snapshot: no snapshot, id or row outlives a call.

mod chain;
mod connections;
mod members;
mod message;
mod raw;
mod schema;
mod standard;
mod tools;

use std::sync::Arc;

use bytes::Bytes;
use helix_plan::ItemKind;
use serde_json::Value;

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use chain::Ask;
use connections::Connections;
use members::{Member, Members};
pub(crate) use message::arguments;
pub(crate) use standard::{Standard, service};
use tools::Tool;

/// The end of the tool names under which queries are called.
const QUERY_SUFFIX: &str = "Mcp";

/// The walks of a server.
#[derive(Debug, Default)]
pub(crate) struct Mcp {
    connections: Connections,
}

/// Positions of items; an end below 0 is that of the stream.
#[derive(Clone, Copy)]
struct Bounds {
    start: i64,
    end: Option<i64>,
}

impl Bounds {
    fn read(range: &Members<'_>) -> Result<Self> {
        let end = range.get("end").map(|end| end.integer()).transpose()?;
        Ok(Self { start: range.need("start")?.integer()?, end })
    }
}

impl Mcp {
    /// Answers a call of a tool by the plain protocol: `{"connection_id": …, "data": {…}}`.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTool`], [`EngineError::ConnectionNotFound`], [`EngineError::Decode`], and what the walk fails with.
    pub async fn call(&self, engine: &Engine, tool: &str, body: &[u8]) -> Result<Bytes> {
        let query = tool.strip_suffix(QUERY_SUFFIX).filter(|name| is_exposed(engine, name));
        if query.is_none() && !tools::NAMES.contains(&tool) {
            return Err(EngineError::UnknownTool { name: tool.to_owned() });
        }
        if tool == "init" {
            return Ok(text(&self.connections.open()));
        }
        let call = Members::of_body(body)?;
        let Some(name) = query else { return self.walk(engine, tool, &call, |call| call.need("data")?.object()).await };
        self.connections.touch(&call.need("connection_id")?.text()?)?;
        let data = call.get("data").map_or("null", |data| data.json());
        engine.call(name, Bytes::from(data.to_owned())).await
    }

    /// Answers a call of a walk's tool whose arguments all stand beside each other, as the standard protocol has them.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn call_flat(&self, engine: &Engine, tool: &str, arguments: &[u8]) -> Result<Bytes> {
        if tool == "init" {
            return Ok(text(&self.connections.open()));
        }
        let call = Members::of_body(arguments)?;
        self.walk(engine, tool, &call, |call| Ok(call.clone())).await
    }

    /// Answers a call of a walk's tool. `data` tells the arguments of a step.
    async fn walk<'a>(
        &self,
        engine: &Engine,
        tool: &str,
        call: &Members<'a>,
        data: impl FnOnce(&Members<'a>) -> Result<Members<'a>>,
    ) -> Result<Bytes> {
        let id = &call.need("connection_id")?.text()?;
        let drop = || call.get("drop").map_or(Ok(true), |drop| drop.boolean());
        match tool {
            "next" => self.next(engine, id).await,
            "collect" => {
                let range = call.get("range").map(|range| Bounds::read(&range.object()?)).transpose()?;
                self.collect(engine, id, range, drop()?).await
            }
            "reset" => {
                self.connections.reset(id)?;
                Ok(text(id))
            }
            "schema_resource" => {
                self.connections.touch(id)?;
                Ok(text(&schema_text(engine)))
            }
            "aggregate_by" | "group_by" => {
                let properties = call.need("properties")?.list()?;
                let properties = properties.iter().map(Member::text).collect::<Result<Vec<_>>>()?;
                let ask = Ask::Group { properties: &properties, items: tool == "aggregate_by" };
                self.group(engine, id, &ask, drop()?).await
            }
            "tool_call" => self.step(engine, id, Tool::read_named(&call.need("tool")?.object()?)?).await,
            step => self.step(engine, id, Tool::read(step, &data(call)?)?).await,
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
    async fn collect(&self, engine: &Engine, id: &str, range: Option<Bounds>, drop: bool) -> Result<Bytes> {
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
        if drop {
            self.connections.reset(id)?;
        }
        Ok(items)
    }

    async fn group(&self, engine: &Engine, id: &str, ask: &Ask<'_>, drop: bool) -> Result<Bytes> {
        let chain = self.connections.chain(id)?;
        let (answer, _) = walk(engine, &chain, ask).await?;
        let groups = raw::groups(&answer)?;
        if drop {
            self.connections.reset(id)?;
        }
        Ok(groups)
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

fn bad(message: &str) -> EngineError {
    EngineError::BadValue(message.to_owned())
}

/// What a connection of the standard protocol is served by, beside the walks.
pub(crate) type Shared = (Arc<Engine>, Arc<Mcp>);
