//! `MIGRATION`: how items of an earlier version of the schema are read as those of the newest.
//!
//! Each block says what becomes of items from one version to the next. They are composed here, so that the plan holds one
//! mapping from every earlier version to the newest, field by field.

use std::collections::BTreeMap;

use helix_plan::{DefaultValue, Field, Index, ItemKind, ItemType, Migration, Origin, ScalarType, ValueType, diff};

use super::declarations::{Declaration, LOST_VERSION};
use super::{Ids, Schema, defaults, fields, ids};
use crate::compiler::diagnostics::migrations::{
    ImpossibleCast, MappedTwice, MigrationNowOfIndex, MigrationValueMismatch, MigrationValueOutOfRange,
    NotTheNextVersion, OtherKind, UnknownMappedField, UnknownMappedType, UnknownVersion,
};
use crate::compiler::diagnostics::values::{BadDate, MalformedId};
use crate::compiler::diagnostics::words;
use crate::compiler::lower::literal::Misfit;
use crate::compiler::report::Report;
use crate::compiler::source::FileId;
use crate::compiler::syntax::ast::{self, AstNode as _};

/// The types of one version, with their fields.
type Version = BTreeMap<(ItemKind, String), Vec<Field>>;

/// A mapping of a type to the next version: the type that it comes from, and its fields.
struct TypeStep {
    source: String,
    fields: BTreeMap<String, Origin>,
}

/// The mappings of a version to the next, by the type of the later one.
type Step = BTreeMap<(ItemKind, String), TypeStep>;

/// All versions of the schema, and the blocks that lead from one to the next.
pub(super) struct Migrations {
    versions: BTreeMap<u32, Version>,
    /// By the version that they lead from.
    steps: BTreeMap<u32, Step>,
}

impl Migrations {
    /// What the blocks say. Of older versions, only what the blocks need is checked.
    pub(super) fn new(
        declared: &BTreeMap<u32, Vec<Declaration>>,
        blocks: &[(FileId, ast::Migration)],
        report: &mut Report,
    ) -> Self {
        let mut migrations = Self { versions: BTreeMap::new(), steps: BTreeMap::new() };
        for (version, declarations) in declared {
            let ids = ids(declarations);
            let types = declarations.iter().map(|one| ((one.kind, one.name.clone()), typed(one, &ids)));
            migrations.versions.insert(*version, types.collect());
        }
        for (file, block) in blocks {
            migrations.block(*file, block, report);
        }
        migrations
    }

    fn block(&mut self, file: FileId, block: &ast::Migration, report: &mut Report) {
        let mut known = |version: Option<ast::SchemaVersion>| {
            let Some(version) = version.filter(ast::SchemaVersion::has_number) else {
                report.incomplete(block.span(file));
                return None;
            };
            let number = version.number().filter(|number| self.versions.contains_key(number));
            if number.is_none() && !self.versions.contains_key(&LOST_VERSION) {
                report.add(UnknownVersion { span: version.span(file) });
            }
            Some((number?, version.span(file)))
        };
        let (from, to) = (known(block.from()), known(block.to()));
        let (Some((from, _)), Some((to, to_span))) = (from, to) else { return };
        let next = self.versions.range(from + 1..).next().map(|(version, _)| *version);
        if next != Some(to) {
            report.add(NotTheNextVersion { from, next, span: to_span });
            return;
        }
        let mut step = self.steps.remove(&from).unwrap_or_default();
        for mapping in block.mappings() {
            self.mapping(file, &mapping, (from, to), &mut step, report);
        }
        self.steps.insert(from, step);
    }

