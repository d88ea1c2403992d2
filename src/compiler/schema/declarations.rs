//! Collects the type declarations of all files: the newest schema version, sorted by kind and name, each name once.

use std::collections::{BTreeMap, BTreeSet};

use helix_plan::ItemKind;

use crate::compiler::ParsedFile;
use crate::compiler::diagnostics::schema::{DuplicateType, OverLimit, ReservedTypeName, ZeroVersion};
use crate::compiler::report::Report;
use crate::compiler::source::{FileId, Span};
use crate::compiler::syntax::ast::{self, AstNode as _, Item};

/// Names that HelixQL v2 needs for itself.
const RESERVED_TYPE_NAMES: [&str; 10] = [
    "Node",
    "Edge",
    "HVector",
    "Value",
    "GraphError",
    "VectorError",
    "Response",
    "HandlerInput",
    "Aggregate",
    "AggregateItem",
];

/// How many types of a kind a program may have.
const MAX_TYPES: usize = 65_535;

/// Stands for a version whose number cannot be read. It is most likely the newest, which was just written.
pub(super) const LOST_VERSION: u32 = u32::MAX;

/// A declared type.
#[derive(Clone, Debug)]
pub(super) struct Declaration {
    pub kind: ItemKind,
    pub name: String,
    /// The name's place.
    pub span: Span,
    /// The place of all of it.
    pub whole: Span,
    /// Each with its file: of a type that is declared twice, they are those of both declarations.
    pub fields: Vec<(FileId, ast::Field)>,
    /// Of an edge type.
    pub ends: Option<Ends>,
}

/// The ends of an edge type, as they are named.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    pub from: Option<(String, Span)>,
    pub to: Option<(String, Span)>,
    pub unique: bool,
}

/// What the files declare.
pub(super) struct Declared {
    /// The newest version.
    pub version: u32,
    /// Its types, by kind and name.
    pub newest: Vec<Declaration>,
    /// The types of every version, the newest among them.
    pub versions: BTreeMap<u32, Vec<Declaration>>,
    /// What leads from one version to the next.
    pub migrations: Vec<(FileId, ast::Migration)>,
}

/// The declarations of all files.
pub(super) fn collect(files: &[ParsedFile], report: &mut Report) -> Declared {
    let mut versions: BTreeMap<u32, Vec<Declaration>> = BTreeMap::new();
    let mut migrations = Vec::new();
    for file in files {
        for item in file.tree.items() {
            match item {
                Item::Node(_) | Item::Edge(_) | Item::Vector(_) => {
                    versions.entry(1).or_default().extend(declaration(file.id, &item, report));
                }
                Item::Block(block) => {
                    let version = version(file.id, &block, report);
                    let items = block.items().filter_map(|item| declaration(file.id, &item, report));
                    versions.entry(version).or_default().extend(items);
                }
                Item::Migration(migration) => migrations.push((file.id, migration)),
                Item::Query(_) => {}
            }
        }
    }
    // Only the newest version is visible to queries.
    let (version, newest) =
        versions.last_key_value().map_or((1, Vec::new()), |(version, newest)| (*version, newest.clone()));
    Declared { version, newest: unique(newest, report), versions, migrations }
}

fn version(file: FileId, block: &ast::SchemaBlock, report: &mut Report) -> u32 {
    let Some(version) = block.version() else {
        report.incomplete(block.span(file));
        return LOST_VERSION;
    };
    let span = version.span(file);
    match version.number() {
        Some(0) => {
            report.add(ZeroVersion { span });
            1
        }
        Some(number) => number,
        None if !version.has_number() => {
            report.incomplete(span);
            LOST_VERSION
        }
        None => {
            report.add(OverLimit { what: "schema versions", limit: u32::MAX as usize, span });
            1
        }
    }
}

fn declaration(file: FileId, item: &Item, report: &mut Report) -> Option<Declaration> {
    let (kind, name, fields, ends) = match item {
        Item::Node(node) => (ItemKind::Node, node.name(), node.fields().collect::<Vec<_>>(), None),
        Item::Vector(vector) => (ItemKind::Vector, vector.name(), vector.fields().collect(), None),
        Item::Edge(edge) => {
            let named = |name: Option<ast::Name>| name.map(|name| (name.text(), name.span(file)));
            let ends = Ends { from: named(edge.from()), to: named(edge.to()), unique: edge.unique().is_some() };
            (ItemKind::Edge, edge.name(), edge.fields().collect(), Some(ends))
        }
        Item::Block(_) | Item::Migration(_) | Item::Query(_) => {
            report.incomplete(item.span(file));
            return None;
        }
    };
    let Some(name) = name else {
        report.incomplete(item.span(file));
        return None;
    };
    let (name, span) = (name.text(), name.span(file));
    if RESERVED_TYPE_NAMES.contains(&name.as_str()) {
        report.add(ReservedTypeName { name: &name, span });
    }
    let fields = fields.into_iter().map(|field| (file, field)).collect();
    Some(Declaration { kind, name, span, whole: item.span(file), fields, ends })
}

impl Declaration {
    /// Adds the fields that a second declaration of the type has beyond this one, so that no query is blamed for using them.
    fn take_fields_of(&mut self, other: Self) {
        let name_of = |field: &ast::Field| field.name().map(|name| name.text().to_ascii_lowercase());
        let known: BTreeSet<_> = self.fields.iter().map(|(_, field)| name_of(field)).collect();
        self.fields.extend(other.fields.into_iter().filter(|(_, field)| !known.contains(&name_of(field))));
    }
}

/// The declarations by kind and name; of two that share both, the first in the order of files and lines.
fn unique(mut declarations: Vec<Declaration>, report: &mut Report) -> Vec<Declaration> {
    declarations.sort_by(|a, b| (a.kind, &a.name, a.span).cmp(&(b.kind, &b.name, b.span)));
    let mut kept: Vec<Declaration> = Vec::with_capacity(declarations.len());
    let mut of_kind = 0;
    for declaration in declarations {
        let Declaration { kind, ref name, span, .. } = declaration;
        match kept.last_mut() {
            Some(last) if last.kind == kind && last.name == *name => {
                report.add(DuplicateType { kind, name, span, first: last.span });
                last.take_fields_of(declaration);
                continue;
            }
            Some(last) if last.kind == kind => of_kind += 1,
            Some(_) | None => of_kind = 1,
        }
        if of_kind > MAX_TYPES {
            report.add(OverLimit { what: "types of a kind", limit: MAX_TYPES, span });
            continue;
        }
        kept.push(declaration);
    }
    kept
}
