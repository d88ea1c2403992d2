//! Traversals: nested closures from source to sink, cut where a step must see the whole stream.

use helix_plan::{Cardinality, Expr, ItemType, Lookup, Source, Step, Traversal, TypeId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::engine_api;
use super::query::{Emitted, Emitter, Rep, closure, mentions};

/// Where elements come from.
pub(super) enum Input<'s> {
    /// The source of a traversal.
    Source(&'s Source),
    /// Exactly one element.
    One(Element),
    /// Elements that are known: something that can be iterated.
    Many(Element),
}

/// An element of a stream, or of something that holds elements: the code, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub tokens: TokenStream,
    pub rep: Rep,
    /// The type of the item, where it is one.
    pub item: Option<ItemType>,
}

impl Element {
    pub(super) fn new(emitted: Emitted, item: Option<ItemType>) -> Self {
        Self { tokens: emitted.tokens, rep: emitted.rep, item }
    }

    pub(super) fn emitted(&self) -> Emitted {
        Emitted { tokens: self.tokens.clone(), rep: self.rep }
    }

    /// The same under a name.
    pub(super) fn named(&self, name: &Ident) -> Self {
        Self { tokens: quote!(#name), rep: self.rep, item: self.item }
    }
}

/// A traversal, or its beginning, as far as it sees whole streams.
pub(super) struct Prepared<'s> {
    /// Statements that come first.
    pub prelude: TokenStream,
    pub input: Input<'s>,
    /// The steps that are left: each looks at one element.
    pub rest: &'s [Step],
}

impl Prepared<'_> {
    /// The element, when there is exactly one, and every step that is left gives one for one.
    pub(super) fn one_to_one(&self) -> Option<&Element> {
        let Input::One(element) = &self.input else { return None };
        let is_one = match self.rest {
            [] => return Some(element),
            [last] => element.rep == Rep::Item && matches!(last, Step::Map { .. } | Step::Project { .. }),
            _ => false,
        };
        is_one.then_some(element)
    }
}

/// Says what becomes of an element: code that ends in a `Result<Flow>`.
pub(super) type Sink<'k, 'e> = &'k mut dyn FnMut(&mut Emitter<'e>, Element) -> TokenStream;

