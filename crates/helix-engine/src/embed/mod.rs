//! Texts to vectors, by a provider over the network.

mod providers;
mod request;

pub use providers::{EmbeddingConfig, HttpEmbedder, Model};

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;

/// A future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Gives the embedding of texts.
pub trait Embedder: Send + Sync {
    /// A vector for each text, in order. `model` is what the query asks for; the provider's own default otherwise.
    ///
    /// # Errors
    ///
    /// [`EngineError::Embedding`](crate::EngineError::Embedding), in words that hold no key.
    fn embed<'a>(&'a self, model: Option<&'a str>, texts: Vec<String>) -> BoxFuture<'a, Result<Vec<Vec<f32>>>>;
}
