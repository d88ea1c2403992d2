//! Files, schema items, types and migrations.

use super::{Marker, Parser, ProblemKind, expr, query};
use crate::compiler::syntax::kind::SyntaxKind::{self, *};

pub(super) fn file(p: &mut Parser<'_>) {
    let marker = p.start();
    while !p.at(EOF) {
        p.gave_up = false;
        p.open_string = false;
        if !item(p) {
            if p.open_block && p.at(R_BRACE) {
                p.open_block = false;
                let garbage = p.start();
                p.bump();
                garbage.complete(p, ERROR);
                continue;
            }
            p.problem(ProblemKind::UnknownItem);
            let garbage = p.start();
            // A query whose head is broken would otherwise be reported statement by statement.
            p.bump();
            while !p.at(EOF) && !p.at_item_start() {
                p.bump();
            }
            garbage.complete(p, ERROR);
        }
    }
    marker.complete(p, SOURCE_FILE);
}

fn item(p: &mut Parser<'_>) -> bool {
    if p.at(HASH) || p.at_word("QUERY") {
        query::query(p);
        return true;
    }
    if p.at_word("MIGRATION") {
        migration(p);
        return true;
    }
    if p.at_word("schema") && p.nth(1) == COLON_COLON {
        schema_block(p);
        return true;
    }
    schema_item(p)
}

fn schema_item(p: &mut Parser<'_>) -> bool {
    let kind = match (p.nth_text(0), p.nth(1)) {
        ("N", COLON_COLON | COLON) => NODE_DEF,
        ("E", COLON_COLON | COLON) => EDGE_DEF,
        ("V", COLON_COLON | COLON) => VECTOR_DEF,
        _ => return false,
    };
    let marker = p.start();
    p.bump();
    if !p.at(COLON_COLON) {
        p.expected("`::`");
    }
    p.bump();
    p.name("the type's name");
    if kind == EDGE_DEF {
        edge_body(p);
    } else if p.at(L_BRACE) {
        field_list(p);
    } else if !p.at(EOF) && !p.at_item_start() && !p.at(R_BRACE) {
        p.expected("`{` and the fields");
        p.recover(&[R_BRACE]);
    }
    marker.complete(p, kind);
    true
}

fn edge_body(p: &mut Parser<'_>) {
    p.eat_word("UNIQUE");
    if !p.expect(L_BRACE, "`{ From: …, To: … }`") {
        p.recover(&[L_BRACE, R_BRACE]);
        if !p.eat(L_BRACE) {
            return;
        }
    }
    let (mut from, mut to, mut properties) = (false, false, false);
    while !p.at(R_BRACE) && !p.at(EOF) && !p.at_item_start() {
        if p.at_word("From") && !from {
            from = true;
            edge_end(p, EDGE_FROM);
        } else if p.at_word("To") && !to {
            to = true;
            edge_end(p, EDGE_TO);
        } else if p.at_word("Properties") && !properties {
            properties = true;
            p.bump();
            p.expect(COLON, "`:`");
            field_list(p);
        } else {
            p.expected(if !from {
                "`From: Type`"
            } else if !to {
                "`To: Type`"
            } else if !properties {
                "`Properties: { … }` or `}`"
            } else {
                "`}`"
            });
            p.recover(&[COMMA, R_BRACE]);
        }
        if !p.eat(COMMA) && !p.at(R_BRACE) {
            p.expected("`,` or `}`");
            if p.at_word("To") || p.at_word("From") || p.at_word("Properties") {
                continue;
            }
            p.recover(&[COMMA, R_BRACE]);
            if !p.eat(COMMA) {
                break;
            }
        }
    }
    if p.at(R_BRACE) && !(from && to) {
        p.problem(ProblemKind::ExpectedWithHelp(
            if from { "`To: Type`" } else { "`From: Type`" },
            "an edge type names what it joins: `E::Follows { From: User, To: User }`",
        ));
    }
    p.expect(R_BRACE, "`}`");
}

fn edge_end(p: &mut Parser<'_>, kind: SyntaxKind) {
    let marker = p.start();
    p.bump();
    p.expect(COLON, "`:`");
    p.name("the name of a node or vector type");
    marker.complete(p, kind);
}

fn field_list(p: &mut Parser<'_>) {
    let marker = p.start();
    p.list(L_BRACE, R_BRACE, "a field", field);
    marker.complete(p, FIELD_LIST);
}

