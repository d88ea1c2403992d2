//! Expressions and conditions.

use std::f64::consts::{E, PI};

use helix_plan::{Comparison, Expr, ExprKind, FieldRef, ItemType, Literal};
use proc_macro2::TokenStream;
use quote::quote;

use super::engine_api;
use super::query::{Emitted, Emitter, Rep};

impl Emitter<'_> {
    /// What an expression gives.
    pub(super) fn expr(&mut self, expr: &Expr) -> Emitted {
        match &expr.kind {
            ExprKind::Null => Emitted::value(quote!(Value::Null)),
            ExprKind::Literal(found) => Emitted::value(literal(found)),
            ExprKind::Now => Emitted::value(quote!(Value::Date(run.now))),
            ExprKind::Slot(slot) => self.slot(*slot),
            ExprKind::Field { item, field } => Emitted::value(self.field(item, *field)),
            ExprKind::Member { object, index } => {
                let object = self.value(object);
                let index = proc_macro2::Literal::u16_unsuffixed(*index);
                Emitted::value(quote!(run.member(#object, #index)))
            }
            ExprKind::Traversal(traversal) => self.traversal(traversal),
            ExprKind::Exists(_) | ExprKind::Compare { .. } | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => {
                let truth = self.truth(expr);
                Emitted::value(quote!(Value::Bool(#truth)))
            }
            ExprKind::Math { function, arguments } => {
                let function = engine_api::function(*function);
                let arguments: Vec<TokenStream> = arguments.iter().map(|argument| self.value(argument)).collect();
                Emitted::value(quote!(math(#function, &[#(#arguments),*], run.arena)?))
            }
            ExprKind::List(elements) => {
                let elements: Vec<Emitted> = elements.iter().map(|element| self.expr(element)).collect();
                if elements.iter().all(|element| element.rep == Rep::Value) {
                    let elements = elements.into_iter().map(Emitted::into_value);
                    return Emitted::value(quote!(run.values(&[#(#elements),*])));
                }
                let elements = elements.into_iter().map(Emitted::into_datum);
                Emitted::datum(quote!(run.list(&[#(#elements),*])))
            }
            ExprKind::Object(entries) => {
                let members = self.members(entries);
                Emitted::datum(quote!(Datum::Object(run.members(&[#(#members),*]))))
            }
            ExprKind::Embed(text) => {
                let text = self.value(text);
                Emitted::value(quote!(run.embedding(#text)?))
            }
            ExprKind::AddNode { node, fields } => Emitted::item(self.add_node(*node, fields)),
            ExprKind::AddEdge { edge, from, to, fields } => self.add_edge(*edge, from, to, fields, expr.ty.many),
            ExprKind::AddVector { vector, data, fields } => Emitted::item(self.add_vector(*vector, data, fields)),
            ExprKind::AddVectors { vector, data } => self.add_vectors(*vector, data),
            ExprKind::Required { value, name } => {
                let value = self.value(value);
                Emitted::value(quote!(run.required(#value, #name)?))
            }
            ExprKind::Optional(value) => self.expr(value),
        }
    }

    /// The value of an expression; of many, the first.
    pub(super) fn value(&mut self, expr: &Expr) -> TokenStream {
        self.expr(expr).into_value()
    }

    fn field(&mut self, item: &Expr, field: FieldRef) -> TokenStream {
        let ty = item.ty.item();
        let Emitted { tokens, rep } = self.expr(item);
        match (rep, ty, field) {
            (Rep::Value, _, _) => quote!(Value::Null),
            (Rep::Item, _, FieldRef::Id) => quote!(run.id(&#tokens)),
            (Rep::Item, Some(ty), FieldRef::Declared(field)) => {
                let column = self.column(ty, field);
                quote!(run.read(&#tokens, #column)?)
            }
            (Rep::Item, _, _) => {
                let field = self.field_ref(ty, field);
                quote!(run.field(&#tokens, #field)?)
            }
            (Rep::Datum, _, _) => {
                let field = self.field_ref(ty, field);
                quote!(run.field_of(#tokens, #field)?)
            }
        }
    }

    fn field_ref(&self, ty: Option<ItemType>, field: FieldRef) -> TokenStream {
        engine_api::field(field, || match (ty, field) {
            (Some(ty), FieldRef::Declared(id)) => self.schema.field(ty, id),
            (None, FieldRef::Declared(id)) => {
                let id = id.0;
                quote!(FieldId(#id))
            }
            (_, _) => TokenStream::new(),
        })
    }

    /// Whether a condition holds, as a `bool`.
    pub(super) fn truth(&mut self, expr: &Expr) -> TokenStream {
        self.condition(expr, true)
    }

    /// Whether a condition holds, or does not. What is negated is negated inside, where it reads best.
    fn condition(&mut self, expr: &Expr, wanted: bool) -> TokenStream {
        match &expr.kind {
            ExprKind::And(conditions) => self.joined(conditions, wanted, wanted),
            ExprKind::Or(conditions) => self.joined(conditions, !wanted, wanted),
            ExprKind::Not(condition) => self.condition(condition, !wanted),
            _ if !wanted => {
                let holds = self.condition(expr, true);
                quote!(!#holds)
            }
            ExprKind::Exists(traversal) => {
                let found = self.local("exists");
                let prepared = self.prepare(&traversal.source, &traversal.steps, traversal);
                let pushed = self.push_all(prepared, &mut |_, _| quote!(#found = true; Flow::stop()));
                quote!({
                    let mut #found = false;
                    #pushed
                    #found
                })
            }
            ExprKind::Compare { comparison, left, right } => self.compare(*comparison, left, right),
            ExprKind::Null
            | ExprKind::Literal(_)
            | ExprKind::Now
            | ExprKind::Slot(_)
            | ExprKind::Field { .. }
            | ExprKind::Member { .. }
            | ExprKind::Traversal(_)
            | ExprKind::Math { .. }
            | ExprKind::List(_)
            | ExprKind::Object(_)
            | ExprKind::Embed(_)
            | ExprKind::AddNode { .. }
            | ExprKind::AddEdge { .. }
            | ExprKind::AddVector { .. }
            | ExprKind::AddVectors { .. }
            | ExprKind::Required { .. }
            | ExprKind::Optional(_) => {
                let value = self.value(expr);
                quote!(is_true(#value))
            }
        }
    }

    /// Conditions of which all must be as wanted, or any.
    fn joined(&mut self, conditions: &[Expr], all: bool, wanted: bool) -> TokenStream {
        let operator = if all { quote!(&&) } else { quote!(||) };
        let mut joined = TokenStream::new();
        for (index, condition) in conditions.iter().enumerate() {
            let truth = self.condition(condition, wanted);
            let nests = matches!(without_not(condition).kind, ExprKind::And(_) | ExprKind::Or(_))
                || truth.to_string().starts_with('{');
            let truth = if nests && conditions.len() > 1 { quote!((#truth)) } else { truth };
            joined = if index == 0 { truth } else { quote!(#joined #operator #truth) };
        }
        if conditions.is_empty() { quote!(#all) } else { joined }
    }

    fn compare(&mut self, comparison: Comparison, left: &Expr, right: &Expr) -> TokenStream {
        let kind = engine_api::comparison(comparison);
        if let ExprKind::Traversal(traversal) = &left.kind
            && left.ty.many
        {
            // Any of several values will do; the right side is the same for all.
            let (wanted, any) = (self.local("wanted"), self.local("any"));
            let right = self.value(right);
            let prepared = self.prepare(&traversal.source, &traversal.steps, traversal);
            let pushed = self.push_all(prepared, &mut |_, element| {
                let value = match element.rep {
                    Rep::Value => element.tokens,
                    Rep::Item => quote!(Value::Null),
                    Rep::Datum => {
                        let element = element.tokens;
                        quote!(#element.value())
                    }
                };
                quote! {
                    #any = holds(#kind, #value, #wanted);
                    Ok(if #any { Flow::Stop } else { Flow::Continue })
                }
            });
            return quote!({
                let #wanted = #right;
                let mut #any = false;
                #pushed
                #any
            });
        }
        let is_plain = is_plain(right);
        if left.ty.many {
            let left = self.expr(left).into_datum();
            let right = self.value(right);
            return quote!(any_holds(#kind, #left, #right));
        }
        let (left, right) = (self.value(left), self.value(right));
        if is_plain {
            return quote!(holds(#kind, #left, #right));
        }
        // What is absent on the left fulfils nothing, whatever the right side would be.
        let name = self.local("left");
        quote!({
            let #name = #left;
            !#name.is_null() && holds(#kind, #name, #right)
        })
    }
}

/// Whether it makes no difference if an expression is evaluated or not.
/// What is negated, however often.
fn without_not(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Not(inner) => without_not(inner),
        _ => expr,
    }
}

fn is_plain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Literal(_) | ExprKind::Now | ExprKind::Slot(_) => true,
        ExprKind::Member { object, index: _ } => is_plain(object),
        ExprKind::Field { item, field: _ } => is_plain(item),
        ExprKind::Traversal(_)
        | ExprKind::Exists(_)
        | ExprKind::Compare { .. }
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Math { .. }
        | ExprKind::List(_)
        | ExprKind::Object(_)
        | ExprKind::Embed(_)
        | ExprKind::AddNode { .. }
        | ExprKind::AddEdge { .. }
        | ExprKind::AddVector { .. }
        | ExprKind::AddVectors { .. }
        | ExprKind::Required { .. }
        | ExprKind::Optional(_) => false,
    }
}

/// A constant.
fn literal(literal_: &Literal) -> TokenStream {
    match literal_ {
        Literal::Boolean(value) => quote!(Value::Bool(#value)),
        Literal::Integer(value) => match i64::try_from(*value) {
            Ok(value) => {
                let value = proc_macro2::Literal::i64_unsuffixed(value);
                quote!(Value::Int(#value))
            }
            Err(_) => unsigned(value.unsigned_abs()),
        },
        Literal::Unsigned(value) => unsigned(*value),
        Literal::F32(value) if value.is_finite() => {
            let value = proc_macro2::Literal::f32_unsuffixed(*value);
            quote!(Value::F32(#value))
        }
        Literal::F32(value) => {
            let bits = value.to_bits();
            quote!(Value::F32(f32::from_bits(#bits)))
        }
        Literal::F64(value) if value.to_bits() == PI.to_bits() => quote!(Value::F64(std::f64::consts::PI)),
        Literal::F64(value) if value.to_bits() == E.to_bits() => quote!(Value::F64(std::f64::consts::E)),
        Literal::F64(value) if value.is_finite() => {
            let value = proc_macro2::Literal::f64_unsuffixed(*value);
            quote!(Value::F64(#value))
        }
        Literal::F64(value) => {
            let bits = value.to_bits();
            quote!(Value::F64(f64::from_bits(#bits)))
        }
        Literal::String(value) => quote!(Value::Str(#value)),
        Literal::Date { seconds, nanoseconds } => {
            let seconds = proc_macro2::Literal::i64_unsuffixed(*seconds);
            let nanoseconds = proc_macro2::Literal::u32_unsuffixed(*nanoseconds);
            quote!(Value::Date(Date { seconds: #seconds, nanoseconds: #nanoseconds }))
        }
        Literal::Id(value) => {
            let value = proc_macro2::Literal::u128_unsuffixed(*value);
            quote!(Value::Id(Uuid::from_u128(#value)))
        }
        Literal::List(elements) => {
            let elements = elements.iter().map(literal);
            quote!(run.values(&[#(#elements),*]))
        }
    }
}

fn unsigned(value: u128) -> TokenStream {
    let value = proc_macro2::Literal::u128_unsuffixed(value);
    quote!(Value::unsigned(#value))
}
