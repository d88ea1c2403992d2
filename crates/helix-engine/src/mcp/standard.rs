//! The standard protocol: every `#[mcp]` query as a typed tool, and the walks.
//!
//! Source: <https://modelcontextprotocol.io/specification>, transport Streamable HTTP. It is served without sessions: a walk
//! keeps its state under the connection that `init` gives.

use std::sync::Arc;

use bytes::Bytes;
use hyper::http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorCode,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Map, Value};

use super::message::Arguments;
use super::{Shared, is_exposed, schema, tools};
use crate::engine::Engine;
use crate::error::Result;

/// What the server says of itself to a model.
const INSTRUCTIONS: &str = "A HelixDB graph-vector database. Tools named like queries answer in one call. To explore freely, \
                            call `init` for a connection, begin a walk with `n_from_type`, `e_from_type` or a search, go on \
                            with steps, and read items with `next` or `collect`. `schema_resource` tells the types.";

/// Where pages come from that this machine serves, at any port.
const LOCAL_ORIGINS: [&str; 6] = [
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
];

/// What the methods take that have parameters.
const TAKEN: [(&str, &str); 4] = [
    ("initialize", "`protocolVersion`, `capabilities` and `clientInfo`"),
    ("tools/call", "`name` and, as an object, `arguments`"),
    ("tools/list", "an object"),
    ("ping", "an object"),
];

/// The handler of the standard protocol.
#[derive(Clone)]
pub(crate) struct Standard {
    shared: Shared,
}

/// The HTTP service of the standard protocol. Where the server is reachable from this machine alone, requests must name this
/// machine, and those of browsers come from a page of this machine, so that no website can send them.
pub(crate) fn service(
    shared: Shared,
    is_local: bool,
    max_body_bytes: usize,
) -> StreamableHttpService<Standard, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(max_body_bytes);
    let config = if is_local { config.with_allowed_origins(LOCAL_ORIGINS) } else { config.disable_allowed_hosts() };
    let handler = Standard { shared };
    StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config)
}

impl ServerHandler for Standard {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("helix", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (engine, _) = &self.shared;
        Ok(ListToolsResult::with_all_items(tools_of(engine)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (engine, walks) = &self.shared;
        let name = request.name.as_ref();
        let written = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Arguments>());
        let arguments = written.map_or_else(|| Bytes::from_static(b"{}"), |arguments| arguments.0.clone());
        let answer = if is_exposed(engine, name) {
            engine.call(name, arguments).await
        } else if tools::NAMES.contains(&name) {
            walks.call_flat(engine, name, &arguments).await
        } else {
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        };
        Ok(match answer {
            Ok(answer) => CallToolResult::success(vec![ContentBlock::text(String::from_utf8_lossy(&answer))]),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
        }
        .into())
    }

    /// A method that the library does not know, or one with parameters that do not fit, which it takes for such a method.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method;
        match TAKEN.iter().find(|(known, _)| *known == method) {
            Some((_, what)) => Err(ErrorData::invalid_params(format!("the parameters of `{method}` are {what}"), None)),
            None => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None)),
        }
    }
}

fn tools_of(engine: &Engine) -> Vec<Tool> {
    let program = engine.program();
    let queries = program.iter().flat_map(|program| &program.queries).filter(|query| query.mcp);
    let queries = queries.map(|query| {
        let what = match query.access {
            helix_plan::Access::Read => "reads",
            helix_plan::Access::Write => "writes",
        };
        tool(&query.name, &format!("The query `{}`, which {what}.", query.name), query.json_schema())
    });
    let walks = schema::WALKS.iter().map(|(name, what, parameters)| tool(name, what, schema::of(parameters)));
    queries.chain(walks).collect()
}

fn tool(name: &str, what: &str, schema: Value) -> Tool {
    let schema = if let Value::Object(schema) = schema { schema } else { Map::new() };
    Tool::new(name.to_owned(), what.to_owned(), schema)
}
