//! Files, schema items, types and migrations.

use helix_plan::ScalarType;

use super::migration::{migration, version};
use super::{Parser, ProblemKind, expr, habits, query};
use crate::compiler::syntax::kind::SyntaxKind::{self, *};

pub(super) fn file(p: &mut Parser<'_>) {
    let marker = p.start();
    while !p.at(EOF) {
        p.gave_up = false;
        p.muted = false;
        // What closes an item that was not opened is a consequence of that.
        if !p.at(R_BRACE) {
            p.next_unit();
        }
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
    if p.at_word("schema") && matches!(p.nth(1), COLON_COLON | INT | COLON | L_BRACE) {
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
    p.next_unit();
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
        p.problem_with_help("`{` and the fields", "a type is written `N::User { name: String }`");
        p.recover(&[R_BRACE]);
    }
    marker.complete(p, kind);
    true
}

/// The parts of an edge type.
const EDGE_WORDS: &[&str] = &["From", "To", "Properties"];

/// How an edge type is written.
const AN_EDGE: &str = "an edge type names what it joins: `E::Follows { From: User, To: User }`";

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
        let start = p.position;
        let word = EDGE_WORDS.iter().copied().find(|word| p.nth_text(0).eq_ignore_ascii_case(word));
        if word.is_some_and(|word| !p.at_word(word)) {
            // One habit is one mistake, however many words it concerns.
            let help = "the parts of an edge type begin with a capital letter: `From`, `To`, `Properties`";
            p.last_problem(ProblemKind::ExpectedWithHelp("`From: Type`, `To: Type` or `Properties: { … }`", help));
        }
        match word {
            Some("From") if !from => {
                from = true;
                edge_end(p, EDGE_FROM);
            }
            Some("To") if !to => {
                to = true;
                edge_end(p, EDGE_TO);
            }
            Some("Properties") if !properties => {
                properties = true;
                p.bump();
                p.expect(COLON, "`:`");
                field_list(p);
            }
            _ => {
                p.expected(if !from {
                    "`From: Type`"
                } else if !to {
                    "`To: Type`"
                } else if !properties {
                    "`Properties: { … }` or `}`"
                } else {
                    "`}`"
                });
                // It may have been meant to be any of the others.
                p.muted = true;
                p.recover(&[COMMA, R_BRACE]);
            }
        }
        if !p.eat(COMMA) && !p.at(R_BRACE) {
            p.expected("`,` or `}`");
            let is_next = EDGE_WORDS.iter().any(|word| p.nth_text(0).eq_ignore_ascii_case(word));
            if is_next && p.position > start {
                continue;
            }
            p.recover(&[COMMA, R_BRACE]);
            if !p.eat(COMMA) {
                break;
            }
        }
    }
    if p.at(R_BRACE) && !(from && to) {
        p.problem(ProblemKind::ExpectedWithHelp(if from { "`To: Type`" } else { "`From: Type`" }, AN_EDGE));
    }
    p.expect(R_BRACE, "`}`");
}

