//! Expressions and sources.

use super::{Parser, ProblemKind, habits, step};
use crate::compiler::syntax::kind::SyntaxKind::{self, *};

/// The mathematical functions. A word of these followed by `(` is a call.
const FUNCTIONS: &[&str] = &[
    "PI", "E", "ABS", "SQRT", "LN", "LOG10", "EXP", "CEIL", "FLOOR", "ROUND", "SIN", "COS", "TAN", "ASIN", "ACOS",
    "ATAN", "SUM", "AVG", "COUNT", "ADD", "SUB", "MUL", "DIV", "POW", "MOD", "LOG", "ATAN2", "MIN", "MAX",
];

/// What a traversal starts with, and what creates.
const SOURCES: &[&str] = &["N", "E", "V", "AddN", "AddE", "AddV", "BatchAddV", "SearchV", "SearchBM25"];

/// An expression that must be there.
pub(super) fn required(p: &mut Parser<'_>, what: &'static str) {
    if p.at_next_statement() || !expr(p) {
        p.expected(what);
    }
}

/// An expression, if one starts here.
pub(super) fn expr(p: &mut Parser<'_>) -> bool {
    let mut found = false;
    let before = p.position;
    p.nested(|p| found = primary_and_steps(p));
    found || p.position > before
}

fn primary_and_steps(p: &mut Parser<'_>) -> bool {
    let marker = p.start();
    // `k: ::Out<E>` is short for `k: _::Out<E>`.
    if p.at(COLON_COLON) {
        let implied = p.start();
        implied.complete(p, IMPLIED);
        step::steps(p);
        marker.complete(p, TRAVERSAL);
        return true;
    }
    let Some(kind) = primary(p) else {
        marker.abandon(p);
        return false;
    };
    let is_source = matches!(kind, NODE_SOURCE | EDGE_SOURCE | VECTOR_SOURCE | SEARCH_V | SEARCH_BM25 | ANONYMOUS);
    if step::at_step(p) {
        step::steps(p);
        marker.complete(p, TRAVERSAL);
    } else if is_source {
        marker.complete(p, TRAVERSAL);
    } else {
        marker.abandon(p);
    }
    true
}

/// An expression without steps.
fn primary(p: &mut Parser<'_>) -> Option<SyntaxKind> {
    if literal(p) {
        return Some(LITERAL);
    }
    let marker = p.start();
    let kind = match p.current() {
        UNDERSCORE => {
            p.bump();
            ANONYMOUS
        }
        L_BRACKET => {
            p.list(L_BRACKET, R_BRACKET, "an element", expr);
            ARRAY
        }
        L_BRACE => {
            entries(p);
            OBJECT
        }
        BANG => {
            p.bump();
            required(p, "a condition");
            NOT
        }
        IDENT => word(p),
        UNKNOWN if p.nth_text(0).starts_with('\'') => {
            p.problem(ProblemKind::ExpectedWithHelp("a value", "strings are written in double quotes"));
            p.bump();
            ERROR
        }
        _ => {
            marker.abandon(p);
            return None;
        }
    };
    marker.complete(p, kind);
    Some(kind)
}

