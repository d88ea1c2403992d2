//! The providers: OpenAI, Azure OpenAI, Gemini, and a local service.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/embeddings>,
//! <https://learn.microsoft.com/azure/ai-services/openai/reference>, <https://ai.google.dev/api/embeddings>.

use std::sync::OnceLock;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::send;
use super::{BoxFuture, Embedder};
use crate::error::{EngineError, Result};

/// How long a provider may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An embedding model, by its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// A model of OpenAI.
    OpenAi(String),
    /// A deployment of Azure OpenAI.
    AzureOpenAi(String),
    /// A model of Gemini, and what its vectors are for.
    Gemini {
        /// The model.
        model: String,
        /// The task type.
        task: String,
    },
    /// The local service.
    Local,
}

impl Model {
    /// How many texts the provider takes in one request.
    const fn batch(&self) -> usize {
        match self {
            Self::OpenAi(_) | Self::AzureOpenAi(_) => 2048,
            Self::Gemini { .. } => 100,
            Self::Local => 1,
        }
    }

    /// Reads `openai:<model>`, `azure_openai:<deployment>`, `gemini:<model>[:<TASK>]` or `local`. A bare name means OpenAI.
    ///
    /// # Errors
    ///
    /// [`EngineError::Embedding`] when the provider is unknown or the name is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let (provider, name) =
            text.split_once(':').unwrap_or(if text == "local" { ("local", "") } else { ("openai", text) });
        if name.is_empty() && provider != "local" {
            return Err(EngineError::Embedding(format!("`{text}` names no model")));
        }
        match provider {
            "openai" => Ok(Self::OpenAi(name.to_owned())),
            "azure_openai" => Ok(Self::AzureOpenAi(name.to_owned())),
            "gemini" => {
                let (model, task) = name.split_once(':').unwrap_or((name, "RETRIEVAL_DOCUMENT"));
                Ok(Self::Gemini { model: model.to_owned(), task: task.to_owned() })
            }
            "local" => Ok(Self::Local),
            _ => Err(EngineError::Embedding(format!(
                "`{provider}` is no embedding provider: use `openai:`, `azure_openai:`, `gemini:` or `local`"
            ))),
        }
    }
}

/// What the providers need. Keys are never printed.
#[derive(Clone)]
pub struct EmbeddingConfig {
    /// The model of queries that name none; where it is absent, these have no embeddings.
    pub model: Option<Model>,
    /// `OPENAI_API_KEY`.
    pub openai_api_key: Option<String>,
    /// `AZURE_OPENAI_API_KEY`.
    pub azure_openai_api_key: Option<String>,
    /// `AZURE_OPENAI_RESOURCE_NAME`.
    pub azure_openai_resource: Option<String>,
    /// `GEMINI_API_KEY`.
    pub gemini_api_key: Option<String>,
    /// Where OpenAI is, or something that speaks its protocol.
    pub openai_base_url: String,
    /// Where Azure OpenAI is; derived from the resource when absent.
    pub azure_openai_base_url: Option<String>,
    /// Where Gemini is.
    pub gemini_base_url: String,
    /// Where the local service is.
    pub local_url: String,
}

impl EmbeddingConfig {
    /// The providers' public addresses and no keys, with the model of queries that name none.
    #[must_use]
    pub fn new(model: impl Into<Option<Model>>) -> Self {
        Self {
            model: model.into(),
            openai_api_key: None,
            azure_openai_api_key: None,
            azure_openai_resource: None,
            gemini_api_key: None,
            openai_base_url: "https://api.openai.com/v1".to_owned(),
            azure_openai_base_url: None,
            gemini_base_url: "https://generativelanguage.googleapis.com/v1beta".to_owned(),
            local_url: "http://localhost:8699/embed".to_owned(),
        }
    }
}

impl std::fmt::Debug for EmbeddingConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddingConfig").field("model", &self.model).finish_non_exhaustive()
    }
}

/// Asks the providers over HTTP.
pub struct HttpEmbedder {
    config: EmbeddingConfig,
    /// Made for the first text: most databases embed none, and to set TLS up takes time.
    client: OnceLock<reqwest::Client>,
}