fn edge_end(p: &mut Parser<'_>, kind: SyntaxKind) {
    let marker = p.start();
    p.bump();
    p.expect(COLON, "`:`");
    if p.nth_text(0).starts_with('_') && p.at(IDENT) {
        p.skip(1);
    } else {
        p.name("the name of a node or vector type");
    }
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
    p.next_unit();
    let marker = p.start();
    index_words(p);
    // `String name`
    if p.nth(1) == IDENT && p.nth(2) != COLON && p.is_same_line(1) && ScalarType::from_name(p.nth_text(0)).is_some() {
        p.problem_with_help("the field's name", "the type stands behind the name: `name: String`");
        p.skip(2);
        marker.complete(p, FIELD);
        return true;
    }
    p.name("the field's name");
    // `name name: String`
    if p.at(IDENT) && p.nth(1) == COLON && p.is_same_line(0) {
        p.expected("`:` and the type");
        p.skip(1);
    }
    if p.at(QUESTION) {
        p.problem_with_help("`:` and the type", "only a parameter may be left out, `name?: String`: leave the `?` out");
        p.skip(1);
    }
    if p.expect(COLON, "`:` and the type") || p.is_same_line(0) && matches!(p.current(), IDENT | L_BRACKET) {
        ty(p);
    }
    if p.at_word("DEFAULT") || p.at_other_case("DEFAULT") && !matches!(p.nth(1), COLON | COMMA | R_BRACE) {
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

/// `INDEX` or `UNIQUE INDEX` in front of a field. Both may also be the name of the field.
fn index_words(p: &mut Parser<'_>) {
    let is_index_word = |n: usize| {
        let word = p.nth_text(n);
        p.nth(n + 1) == IDENT && ["INDEX", "UNIQUE"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
    };
    let count = (0..2).take_while(|n| is_index_word(*n)).count();
    let words: Vec<&str> = (0..count).map(|n| p.nth_text(n)).collect();
    let help = "a field with an index is written `INDEX name: Type`, or `UNIQUE INDEX name: Type`";
    match words.as_slice() {
        [] => return,
        ["INDEX"] | ["UNIQUE", "INDEX"] => {}
        ["UNIQUE"] => {
            p.bump();
            if !p.eat_word("INDEX") {
                p.problem_with_help("`INDEX`", help);
            }
            return;
        }
        ["INDEX", "UNIQUE"] => p.problem_with_help("`UNIQUE INDEX`", help),
        // A field of that name whose colon is missing.
        _ if p.nth(count + 1) != COLON => return,
        [one] if one.eq_ignore_ascii_case("INDEX") => p.problem(ProblemKind::Keyword("INDEX")),
        _ => p.problem_with_help("`UNIQUE INDEX`", help),
    }
    for _ in 0..count {
        p.bump();
    }
}

fn default(p: &mut Parser<'_>) {
    let marker = p.start();
    if !p.at_word("DEFAULT") {
        p.problem(ProblemKind::Keyword("DEFAULT"));
    }
    p.bump();
    if p.at_word("NOW") || p.at_word("NONE") {
        p.bump();
        if p.at(L_PAREN) && p.nth(1) == R_PAREN {
            p.problem_with_help("`,` or `}`", "a default is a constant, without `()`");
            p.skip(2);
        }
    } else if !expr::literal(p) {
        p.expected("a constant, `NOW` or `NONE`");
        // A word behind which a field goes on is that field's.
        if p.at(IDENT) && !matches!(p.nth(1), COLON | IDENT) {
            p.skip(1);
            p.skip_while(|p| p.at(L_PAREN));
        }
    }
    marker.complete(p, FIELD_DEFAULT);
}

/// A type; reports one that is missing.
pub(super) fn ty(p: &mut Parser<'_>) {
    match p.current() {
        IDENT if p.nth(1) == L_ANGLE => habits::generic_type(p),
        IDENT => {
            named_type(p);
            habits::behind_type(p);
        }
        L_BRACKET => p.nested(|p| {
            let marker = p.start();
            p.bump();
            if p.at(IDENT) && p.nth(1) == COLON {
                p.last_problem(ProblemKind::ExpectedWithHelp("a type", "objects have braces: `[{ name: String }]`"));
                p.skip_while(|p| !matches!(p.current(), R_BRACKET | FAT_ARROW));
            } else {
                ty(p);
            }
            if p.at(UNKNOWN) {
                p.problem_with_help("`]`", "a list has any length: `[F64]`");
                p.skip_while(|p| !matches!(p.current(), R_BRACKET | R_BRACE | R_PAREN | FAT_ARROW));
            }
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

pub(super) fn named_type(p: &mut Parser<'_>) {
    let marker = p.start();
    let is_bad = p.nth_text(0).starts_with('_');
    p.name("a type");
    marker.complete(p, if is_bad { ERROR } else { NAMED_TYPE });
}

fn schema_block(p: &mut Parser<'_>) {
    let marker = p.start();
    version(p);
    if !p.at(L_BRACE) {
        p.expected("`{`");
        p.recover(&[L_BRACE, R_BRACE]);
    }
    if !p.eat(L_BRACE) {
        // Its types are those that follow.
        while schema_item(p) {}
        p.eat(R_BRACE);
        marker.complete(p, SCHEMA_BLOCK);
        return;
    }
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
