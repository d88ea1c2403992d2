//! Versions of the schema, and what becomes of items from one to the next.

use super::{Parser, ProblemKind, expr, item};
use crate::compiler::syntax::kind::SyntaxKind::*;

/// How versions are written.
const VERSIONS: &str = "versions are counted from 1: `schema::1`, `schema::2`";

/// `schema::1`
pub(super) fn version(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.eat_word("schema") {
        if !p.eat(COLON_COLON) {
            p.problem_with_help("`::` and the version's number", VERSIONS);
            p.eat(COLON);
        }
        if !p.eat(INT) {
            p.problem_with_help("the version's number", VERSIONS);
            match p.current() {
                MINUS if p.nth(1) == INT => p.skip(2),
                IDENT if matches!(p.nth(1), L_BRACE | FAT_ARROW) => p.skip(1),
                _ => {}
            }
        }
    } else {
        p.problem_with_help("`schema::` and a version", VERSIONS);
        if p.at(INT) {
            p.skip(1);
        }
    }
    marker.complete(p, SCHEMA_VERSION);
}

/// `=>`. Another arrow is reported and taken for it.
pub(super) fn arrow(p: &mut Parser<'_>, help: &'static str) {
    if p.eat(FAT_ARROW) {
        return;
    }
    p.problem_with_help("`=>`", help);
    let others = match p.current() {
        MINUS | EQUALS if p.nth(1) == R_ANGLE => 2,
        LEFT_ARROW | EQUALS | MINUS | COLON => 1,
        IDENT if p.nth_text(0).eq_ignore_ascii_case("TO") => 1,
        _ => return,
    };
    p.skip(others);
}

pub(super) fn migration(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    version(p);
    arrow(p, "a migration is written `MIGRATION schema::1 => schema::2 { … }`");
    version(p);
    p.expect(L_BRACE, "`{`");
    while !p.at(R_BRACE) && !p.at(EOF) {
        let before = p.position;
        if at_item(p) {
            item_mapping(p);
            p.eat(COMMA);
        } else if !p.at_item_start() {
            p.expected("a mapping such as `N::User => _:: { … }`, or `}`");
            p.recover(&[R_BRACE]);
        }
        if p.position == before {
            break;
        }
    }
    p.expect(R_BRACE, "`}`");
    marker.complete(p, MIGRATION);
}

/// Whether an item of a version stands here.
fn at_item(p: &Parser<'_>) -> bool {
    matches!(p.nth_text(0), "N" | "E" | "V") && p.nth(1) == COLON_COLON
}

fn item_mapping(p: &mut Parser<'_>) {
    p.next_unit();
    let marker = p.start();
    mapped_item(p);
    arrow(p, "a type is mapped with `N::User => _:: { … }`");
    mapped_item(p);
    if !p.at(L_BRACE) {
        p.problem_with_help("`{`", "the fields that change stand in braces; with `{ }`, all stay as they are");
        if !at_item(p) {
            p.recover(&[L_BRACE, R_BRACE]);
        }
    }
    if p.at(L_BRACE) {
        field_mappings(p);
    }
    marker.complete(p, ITEM_MAPPING);
}

/// `{ age: old AS U8, … }`, or the same in `{ Properties: … }`.
fn field_mappings(p: &mut Parser<'_>) {
    let ends = ends(p);
    let has_properties = p.nth_word(ends + 1, "Properties") && p.nth(ends + 2) == COLON && p.nth(ends + 3) == L_BRACE;
    if !has_properties {
        p.list(L_BRACE, R_BRACE, "a field", field_mapping);
        return;
    }
    p.bump();
    if ends > 0 {
        p.problem_with_help("`Properties: { … }`", "an edge keeps its ends: leave out `From` and `To`");
        p.skip(ends);
    }
    p.bump();
    p.bump();
    p.list(L_BRACE, R_BRACE, "a field", field_mapping);
    p.eat(COMMA);
    p.expect(R_BRACE, "`}`");
}

/// How many tokens `From: A, To: B,` are, behind the next token.
fn ends(p: &Parser<'_>) -> usize {
    let mut count = 0;
    while matches!(p.nth_text(count + 1), "From" | "To")
        && (p.nth(count + 2), p.nth(count + 3), p.nth(count + 4)) == (COLON, IDENT, COMMA)
    {
        count += 4;
    }
    count
}

fn mapped_item(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.eat(UNDERSCORE) {
        p.expect(COLON_COLON, "`::`");
    } else if matches!(p.nth_text(0), "N" | "E" | "V") {
        p.bump();
        p.expect(COLON_COLON, "`::`");
        p.name("the type's name");
    } else {
        p.expected("`_::` or a type such as `N::User`");
    }
    marker.complete(p, MAPPED_ITEM);
}

fn field_mapping(p: &mut Parser<'_>) -> bool {
    if !p.at(IDENT) {
        return false;
    }
    p.next_unit();
    let marker = p.start();
    p.name("the field's name");
    p.expect(COLON, "`:`");
    let is_whole = mapped_value(p);
    marker.complete(p, if is_whole { FIELD_MAPPING } else { ERROR });
    true
}

/// A constant, or a field with the type that it is converted to. Gives whether it can be understood.
fn mapped_value(p: &mut Parser<'_>) -> bool {
    let is_constant = matches!(p.nth_text(0), "NOW" | "NONE") || expr::at_literal(p);
    if is_constant {
        if !expr::literal(p) {
            p.bump();
        }
    } else if p.at(IDENT) && !matches!(p.nth(1), L_PAREN | L_ANGLE | COLON_COLON) {
        p.name("a constant or a field");
    } else {
        let help = "a value is a number, a text, `true`, `false`, `NOW`, `NONE` or a field of the earlier version";
        p.problem_with_help("a constant or a field", help);
        p.skip_while(|p| !matches!(p.current(), COMMA | R_BRACE));
        return false;
    }
    let is_other_case = !p.at_word("AS") && p.nth_text(0).eq_ignore_ascii_case("AS") && p.nth(1) == IDENT;
    if !p.at_word("AS") && !is_other_case {
        return true;
    }
    if is_constant {
        p.problem_with_help("`,` or `}`", "`AS` converts a field; a constant is written as its type wants it");
    } else if is_other_case {
        p.problem(ProblemKind::Keyword("AS"));
    }
    p.bump();
    if p.at(IDENT) {
        item::named_type(p);
    } else {
        p.problem_with_help("a scalar type", "only scalars can be converted, to types such as `String` and `I64`");
        p.skip_while(|p| !matches!(p.current(), COMMA | R_BRACE));
        return false;
    }
    !is_constant
}