impl std::fmt::Debug for HttpEmbedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpEmbedder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl HttpEmbedder {
    /// A client for the providers.
    #[must_use]
    pub const fn new(config: EmbeddingConfig) -> Self {
        Self { config, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Another part of the process may have chosen a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        let client = client.map_err(|error| EngineError::Embedding(error.without_url().to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn vectors(&self, model: &Model, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(model.batch()) {
            vectors.extend(self.batch(model, batch).await?);
        }
        Ok(vectors)
    }

    /// The vectors of as many texts as the provider takes at once.
    async fn batch(&self, model: &Model, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let (config, client) = (&self.config, self.client()?);
        match model {
            Model::OpenAi(model) => {
                let key = required(config.openai_api_key.as_deref(), "OPENAI_API_KEY")?;
                let url = format!("{}/embeddings", config.openai_base_url);
                let body = json!({"model": model, "input": texts});
                let request = || client.post(&url).bearer_auth(key).json(&body);
                send::<OpenAiResponse>(request, Some(key)).await?.vectors()
            }
            Model::AzureOpenAi(deployment) => {
                let key = required(config.azure_openai_api_key.as_deref(), "AZURE_OPENAI_API_KEY")?;
                let base = match &config.azure_openai_base_url {
                    Some(base) => base.clone(),
                    None => {
                        let resource = required(config.azure_openai_resource.as_deref(), "AZURE_OPENAI_RESOURCE_NAME")?;
                        format!("https://{resource}.openai.azure.com")
                    }
                };
                let url = format!("{base}/openai/deployments/{deployment}/embeddings?api-version=2024-02-01");
                let body = json!({"input": texts});
                let request = || client.post(&url).header("api-key", key).json(&body);
                send::<OpenAiResponse>(request, Some(key)).await?.vectors()
            }
            Model::Gemini { model, task } => {
                let key = required(config.gemini_api_key.as_deref(), "GEMINI_API_KEY")?;
                let one = |text: &String| json!({"model": format!("models/{model}"), "content": {"parts": [{"text": text}]}, "taskType": task});
                let body = json!({"requests": texts.iter().map(one).collect::<Vec<Value>>()});
                let url = format!("{}/models/{model}:batchEmbedContents", config.gemini_base_url);
                let request = || client.post(&url).header("x-goog-api-key", key).json(&body);
                let response = send::<GeminiResponse>(request, Some(key)).await?;
                Ok(response.embeddings.into_iter().map(|embedding| embedding.values).collect())
            }
            Model::Local => {
                let mut vectors = Vec::with_capacity(texts.len());
                for text in texts {
                    let body = json!({"text": text, "chunk_style": "recursive", "chunk_size": 100});
                    let request = || client.post(&config.local_url).json(&body);
                    vectors.push(send::<LocalResponse>(request, None).await?.embedding);
                }
                Ok(vectors)
            }
        }
    }
}

impl Embedder for HttpEmbedder {
    fn embed<'a>(&'a self, model: Option<&'a str>, texts: Vec<String>) -> BoxFuture<'a, Result<Vec<Vec<f32>>>> {
        Box::pin(async move {
            let named = model.map(Model::parse).transpose()?;
            let model = named.as_ref().or(self.config.model.as_ref()).ok_or_else(|| {
                EngineError::Embedding(
                    "no embedding provider is configured: set `embedding_model`, or the key of a provider".to_owned(),
                )
            })?;
            self.vectors(model, &texts).await
        })
    }
}

#[derive(Deserialize)]
struct OpenAiResponse {
    data: Vec<OpenAiEmbedding>,
}

#[derive(Deserialize)]
struct OpenAiEmbedding {
    index: usize,
    embedding: Vec<f32>,
}

impl OpenAiResponse {
    fn vectors(mut self) -> Result<Vec<Vec<f32>>> {
        self.data.sort_by_key(|embedding| embedding.index);
        Ok(self.data.into_iter().map(|embedding| embedding.embedding).collect())
    }
}

#[derive(Deserialize)]
struct GeminiResponse {
    embeddings: Vec<GeminiEmbedding>,
}

#[derive(Deserialize)]
struct GeminiEmbedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct LocalResponse {
    embedding: Vec<f32>,
}

fn required<'c>(value: Option<&'c str>, name: &str) -> Result<&'c str> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| EngineError::Embedding(format!("{name} is not set")))
}
