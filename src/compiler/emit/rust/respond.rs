//! The response: values are written as they are computed.

use helix_plan::{Cardinality, Entry, Expr, ExprKind, Return, Step, Traversal};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::query::{Emitter, Rep};
use super::traversal::{Element, absent};

impl<'e> Emitter<'e> {
    /// Statements that write the response of a query.
    pub(super) fn response(&mut self, returns: &Return) -> TokenStream {
        match returns {
            Return::Null => text("null"),
            Return::Object(entries) => self.write_object(entries),
        }
    }

    fn write_object(&mut self, entries: &[Entry]) -> TokenStream {
        if entries.is_empty() {
            return text("{}");
        }
        let members = entries.iter().enumerate().map(|(index, entry)| {
            let before = if index == 0 { '{' } else { ',' };
            let key = serde_json::Value::from(entry.key.as_str());
            let (key, value) = (text(&format!("{before}{key}:")), self.write(&entry.value));
            quote!(#key #value)
        });
        let members: TokenStream = members.collect();
        let end = byte(b'}');
        quote!(#members #end)
    }

    fn write(&mut self, expr: &Expr) -> TokenStream {
        match &expr.kind {
            ExprKind::Traversal(traversal) => self.write_traversal(traversal),
            ExprKind::Object(entries) => self.write_object(entries),
            ExprKind::Null
            | ExprKind::Literal(_)
            | ExprKind::Now
            | ExprKind::Slot(_)
            | ExprKind::Field { .. }
            | ExprKind::Member { .. }
            | ExprKind::Exists(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Math { .. }
            | ExprKind::List(_)
            | ExprKind::Embed(_)
            | ExprKind::AddNode { .. }
            | ExprKind::AddEdge { .. }
            | ExprKind::AddVector { .. }
            | ExprKind::AddVectors { .. }
            | ExprKind::Required { .. }
            | ExprKind::Optional(_) => {
                let emitted = self.expr(expr);
                write_element(emitted.rep, &emitted.tokens)
            }
        }
    }

    /// Writes elements as they come; a projection at the end is written without being built.
    fn write_traversal(&mut self, traversal: &Traversal) -> TokenStream {
        let steps = &traversal.steps[..];
        let (steps, projection) = match steps.split_last() {
            Some((Step::Project { current, entries }, before)) => (before, Some((*current, &entries[..]))),
            _ => (steps, None),
        };
        let prepared = self.prepare(&traversal.source, steps, traversal);
        if traversal.cardinality == Cardinality::Many {
            let is_next = self.local("is_next");
            let pushed = self.push_all(prepared, &mut |this, element| {
                let written = this.write_shaped(element, projection);
                quote!(separate(&mut #is_next, out); #written Flow::more())
            });
            let (begin, end) = (byte(b'['), byte(b']'));
            return quote! {
                #begin
                let mut #is_next = false;
                #pushed
                #end
            };
        }
        if let Some(element) = prepared.one_to_one() {
            let prelude = &prepared.prelude;
            let written =
                self.with_one(element, prepared.rest, &mut |this, element| this.write_shaped(element, projection));
            return quote!(#prelude #written);
        }
        let is_written = self.local("is_written");
        let pushed = self.push_all(prepared, &mut |this, element| {
            let written = this.write_shaped(element, projection);
            quote!(#written #is_written = true; Flow::stop())
        });
        let otherwise = if traversal.cardinality == Cardinality::One {
            let missing = self.missing(traversal);
            quote!(return Err(#missing);)
        } else {
            match absent(traversal) {
                Some(absent) => quote!(run.write(#absent, out)?;),
                None => text("null"),
            }
        };
        quote! {
            let mut #is_written = false;
            #pushed
            if !#is_written { #otherwise }
        }
    }

    fn write_shaped(&mut self, element: Element, projection: Option<(helix_plan::SlotId, &[Entry])>) -> TokenStream {
        let Some((current, entries)) = projection else { return write_element(element.rep, &element.tokens) };
        match element.rep {
            Rep::Item => {}
            Rep::Value => return write_element(element.rep, &element.tokens),
            Rep::Datum => {
                let name = self.element_local(&element);
                let tokens = &element.tokens;
                let item = Element { tokens: quote!(#name), rep: Rep::Item, item: element.item };
                let written = self.write_shaped(item, projection);
                return quote! {
                    match #tokens.item() {
                        Some(#name) => { #written }
                        None => run.write(#tokens, out)?,
                    }
                };
            }
        }
        let exprs: Vec<&Expr> = entries.iter().map(|entry| &entry.value).collect();
        let (load, _) = self.current(current, element, &exprs);
        let written = self.write_object(entries);
        quote!(#load #written)
    }
}

fn write_element(rep: Rep, tokens: &TokenStream) -> TokenStream {
    match rep {
        Rep::Value => quote!(write_value(&#tokens, out);),
        Rep::Item => quote!(run.write_item(&#tokens, out)?;),
        Rep::Datum => quote!(run.write(#tokens, out)?;),
    }
}

fn text(text: &str) -> TokenStream {
    let bytes = Literal::byte_string(text.as_bytes());
    quote!(out.extend_from_slice(#bytes);)
}

fn byte(byte: u8) -> TokenStream {
    let byte = Literal::byte_character(byte);
    quote!(out.push(#byte);)
}