    /// `N::User => _:: { … }`.
    fn mapping(
        &self,
        file: FileId,
        mapping: &ast::ItemMapping,
        (from, to): (u32, u32),
        step: &mut Step,
        report: &mut Report,
    ) {
        let span = mapping.span(file);
        let (Some(left), Some(right)) = (mapping.from(), mapping.to()) else {
            report.incomplete(span);
            return;
        };
        let Some((kind, source)) = mapped(&left) else {
            report.incomplete(left.span(file));
            return;
        };
        let (target_kind, target) = mapped(&right).unwrap_or_else(|| (kind, source.clone()));
        if target_kind != kind {
            report.add(OtherKind { from: kind, to: target_kind, span: right.span(file) });
            return;
        }
        let find = |version: u32, name: &str| self.versions[&version].get(&(kind, name.to_owned()));
        let Some(source_fields) = find(from, &source) else {
            let nearest = report.nearest(&source, self.names(from, kind));
            report.add(UnknownMappedType { kind, name: &source, version: from, span: left.span(file), nearest });
            return;
        };
        let Some(target_fields) = find(to, &target) else {
            let nearest = report.nearest(&target, self.names(to, kind));
            report.add(UnknownMappedType { kind, name: &target, version: to, span: right.span(file), nearest });
            return;
        };
        let mut given: BTreeMap<String, Origin> = BTreeMap::new();
        let mut used: Vec<String> = Vec::new();
        for field in mapping.fields() {
            let whole = field.span(file);
            let Some(name) = field.target() else {
                report.incomplete(whole);
                continue;
            };
            let (name, name_span) = (name.text(), name.span(file));
            let Some(declared) = target_fields.iter().find(|field| field.name == name) else {
                let nearest = report.nearest(&name, target_fields.iter().map(|field| field.name.as_str()));
                report.add(UnknownMappedField { ty: &target, name: &name, version: to, span: name_span, nearest });
                continue;
            };
            if given.contains_key(&name) {
                report.add(MappedTwice { name: &name, span: name_span });
                continue;
            }
            let source = Source { ty: &source, fields: source_fields, version: from };
            let Some(origin) = value(file, &field, declared, &source, report) else { continue };
            if let Some(read) = read_by(&origin)
                && read != name
            {
                used.push(read.to_owned());
            }
            given.insert(name, origin);
        }
        let fields = complete(source_fields, target_fields, given, &used);
        if step.insert((kind, target.clone()), TypeStep { source, fields }).is_some() {
            report.add(MappedTwice { name: &target, span: right.span(file) });
        }
    }

    fn names(&self, version: u32, kind: ItemKind) -> impl Iterator<Item = &str> {
        self.versions[&version].keys().filter(move |(other, _)| *other == kind).map(|(_, name)| name.as_str())
    }

    /// What the newest version calls a type of an earlier one, if another name.
    pub(super) fn renamed(&self, version: u32, kind: ItemKind, name: &str) -> Option<String> {
        let mut now = name;
        for (version, types) in self.versions.range(version..) {
            if !types.contains_key(&(kind, now.to_owned())) {
                return None;
            }
            let mut steps = self.steps.get(version).into_iter().flatten();
            now = steps.find(|((other, _), step)| *other == kind && step.source == now).map_or(now, |((_, to), _)| to);
        }
        Some(now.to_owned()).filter(|now| now != name)
    }

    /// How items of each earlier version are read as those of the newest, whose catalog is `schema`'s.
    pub(super) fn compose(&self, schema: &Schema) -> Vec<Migration> {
        let Some((newest, _)) = self.versions.last_key_value() else { return Vec::new() };
        let mut migrations = Vec::new();
        for from in self.versions.keys().filter(|version| *version != newest) {
            for kind in [ItemKind::Node, ItemKind::Edge, ItemKind::Vector] {
                for item in schema.catalog.items(kind) {
                    migrations.extend(self.migration(schema, *from, item));
                }
            }
        }
        migrations
    }

