//! What the writer does when nothing waits: removing what activations left, linking vectors, freeing dead ones, forgetting
//! words that nothing holds any more. A slice is one transaction and ends soon, since requests wait for it.

use std::time::{Duration, Instant};

use helix_plan::ItemKind;

use super::Shared;
use crate::catalog::pending::{self, Pending};
use crate::error::Result;
use crate::storage::{Store, WriteTxn as _};
use crate::{text, vector};

/// An index that something waits to be done for.
enum Due {
    Vectors(u16),
    Text(u16),
}

/// Works until `deadline`; gives whether there is more to do.
pub(super) fn slice<S: Store>(shared: &Shared<S>, deadline: Instant) -> Result<bool> {
    let due = {
        let txn = shared.store.read()?;
        if !Pending::read(&txn)?.garbage.is_empty() {
            return collect(shared, deadline.saturating_duration_since(Instant::now()));
        }
        let Some(active) = shared.active.load_full() else { return Ok(false) };
        let mut due = Vec::new();
        for ty in active.catalog().of(ItemKind::Vector) {
            if vector::wants_tending(&txn, ty.stored, &shared.vectors)? {
                due.push(Due::Vectors(ty.stored));
            }
        }
        for index in active.catalog().of(ItemKind::Node).iter().filter_map(|ty| ty.text.as_ref()) {
            if text::wants_tending(&txn, index.number)? {
                due.push(Due::Text(index.number));
            }
        }
        due
    };
    let Some(first) = due.first() else { return Ok(false) };
    let mut txn = shared.store.write()?;
    let more = match first {
        Due::Vectors(index) => vector::tend(&mut txn, *index, &shared.vectors, deadline)?,
        Due::Text(index) => text::tend(&mut txn, *index, deadline)?,
    };
    txn.commit()?;
    Ok(more || due.len() > 1)
}

/// Removes garbage for some time; gives whether there may be more to do.
pub(super) fn collect<S: Store>(shared: &Shared<S>, time: Duration) -> Result<bool> {
    let mut txn = shared.store.write()?;
    let before = Pending::read(&txn)?.garbage.len();
    pending::collect(&mut txn, Instant::now() + time)?;
    txn.commit()?;
    Ok(before > 0)
}
