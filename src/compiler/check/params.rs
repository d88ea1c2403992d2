//! Parameters and their types.

use std::collections::HashMap;

use helix_plan::{Param, ScalarType, ValueType};

use super::Checker;
use super::scope::Origin;
use super::ty::{KINDS, Ty};
use crate::compiler::diagnostics::schema::{DuplicateField, NoEffectHere, UnknownType};
use crate::compiler::source::Span;
use crate::compiler::syntax::ast::{self, AstNode as _};

impl Checker<'_> {
    /// Declares the parameters.
    pub(super) fn params(&mut self, params: impl Iterator<Item = ast::Param>) -> Vec<Param> {
        let mut declared = Vec::new();
        for param in params {
            let Some(name) = param.name() else {
                self.report.incomplete(self.span(&param));
                continue;
            };
            let (name, span) = (name.text(), self.span(&name));
            let ty = self.param_type(param.ty(), self.span(&param));
            let ty = match param.optional() {
                Some(_) => ty.map(|ty| ValueType::Optional(Box::new(ty))),
                None => ty,
            };
            let slot = match &ty {
                Some(ty) => self.declare_given(&name, ty, Origin::Parameter, span),
                None => self.declare(&name, Ty::Unknown, Origin::Parameter, span),
            };
            let ty = ty.unwrap_or(ValueType::Scalar(ScalarType::String));
            declared.push(Param { name, ty, slot });
        }
        declared
    }

    /// The type of a parameter or of a part of it; `None` after a mistake.
    fn param_type(&mut self, ty: Option<ast::Type>, place: Span) -> Option<ValueType> {
        match ty {
            Some(ast::Type::Named(named)) => self.named_type(&named),
            Some(ast::Type::List(list)) => {
                Some(ValueType::List(Box::new(self.param_type(list.element(), self.span(&list))?)))
            }
            Some(ast::Type::Object(object)) => self.object_type(&object),
            None => {
                self.report.incomplete(place);
                None
            }
        }
    }

    fn named_type(&mut self, named: &ast::NamedType) -> Option<ValueType> {
        let (name, span) = (named.text(), self.span(named));
        if let Some(scalar) = ScalarType::from_name(&name).or_else(|| lower_case_alias(&name)) {
            return Some(ValueType::Scalar(scalar));
        }
        let catalog = self.catalog;
        if let Some(item) = KINDS.into_iter().find_map(|kind| catalog.find(kind, &name)) {
            // An object that may hold any of the type's fields.
            let fields = catalog.fields(item).iter();
            let members = fields.map(|field| (field.name.clone(), ValueType::Optional(Box::new(field.ty.clone()))));
            return Some(ValueType::Object(members.collect()));
        }
        if self.schema.complete || !name.starts_with(|first: char| first.is_ascii_uppercase()) {
            let scalars = ScalarType::ALL.iter().map(|scalar| scalar.name());
            let nearest =
                self.report.nearest(&name, scalars.chain(KINDS.into_iter().flat_map(|kind| self.schema.names(kind))));
            let older = KINDS.into_iter().find_map(|kind| self.schema.hidden.find(kind, &name));
            self.report.add(UnknownType { name: &name, span, nearest, older });
        }
        None
    }

    fn object_type(&mut self, object: &ast::ObjectType) -> Option<ValueType> {
        let mut members = Vec::new();
        let mut spans: HashMap<String, Span> = HashMap::new();
        let mut known = true;
        for field in object.fields() {
            let Some(name) = field.name() else {
                self.report.incomplete(self.span(&field));
                known = false;
                continue;
            };
            let (name, span) = (name.text(), self.span(&name));
            self.warn_of_modifiers(&field);
            if let Some(first) = spans.get(&name) {
                self.report.add(DuplicateField { name: &name, span, first: *first, any_case: false });
                known = false;
                continue;
            }
            spans.insert(name.clone(), span);
            match self.param_type(field.ty(), self.span(&field)) {
                Some(ty) => members.push((name, ty)),
                None => known = false,
            }
        }
        known.then_some(ValueType::Object(members))
    }

    /// `INDEX` and `DEFAULT` mean nothing for what only passes by.
    fn warn_of_modifiers(&mut self, field: &ast::Field) {
        let place = "a member of a parameter";
        if let Some((word, span)) = field.index_words(self.file) {
            self.report.add(NoEffectHere { word, place, span });
        }
        if let Some(default) = field.default() {
            let span = self.span(&default);
            self.report.add(NoEffectHere { word: "DEFAULT", place, span });
        }
    }
}

/// Lower-case spellings that HelixQL v2 lets pass in parameter types.
fn lower_case_alias(name: &str) -> Option<ScalarType> {
    if name == "bool" {
        return Some(ScalarType::Boolean);
    }
    let number = ScalarType::from_name(&name.to_ascii_uppercase()).filter(|ty| ty.is_number());
    number.filter(|_| name.starts_with(|first: char| first.is_ascii_lowercase()))
}
