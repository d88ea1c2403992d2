//! What changes the store.

use helix_plan::{Assignment, Expr, ExprKind, ItemType, Traversal, TypeId};
use proc_macro2::TokenStream;
use quote::quote;

use super::query::{Emitted, Emitter};

impl Emitter<'_> {
    /// Values for fields of a type.
    pub(super) fn fields(&mut self, item: ItemType, fields: &[Assignment]) -> TokenStream {
        let optional: Vec<TokenStream> = fields
            .iter()
            .filter(|assignment| matches!(assignment.value.kind, ExprKind::Optional(_)))
            .map(|assignment| self.schema.field(item, assignment.field))
            .collect();
        let fields: Vec<TokenStream> = fields
            .iter()
            .map(|assignment| {
                let value = self.value(&assignment.value);
                let field = self.schema.field(item, assignment.field);
                quote!((#field, #value))
            })
            .collect();
        if optional.is_empty() {
            return quote!(&[#(#fields),*]);
        }
        quote!(&run.given(&[#(#fields),*], &[#(#optional),*]))
    }

    /// Vectors of the elements of a list.
    pub(super) fn add_vectors(&mut self, vector: TypeId, data: &Expr) -> Emitted {
        let data = self.value(data);
        let vector = self.schema.item(ItemType::vector(vector));
        let created = quote!(run.add_vectors(#vector, #data)?);
        Emitted::datum(quote!(run.stream(&#created.into_iter().map(Datum::Item).collect::<Vec<_>>())))
    }

    pub(super) fn ends(&mut self, expr: &Expr) -> TokenStream {
        let datum = self.expr(expr).into_datum();
        quote!(&run.ends(#datum)?)
    }

    pub(super) fn floats(&mut self, expr: &Expr) -> TokenStream {
        let value = self.value(expr);
        quote!(&run.floats(#value)?)
    }

    pub(super) fn add_node(&mut self, node: TypeId, fields: &[Assignment]) -> TokenStream {
        let item = ItemType::node(node);
        let fields = self.fields(item, fields);
        let node = self.schema.item(item);
        quote!(run.add_node(#node, #fields)?)
    }

    pub(super) fn add_edge(
        &mut self,
        edge: TypeId,
        from: &Expr,
        to: &Expr,
        fields: &[Assignment],
        many: bool,
    ) -> Emitted {
        let item = ItemType::edge(edge);
        let fields = self.fields(item, fields);
        let (from, to) = (self.ends(from), self.ends(to));
        let edge = self.schema.item(item);
        if many {
            let created = quote!(run.add_edges(#edge, #fields, #from, #to)?);
            Emitted::datum(quote!(run.stream(&#created.into_iter().map(Datum::Item).collect::<Vec<_>>())))
        } else {
            Emitted::item(quote!(run.add_edge(#edge, #fields, #from, #to)?))
        }
    }

    pub(super) fn add_vector(&mut self, vector: TypeId, data: &Expr, fields: &[Assignment]) -> TokenStream {
        let item = ItemType::vector(vector);
        let fields = self.fields(item, fields);
        let data = self.floats(data);
        let vector = self.schema.item(item);
        quote!(run.add_vector(#vector, #fields, #data)?)
    }

    pub(super) fn upsert_edge(&mut self, edge: TypeId, from: &Expr, to: &Expr, fields: &[Assignment]) -> TokenStream {
        let item = ItemType::edge(edge);
        let (from, to) = (self.ends(from), self.ends(to));
        let fields = self.fields(item, fields);
        let edge = self.schema.item(item);
        quote!(run.upsert_edge(#edge, #from, #to, #fields)?)
    }

    /// An upsert by an id never creates.
    pub(super) fn refuse_unknown(&mut self, found: &TokenStream, traversal: &Traversal) -> TokenStream {
        let Some((item, id)) = traversal.looked_up() else { return TokenStream::new() };
        let id = self.expr(id).into_datum();
        let item = self.schema.item(item);
        quote! {
            if #found.is_none() {
                run.refuse_unknown(#item, #id)?;
            }
        }
    }
}