/// An expression that starts with a word.
fn word(p: &mut Parser<'_>) -> SyntaxKind {
    let next = p.nth(1);
    match (p.nth_text(0), next) {
        ("E", L_PAREN) => function(p),
        ("N", _) => source(p, NODE_SOURCE),
        ("E", _) => source(p, EDGE_SOURCE),
        ("V", _) => source(p, VECTOR_SOURCE),
        ("SearchV", L_ANGLE | L_PAREN) => search(p, SEARCH_V),
        ("SearchBM25", L_ANGLE | L_PAREN) => search(p, SEARCH_BM25),
        ("AddN", L_ANGLE | L_PAREN) => {
            p.bump();
            type_args(p, "the node type: `AddN<User>`");
            field_block(p);
            ADD_N
        }
        ("AddE", L_ANGLE | L_PAREN | COLON_COLON) if next != COLON_COLON || matches!(p.nth_text(2), "From" | "To") => {
            p.bump();
            type_args(p, "the edge type: `AddE<Follows>`");
            field_block(p);
            ends(p);
            ADD_E
        }
        ("AddV", L_ANGLE | L_PAREN) => {
            p.bump();
            type_args(p, "the vector type: `AddV<Doc>`");
            p.list(L_PAREN, R_PAREN, "a vector or the fields", expr);
            ADD_V
        }
        ("BatchAddV", L_ANGLE | L_PAREN) => {
            p.bump();
            type_args(p, "the vector type: `BatchAddV<Doc>`");
            arguments(p);
            BATCH_ADD_V
        }
        ("Embed", L_PAREN) => call(p, EMBED),
        ("EXISTS", L_PAREN) => call(p, EXISTS),
        ("AND", L_PAREN) => call(p, AND),
        ("OR", L_PAREN) => call(p, OR),
        ("NONE", _) => {
            p.bump();
            NONE_EXPR
        }
        ("NOW", _) => {
            p.bump();
            if p.eat(L_PAREN) {
                p.expect(R_PAREN, "`)`");
            }
            NOW_EXPR
        }
        (name, L_PAREN) if FUNCTIONS.contains(&name) => function(p),
        // `addN<User>(…)`, `n<User>`.
        (name, L_ANGLE) if p.nth(2) == IDENT && SOURCES.iter().any(|source| source.eq_ignore_ascii_case(name)) => {
            p.last_problem(ProblemKind::UnknownFunction);
            p.name("a name");
            type_args(p, "a type");
            if p.eat(L_PAREN) {
                p.skip_to_close();
                p.eat(R_PAREN);
            }
            NAME_EXPR
        }
        (name, L_ANGLE) if super::super::STEPS.contains(&name) => {
            let help = "steps follow `::`, as in `N<User>::Out<Follows>` and `_::Out<Follows>`";
            p.last_problem(ProblemKind::ExpectedWithHelp("a value", help));
            p.name("a name");
            type_args(p, "a type");
            if p.eat(L_PAREN) {
                p.skip_to_close();
                p.eat(R_PAREN);
            }
            NAME_EXPR
        }
        // `UPDATE N<User>({ name: "x" })`
        (name, IDENT) if p.is_same_line(1) && SOURCES.contains(&p.nth_text(1)) && is_step(name) => {
            let help = "a step follows what it works on: `N<User>::UPDATE({ name: value })`, `N<User>::FIRST`";
            p.last_problem(ProblemKind::ExpectedWithHelp("a value", help));
            p.bump();
            expr(p);
            ERROR
        }
        (_, L_PAREN) => {
            p.problem(ProblemKind::UnknownFunction);
            p.name("a name");
            let arguments = p.start();
            p.bump();
            p.skip_group();
            p.eat(R_PAREN);
            arguments.complete(p, ERROR);
            NAME_EXPR
        }
        _ => {
            p.name("a name");
            NAME_EXPR
        }
    }
}

/// Whether a literal starts here.
pub(super) fn at_literal(p: &Parser<'_>) -> bool {
    match p.current() {
        INT | FLOAT | STRING | OPEN_STRING => true,
        IDENT => p.at_word("true") || p.at_word("false"),
        MINUS => matches!(p.nth(1), INT | FLOAT),
        _ => false,
    }
}

/// A number with its sign, a string, or a boolean.
pub(super) fn literal(p: &mut Parser<'_>) -> bool {
    if !at_literal(p) {
        return false;
    }
    let marker = p.start();
    p.eat(MINUS);
    let is_number = matches!(p.current(), INT | FLOAT);
    if p.at(OPEN_STRING) {
        p.problem(ProblemKind::OpenString);
    }
    p.bump();
    if is_number {
        habits::number(p);
    }
    marker.complete(p, LITERAL);
    true
}

