//! The fields of a declaration.

use std::collections::HashMap;

use helix_plan::{Field, FieldId, Index, ItemKind, ScalarType, ValueType};

use super::declarations::Declaration;
use super::{Ids, defaults, scalar};
use crate::compiler::diagnostics::schema::{
    DuplicateField, NoEffectHere, ObjectField, OverLimit, ReservedFieldName, UnknownType,
};
use crate::compiler::report::Report;
use crate::compiler::source::{FileId, Span};
use crate::compiler::syntax::ast::{self, AstNode as _};

/// How many fields a type may have.
const MAX_FIELDS: usize = 4_096;

/// The names of fields that the database keeps itself, in lower case.
const fn reserved(kind: ItemKind) -> &'static [&'static str] {
    match kind {
        ItemKind::Node => &["id", "label", "to_node", "from_node", "type", "version"],
        ItemKind::Edge => &["id", "label", "from_node", "to_node", "type", "version"],
        ItemKind::Vector => &["id", "label", "data", "score", "type", "version"],
    }
}

/// The fields in declaration order, and those whose type is unknown.
pub(super) fn fields(declaration: &Declaration, ids: &Ids<'_>, report: &mut Report) -> (Vec<Field>, Vec<FieldId>) {
    let mut fields: Vec<Field> = Vec::with_capacity(declaration.fields.len());
    let mut unknown = Vec::new();
    let mut spans: HashMap<String, Span> = HashMap::new();
    for (file, field) in &declaration.fields {
        let file = *file;
        let Some(name) = field.name() else {
            report.incomplete(field.span(file));
            continue;
        };
        let (name, span) = (name.text(), name.span(file));
        if let Some(first) = spans.get(&name.to_ascii_lowercase()) {
            report.add(DuplicateField { name: &name, span, first: *first, any_case: true });
            continue;
        }
        if fields.len() == MAX_FIELDS {
            report.add(OverLimit { what: "fields of a type", limit: MAX_FIELDS, span });
            break;
        }
        spans.insert(name.to_ascii_lowercase(), span);
        let reserved = reserved(declaration.kind);
        if reserved.contains(&name.to_ascii_lowercase().as_str()) {
            report.add(ReservedFieldName { kind: declaration.kind, name: &name, span, reserved });
        }
        let ty = field_type(file, field, &name, ids, report);
        if ty.is_none() {
            unknown.push(FieldId(u16::try_from(fields.len()).unwrap_or(u16::MAX)));
        }
        let default = match &ty {
            Some(ty) => defaults::default(file, field, &name, ty, report),
            None => None,
        };
        let ty = ty.unwrap_or(ValueType::Scalar(ScalarType::String));
        let index = index(declaration.kind, file, field, &ty, report);
        fields.push(Field { name, ty, index, default });
    }
    (fields, unknown)
}

/// The type of a field: a scalar, or arrays of scalars.
fn field_type(file: FileId, field: &ast::Field, name: &str, ids: &Ids<'_>, report: &mut Report) -> Option<ValueType> {
    let mut depth = 0;
    let mut ty = field.ty();
    let scalar = loop {
        match ty {
            Some(ast::Type::Named(named)) => match scalar(&named) {
                Some(scalar) => break scalar,
                None => {
                    let span = named.span(file);
                    let text = named.text();
                    if ids.keys().any(|(_, other)| *other == text) {
                        report.add(ObjectField { name, span });
                    } else {
                        let nearest = report.nearest(&text, ScalarType::ALL.iter().map(|scalar| scalar.name()));
                        report.add(UnknownType { name: &text, span, nearest, older: None });
                    }
                    return None;
                }
            },
            Some(ast::Type::List(list)) => {
                depth += 1;
                ty = list.element();
            }
            Some(ast::Type::Object(object)) => {
                report.add(ObjectField { name, span: object.span(file) });
                return None;
            }
            None => {
                report.incomplete(field.span(file));
                return None;
            }
        }
    };
    Some((0..depth).fold(ValueType::Scalar(scalar), |element, _| ValueType::List(Box::new(element))))
}

/// What is maintained beside a field; warns where nothing can be.
fn index(kind: ItemKind, file: FileId, field: &ast::Field, ty: &ValueType, report: &mut Report) -> Index {
    let Some((word, span)) = field.index_words(file) else { return Index::None };
    let place = match kind {
        ItemKind::Node if ty.as_scalar().is_some() => {
            return if field.unique().is_some() { Index::Unique } else { Index::Secondary };
        }
        ItemKind::Node => "an array field",
        ItemKind::Edge => "a field of an edge",
        ItemKind::Vector => "a field of a vector",
    };
    report.add(NoEffectHere { word, place, span });
    Index::None
}
