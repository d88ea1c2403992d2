//! Which tokens stand apart from each other within a line.

use crate::compiler::syntax::SyntaxKind::*;
use crate::compiler::syntax::{SyntaxNode, SyntaxToken};

/// Whether a space is between two tokens that follow each other in a line.
pub(super) fn is_space_between(before: &SyntaxToken, after: &SyntaxToken) -> bool {
    match (before.kind(), after.kind()) {
        (L_PAREN | L_BRACKET | L_ANGLE | BANG | HASH | DOT | MINUS | PIPE, _) => false,
        (_, COMMA | COLON | QUESTION | DOT | L_PAREN | R_PAREN | R_BRACKET | L_ANGLE | R_ANGLE | PIPE) => false,
        // `_:: {` of a migration, in contrast to `users::{name}`.
        (COLON_COLON, L_BRACE) => after.parent().is_some_and(|parent| parent.kind() == ITEM_MAPPING),
        (COLON_COLON, _) => false,
        // `posts: ::Out<Wrote>` has its `_` left out.
        (_, COLON_COLON) => after.prev_sibling_or_token().is_some_and(|sibling| sibling.kind() == IMPLIED),
        _ => true,
    }
}

/// Whether the braces stand close to what is in them: one name or `..`.
pub(super) fn is_tight(braces: &SyntaxNode) -> bool {
    if !matches!(braces.kind(), PROJECTION | EXCLUDE) {
        return false;
    }
    let mut elements = braces.children();
    let is_name = elements.next().is_some_and(|element| match element.kind() {
        NAME | SPREAD => true,
        MAPPING => element.children().count() == 1,
        _ => false,
    });
    is_name && elements.next().is_none()
}

/// Whether the lines of these braces end in any case: they hold declarations or statements.
pub(super) fn is_block(braces: &SyntaxNode) -> bool {
    match braces.kind() {
        SCHEMA_BLOCK | MIGRATION | ITEM_MAPPING | FOR => true,
        FIELD_LIST => braces.parent().is_some_and(|parent| parent.kind() != OBJECT_TYPE),
        EDGE_DEF => has_properties(braces),
        _ => false,
    }
}

/// Whether a declaration takes one line, so that others of the kind may stand close to it.
pub(super) fn is_short(item: &SyntaxNode) -> bool {
    match item.kind() {
        EDGE_DEF => !has_properties(item),
        NODE_DEF | VECTOR_DEF => {
            item.children().filter(|child| child.kind() == FIELD_LIST).all(|list| list.children().next().is_none())
        }
        _ => false,
    }
}

fn has_properties(edge: &SyntaxNode) -> bool {
    edge.children().any(|child| child.kind() == FIELD_LIST)
}