/// `{ key: value, … }`. Keys without values, and keys in quotes, are reported once.
fn entries(p: &mut Parser<'_>) {
    let mut is_said = false;
    p.list(L_BRACE, R_BRACE, "an entry such as `key: value`", |p| {
        let is_quoted = p.at(STRING) && p.nth(1) == COLON;
        let is_bare = p.at(IDENT) && matches!(p.nth(1), COMMA | R_BRACE);
        let is_assigned = p.at(IDENT) && matches!(p.nth(1), EQUALS);
        if !is_quoted && !is_bare && !is_assigned {
            return entry(p);
        }
        let marker = p.start();
        if is_quoted {
            let help = "keys are written without quotes: `key: value`";
            (!is_said).then(|| p.problem(ProblemKind::ExpectedWithHelp("a key", help)));
            p.bump();
            p.bump();
            required(p, "a value");
        } else if is_assigned {
            p.name("a key");
            (!is_said).then(|| p.problem_with_help("`:` and the value", "an entry is written `key: value`"));
            p.bump();
            required(p, "a value");
        } else {
            // `{name}::EQ(x)`
            let is_read = matches!((p.nth(1), p.nth(2)), (R_BRACE, COLON_COLON));
            p.name("a key");
            let help = if is_read {
                "a field of the current item is read with `_::{name}`"
            } else {
                "an entry names its value, even a variable: `name: name`"
            };
            (!is_said).then(|| p.problem(ProblemKind::ExpectedWithHelp("`:` and the value", help)));
        }
        is_said = true;
        marker.complete(p, ENTRY);
        true
    });
}

pub(super) fn entry(p: &mut Parser<'_>) -> bool {
    if !p.at(IDENT) {
        return false;
    }
    let marker = p.start();
    p.name("a key");
    if p.expect(COLON, "`:` and the value") {
        required(p, "a value");
    } else if !matches!(p.current(), COMMA | R_BRACE | R_PAREN) && p.nth(1) != COLON && !p.at_next_statement() {
        expr(p);
    }
    marker.complete(p, ENTRY);
    true
}

fn source(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    const TYPED: &str = "a type stands between `<` and `>`: `N<User>`, `N<User>(id)`";
    if p.at(L_ANGLE) {
        type_args(p, "a type");
    } else if p.at(COLON_COLON) && p.nth(1) == IDENT && is_type(p.nth_text(1)) && p.nth(2) != L_ANGLE {
        p.problem_with_help("`<` and the type", TYPED);
        p.skip(2);
    }
    if p.at(L_PAREN) {
        let is_typed = p.tokens[p.position - 1].0 != IDENT;
        if !is_typed && p.nth(1) == IDENT && p.nth(2) == R_PAREN && is_type(p.nth_text(1)) {
            p.problem_with_help("`<` and the type", TYPED);
            p.skip(3);
            return kind;
        }
        p.list(L_PAREN, R_PAREN, "an id, or `{field: value}`", |p| if p.at(L_BRACE) { lookup(p) } else { expr(p) });
    }
    kind
}

/// Whether a word looks like the name of a type, and is no step.
fn is_type(word: &str) -> bool {
    let is_step = is_step(word) || matches!(word, "From" | "To" | "Update");
    word.starts_with(|first: char| first.is_ascii_uppercase()) && !is_step
}

fn is_step(word: &str) -> bool {
    super::super::STEPS.contains(&word)
}

fn lookup(p: &mut Parser<'_>) -> bool {
    let marker = p.start();
    p.bump();
    p.name("the name of an indexed field");
    if p.expect(COLON, "`:` and the value") {
        required(p, "a value");
    }
    let has_more = p.eat(COMMA);
    if !p.at(R_BRACE) {
        if has_more {
            p.problem_with_help("`}`", "a look-up takes one field; narrow it further with `::WHERE(…)`");
        } else {
            p.expected("`}`");
        }
        p.recover(&[R_BRACE, R_PAREN]);
    }
    p.eat(R_BRACE);
    marker.complete(p, INDEX_LOOKUP);
    true
}