    fn migration(&self, schema: &Schema, from: u32, item: ItemType) -> Option<Migration> {
        let mut name = schema.catalog.name(item).to_owned();
        let fields = schema.catalog.fields(item).iter();
        let mut origins: Vec<Origin> = fields.map(|field| Origin::Stored(field.name.clone())).collect();
        // From the newest version back to the one that items are of.
        let versions: Vec<u32> = self.versions.range(from..).map(|(version, _)| *version).collect();
        for pair in versions.windows(2).rev() {
            let [before, after] = pair else { continue };
            let step = self.type_step(*before, *after, item.kind, &name)?;
            origins = origins.into_iter().map(|origin| substitute(origin, &step.fields)).collect();
            name = step.source;
        }
        Some(Migration { from, item, name, fields: origins })
    }

    /// The step to a type of a version from the one before: what a block says, else the type of the same name.
    fn type_step(&self, before: u32, after: u32, kind: ItemKind, name: &str) -> Option<TypeStep> {
        let key = (kind, name.to_owned());
        let steps = self.steps.get(&before);
        if let Some(step) = steps.and_then(|steps| steps.get(&key)) {
            return Some(TypeStep { source: step.source.clone(), fields: step.fields.clone() });
        }
        let is_taken =
            steps.is_some_and(|steps| steps.iter().any(|((other, _), step)| *other == kind && step.source == name));
        let source = self.versions[&before].get(&key).filter(|_| !is_taken)?;
        let fields = complete(source, &self.versions[&after][&key], BTreeMap::new(), &[]);
        Some(TypeStep { source: name.to_owned(), fields })
    }
}

/// The fields of a declaration; what is wrong with those of an older version does not matter.
fn typed(declaration: &Declaration, ids: &Ids<'_>) -> Vec<Field> {
    fields::fields(declaration, ids, &mut Report::default()).0
}

/// The kind and name of a mapped item; `None` for `_::`.
fn mapped(item: &ast::MappedItem) -> Option<(ItemKind, String)> {
    let kind = match item.kind()?.text() {
        "N" => ItemKind::Node,
        "E" => ItemKind::Edge,
        "V" => ItemKind::Vector,
        _ => return None,
    };
    Some((kind, item.name()?.text()))
}

/// The type that a mapping comes from.
struct Source<'s> {
    ty: &'s str,
    fields: &'s [Field],
    version: u32,
}

/// The value of a mapped field; `None` after a mistake.
fn value(
    file: FileId,
    field: &ast::FieldMapping,
    declared: &Field,
    source: &Source<'_>,
    report: &mut Report,
) -> Option<Origin> {
    let name = &declared.name;
    if field.is_none() {
        return Some(Origin::Absent);
    }
    if field.is_now() {
        let is_date = declared.ty == ValueType::Scalar(ScalarType::Date);
        if is_date && declared.index == Index::None {
            return Some(Origin::Value(DefaultValue::Now));
        }
        let span = field.span(file);
        if is_date {
            // Stored items have the time of each read, which no index can hold.
            report.add(MigrationNowOfIndex { field: name, span });
        } else {
            let (ty, found) = (&declared.ty, "a Date");
            report.add(MigrationValueMismatch { field: name, ty, found, span, convert: None });
        }
        return None;
    }
    if let Some(literal) = field.literal() {
        let span = literal.span(file);
        let Some(constant) = defaults::constant(&literal) else {
            report.incomplete(span);
            return None;
        };
        let found = words::scalar(constant.natural_type());
        return match defaults::convert(&constant, declared.ty.as_scalar()) {
            Ok(literal) => Some(Origin::Value(DefaultValue::Literal(literal))),
            Err(misfit) => {
                match misfit {
                    Misfit::Type => {
                        let ty = &declared.ty;
                        report.add(MigrationValueMismatch { field: name, ty, found, span, convert: None });
                    }
                    Misfit::Range => report.add(MigrationValueOutOfRange { field: name, ty: &declared.ty, span }),
                    Misfit::Date => report.add(BadDate { text: constant.text(), span }),
                    Misfit::Id => report.add(MalformedId { text: constant.text(), span }),
                }
                None
            }
        };
    }
    let Some(from) = field.source() else {
        report.incomplete(field.span(file));
        return None;
    };
    let (text, span) = (from.text(), from.span(file));
    let Some(read) = source.fields.iter().find(|field| field.name == text) else {
        let nearest = report.nearest(&text, source.fields.iter().map(|field| field.name.as_str()));
        report.add(UnknownMappedField { ty: source.ty, name: &text, version: source.version, span, nearest });
        return None;
    };
    let stored = Origin::Stored(text);
    match field.cast_type() {
        Some(cast) => {
            let span = cast.span(file);
            match (super::scalar(&cast), declared.ty.as_scalar()) {
                (Some(to), Some(wanted)) if to == wanted && can_cast(&read.ty, &declared.ty) => {
                    Some(Origin::Cast(Box::new(stored), to))
                }
                (to, wanted) => {
                    let is_right = to.is_some() && to == wanted;
                    let possible = can_cast(&read.ty, &declared.ty);
                    report.add(ImpossibleCast {
                        field: name,
                        ty: &declared.ty,
                        from: &read.ty,
                        is_right,
                        possible,
                        span,
                    });
                    None
                }
            }
        }
        None if diff::widens(&read.ty, &declared.ty) => Some(stored),
        None => {
            let (ty, found) = (&declared.ty, words::ty(&read.ty));
            let convert = can_cast(&read.ty, ty).then_some(read.name.as_str());
            report.add(MigrationValueMismatch { field: name, ty, found: &found, span, convert });
            None
        }
    }
}

