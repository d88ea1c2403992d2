//! New orders and scores for what a search found.

use super::Run;
use super::datum::Item;
use crate::error::{EngineError, Result};
use crate::value::Value;
use crate::value::compare::float;
use crate::vector;

/// How alike two vectors are; the greater, the more.
#[derive(Clone, Copy, Debug)]
enum Likeness {
    Cosine,
    Euclidean,
    DotProduct,
}

impl Likeness {
    fn named(name: Value<'_>) -> Result<Self> {
        match name {
            Value::Str("cosine") => Ok(Self::Cosine),
            Value::Str("euclidean") => Ok(Self::Euclidean),
            Value::Str("dotproduct") => Ok(Self::DotProduct),
            Value::Str(other) => Err(EngineError::BadValue(format!(
                "`{other}` is no distance of RerankMMR: `cosine`, `euclidean` or `dotproduct`"
            ))),
            _ => Err(EngineError::BadValue("the distance of RerankMMR must be a String".to_owned())),
        }
    }

    fn of(self, a: &[f32], b: &[f32]) -> Result<f32> {
        Ok(match self {
            Self::Cosine => 1.0 - vector::cosine_distance(a, b)?,
            Self::Euclidean => (-vector::euclidean_distance(a, b)?).exp(),
            Self::DotProduct => vector::dot_product(a, b)?,
        })
    }
}

impl<'a> Run<'a, '_> {
    /// The elements in their order, each with the score of its rank.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when `k` is no number above 0.
    pub fn rerank_by_rank(&self, mut items: Vec<Item<'a>>, k: Value<'a>) -> Result<Vec<Item<'a>>> {
        let k = float(&k).filter(|k| *k > 0.0 && k.is_finite());
        let k = k.ok_or_else(|| EngineError::BadValue("`k` of RerankRRF must be above 0".to_owned()))?;
        let mut rank = k;
        for item in &mut items {
            self.tick()?;
            rank += 1.0;
            item.score = (1.0 / rank) as f32;
            item.is_distance = false;
        }
        Ok(items)
    }

    /// The vectors in an order in which each is relevant and unlike those before it. The first is the most relevant one and
    /// keeps its score; the others have the value that they were chosen for.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadValue`] when `lambda` is not between 0 and 1, or the distance is not known.
    pub fn rerank_by_diversity(
        &self,
        mut items: Vec<Item<'a>>,
        lambda: Value<'a>,
        distance: Value<'a>,
    ) -> Result<Vec<Item<'a>>> {
        let lambda = float(&lambda).filter(|lambda| (0.0..=1.0).contains(lambda));
        let lambda =
            lambda.ok_or_else(|| EngineError::BadValue("`lambda` of RerankMMR must be from 0 to 1".to_owned()))?;
        let (lambda, likeness) = (lambda as f32, Likeness::named(distance)?);
        for item in &mut items {
            item.data = Some(self.components(item)?);
        }
        let relevance = |item: &Item<'_>| if item.is_distance { 1.0 - item.score } else { item.score };
        let mut left: Vec<Candidate<'a>> =
            items.iter().map(|item| Candidate { item: *item, relevance: relevance(item), likeness: 0.0 }).collect();
        let mut picked: Vec<Item<'a>> = Vec::with_capacity(left.len());
        while let Some(best) = best(&left, if picked.is_empty() { 1.0 } else { lambda }) {
            let mut chosen = left.remove(best);
            if !picked.is_empty() {
                chosen.item.score = chosen.value(lambda);
                chosen.item.is_distance = false;
            }
            for other in &mut left {
                self.tick()?;
                let (a, b) = (chosen.item.data.unwrap_or_default(), other.item.data.unwrap_or_default());
                other.likeness = other.likeness.max(likeness.of(a, b)?);
            }
            picked.push(chosen.item);
        }
        Ok(picked)
    }
}

/// A vector that was not picked yet.
struct Candidate<'a> {
    item: Item<'a>,
    relevance: f32,
    /// How alike it is to the most alike one that was picked.
    likeness: f32,
}

impl Candidate<'_> {
    fn value(&self, lambda: f32) -> f32 {
        lambda * self.relevance - (1.0 - lambda) * self.likeness
    }
}

/// The position of the candidate with the greatest value; of equals, the first.
fn best(left: &[Candidate<'_>], lambda: f32) -> Option<usize> {
    let values = left.iter().map(|candidate| candidate.value(lambda)).enumerate();
    let best = values.reduce(|best, next| if next.1.total_cmp(&best.1).is_gt() { next } else { best });
    best.map(|(index, _)| index)
}