fn field(p: &mut Parser<'_>) -> bool {
    if !p.at(IDENT) {
        return false;
    }
    let marker = p.start();
    if p.at_word("UNIQUE") && p.nth(1) == IDENT {
        p.bump();
        if !p.at_word("INDEX") {
            p.expected("`INDEX`");
        }
    }
    if p.at_word("INDEX") && p.nth(1) == IDENT {
        p.bump();
    }
    p.name("the field's name");
    if p.expect(COLON, "`:` and the type") || p.at(IDENT) || p.at(L_BRACKET) {
        ty(p);
    }
    if p.at_word("DEFAULT") {
        default(p);
    }
    if (p.at_word("INDEX") || p.at_word("UNIQUE")) && p.nth(1) != COLON {
        p.problem(ProblemKind::ExpectedWithHelp("`,` or `}`", "`INDEX` stands before the name: `INDEX name: String`"));
        p.eat_word("UNIQUE");
        p.eat_word("INDEX");
    }
    marker.complete(p, FIELD);
    true
}

fn default(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    if p.at_word("NOW") || p.at_word("NONE") {
        p.bump();
    } else if !expr::literal(p) {
        p.expected("a constant, `NOW` or `NONE`");
    }
    marker.complete(p, FIELD_DEFAULT);
}

/// A type; reports one that is missing.
pub(super) fn ty(p: &mut Parser<'_>) {
    match p.current() {
        IDENT => {
            named_type(p);
        }
        L_BRACKET => p.nested(|p| {
            let marker = p.start();
            p.bump();
            ty(p);
            p.expect(R_BRACKET, "`]`");
            marker.complete(p, LIST_TYPE);
        }),
        L_BRACE => p.nested(|p| {
            let marker = p.start();
            field_list(p);
            marker.complete(p, OBJECT_TYPE);
        }),
        _ => p.expected("a type"),
    }
}

fn named_type(p: &mut Parser<'_>) {
    let marker = p.start();
    p.name("a type");
    marker.complete(p, NAMED_TYPE);
}

fn version(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.eat_word("schema") {
        p.expect(COLON_COLON, "`::`");
        p.expect(INT, "the version's number");
    } else {
        p.expected("`schema::` and a version");
    }
    marker.complete(p, SCHEMA_VERSION);
}

fn schema_block(p: &mut Parser<'_>) {
    let marker = p.start();
    version(p);
    p.expect(L_BRACE, "`{`");
    while !p.at(R_BRACE) && !p.at(EOF) {
        if !schema_item(p) {
            if p.at_item_start() {
                p.problem(ProblemKind::ExpectedWithHelp(
                    "a type such as `N::User { … }`, or `}`",
                    "queries and migrations stand outside of `schema::n { … }`",
                ));
                p.open_block = true;
                break;
            }
            p.expected("a type such as `N::User { … }`, or `}`");
            p.recover(&[R_BRACE]);
            if !p.at_item_start() {
                break;
            }
        }
    }
    p.expect(R_BRACE, "`}`");
    marker.complete(p, SCHEMA_BLOCK);
}

fn migration(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    version(p);
    p.expect(FAT_ARROW, "`=>`");
    version(p);
    p.expect(L_BRACE, "`{`");
    while !p.at(R_BRACE) && !p.at(EOF) {
        let before = p.nth_text(0);
        if matches!(before, "N" | "E" | "V") && p.nth(1) == COLON_COLON {
            item_mapping(p);
            p.eat(COMMA);
        } else {
            p.expected("a mapping such as `N::User => _:: { … }`, or `}`");
            p.recover(&[R_BRACE]);
            break;
        }
    }
    p.expect(R_BRACE, "`}`");
    marker.complete(p, MIGRATION);
}

fn item_mapping(p: &mut Parser<'_>) {
    let marker = p.start();
    mapped_item(p);
    p.expect(FAT_ARROW, "`=>`");
    mapped_item(p);
    p.expect(L_BRACE, "`{`");
    if p.at_word("Properties") && p.nth(1) == COLON && p.nth(2) == L_BRACE {
        p.bump();
        p.bump();
        p.list(L_BRACE, R_BRACE, "a field", field_mapping);
        p.eat(COMMA);
    } else {
        while !p.at(R_BRACE) && !p.at(EOF) {
            if !field_mapping(p) {
                p.expected("a field or `}`");
                p.recover(&[R_BRACE]);
                break;
            }
            if !p.eat(COMMA) {
                break;
            }
        }
    }
    p.expect(R_BRACE, "`}`");
    marker.complete(p, ITEM_MAPPING);
}

fn mapped_item(p: &mut Parser<'_>) {
    let marker: Marker = p.start();
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
    let marker = p.start();
    p.name("the field's name");
    p.expect(COLON, "`:`");
    let is_constant = matches!(p.nth_text(0), "NOW" | "NONE");
    if is_constant {
        p.bump();
    } else if !expr::literal(p) && p.name("a constant or a field") && p.eat_word("AS") {
        named_type(p);
    }
    marker.complete(p, FIELD_MAPPING);
    true
}
