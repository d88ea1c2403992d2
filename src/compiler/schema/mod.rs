//! Declarations to a [`Catalog`].
use helix_plan::Catalog;
/// x
pub(super) struct Schema { pub(super) catalog: Catalog, pub(super) complete: bool }
