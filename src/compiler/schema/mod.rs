//! Declarations to a [`Catalog`]: names become ids, in an order that files and lines have no part in.
//!
//! A declaration with a mistake stays in the catalog, so that queries which use it are not blamed for it; what is wrong with it
//! is remembered in [`Schema`], and the program is not built anyway.

mod declarations;
mod defaults;
mod fields;
mod migrations;

use std::collections::{BTreeMap, BTreeSet};

use helix_plan::{Catalog, EdgeType, FieldId, ItemKind, ItemType, NodeType, TypeId, VectorType};

pub(super) use self::defaults::constant;

use self::declarations::{Declaration, Declared, Ends};
use self::migrations::Migrations;
use super::diagnostics::schema::{OlderVersion, UnknownEndpoint};
use super::report::Report;
use super::source::Span;
use super::syntax::ast;
use super::{Broken, ParsedFile};

/// The catalog, and which of its parts follow a mistake.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) catalog: Catalog,
    /// The types that only older versions declare.
    pub(super) hidden: Hidden,
    /// Whether every declaration could be read, and there is any; if not, an unknown name may be one of the lost ones.
    pub(super) complete: bool,
    unknown_fields: BTreeSet<(ItemType, FieldId)>,
    unknown_ends: BTreeSet<TypeId>,
    /// The types with a syntax error in their declaration.
    broken: BTreeSet<ItemType>,
}

/// The types that queries do not see, since only versions before the newest declare them.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    types: BTreeMap<(ItemKind, String), OlderVersion>,
}

impl Hidden {
    fn new(newest: u32, versions: &BTreeMap<u32, Vec<Declaration>>, migrations: &Migrations) -> Self {
        let mut types = BTreeMap::new();
        for (version, declarations) in versions.range(..newest) {
            for one in declarations {
                let renamed = migrations.renamed(*version, one.kind, &one.name);
                let older = OlderVersion { kind: one.kind, version: *version, newest, renamed };
                types.insert((one.kind, one.name.clone()), older);
            }
        }
        Self { types }
    }

    /// Where the type is declared, if only there: the last version that does.
    pub(super) fn find(&self, kind: ItemKind, name: &str) -> Option<OlderVersion> {
        self.types.get(&(kind, name.to_owned())).cloned()
    }
}

impl Schema {
    /// The names of all types of a kind.
    pub(super) fn names(&self, kind: ItemKind) -> Box<dyn Iterator<Item = &str> + '_> {
        match kind {
            ItemKind::Node => Box::new(self.catalog.nodes.iter().map(|ty| ty.name.as_str())),
            ItemKind::Edge => Box::new(self.catalog.edges.iter().map(|ty| ty.name.as_str())),
            ItemKind::Vector => Box::new(self.catalog.vectors.iter().map(|ty| ty.name.as_str())),
        }
    }

    /// Whether the type of a declared field is known.
    pub(super) fn knows_field(&self, item: ItemType, field: FieldId) -> bool {
        !self.unknown_fields.contains(&(item, field))
    }

    /// Whether all fields of a type are known, and their indexes.
    pub(super) fn knows_fields(&self, item: ItemType) -> bool {
        !self.broken.contains(&item)
    }

    /// Whether both ends of an edge type are known.
    pub(super) fn knows_ends(&self, edge: ItemType) -> bool {
        !self.unknown_ends.contains(&edge.id)
    }
}

/// The types that the files declare.
pub(super) fn build(files: &[ParsedFile], broken: &Broken, complete: bool, report: &mut Report) -> Schema {
    let Declared { version, newest: declarations, versions, migrations } = declarations::collect(files, report);
    let ids = ids(&declarations);
    let blocks = Migrations::new(&versions, &migrations, report);
    let mut schema = Schema {
        catalog: Catalog { version, ..Catalog::default() },
        hidden: Hidden::new(version, &versions, &blocks),
        complete,
        unknown_fields: BTreeSet::new(),
        unknown_ends: BTreeSet::new(),
        broken: BTreeSet::new(),
    };
    for declaration in &declarations {
        schema.add(declaration, &ids, report);
        let item = ids.get(&(declaration.kind, declaration.name.as_str()));
        schema.broken.extend(item.filter(|_| !broken.within(declaration.whole).is_empty()));
    }
    if versions.len() > 1 || !migrations.is_empty() {
        schema.catalog.migrations = blocks.compose(&schema);
    }
    schema
}

/// The declared types by kind and name.
type Ids<'a> = BTreeMap<(ItemKind, &'a str), ItemType>;

/// Numbers the declarations, which are sorted, within their kinds.
fn ids(declarations: &[Declaration]) -> Ids<'_> {
    let mut ids = Ids::new();
    let mut next = BTreeMap::<ItemKind, u16>::new();
    for declaration in declarations {
        let kind = declaration.kind;
        let next = next.entry(kind).or_default();
        ids.insert((kind, &declaration.name), ItemType { kind, id: TypeId(*next) });
        *next = next.saturating_add(1);
    }
    ids
}

impl Schema {
    fn add(&mut self, declaration: &Declaration, ids: &Ids<'_>, report: &mut Report) {
        let (name, kind) = (declaration.name.clone(), declaration.kind);
        let Some(item) = ids.get(&(kind, name.as_str())).copied() else { return };
        let (fields, unknown) = fields::fields(declaration, ids, report);
        self.unknown_fields.extend(unknown.into_iter().map(|field| (item, field)));
        match &declaration.ends {
            None if kind == ItemKind::Vector => self.catalog.vectors.push(VectorType { name, fields }),
            None => self.catalog.nodes.push(NodeType { name, fields }),
            Some(Ends { from, to, unique }) => {
                let from = self.endpoint(declaration, from.as_ref(), ids, report);
                let to = self.endpoint(declaration, to.as_ref(), ids, report);
                if from.is_none() || to.is_none() {
                    self.unknown_ends.insert(item.id);
                }
                let nothing = ItemType::node(TypeId(0));
                let (from, to) = (from.unwrap_or(nothing), to.unwrap_or(nothing));
                self.catalog.edges.push(EdgeType { name, from, to, unique: *unique, fields });
            }
        }
    }

    /// The node type, else the vector type, that an edge names as an end.
    fn endpoint(
        &self,
        edge: &Declaration,
        end: Option<&(String, Span)>,
        ids: &Ids<'_>,
        report: &mut Report,
    ) -> Option<ItemType> {
        let Some((name, span)) = end else {
            report.incomplete(edge.span);
            return None;
        };
        let find = |kind| ids.get(&(kind, name.as_str())).copied();
        let found = find(ItemKind::Node).or_else(|| find(ItemKind::Vector));
        // Where a declaration could not be read, it may be this one.
        if found.is_none() && self.complete {
            let ends = ids.keys().filter(|(kind, _)| *kind != ItemKind::Edge);
            let nearest = report.nearest(name, ends.map(|(_, name)| *name));
            let older = self.hidden.find(ItemKind::Node, name).or_else(|| self.hidden.find(ItemKind::Vector, name));
            report.add(UnknownEndpoint { edge: &edge.name, name, span: *span, nearest, older });
        }
        found
    }
}

/// The scalar type that a named type spells.
pub(super) fn scalar(ty: &ast::NamedType) -> Option<helix_plan::ScalarType> {
    use ast::AstNode as _;
    helix_plan::ScalarType::from_name(&ty.name()?.text())
}