/// Whether a cast gives anything: numbers become one another, every scalar becomes text, and text whatever it spells.
fn can_cast(from: &ValueType, to: &ValueType) -> bool {
    let (Some(from), Some(to)) = (from.as_scalar(), to.as_scalar()) else { return false };
    let involves_text = from == ScalarType::String || to == ScalarType::String;
    from == to || involves_text || (from.is_number() && to.is_number())
}

/// The field that an origin reads, if it reads one.
fn read_by(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Stored(name) => Some(name),
        Origin::Cast(origin, _) | Origin::Or(origin, _) => read_by(origin),
        Origin::Absent | Origin::Value(_) => None,
    }
}

/// Every field of the later type: what is given, else the field of that name where its values fit and it was not renamed;
/// what is then still absent has its default.
fn complete(
    source: &[Field],
    target: &[Field],
    mut given: BTreeMap<String, Origin>,
    used: &[String],
) -> BTreeMap<String, Origin> {
    let origin = |field: &Field| {
        let origin = given.remove(&field.name);
        if origin == Some(Origin::Absent) {
            // `NONE` leaves it absent, whatever the default.
            return (field.name.clone(), Origin::Absent);
        }
        let origin = origin.unwrap_or_else(|| {
            let before = source.iter().find(|before| before.name == field.name && !used.contains(&before.name));
            match before.filter(|before| diff::widens(&before.ty, &field.ty)) {
                Some(before) => Origin::Stored(before.name.clone()),
                None => Origin::Absent,
            }
        });
        // The time of each read is no default where an index must hold it.
        let default = field
            .default
            .as_ref()
            .filter(|default| field.index == Index::None || !matches!(default, DefaultValue::Now));
        let origin = match (origin, default) {
            (Origin::Value(value), _) => Origin::Value(value),
            (origin, None) => origin,
            (Origin::Absent, Some(default)) => Origin::Value(default.clone()),
            (origin, Some(default)) => Origin::Or(Box::new(origin), default.clone()),
        };
        (field.name.clone(), origin)
    };
    target.iter().map(origin).collect()
}

/// An origin in the terms of the version before.
fn substitute(origin: Origin, fields: &BTreeMap<String, Origin>) -> Origin {
    match origin {
        Origin::Stored(name) => fields.get(&name).cloned().unwrap_or(Origin::Absent),
        Origin::Cast(inner, to) => Origin::Cast(Box::new(substitute(*inner, fields)), to),
        Origin::Or(inner, default) => Origin::Or(Box::new(substitute(*inner, fields)), default),
        Origin::Absent | Origin::Value(_) => origin,
    }
}