impl<'e> Emitter<'e> {
    /// The value of a traversal.
    pub(super) fn traversal(&mut self, traversal: &Traversal) -> Emitted {
        let prepared = self.prepare(&traversal.source, &traversal.steps, traversal);
        if traversal.cardinality == Cardinality::Many {
            let slice = self.local("elements");
            let pushed = self.push_all(prepared, &mut |_, element| {
                let datum = element.emitted().into_datum();
                quote!(#slice.take(#datum))
            });
            return Emitted::datum(quote!({
                let mut #slice = Slice::all();
                #pushed
                run.stream(&#slice.into_vec())
            }));
        }
        if let Some((prelude, one)) = self.directly(&prepared) {
            let Emitted { tokens, rep } = one;
            let tokens = if prelude.is_empty() { tokens } else { quote!({ #prelude #tokens }) };
            return Emitted { tokens, rep };
        }
        let first = self.local("first");
        let mut rep = Rep::Datum;
        let pushed = self.push_all(prepared, &mut |_, element| {
            rep = element.rep;
            let element = element.tokens;
            quote!(#first.take(#element))
        });
        let (taken, rep) = self.taken(&quote!(#first.get()), rep, traversal);
        let tokens = quote!({
            let mut #first = First::default();
            #pushed
            #taken
        });
        Emitted { tokens, rep }
    }

    /// What a traversal gives that ended in `found`, an `Option` of its first element.
    fn taken(&mut self, found: &TokenStream, rep: Rep, traversal: &Traversal) -> (TokenStream, Rep) {
        if traversal.cardinality == Cardinality::One {
            let missing = self.missing(traversal);
            let tokens = quote! {
                match #found {
                    Some(found) => found,
                    None => return Err(#missing),
                }
            };
            return (tokens, rep);
        }
        let absent = absent(traversal);
        match (rep, absent) {
            (Rep::Value, _) => (quote!(#found.unwrap_or(Value::Null)), Rep::Value),
            (Rep::Item, _) => (quote!(#found.map_or(Datum::NULL, Datum::Item)), Rep::Datum),
            (Rep::Datum, None) => (quote!(#found.unwrap_or(Datum::NULL)), Rep::Datum),
            (Rep::Datum, Some(absent)) => (quote!(#found.unwrap_or_else(|| #absent)), Rep::Datum),
        }
    }

    /// The error of a traversal that must give an element and gave none.
    pub(super) fn missing(&mut self, traversal: &Traversal) -> TokenStream {
        match traversal.looked_up() {
            Some((item, id)) => {
                let id = self.expr(id).into_datum();
                let item = self.schema.item(item);
                quote!(run.missing(#item, #id))
            }
            None => quote!(EngineError::NoValue),
        }
    }

    /// A traversal of exactly one element whose steps give one for one: its value needs no stream.
    fn directly(&mut self, prepared: &Prepared<'_>) -> Option<(TokenStream, Emitted)> {
        let element = prepared.one_to_one()?;
        if prepared.rest.is_empty() {
            return Some((prepared.prelude.clone(), element.emitted()));
        }
        let mut rep = Rep::Datum;
        let body = self.with_one(element, prepared.rest, &mut |_, element| {
            rep = element.rep;
            element.tokens
        });
        let prelude = &prepared.prelude;
        Some((TokenStream::new(), Emitted { tokens: quote!({ #prelude #body }), rep }))
    }

    /// Code that takes the one element there is through steps that give one for one, and into code that may end as it likes.
    pub(super) fn with_one(&mut self, element: &Element, steps: &[Step], sink: Sink<'_, 'e>) -> TokenStream {
        let name = self.element_local(element);
        let tokens = &element.tokens;
        let body = self.steps(steps, element.named(&name), sink);
        // A projection of constants looks at nothing of its item; what it was found by runs all the same.
        if mentions(&body, &name) { quote!(let #name = #tokens; #body) } else { quote!(let _ = #tokens; #body) }
    }

    /// Does all that sees whole streams, and gives what is left.
    pub(super) fn prepare<'s>(
        &mut self,
        source: &'s Source,
        steps: &'s [Step],
        traversal: &'s Traversal,
    ) -> Prepared<'s> {
        let input = match source {
            Source::Expr(expr) => self.input(expr),
            Source::All(_)
            | Source::ById { .. }
            | Source::ByIndex { .. }
            | Source::SearchVector { .. }
            | Source::SearchVectorWhere { .. }
            | Source::SearchText { .. }
            | Source::Elements(_)
            | Source::Lookup { .. }
            | Source::Leading { .. }
            | Source::Extent { .. } => None,
        };
        let mut prepared =
            Prepared { prelude: TokenStream::new(), input: input.unwrap_or(Input::Source(source)), rest: steps };
        while let Some(cut) = prepared.rest.iter().position(Step::sees_whole_stream) {
            let (before, step, after) = (&prepared.rest[..cut], &prepared.rest[cut], &prepared.rest[cut + 1..]);
            let (statements, input) = self.cut(prepared.input, before, step, after, traversal);
            let prelude = prepared.prelude;
            prepared = Prepared { prelude: quote!(#prelude #statements), input, rest: after };
        }
        prepared
    }

    /// An expression that is one item for sure.
    fn input<'s>(&mut self, expr: &Expr) -> Option<Input<'s>> {
        // Emitted twice when it is not: that makes the same code under other names.
        let is_item = matches!(expr.kind, helix_plan::ExprKind::Slot(slot) if self.slot(slot).rep == Rep::Item)
            || matches!(expr.kind, helix_plan::ExprKind::AddNode { .. } | helix_plan::ExprKind::AddVector { .. })
            || matches!(expr.kind, helix_plan::ExprKind::AddEdge { .. } if !expr.ty.many);
        is_item.then(|| {
            let item = expr.ty.item();
            Input::One(Element::new(self.expr(expr), item))
        })
    }

    /// Statements that push all elements into a sink.
    pub(super) fn push_all(&mut self, prepared: Prepared<'_>, sink: Sink<'_, 'e>) -> TokenStream {
        let Prepared { prelude, input, rest } = prepared;
        let pushed = self.each(input, &mut |this, element| this.steps(rest, element, sink));
        quote!(#prelude #pushed?;)
    }

    /// Statements that push all items into a variable that is a `Slice`.
    pub(super) fn push_items(&mut self, prepared: Prepared<'_>, items: &Ident) -> TokenStream {
        self.push_all(prepared, &mut |this, element| {
            this.with_item(element, &mut |_, item| {
                let item = item.tokens;
                quote!(#items.take(#item))
            })
        })
    }

    /// The same for what an expression gave.
    pub(super) fn push_items_of(&mut self, found: Emitted, items: &Ident) -> TokenStream {
        let datum = found.into_datum();
        quote! {
            run.each(#datum, |element| match element.item() {
                Some(item) => #items.take(item),
                None => Flow::more(),
            })?;
        }
    }

    /// An expression that pushes every element of an input into a sink.
    pub(super) fn each(&mut self, input: Input<'_>, sink: Sink<'_, 'e>) -> TokenStream {
        let source = match input {
            Input::One(element) => {
                let name = self.element_local(&element);
                let tokens = &element.tokens;
                let body = sink(self, element.named(&name));
                let bound = if mentions(&body, &name) { quote!(let #name) } else { quote!(let _) };
                return quote!({ #bound = #tokens; #body });
            }
            Input::Many(elements) => {
                let name = self.element_local(&elements);
                let tokens = &elements.tokens;
                let body = sink(self, elements.named(&name));
                let sink = closure(&name, &body);
                return quote!(each(#tokens, #sink));
            }
            Input::Source(source) => source,
        };
        match source {
            Source::All(item) => {
                let ty = self.schema.item(*item);
                self.each_item(*item, &quote!(run.all(#ty,)), sink)
            }
            Source::ById { item, ids } => {
                let ty = self.schema.item(*item);
                if let [id] = &ids[..] {
                    let id = self.expr(id).into_datum();
                    return self.each_item(*item, &quote!(run.by_id(#ty, #id,)), sink);
                }
                let ids: Vec<TokenStream> = ids.iter().map(|id| self.expr(id).into_datum()).collect();
                let id = self.local("id");
                let found = self.each_item(*item, &quote!(run.by_id(#ty, #id,)), sink);
                quote!(each([#(#ids),*], |#id| #found))
            }
            Source::ByIndex { node, field, value } => {
                let item = ItemType::node(*node);
                let value = self.value(value);
                let (ty, field) = (self.schema.item(item), self.schema.field(item, *field));
                self.each_item(item, &quote!(run.by_index(#ty, #field, #value,)), sink)
            }
            Source::Lookup { item, lookup } => {
                let (ty, lookup) = (self.schema.item(*item), self.lookup(*item, lookup));
                self.each_item(*item, &quote!(run.lookup(#ty, &#lookup,)), sink)
            }
            Source::Extent { item, direction, len } => {
                let len = self.value(len);
                let (ty, order) = (self.schema.item(*item), engine_api::order(*direction));
                self.each_item(*item, &quote!(run.extent(#ty, #order, run.reach(#len),)), sink)
            }
            Source::Leading { node, field, direction, absent, len } => {
                let item = ItemType::node(*node);
                let len = self.value(len);
                let (ty, field) = (self.schema.item(item), self.schema.field(item, *field));
                let order = engine_api::order(*direction);
                self.each_item(item, &quote!(run.leading(#ty, #field, (#order, #absent), run.reach(#len),)), sink)
            }
            Source::SearchVector { vector, query, k } => {
                let item = ItemType::vector(*vector);
                let (query, k) = (self.floats(query), self.value(k));
                let ty = self.schema.item(item);
                self.each_item(item, &quote!(run.search(#ty, #query, run.k(#k)?,)), sink)
            }
            Source::SearchVectorWhere { vector, query, k, current, predicate } => {
                let item = ItemType::vector(*vector);
                let (query, k) = (self.floats(query), self.value(k));
                let ty = self.schema.item(item);
                let candidate = self.item_local(item);
                let element = Element { tokens: quote!(#candidate), rep: Rep::Item, item: Some(item) };
                let (load, _) = self.current(*current, element, &[predicate]);
                let truth = self.truth(predicate);
                let accept = closure(&candidate, &quote!(#load Ok(#truth)));
                self.each_item(item, &quote!(run.search_where(#ty, #query, run.k(#k)?, #accept,)), sink)
            }
            Source::Expr(expr) => {
                let item = expr.ty.item();
                let datum = self.expr(expr).into_datum();
                let element = Element { tokens: TokenStream::new(), rep: Rep::Datum, item };
                let name = self.element_local(&element);
                let body = sink(self, element.named(&name));
                let sink = closure(&name, &body);
                quote!(run.each(#datum, #sink))
            }
            Source::SearchText { node, text, k } => {
                let item = ItemType::node(*node);
                let (text, k) = (self.value(text), self.value(k));
                let ty = self.schema.item(item);
                self.each_item(item, &quote!(run.search_text(#ty, #text, run.k(#k)?,)), sink)
            }
            Source::Elements(array) => {
                let array = self.expr(array).into_datum();
                let element = Element { tokens: TokenStream::new(), rep: Rep::Datum, item: None };
                let name = self.element_local(&element);
                let body = sink(self, element.named(&name));
                let sink = closure(&name, &body);
                quote!(each(run.elements(#array), #sink))
            }
        }
    }

    /// A lookup with the values that it looks for.
    fn lookup(&mut self, item: ItemType, lookup: &Lookup) -> TokenStream {
        match lookup {
            Lookup::Id(id) => {
                let id = self.expr(id).into_datum();
                quote!(Lookup::Id(#id))
            }
            Lookup::Value { field, value } => {
                let (field, value) = (self.schema.field(item, *field), self.expr(value).into_datum());
                quote!(Lookup::Value { field: #field, value: #value })
            }
            Lookup::Between { field, from, to } => {
                let (from, to) = (self.bound(from), self.bound(to));
                let field = self.schema.field(item, *field);
                quote!(Lookup::Between { field: #field, from: #from, to: #to })
            }
            Lookup::IdBetween { from, to } => {
                let (from, to) = (self.bound(from), self.bound(to));
                quote!(Lookup::IdBetween { from: #from, to: #to })
            }
            Lookup::End { end, id } => {
                let (end, id) = (engine_api::edge_end(*end), self.expr(id).into_datum());
                quote!(Lookup::End { end: #end, id: #id })
            }
            Lookup::Any(any) => {
                let any = any.iter().map(|one| self.lookup(item, one)).collect::<Vec<_>>();
                quote!(Lookup::Any(&[#(#any),*]))
            }
        }
    }

    /// The value of a bound, if there is one.
    fn bound(&mut self, bound: &Option<Box<Expr>>) -> TokenStream {
        match bound {
            Some(bound) => {
                let bound = self.value(bound);
                quote!(Some(#bound))
            }
            None => quote!(None),
        }
    }

    /// A call that takes items; `call` lacks its last argument.
    fn each_item(&mut self, item: ItemType, call: &TokenStream, sink: Sink<'_, 'e>) -> TokenStream {
        let name = self.item_local(item);
        let body = sink(self, Element { tokens: quote!(#name), rep: Rep::Item, item: Some(item) });
        let mut tokens: Vec<_> = call.clone().into_iter().collect();
        let Some(proc_macro2::TokenTree::Group(arguments)) = tokens.pop() else {
            unreachable!("the caller wrote a call")
        };
        let arguments = arguments.stream();
        let sink = closure(&name, &body);
        quote!(#(#tokens)*(#arguments #sink))
    }

    /// A name for an element.
    pub(super) fn element_local(&mut self, element: &Element) -> Ident {
        match element.item {
            Some(item) => self.item_local(item),
            None => self.local("element"),
        }
    }

    /// Goes on with the item of an element; what is none is left out.
    pub(super) fn with_item(&mut self, element: Element, sink: Sink<'_, 'e>) -> TokenStream {
        if element.rep == Rep::Item {
            return sink(self, element);
        }
        if element.rep == Rep::Value {
            return quote!(Flow::more());
        }
        let name = self.element_local(&element);
        let item = Element { tokens: quote!(#name), rep: Rep::Item, item: element.item };
        let body = sink(self, item);
        let tokens = element.tokens;
        quote! {
            match #tokens.item() {
                Some(#name) => { #body }
                None => Flow::more(),
            }
        }
    }

    /// The constants of an edge type and of what is at an end of it.
    pub(super) fn edge_and_end(&self, edge: TypeId, end: ItemType) -> (TokenStream, TokenStream) {
        (self.schema.item(ItemType::edge(edge)), self.schema.item(end))
    }
}

/// What stands for a missing element after a projection: an object without values, so that its keys can be read.
pub(super) fn absent(traversal: &Traversal) -> Option<TokenStream> {
    let keys = traversal.projection()?.iter().map(|entry| &entry.key);
    Some(quote!(Datum::Object(run.members(&[#((#keys, Datum::NULL)),*]))))
}
