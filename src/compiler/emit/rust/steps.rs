//! The steps of traversals: those that look at one element, and those that see the whole stream.

use helix_plan::{Entry, Expr, Fold, Hop, ItemType, Reach, SlotId, Source, Step, Traversal};
use proc_macro2::TokenStream;
use quote::quote;

use super::engine_api;
use super::query::{Emitted, Emitter, Rep, closure, mentions};
use super::traversal::{Element, Input, Sink};

impl<'e> Emitter<'e> {
    /// Code that takes an element through steps and into a sink.
    pub(super) fn steps(&mut self, steps: &[Step], element: Element, sink: Sink<'_, 'e>) -> TokenStream {
        match steps.split_first() {
            None => sink(self, element),
            Some((step, rest)) => self.step(step, element, &mut |this, element| this.steps(rest, element, sink)),
        }
    }

    /// Code that takes an element through one step that looks at one element.
    pub(super) fn step(&mut self, step: &Step, element: Element, sink: Sink<'_, 'e>) -> TokenStream {
        match step {
            Step::Out { edge, to: end } => {
                let (edge, ty) = self.edge_and_end(*edge, *end);
                self.hop(element, &quote!(neighbours), &quote!(Direction::Out, #edge, #ty), *end, sink)
            }
            Step::In { edge, from: end } => {
                let (edge, ty) = self.edge_and_end(*edge, *end);
                self.hop(element, &quote!(neighbours), &quote!(Direction::In, #edge, #ty), *end, sink)
            }
            Step::OutEdges { edge } => {
                let item = ItemType::edge(*edge);
                let edge = self.schema.item(item);
                self.hop(element, &quote!(edges), &quote!(Direction::Out, #edge), item, sink)
            }
            Step::InEdges { edge } => {
                let item = ItemType::edge(*edge);
                let edge = self.schema.item(item);
                self.hop(element, &quote!(edges), &quote!(Direction::In, #edge), item, sink)
            }
            Step::From { item } => self.end(element, &quote!(End::From), *item, sink),
            Step::To { item } => self.end(element, &quote!(End::To), *item, sink),
            Step::Filter { current, predicate } => {
                let (load, element) = self.current(*current, element, &[predicate]);
                let truth = self.truth(predicate);
                let rest = sink(self, element);
                let (bound, condition) = if truth.to_string().starts_with('{') {
                    let keeps = self.local("keeps");
                    (quote!(let #keeps = #truth;), quote!(#keeps))
                } else {
                    (TokenStream::new(), truth)
                };
                quote! {
                    #load
                    #bound
                    if #condition { #rest } else { Flow::more() }
                }
            }
            Step::Map { current, value } => {
                let (load, _) = self.current(*current, element, &[value]);
                let item = value.ty.item();
                let mapped = Element::new(self.expr(value), item);
                let name = self.element_local(&mapped);
                let tokens = &mapped.tokens;
                let rest = sink(self, mapped.named(&name));
                let bound = bound(&name, tokens, &rest);
                quote!(#load #bound)
            }
            Step::Project { current, entries } => self.with_item(element, &mut |this, item| {
                let exprs: Vec<&Expr> = entries.iter().map(|entry| &entry.value).collect();
                let (load, item) = this.current(*current, item, &exprs);
                let members = this.members(entries);
                let name = this.local("shaped");
                let tokens = item.tokens;
                let shaped = Element { tokens: quote!(#name), rep: Rep::Datum, item: item.item };
                let rest = sink(this, shaped);
                let bound = bound(&name, &quote!(run.shaped(#tokens, &[#(#members),*])), &rest);
                quote!(#load #bound)
            }),
            Step::Count
            | Step::First
            | Step::Range { .. }
            | Step::Order { .. }
            | Step::SearchVector { .. }
            | Step::Update { .. }
            | Step::UpsertNode { .. }
            | Step::UpsertEdge { .. }
            | Step::UpsertVector { .. }
            | Step::Fold(_)
            | Step::Intersect { .. }
            | Step::Group { .. }
            | Step::AddEdge { .. }
            | Step::RerankByRank { .. }
            | Step::RerankByDiversity { .. }
            | Step::ShortestPath(_) => unreachable!("a traversal is cut at such a step"),
        }
    }

    /// The members of an object: pairs of key and `Datum`.
    pub(super) fn members(&mut self, entries: &[Entry]) -> Vec<TokenStream> {
        entries
            .iter()
            .map(|entry| {
                let (key, value) = (&entry.key, self.expr(&entry.value).into_datum());
                quote!((#key, #value))
            })
            .collect()
    }

    /// Makes an element what a slot holds while some expressions run: with its row, where they look into it.
    pub(super) fn current(&mut self, slot: SlotId, element: Element, exprs: &[&Expr]) -> (TokenStream, Element) {
        let reads_row = element.rep == Rep::Item && exprs.iter().any(|expr| expr.reads_row_of(slot));
        if !reads_row {
            self.bind(slot, element.emitted());
            return (TokenStream::new(), element);
        }
        let tokens = &element.tokens;
        let load = quote!(let #tokens = run.load(#tokens)?;);
        self.bind(slot, element.emitted());
        (load, element)
    }

    fn hop(
        &mut self,
        element: Element,
        operation: &TokenStream,
        arguments: &TokenStream,
        end: ItemType,
        sink: Sink<'_, 'e>,
    ) -> TokenStream {
        self.with_item(element, &mut |this, item| {
            let name = this.item_local(end);
            let next = Element { tokens: quote!(#name), rep: Rep::Item, item: Some(end) };
            let (item, rest) = (item.tokens, sink(this, next));
            let sink = closure(&name, &rest);
            quote!(run.#operation(&#item, #arguments, #sink))
        })
    }

    fn end(&mut self, element: Element, end: &TokenStream, item: ItemType, sink: Sink<'_, 'e>) -> TokenStream {
        self.with_item(element, &mut |this, edge| {
            let name = this.item_local(item);
            let ty = this.schema.item(item);
            let next = Element { tokens: quote!(#name), rep: Rep::Item, item: Some(item) };
            let (edge, rest) = (edge.tokens, sink(this, next));
            let sink = closure(&name, &rest);
            quote!(run.end(&#edge, #end, #ty, #sink))
        })
    }

    /// Statements for a step that sees the whole stream, before the steps that come `after` it, and what it leaves.
    pub(super) fn cut<'s>(
        &mut self,
        input: Input<'s>,
        before: &[Step],
        step: &Step,
        after: &[Step],
        traversal: &Traversal,
    ) -> (TokenStream, Input<'s>) {
        match step {
            Step::Count => self.count(input, before),
            Step::Fold(fold) => self.fold(input, before, *fold),
            Step::Intersect { current, found } => {
                let common = self.local("common");
                let pushed = self.each(input, &mut |this, element| {
                    this.steps(before, element, &mut |this, element| {
                        let (load, _) = this.current(*current, element, &[found]);
                        let found = this.expr(found).into_datum();
                        quote!(#load #common.take(#found))
                    })
                });
                let left = Element { tokens: quote!(#common.finish()), rep: Rep::Item, item: found.ty.item() };
                (quote!(let mut #common = Intersection::default(); #pushed?;), Input::Many(left))
            }
            Step::Group { current, by, items, tag } => {
                let groups = self.local("groups");
                let pushed = self.each(input, &mut |this, element| {
                    this.steps(before, element, &mut |this, element| {
                        this.with_item(element, &mut |this, item| {
                            let exprs: Vec<&Expr> = by.iter().map(|entry| &entry.value).collect();
                            let (load, item) = this.current(*current, item, &exprs);
                            let by = by.iter().map(|entry| (&entry.key, this.value(&entry.value)));
                            let by: Vec<TokenStream> = by.map(|(key, value)| quote!((#key, #value))).collect();
                            let item = item.tokens;
                            let shown = if *items { quote!(Some(#item)) } else { quote!(None) };
                            quote!(#load #groups.take(&[#(#by),*], #shown))
                        })
                    })
                });
                let tag = engine_api::group_tag(*tag);
                let grouped = Element::new(Emitted::datum(quote!(#groups.finish(run, #items, #tag))), None);
                (quote!(let mut #groups = Groups::default(); #pushed?;), Input::One(grouped))
            }
            Step::First => {
                let first = self.local("first");
                let (pushed, kept) = self.keep(input, before, &first);
                (quote!(let mut #first = First::default(); #pushed), many(quote!(#first.get()), &kept))
            }
            Step::Range { start, end } => {
                let (start, end) = (self.value(start), self.value(end));
                let slice = self.local("range");
                let (pushed, kept) = self.keep(input, before, &slice);
                let statements = quote! {
                    let mut #slice = Slice::range(run.bound(#start)?, run.bound(#end)?);
                    if #slice.wants_any() { #pushed }
                };
                (statements, many(quote!(#slice.into_vec()), &kept))
            }
            Step::Order { current, key, direction } => {
                let keyed = self.local("keyed");
                let mut kept = Element { tokens: TokenStream::new(), rep: Rep::Datum, item: None };
                let pushed = self.each(input, &mut |this, element| {
                    this.steps(before, element, &mut |this, element| {
                        let (load, element) = this.current(*current, element, &[key]);
                        let key = this.value(key);
                        kept = element.clone();
                        let element = element.tokens;
                        quote!(#load #keyed.take(#key, #element))
                    })
                });
                let order = engine_api::order(*direction);
                let made = match Reach::of(after) {
                    Reach::All => quote!(Keyed::all(#order)),
                    Reach::First => quote!(Keyed::top(#order, 1)),
                    Reach::Until(end) => {
                        let end = self.value(end);
                        quote!(Keyed::top(#order, run.reach(#end)))
                    }
                };
                (quote!(let mut #keyed = #made; #pushed?;), many(quote!(#keyed.sorted()), &kept))
            }
            Step::SearchVector { query, k } => {
                let among = self.local("among");
                let (pushed, item) = self.keep_items(input, before, &among);
                let (query, k) = (self.floats(query), self.value(k));
                let nearest = self.local("nearest");
                let statements = quote! {
                    let mut #among = Slice::all();
                    #pushed
                    let #nearest = run.search_among(&#among.into_vec(), #query, run.k(#k)?)?;
                };
                (statements, Input::Many(Element::new(Emitted::item(quote!(#nearest)), item)))
            }
            Step::Update { item, fields } => {
                let found = self.local("found");
                let (pushed, _) = self.keep_items(input, before, &found);
                let fields = self.fields(*item, fields);
                let ty = self.schema.item(*item);
                let updated = self.local("updated");
                let statements = quote! {
                    let mut #found = Slice::all();
                    #pushed
                    let #updated = run.update(#ty, &#found.into_vec(), #fields)?;
                };
                (statements, Input::Many(Element::new(Emitted::item(quote!(#updated)), Some(*item))))
            }
            Step::UpsertNode { node, fields } => {
                let item = ItemType::node(*node);
                let found = self.local("found");
                let (pushed, _) = self.keep_items(input, before, &found);
                let refuse = self.refuse_unknown(&quote!(#found), traversal);
                let fields = self.fields(item, fields);
                let ty = self.schema.item(item);
                let statements = quote! {
                    let mut #found = First::default();
                    #pushed
                    let #found = #found.get();
                    #refuse
                };
                (statements, one(quote!(run.upsert_node(#ty, #found, #fields)?), item))
            }
            Step::UpsertEdge { edge, from, to, fields } => {
                let tokens = self.upsert_edge(*edge, from, to, fields);
                (TokenStream::new(), one(tokens, ItemType::edge(*edge)))
            }
            Step::UpsertVector { vector, data, fields } => {
                let item = ItemType::vector(*vector);
                let found = self.local("found");
                let (pushed, _) = self.keep_items(input, before, &found);
                let components = self.local("components");
                let data = self.floats(data);
                let refuse = self.refuse_unknown(&quote!(#found), traversal);
                let fields = self.fields(item, fields);
                let ty = self.schema.item(item);
                let statements = quote! {
                    let mut #found = First::default();
                    #pushed
                    let #found = #found.get();
                    let #components = #data;
                    #refuse
                };
                (statements, one(quote!(run.upsert_vector(#ty, #found, #components, #fields)?), item))
            }
            Step::AddEdge { edge, end, other, fields } => {
                let item = ItemType::edge(*edge);
                let found = self.local("found");
                let (pushed, _) = self.keep_items(input, before, &found);
                let (fields, other) = (self.fields(item, fields), self.ends(other));
                let (ty, end) = (self.schema.item(item), engine_api::edge_end(*end));
                let created = self.local("created");
                let statements = quote! {
                    let mut #found = Slice::all();
                    #pushed
                    let #created = run.add_edges_of(#ty, #fields, &#found.into_vec(), #end, #other)?;
                };
                (statements, Input::Many(Element::new(Emitted::item(quote!(#created)), Some(item))))
            }
            Step::RerankByRank { k } => {
                let k = self.value(k);
                self.reranked(input, before, |found| quote!(run.rerank_by_rank(#found.into_vec(), #k)?))
            }
            Step::RerankByDiversity { lambda, distance } => {
                let (lambda, distance) = (self.value(lambda), self.value(distance));
                self.reranked(
                    input,
                    before,
                    |found| quote!(run.rerank_by_diversity(#found.into_vec(), #lambda, #distance)?),
                )
            }
            Step::ShortestPath(search) => {
                let found = self.local("found");
                let (pushed, _) = self.keep_items(input, before, &found);
                let paths = self.local("paths");
                let search = self.shortest_paths(&quote!(&#found.into_vec()), search);
                let statements = quote! {
                    let mut #found = Slice::all();
                    #pushed
                    let #paths = #search;
                };
                (statements, Input::Many(Element::new(Emitted::datum(quote!(#paths)), None)))
            }
            Step::Out { .. }
            | Step::In { .. }
            | Step::OutEdges { .. }
            | Step::InEdges { .. }
            | Step::From { .. }
            | Step::To { .. }
            | Step::Filter { .. }
            | Step::Map { .. }
            | Step::Project { .. } => unreachable!("such a step looks at one element"),
        }
    }

    /// Items in another order.
    fn reranked<'s>(
        &mut self,
        input: Input<'s>,
        before: &[Step],
        rerank: impl FnOnce(&proc_macro2::Ident) -> TokenStream,
    ) -> (TokenStream, Input<'s>) {
        let found = self.local("found");
        let (pushed, item) = self.keep_items(input, before, &found);
        let (reranked, order) = (self.local("reranked"), rerank(&found));
        let statements = quote! {
            let mut #found = Slice::all();
            #pushed
            let #reranked = #order;
        };
        (statements, Input::Many(Element::new(Emitted::item(quote!(#reranked)), item)))
    }

    /// How many elements there are, without reading what need not be read.
    fn count<'s>(&mut self, input: Input<'s>, before: &[Step]) -> (TokenStream, Input<'s>) {
        let counted = |tokens: TokenStream| Input::One(Element::new(Emitted::value(tokens), None));
        if let (Input::Source(Source::All(item)), []) = (&input, before) {
            let ty = self.schema.item(*item);
            return (TokenStream::new(), counted(quote!(Value::from(run.count(#ty)?))));
        }
        let count = self.local("count");
        let pushed = match before.split_last().and_then(|(last, before)| Some((last.hop()?, before))) {
            Some((hop, before)) => {
                let (direction, edge) = match hop {
                    Hop::Out(edge) => (quote!(Direction::Out), edge),
                    Hop::In(edge) => (quote!(Direction::In), edge),
                };
                let edge = self.schema.item(ItemType::edge(edge));
                self.each(input, &mut |this, element| {
                    this.steps(before, element, &mut |this, element| {
                        this.with_item(element, &mut |_, item| {
                            let item = item.tokens;
                            quote!(#count += run.degree(&#item, #direction, #edge)?; Flow::more())
                        })
                    })
                })
            }
            None => self.each(input, &mut |this, element| {
                this.steps(before, element, &mut |_, _| quote!(#count += 1; Flow::more()))
            }),
        };
        (quote!(let mut #count = 0_u64; #pushed?;), counted(quote!(Value::from(#count))))
    }

    /// One value of all numbers.
    fn fold<'s>(&mut self, input: Input<'s>, before: &[Step], fold: Fold) -> (TokenStream, Input<'s>) {
        let folded = self.local("folded");
        let pushed = self.each(input, &mut |this, element| {
            this.steps(before, element, &mut |_, element| {
                let value = element.emitted().into_value();
                quote!(#folded.take(#value, run.arena))
            })
        });
        let fold = engine_api::fold(fold);
        let value = Element::new(Emitted::value(quote!(#folded.finish()?)), None);
        (quote!(let mut #folded = Folded::new(#fold); #pushed?;), Input::One(value))
    }

    /// Statements that push all elements into something that takes them, and what they are.
    fn keep(&mut self, input: Input<'_>, steps: &[Step], into: &proc_macro2::Ident) -> (TokenStream, Element) {
        let mut kept = Element { tokens: TokenStream::new(), rep: Rep::Datum, item: None };
        let pushed = self.each(input, &mut |this, element| {
            this.steps(steps, element, &mut |_, element| {
                kept = element.clone();
                let element = element.tokens;
                quote!(#into.take(#element))
            })
        });
        (quote!(#pushed?;), kept)
    }

    /// The same for items.
    fn keep_items(
        &mut self,
        input: Input<'_>,
        steps: &[Step],
        into: &proc_macro2::Ident,
    ) -> (TokenStream, Option<ItemType>) {
        let mut kept = None;
        let pushed = self.each(input, &mut |this, element| {
            this.steps(steps, element, &mut |this, element| {
                this.with_item(element, &mut |_, item| {
                    kept = item.item;
                    let item = item.tokens;
                    quote!(#into.take(#item))
                })
            })
        });
        (quote!(#pushed?;), kept)
    }
}

/// What follows on a value that gets a name, where it is used and is not all that follows.
fn bound(name: &proc_macro2::Ident, tokens: &TokenStream, rest: &TokenStream) -> TokenStream {
    if name == &rest.to_string() {
        tokens.clone()
    } else if mentions(rest, name) {
        quote!(let #name = #tokens; #rest)
    } else {
        quote!(let _ = #tokens; #rest)
    }
}

fn many<'s>(tokens: TokenStream, kept: &Element) -> Input<'s> {
    Input::Many(Element { tokens, rep: kept.rep, item: kept.item })
}

/// Exactly one item.
fn one<'s>(tokens: TokenStream, ty: ItemType) -> Input<'s> {
    Input::One(Element::new(Emitted::item(tokens), Some(ty)))
}
