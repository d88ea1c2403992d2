//! What a project says of its database, as data, and what that means for the engine and the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::embed::{EmbeddingConfig, HttpEmbedder, Model};
use crate::engine::EngineOptions;
use crate::error::EngineError;
use crate::server::ServerOptions;
use crate::storage::lmdb::LmdbOptions;
use crate::text::{Algorithm, TextConfig};
use crate::vector::VectorConfig;

/// The model of a project that names none.
const DEFAULT_EMBEDDING_MODEL: &str = "text-embedding-ada-002";

/// The variables that say how the providers of embeddings are reached. Whoever hosts an engine elsewhere hands them on.
pub const EMBEDDING_VARS: [&str; 8] = [
    OPENAI_API_KEY,
    OPENAI_BASE_URL,
    AZURE_OPENAI_API_KEY,
    AZURE_OPENAI_RESOURCE_NAME,
    AZURE_OPENAI_BASE_URL,
    GEMINI_API_KEY,
    GEMINI_BASE_URL,
    HELIX_EMBED_URL,
];

const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
const AZURE_OPENAI_API_KEY: &str = "AZURE_OPENAI_API_KEY";
const AZURE_OPENAI_RESOURCE_NAME: &str = "AZURE_OPENAI_RESOURCE_NAME";
const AZURE_OPENAI_BASE_URL: &str = "AZURE_OPENAI_BASE_URL";
const GEMINI_API_KEY: &str = "GEMINI_API_KEY";
const GEMINI_BASE_URL: &str = "GEMINI_BASE_URL";
const HELIX_EMBED_URL: &str = "HELIX_EMBED_URL";

/// Variables by name: keys are among them.
pub type Env = BTreeMap<String, String>;

/// The settings of the engine that a project can make. What is left out in JSON has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineSettings {
    /// How large the database may grow, in GiB.
    pub db_max_size_gb: u64,
    /// Links a vector keeps on each level.
    pub m: u32,
    /// Candidates looked at when a vector is inserted.
    pub ef_construction: u32,
    /// Candidates looked at when vectors are searched.
    pub ef_search: u32,
    /// Vectors of a type below which a search compares them all.
    pub exact_below: Option<u32>,
    /// Whether text is indexed.
    pub bm25: bool,
    /// In which language the words of a node type are brought to their stems, by its name.
    pub bm25_stemming: BTreeMap<String, String>,
    /// The model that turns text into vectors.
    pub embedding_model: Option<String>,
    /// Whether requests need a key.
    pub api_key: bool,
    /// Whether the tools of the Model Context Protocol are served.
    pub mcp: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let vectors = VectorConfig::default();
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            db_max_size_gb: LmdbOptions::default().max_size_gb,
            m: small(vectors.m),
            ef_construction: small(vectors.ef_construction),
            ef_search: small(vectors.ef_search),
            exact_below: vectors.exact_below,
            bm25: TextConfig::default().enabled,
            bm25_stemming: BTreeMap::new(),
            embedding_model: None,
            api_key: false,
            mcp: true,
        }
    }
}

impl EngineSettings {
    /// The parameters of vector indexes.
    #[must_use]
    pub const fn vectors(&self) -> VectorConfig {
        VectorConfig {
            m: self.m as usize,
            ef_construction: self.ef_construction as usize,
            ef_search: self.ef_search as usize,
            exact_below: self.exact_below,
        }
    }

    /// Whether and how text is indexed. A language that is none is left out: the project file was checked before.
    #[must_use]
    pub fn text(&self) -> TextConfig {
        let language = |(node, name): (&String, &String)| Some((node.clone(), Algorithm::from_name(name).ok()?));
        TextConfig { enabled: self.bm25, stemming: self.bm25_stemming.iter().filter_map(language).collect() }
    }
}

/// The settings ask for keys, and nobody said which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`security.api_key` is on, and `HELIX_API_KEY` does not hold the SHA-256 of a key in 64 hexadecimal digits")]
pub struct NoApiKey;

/// The options of an engine with these settings.
///
/// # Errors
///
/// [`EngineError::Embedding`] when the model is none.
pub fn engine_options(settings: &EngineSettings, env: &Env) -> Result<EngineOptions, EngineError> {
    Ok(EngineOptions {
        max_size_gb: settings.db_max_size_gb,
        vectors: settings.vectors(),
        text: settings.text(),
        embedder: Some(Arc::new(embedder(settings, env)?)),
        ..EngineOptions::default()
    })
}

/// Who gives embeddings. Queries that name no model have the default one where a key says that somebody is to.
fn embedder(settings: &EngineSettings, env: &Env) -> Result<HttpEmbedder, EngineError> {
    let var = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let keys = [var(OPENAI_API_KEY), var(AZURE_OPENAI_API_KEY), var(GEMINI_API_KEY)];
    let usual = keys.iter().any(Option::is_some).then_some(DEFAULT_EMBEDDING_MODEL);
    let [openai_api_key, azure_openai_api_key, gemini_api_key] = keys;
    let model = settings.embedding_model.as_deref().or(usual).map(Model::parse).transpose()?;
    let defaults = EmbeddingConfig::new(model);
    Ok(HttpEmbedder::new(EmbeddingConfig {
        openai_api_key,
        azure_openai_api_key,
        gemini_api_key,
        azure_openai_resource: var(AZURE_OPENAI_RESOURCE_NAME),
        azure_openai_base_url: var(AZURE_OPENAI_BASE_URL),
        openai_base_url: var(OPENAI_BASE_URL).unwrap_or(defaults.openai_base_url),
        gemini_base_url: var(GEMINI_BASE_URL).unwrap_or(defaults.gemini_base_url),
        local_url: var(HELIX_EMBED_URL).unwrap_or(defaults.local_url),
        ..defaults
    }))
}

/// The options of a server at an address with these settings.
///
/// # Errors
///
/// When requests need a key and `HELIX_API_KEY` holds none.
pub fn server_options(address: SocketAddr, settings: &EngineSettings, env: &Env) -> Result<ServerOptions, NoApiKey> {
    let mut options = ServerOptions { mcp: settings.mcp, ..ServerOptions::new(address) };
    if settings.api_key {
        options.api_key_sha256 = Some(api_key(env)?);
    }
    Ok(options)
}

/// The SHA-256 of the key that requests must carry, in 64 hexadecimal digits.
fn api_key(env: &Env) -> Result<[u8; 32], NoApiKey> {
    let text = env.get("HELIX_API_KEY").map_or("", String::as_str);
    let decoded = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or(NoApiKey)
}
