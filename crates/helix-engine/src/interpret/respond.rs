//! The response: straight from rows to JSON.

use helix_plan::{
    Cardinality, Entry, Expr, ExprKind, FieldId, FieldRef, ItemKind, Kind, Return, Step, Traversal, ValueType,
};

use super::run::Run;
use crate::error::Result;
use crate::operators::Flow;
use crate::operators::datum::{Datum, Item};
use crate::value::{Value, json};

pub(super) fn respond<'a>(run: &Run<'a, '_>, returns: &'a Return, out: &mut Vec<u8>) -> Result<()> {
    match returns {
        Return::Null => {
            out.extend_from_slice(b"null");
            Ok(())
        }
        Return::Object(entries) => entries_of(run, entries, out),
    }
}

/// An object whose values are computed as they are written.
fn entries_of<'a>(run: &Run<'a, '_>, entries: &'a [Entry], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (index, entry) in entries.iter().enumerate() {
        key(index, &entry.key, out);
        expr(run, &entry.value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn key(index: usize, name: &str, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    json::string(name, out);
    out.push(b':');
}

fn expr<'a>(run: &Run<'a, '_>, expr: &'a Expr, out: &mut Vec<u8>) -> Result<()> {
    match &expr.kind {
        ExprKind::Traversal(found) => traversal(run, found, &expr.ty.kind, out),
        ExprKind::Object(entries) => entries_of(run, entries, out),
        _ => datum(run, &run.eval(expr)?, &expr.ty.kind, out),
    }
}

/// Writes elements as they come; a projection at the end is written without being built.
fn traversal<'a>(run: &Run<'a, '_>, traversal: &'a Traversal, kind: &Kind, out: &mut Vec<u8>) -> Result<()> {
    let many = traversal.cardinality == Cardinality::Many;
    let steps = &traversal.steps;
    let (len, projection) = match steps.split_last() {
        Some((Step::Project { current, entries }, before)) => (before.len(), Some((*current, entries))),
        _ => (steps.len(), None),
    };
    if many {
        out.push(b'[');
    }
    let mut count = 0_usize;
    run.stream_until(traversal, len, &mut |element| {
        if count > 0 {
            out.push(b',');
        }
        count += 1;
        match (projection, element.item()) {
            (Some((current, entries)), Some(item)) => {
                run.set(current, Datum::Item(item));
                entries_of(run, entries, out)?;
            }
            _ => datum(run, &element, kind, out)?,
        }
        Ok(if many { Flow::Continue } else { Flow::Stop })
    })?;
    if many {
        out.push(b']');
    } else if count == 0 {
        if traversal.cardinality == Cardinality::One {
            return Err(run.missing(traversal));
        }
        datum(run, &run.absent(traversal), kind, out)?;
    }
    Ok(())
}

fn datum<'a>(run: &Run<'a, '_>, datum_: &Datum<'a>, kind: &Kind, out: &mut Vec<u8>) -> Result<()> {
    match datum_ {
        Datum::Value(found) => {
            if let Kind::Value(ty) = kind {
                value(found, ty, out);
            } else {
                json::write(found, out);
            }
            Ok(())
        }
        Datum::Item(found) => item(run, found, out),
        Datum::Shaped(_, entries, values) | Datum::Object(entries, values) => {
            out.push(b'{');
            for (index, (entry, value)) in entries.iter().zip(*values).enumerate() {
                key(index, &entry.key, out);
                datum(run, value, &entry.value.ty.kind, out)?;
            }
            out.push(b'}');
            Ok(())
        }
        Datum::Stream(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                datum(run, element, kind, out)?;
            }
            out.push(b']');
            Ok(())
        }
    }
}

/// A value of a type, which names the members of objects.
fn value(found: &Value<'_>, ty: &ValueType, out: &mut Vec<u8>) {
    match (found, ty) {
        (Value::Object(values), ValueType::Object(members)) => {
            out.push(b'{');
            for (index, ((name, ty), found)) in members.iter().zip(*values).enumerate() {
                key(index, name, out);
                value(found, ty, out);
            }
            out.push(b'}');
        }
        (Value::List(elements), ValueType::List(ty)) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(element, ty, out);
            }
            out.push(b']');
        }
        _ => json::write(found, out),
    }
}

/// A full item: the implicit fields of its kind, then the declared ones.
fn item<'a>(run: &Run<'a, '_>, found: &Item<'a>, out: &mut Vec<u8>) -> Result<()> {
    let found = run.with_row(*found)?;
    let ty = run.catalog.get(found.ty);
    let implicit: &[(&str, FieldRef)] = match found.ty.kind {
        ItemKind::Node => &[("id", FieldRef::Id), ("label", FieldRef::Label)],
        ItemKind::Edge => &[
            ("id", FieldRef::Id),
            ("label", FieldRef::Label),
            ("from_node", FieldRef::FromNode),
            ("to_node", FieldRef::ToNode),
        ],
        ItemKind::Vector => {
            &[("id", FieldRef::Id), ("label", FieldRef::Label), ("data", FieldRef::Data), ("score", FieldRef::Score)]
        }
    };
    out.push(b'{');
    for (index, (name, field)) in implicit.iter().enumerate() {
        key(index, name, out);
        json::write(&run.field(&found, *field)?, out);
    }
    for (index, field) in ty.fields.iter().enumerate() {
        key(implicit.len() + index, &field.name, out);
        json::write(&run.field(&found, FieldRef::Declared(FieldId(index as u16)))?, out);
    }
    out.push(b'}');
    Ok(())
}