fn search(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    type_args(p, "the type to search");
    arguments(p);
    kind
}

fn call(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    arguments(p);
    kind
}

fn function(p: &mut Parser<'_>) -> SyntaxKind {
    p.bump();
    arguments(p);
    MATH
}

/// `(a, b)`
pub(super) fn arguments(p: &mut Parser<'_>) {
    // `SUM(x, name: value`: the list of entries around goes on.
    p.list_until(L_PAREN, R_PAREN, "an argument", expr, |p| p.at(IDENT) && p.nth(1) == COLON && p.nth(2) != L_BRACE);
}

/// `<A, B>`
pub(super) fn type_args(p: &mut Parser<'_>, what: &'static str) {
    if !p.at(L_ANGLE) {
        p.expected(what);
        if p.at(L_PAREN) && p.nth(1) == IDENT && p.nth(2) == R_PAREN && p.nth(3) == L_PAREN {
            p.skip(3);
        }
        return;
    }
    let marker = p.start();
    p.list(L_ANGLE, R_ANGLE, "a type's name", |p| p.at(IDENT) && p.name("a type's name"));
    marker.complete(p, TYPE_ARGS);
}

/// `({ name: value })`, if it is there.
pub(super) fn field_block(p: &mut Parser<'_>) {
    const AS_OBJECT: &str = "fields are given as an object: `({ name: value })`";
    if p.at(L_BRACE) {
        p.problem(ProblemKind::ExpectedWithHelp("`(`", AS_OBJECT));
        object(p);
        return;
    }
    if !p.eat(L_PAREN) {
        return;
    }
    if p.at(L_BRACE) {
        object(p);
        p.eat(COMMA);
        close(p, p.at(L_BRACE).then_some("all fields are given in one object: `({ a: 1, b: 2 })`"));
        return;
    }
    if !p.at(R_PAREN) {
        p.problem(ProblemKind::ExpectedWithHelp("the fields", AS_OBJECT));
        p.skip_while(|p| !p.at(R_PAREN) && !p.at_statement_start());
    }
    p.expect(R_PAREN, "`)`");
}

/// The `)` of a call. What stands before it is too much, and skipped.
pub(super) fn close(p: &mut Parser<'_>, help: Option<&'static str>) {
    if p.at(R_PAREN) {
        p.bump();
        return;
    }
    p.problem(match help {
        Some(help) => ProblemKind::ExpectedWithHelp("`)`", help),
        None => ProblemKind::Expected("`)`"),
    });
    p.skip_to_close();
    p.eat(R_PAREN);
}

pub(super) fn object(p: &mut Parser<'_>) {
    p.nested(|p| {
        let marker = p.start();
        entries(p);
        marker.complete(p, OBJECT);
    });
}

/// `::From(a)` and `::To(b)`, in any order.
pub(super) fn ends(p: &mut Parser<'_>) {
    while matches!(p.current(), COLON_COLON | DOT) && p.nth(2) == L_PAREN {
        let (word, kind) = match p.nth_text(1) {
            word if word.eq_ignore_ascii_case("From") => ("From", FROM_END),
            word if word.eq_ignore_ascii_case("To") => ("To", TO_END),
            _ => return,
        };
        let marker = p.start();
        let help = "the ends of an edge are written `::From(a)::To(b)`";
        if p.at(DOT) {
            p.last_problem(ProblemKind::ExpectedWithHelp("`::`", help));
        }
        p.bump();
        if !p.at_word(word) {
            p.last_problem(ProblemKind::ExpectedWithHelp("`From(…)` or `To(…)`", help));
        }
        p.bump();
        p.bump();
        required(p, "an id or a node");
        close(p, None);
        marker.complete(p, kind);
    }
}
