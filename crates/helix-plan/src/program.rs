//! The program as a whole.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Catalog, ExprKind, FORMAT_VERSION, Query, Source, SourceMap, TypeId, visit};

/// A checked and lowered set of `.hx` files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The version of this data format, [`FORMAT_VERSION`] when made by this crate.
    pub format_version: u16,
    /// The schema.
    pub catalog: Catalog,
    /// The queries, sorted by name, so that the order of files never changes a program.
    pub queries: Vec<Query>,
    /// The source files, relative to the project, that spans refer to.
    pub files: Vec<String>,
}

impl Program {
    /// A program of the current format.
    ///
    /// Sorts `queries` by name.
    #[must_use]
    pub fn new(catalog: Catalog, mut queries: Vec<Query>, files: Vec<String>) -> Self {
        queries.sort_by(|a, b| a.name.cmp(&b.name));
        Self { format_version: FORMAT_VERSION, catalog, queries, files }
    }

    /// The query named `name`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&Query> {
        let index = self.queries.binary_search_by(|query| query.name.as_str().cmp(name)).ok()?;
        self.queries.get(index)
    }

    /// The node types whose text a query searches.
    #[must_use]
    pub fn searched_nodes(&self) -> BTreeSet<TypeId> {
        let mut nodes = BTreeSet::new();
        for query in &self.queries {
            visit::query(query, &mut |expr| {
                if let ExprKind::Traversal(traversal) | ExprKind::Exists(traversal) = &expr.kind
                    && let Source::SearchText { node, .. } = &traversal.source
                {
                    nodes.insert(*node);
                }
            });
        }
        nodes
    }

    /// The program without file names and spans: what its identity is computed from.
    #[must_use]
    pub fn without_sources(&self) -> Self {
        let mut program = self.clone();
        program.files.clear();
        for query in &mut program.queries {
            query.source_map = SourceMap::default();
        }
        program
    }
}
