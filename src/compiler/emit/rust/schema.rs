//! The types and fields that a program uses, as constants.

use std::cell::RefCell;
use std::collections::BTreeSet;

use helix_plan::{Catalog, FieldId, ItemKind, ItemType};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::names::Names;

/// The names of all types and fields, and which of them are used.
#[derive(Debug)]
pub(super) struct Schema {
    types: Vec<Type>,
    used: RefCell<BTreeSet<(ItemType, Option<FieldId>)>>,
}

#[derive(Debug)]
struct Type {
    item: ItemType,
    /// What a variable with such an item is called.
    variable: String,
    constant: Ident,
    /// The module of its fields.
    module: Ident,
    fields: Vec<Ident>,
}

const KINDS: [ItemKind; 3] = [ItemKind::Node, ItemKind::Edge, ItemKind::Vector];

fn kind_module(kind: ItemKind) -> TokenStream {
    match kind {
        ItemKind::Node => quote!(node),
        ItemKind::Edge => quote!(edge),
        ItemKind::Vector => quote!(vector),
    }
}

impl Schema {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let mut types = Vec::new();
        for kind in KINDS {
            let mut constants = Names::default();
            let mut modules = Names::default();
            for item in catalog.items(kind) {
                let name = catalog.name(item);
                let mut fields = Names::default();
                types.push(Type {
                    item,
                    variable: name.to_owned(),
                    constant: constants.constant(name),
                    module: modules.local(name),
                    fields: catalog.fields(item).iter().map(|field| fields.constant(&field.name)).collect(),
                });
            }
        }
        Self { types, used: RefCell::default() }
    }

    fn find(&self, item: ItemType) -> &Type {
        self.types.iter().find(|ty| ty.item == item).expect("a plan names types of its own catalog")
    }

    /// What a variable with an item of a type is called.
    pub(super) fn variable(&self, item: ItemType) -> &str {
        &self.find(item).variable
    }

    /// The constant of a type.
    pub(super) fn item(&self, item: ItemType) -> TokenStream {
        self.used.borrow_mut().insert((item, None));
        let (module, constant) = (kind_module(item.kind), &self.find(item).constant);
        quote!(#module::#constant)
    }

    /// The constant of a field.
    pub(super) fn field(&self, item: ItemType, field: FieldId) -> TokenStream {
        self.used.borrow_mut().insert((item, Some(field)));
        let ty = self.find(item);
        let (kind, module, field) = (kind_module(item.kind), &ty.module, &ty.fields[field.index()]);
        quote!(#kind::#module::#field)
    }

    /// What a variable that reads a field is called.
    pub(super) fn field_variable(&self, item: ItemType, field: FieldId) -> String {
        let ty = self.find(item);
        format!("{}_{}", ty.module, ty.fields[field.index()]).to_lowercase()
    }

    /// Everything that was asked for.
    pub(super) fn constants(&self) -> TokenStream {
        let used = self.used.borrow();
        let kinds = KINDS.into_iter().filter_map(|kind| {
            let of_kind = |ty: &&Type| ty.item.kind == kind && used.iter().any(|(item, _)| *item == ty.item);
            let types: Vec<TokenStream> = self.types.iter().filter(of_kind).map(|ty| constants(ty, &used)).collect();
            let module = kind_module(kind);
            (!types.is_empty()).then(|| quote!(mod #module { use super::*; #(#types)* }))
        });
        quote!(#(#kinds)*)
    }
}

fn constants(ty: &Type, used: &BTreeSet<(ItemType, Option<FieldId>)>) -> TokenStream {
    let item = used.contains(&(ty.item, None)).then(|| {
        let (constant, id) = (&ty.constant, Literal::u16_unsuffixed(ty.item.id.0));
        let make = kind_module(ty.item.kind);
        quote!(pub const #constant: ItemType = ItemType::#make(TypeId(#id));)
    });
    let fields: Vec<TokenStream> = used
        .iter()
        .filter(|(item, _)| *item == ty.item)
        .filter_map(|(_, field)| *field)
        .map(|field| {
            let (constant, id) = (&ty.fields[field.index()], Literal::u16_unsuffixed(field.0));
            quote!(pub const #constant: FieldId = FieldId(#id);)
        })
        .collect();
    let module = &ty.module;
    let fields = (!fields.is_empty()).then(|| quote!(pub mod #module { use super::*; #(#fields)* }));
    quote!(#item #fields)
}
