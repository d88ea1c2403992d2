//! Which names are visible, and what `_` stands for.

use helix_plan::SlotId;
use indexmap::IndexMap;

use super::ty::Ty;
use crate::compiler::source::Span;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub slot: SlotId,
    pub ty: Ty,
    pub origin: Origin,
    /// Whether the request need not hold it.
    pub optional: bool,
    pub span: Span,
}

/// What declared a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The parameter list.
    Parameter,
    /// An assignment.
    Variable,
    /// A `FOR`.
    Loop,
    /// A closure.
    Closure,
}

/// The item that `_` stands for.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub slot: SlotId,
    pub ty: Ty,
}

/// The blocks that enclose a place, outermost first.
#[derive(Debug)]
pub(super) struct Scopes {
    blocks: Vec<IndexMap<String, Binding>>,
    current: Vec<Current>,
}

impl Scopes {
    /// One block, with nothing in it.
    pub(super) fn new() -> Self {
        Self { blocks: vec![IndexMap::new()], current: Vec::new() }
    }

    /// What a name stands for: the innermost declaration.
    pub(super) fn get(&self, name: &str) -> Option<&Binding> {
        self.blocks.iter().rev().find_map(|block| block.get(name))
    }

    /// Declares a name in the innermost block; it hides any outer one.
    pub(super) fn declare(&mut self, name: &str, binding: Binding) {
        if let Some(block) = self.blocks.last_mut() {
            block.insert(name.to_owned(), binding);
        }
    }

    /// Every visible name, innermost first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().rev().flat_map(|block| block.keys().map(String::as_str))
    }

    /// Enters a block.
    pub(super) fn enter(&mut self) {
        self.blocks.push(IndexMap::new());
    }

    /// Leaves the innermost block: its names end.
    pub(super) fn leave(&mut self) {
        self.blocks.pop();
    }

    /// Enters a step with an item of its own.
    pub(super) fn enter_item(&mut self, current: Current) {
        self.current.push(current);
    }

    /// Leaves the innermost step with an item.
    pub(super) fn leave_item(&mut self) {
        self.current.pop();
    }

    /// What `_` stands for, if anything.
    pub(super) fn current(&self) -> Option<&Current> {
        self.current.last()
    }
}
