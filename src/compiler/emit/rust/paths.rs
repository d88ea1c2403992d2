//! Shortest paths.

use helix_plan::{ItemType, PathSearch};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::engine_api;
use super::query::{Emitter, Rep, mentions};
use super::traversal::Element;

impl Emitter<'_> {
    /// An expression that gives the paths between nodes and another one.
    pub(super) fn shortest_paths(&mut self, nodes: &TokenStream, search: &PathSearch) -> TokenStream {
        let PathSearch { algorithm, end, other, edges, heuristic } = search;
        let (algorithm, end) = (engine_api::path_algorithm(*algorithm), engine_api::edge_end(*end));
        let other = self.expr(other).into_datum();
        let ways: Vec<TokenStream> = edges
            .iter()
            .map(|way| {
                let edge = self.schema.item(ItemType::edge(way.edge));
                let (from, to) = (self.schema.item(ItemType::node(way.from)), self.schema.item(ItemType::node(way.to)));
                quote!(Way { edge: #edge, from: #from, to: #to })
            })
            .collect();
        let heuristic = match heuristic {
            None => quote!(None),
            Some(heuristic) => {
                let fields = heuristic.fields.iter().map(|(node, field)| {
                    let item = ItemType::node(*node);
                    let (node, field) = (self.schema.item(item), self.schema.field(item, *field));
                    quote!((#node, #field))
                });
                let (name, fields) = (&heuristic.name, quote!(&[#(#fields),*]));
                quote!(Some((#name, #fields)))
            }
        };
        let weigh = self.weigh(search);
        quote! {
            run.shortest_paths(
                #nodes,
                #other,
                &PathSearch { algorithm: #algorithm, end: #end, ways: &[#(#ways),*], heuristic: #heuristic },
                &mut #weigh,
            )?
        }
    }

    /// A closure that weighs an edge of a way.
    fn weigh(&mut self, search: &PathSearch) -> TokenStream {
        if search.edges.iter().all(|way| way.weight.is_none()) {
            return quote!(|_, _| Ok(Value::Null));
        }
        let (way, edge) = (self.local("way"), self.local("walked"));
        let mut weights: Vec<TokenStream> = Vec::with_capacity(search.edges.len());
        for found in &search.edges {
            let Some(weight) = &found.weight else {
                weights.push(quote!(Value::Null));
                continue;
            };
            let item = ItemType::edge(found.edge);
            let element = Element { tokens: quote!(#edge), rep: Rep::Item, item: Some(item) };
            let (load, _) = self.current(weight.current, element, &[&weight.value]);
            let value = self.value(&weight.value);
            weights.push(if load.is_empty() { value } else { quote!({ #load #value }) });
        }
        let (way, value) = match &weights[..] {
            [only] => (quote!(_), only.clone()),
            [before @ .., last] => {
                let arms = before.iter().enumerate().map(|(index, weight)| {
                    let index = Literal::usize_unsuffixed(index);
                    quote!(#index => #weight,)
                });
                (quote!(#way), quote!(match #way { #(#arms)* _ => #last }))
            }
            [] => unreachable!("some edge is weighed"),
        };
        let edge = if mentions(&value, &edge) { quote!(#edge) } else { quote!(_) };
        quote!(|#way, #edge| Ok(#value))
    }
}
