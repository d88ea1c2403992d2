//! A query: its module, its variables, its columns.

use std::collections::{HashMap, HashSet};

use helix_plan::{Access, ExprKind, FieldId, ItemType, Param, Program, Query, SlotId, SpanId, visit};
use indexmap::IndexMap;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

use super::input;
use super::names::Names;
use super::schema::Schema;

/// How a value is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rep {
    /// As `Value`.
    Value,
    /// As `Item`: it is one, for sure.
    Item,
    /// As `Datum`: it may be anything.
    Datum,
}

/// An expression of Rust, and what it gives.
#[derive(Clone, Debug)]
pub(super) struct Emitted {
    pub tokens: TokenStream,
    pub rep: Rep,
}

impl Emitted {
    pub(super) const fn value(tokens: TokenStream) -> Self {
        Self { tokens, rep: Rep::Value }
    }

    pub(super) const fn item(tokens: TokenStream) -> Self {
        Self { tokens, rep: Rep::Item }
    }

    pub(super) const fn datum(tokens: TokenStream) -> Self {
        Self { tokens, rep: Rep::Datum }
    }

    /// As one value.
    pub(super) fn into_value(self) -> TokenStream {
        let tokens = self.tokens;
        match self.rep {
            Rep::Value => tokens,
            Rep::Item => quote!(run.id(&#tokens)),
            Rep::Datum => quote!(run.value(#tokens)),
        }
    }

    /// As anything.
    pub(super) fn into_datum(self) -> TokenStream {
        let tokens = self.tokens;
        match self.rep {
            Rep::Value => quote!(Datum::Value(#tokens)),
            Rep::Item => quote!(Datum::Item(#tokens)),
            Rep::Datum => tokens,
        }
    }
}

/// Emits the body of one query.
pub(super) struct Emitter<'p> {
    pub query: &'p Query,
    pub schema: &'p Schema,
    files: &'p [String],
    names: Names,
    /// What the slots that anything looks at are called.
    variables: HashMap<SlotId, Ident>,
    slots: HashMap<SlotId, Emitted>,
    columns: IndexMap<(ItemType, FieldId), Ident>,
}

/// The module of a query.
pub(super) fn module(name: &Ident, query: &Query, program: &Program, schema: &Schema) -> TokenStream {
    let mut used = HashSet::new();
    visit::query(query, &mut |expr| {
        if let ExprKind::Slot(slot) = expr.kind {
            used.insert(slot);
        }
    });
    let mut emitter = Emitter {
        query,
        schema,
        files: &program.files,
        names: Names::default(),
        variables: HashMap::new(),
        slots: HashMap::new(),
        columns: IndexMap::new(),
    };
    // The names of the source come before those of what is in between.
    for (index, slot) in query.slots.iter().enumerate().filter(|(_, slot)| slot.name != "_") {
        let id = SlotId(u32::try_from(index).unwrap_or(u32::MAX));
        if used.contains(&id) {
            emitter.variables.insert(id, emitter.names.local(&slot.name));
        }
    }
    let params = query.params.iter().enumerate();
    let params: Vec<(usize, Ident, &Param)> =
        params.filter_map(|(index, param)| Some((index, emitter.variable(param.slot)?, param))).collect();
    let structure = input::structure(&params);
    let arguments = emitter.arguments(&params);
    let body = emitter.statements(&query.body);
    let response = emitter.response(&query.returns);
    let columns = emitter.columns();
    let body = quote!(#columns #arguments #body #response);
    let run = if mentions(&body, &Ident::new("run", Span::call_site())) { quote!(run) } else { quote!(_run) };
    let doc = format!(" `{}`, which {}.", query.name, if emitter.writes() { "writes" } else { "reads" });
    let place = emitter.place(query.span).map(|place| {
        let text = format!("QUERY {} ({place})", query.name);
        quote!(place!(#text);)
    });
    quote! {
        #[doc = #doc]
        mod #name {
            use super::*;

            #structure

            pub fn query(#run: &Run<'_, '_>, out: &mut Vec<u8>) -> Result<()> {
                #place
                #body
                Ok(())
            }
        }
    }
}

/// A closure of one argument, which it need not look at.
pub(super) fn closure(argument: &Ident, body: &TokenStream) -> TokenStream {
    if mentions(body, argument) { quote!(|#argument| { #body }) } else { quote!(|_| { #body }) }
}

/// Whether a name is anywhere in some code.
pub(super) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

impl<'p> Emitter<'p> {
    /// Whether the query writes: then its variables hold values, not references.
    pub(super) fn writes(&self) -> bool {
        self.query.access == Access::Write
    }

    /// A fresh variable.
    pub(super) fn local(&mut self, name: &str) -> Ident {
        self.names.local(name)
    }

    /// A fresh variable for an item of a type.
    pub(super) fn item_local(&mut self, item: ItemType) -> Ident {
        let schema = self.schema;
        self.names.local(schema.variable(item))
    }

    /// The variable for what a slot holds; `None` when nobody looks at it.
    pub(super) fn variable(&self, slot: SlotId) -> Option<Ident> {
        self.variables.get(&slot).cloned()
    }

    /// Says where the value of a slot is from now on.
    pub(super) fn bind(&mut self, slot: SlotId, held: Emitted) {
        self.slots.insert(slot, held);
    }

    /// Where the value of a slot is.
    pub(super) fn slot(&self, slot: SlotId) -> Emitted {
        self.slots.get(&slot).cloned().unwrap_or_else(|| Emitted::value(quote!(Value::Null)))
    }

    /// The column of a field.
    pub(super) fn column(&mut self, item: ItemType, field: FieldId) -> Ident {
        if let Some(column) = self.columns.get(&(item, field)) {
            return column.clone();
        }
        let name = self.schema.field_variable(item, field);
        let column = self.names.local(&name);
        self.columns.insert((item, field), column.clone());
        column
    }

    /// Whether anything of the query reads the row of what a slot holds.
    pub(super) fn row_is_read(&self, slot: SlotId) -> bool {
        let mut is_read = false;
        visit::query(self.query, &mut |expr| is_read |= expr.is_row_field_of(slot));
        is_read
    }

    /// A place of the source, as people write it.
    pub(super) fn place(&self, span: SpanId) -> Option<String> {
        let span = self.query.source_map.get(span)?;
        Some(format!("{}:{}:{}", self.files.get(span.file as usize)?, span.line, span.column))
    }

    fn arguments(&mut self, params: &[(usize, Ident, &Param)]) -> TokenStream {
        if params.is_empty() {
            return TokenStream::new();
        }
        for (_, name, param) in params {
            self.bind(param.slot, Emitted::value(quote!(Value::from(#name))));
        }
        let names = params.iter().map(|(_, name, _)| name);
        quote!(let Input { #(#names),* } = Input::of(run)?;)
    }

    fn columns(&self) -> TokenStream {
        let columns = self.columns.iter().map(|((item, field), name)| {
            let (item, field) = (self.schema.item(*item), self.schema.field(*item, *field));
            quote!(let #name = run.column(#item, #field);)
        });
        quote!(#(#columns)*)
    }
}
