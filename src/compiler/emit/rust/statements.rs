//! Statements.

use helix_plan::{Expr, ExprKind, ForBinding, Kind, SlotId, Statement, StatementKind};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::query::{Emitted, Emitter, Rep};

impl Emitter<'_> {
    /// A block of statements, each behind its place in the source.
    pub(super) fn statements(&mut self, statements: &[Statement]) -> TokenStream {
        statements
            .iter()
            .map(|statement| {
                let place = self.place(statement.span).map(|place| quote!(place!(#place);));
                let tokens = match &statement.kind {
                    StatementKind::Assign { slot, value } => self.assign(*slot, value),
                    StatementKind::Evaluate(expr) => {
                        let tokens = self.expr(expr).tokens;
                        quote!(let _ = #tokens;)
                    }
                    StatementKind::Drop(expr) => self.drop_all(expr),
                    StatementKind::For { list, binding, body } => self.for_loop(list, binding, body),
                };
                quote!(#place #tokens)
            })
            .collect()
    }

    fn assign(&mut self, slot: SlotId, value: &Expr) -> TokenStream {
        let Emitted { tokens, rep } = self.expr(value);
        let tokens = match (self.writes(), rep) {
            (true, Rep::Item) => quote!(run.settle_item(#tokens)?),
            (true, Rep::Datum) => quote!(run.settle(#tokens)?),
            (false, Rep::Item) if self.row_is_read(slot) => quote!(run.load(#tokens)?),
            (_, Rep::Value | Rep::Item | Rep::Datum) => tokens,
        };
        match self.variable(slot) {
            Some(name) => {
                self.bind(slot, Emitted { tokens: quote!(#name), rep });
                quote!(let #name = #tokens;)
            }
            None => quote!(let _ = #tokens;),
        }
    }

    fn drop_all(&mut self, expr: &Expr) -> TokenStream {
        let items = self.local("dropped");
        let pushed = match &expr.kind {
            ExprKind::Traversal(traversal) => {
                let found = self.prepare(&traversal.source, &traversal.steps, traversal);
                self.push_items(found, &items)
            }
            _ => {
                let found = self.expr(expr);
                self.push_items_of(found, &items)
            }
        };
        quote! {
            let mut #items = Slice::all();
            #pushed
            run.delete(&#items.into_vec())?;
        }
    }

    fn for_loop(&mut self, list: &Expr, binding: &ForBinding, body: &[Statement]) -> TokenStream {
        let elements = self.expr(list).into_datum();
        let element = self.local("element");
        let bound = match binding {
            ForBinding::Element(slot) => self.bind_element(*slot, list, &quote!(#element)),
            ForBinding::Members(members) => {
                let members = members.iter().map(|(index, slot)| {
                    let name = self.variable(*slot)?;
                    self.bind(*slot, Emitted::value(quote!(#name)));
                    let index = Literal::u16_unsuffixed(*index);
                    Some(quote!(let #name = run.member(#element.value(), #index);))
                });
                members.collect::<Vec<_>>().into_iter().flatten().collect()
            }
        };
        let body = self.statements(body);
        let is_used = super::query::mentions(&bound, &element);
        let element = if is_used { quote!(#element) } else { quote!(_) };
        quote! {
            for #element in run.elements(#elements) {
                run.tick()?;
                #bound
                #body
            }
        }
    }

    fn bind_element(&mut self, slot: SlotId, list: &Expr, element: &TokenStream) -> TokenStream {
        let Some(name) = self.variable(slot) else { return TokenStream::new() };
        let is_values = matches!(list.ty.kind, Kind::Value(_));
        let (tokens, rep) = if is_values {
            (quote!(let #name = #element.value();), Rep::Value)
        } else {
            (quote!(let #name = #element;), Rep::Datum)
        };
        self.bind(slot, Emitted { tokens: quote!(#name), rep });
        tokens
    }
}
