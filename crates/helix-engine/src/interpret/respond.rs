//! The response of an interpreted query: values are written as they are computed.

use helix_plan::{Cardinality, Entry, Expr, ExprKind, Return, Step, Traversal};

use super::run::Frame;
use crate::error::Result;
use crate::operators::Flow;
use crate::operators::datum::Datum;
use crate::value::json;

pub(super) fn respond<'a>(frame: &Frame<'a, '_>, returns: &'a Return, out: &mut Vec<u8>) -> Result<()> {
    match returns {
        Return::Null => {
            out.extend_from_slice(b"null");
            Ok(())
        }
        Return::Object(entries) => object(frame, entries, out),
    }
}

/// An object whose values are computed as they are written.
fn object<'a>(frame: &Frame<'a, '_>, entries: &'a [Entry], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (index, entry) in entries.iter().enumerate() {
        json::key(index, &entry.key, out);
        expr(frame, &entry.value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn expr<'a>(frame: &Frame<'a, '_>, expr: &'a Expr, out: &mut Vec<u8>) -> Result<()> {
    match &expr.kind {
        ExprKind::Traversal(found) => traversal(frame, found, out),
        ExprKind::Object(entries) => object(frame, entries, out),
        _ => frame.run.write(frame.eval(expr)?, out),
    }
}

/// Writes elements as they come; a projection at the end is written without being built.
fn traversal<'a>(frame: &Frame<'a, '_>, traversal: &'a Traversal, out: &mut Vec<u8>) -> Result<()> {
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
    frame.stream_until(traversal, len, &mut |element| {
        if count > 0 {
            out.push(b',');
        }
        count += 1;
        match (projection, element.item()) {
            (Some((current, entries)), Some(item)) => {
                frame.set(current, Datum::Item(item));
                object(frame, entries, out)?;
            }
            _ => frame.run.write(element, out)?,
        }
        Ok(if many { Flow::Continue } else { Flow::Stop })
    })?;
    if many {
        out.push(b']');
    } else if count == 0 {
        if traversal.cardinality == Cardinality::One {
            return Err(frame.missing(traversal));
        }
        frame.run.write(frame.absent(traversal), out)?;
    }
    Ok(())
}
