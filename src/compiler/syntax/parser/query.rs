//! Queries and statements.

use super::{Parser, ProblemKind, expr, item};
use crate::compiler::syntax::kind::SyntaxKind::*;

pub(super) fn query(p: &mut Parser<'_>) {
    let marker = p.start();
    while p.at(HASH) {
        annotation(p);
    }
    if !p.eat_word("QUERY") {
        p.expected("`QUERY`");
        marker.complete(p, QUERY);
        return;
    }
    p.name("the query's name");
    params(p);
    if !p.eat(FAT_ARROW) {
        p.problem(ProblemKind::ExpectedWithHelp(
            "`=>`",
            "a query is written `QUERY name(parameters) => statements RETURN value`",
        ));
        p.eat(EQUALS);
        p.eat(LEFT_ARROW);
    }
    block(p);
    p.open_string = false;
    if p.at_word("RETURN") {
        returns(p);
    } else {
        p.problem(ProblemKind::ExpectedWithHelp(
            "`RETURN`",
            "every query ends with `RETURN`; one without a result with `RETURN NONE`",
        ));
    }
    marker.complete(p, QUERY);
}

fn annotation(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    p.expect(L_BRACKET, "`[`");
    if p.at_word("model") {
        p.bump();
        p.expect(L_PAREN, "`(`");
        if p.at(IDENT) {
            p.name("the model's name");
        } else if !expr::literal(p) {
            p.expected("the model's name");
        }
        p.expect(R_PAREN, "`)`");
    } else if !p.eat_word("mcp") {
        p.expected("`mcp` or `model(\"…\")`");
        p.recover(&[R_BRACKET]);
    }
    p.expect(R_BRACKET, "`]`");
    marker.complete(p, MACRO);
}

fn params(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.at(L_PAREN) {
        p.list(L_PAREN, R_PAREN, "a parameter", param);
    } else {
        p.expected("`(` and the parameters");
    }
    marker.complete(p, PARAM_LIST);
}

fn param(p: &mut Parser<'_>) -> bool {
    if !p.at(IDENT) {
        return false;
    }
    let marker = p.start();
    p.name("the parameter's name");
    p.eat(QUESTION);
    if p.expect(COLON, "`:` and the type") {
        item::ty(p);
    }
    marker.complete(p, PARAM);
    true
}

/// Statements up to `RETURN`, a closing brace or the next item.
fn block(p: &mut Parser<'_>) {
    let marker = p.start();
    while !p.at(EOF) && !p.at(R_BRACE) && !p.at_word("RETURN") && !p.at_item_start() {
        p.open_string = false;
        if statement(p) {
            continue;
        }
        p.expected("a statement or `RETURN`");
        let garbage = p.start();
        let mut open = 0_usize;
        loop {
            match p.current() {
                L_BRACE => open += 1,
                R_BRACE => open = open.saturating_sub(1),
                _ => {}
            }
            p.bump();
            if p.at(EOF) || p.at_statement_start() || p.at_item_start() || p.at(R_BRACE) && open == 0 {
                break;
            }
        }
        garbage.complete(p, ERROR);
    }
    // A brace too many belongs to this query: the next one must not suffer.
    if p.at(R_BRACE) && p.depth == 0 {
        p.open_string = false;
        p.expected("a statement or `RETURN`");
        p.bump();
        marker.complete(p, BLOCK);
        if !p.at(EOF) && !p.at_word("RETURN") && !p.at_item_start() {
            block(p);
        }
        return;
    }
    marker.complete(p, BLOCK);
}

fn statement(p: &mut Parser<'_>) -> bool {
    if p.at(IDENT) {
        match p.nth(1) {
            LEFT_ARROW | EQUALS | COLON => {
                assignment(p);
                return true;
            }
            L_ANGLE if p.nth(2) == MINUS => {
                assignment(p);
                return true;
            }
            IDENT | L_BRACE if p.at_word("FOR") => {
                p.nested(for_loop);
                return true;
            }
            _ if p.at_word("DROP") => {
                let marker = p.start();
                p.bump();
                expr::required(p, "what to delete");
                marker.complete(p, DROP);
                return true;
            }
            _ => {}
        }
    }
    let marker = p.start();
    if expr::expr(p) {
        marker.complete(p, EXPR_STATEMENT);
        true
    } else {
        marker.abandon(p);
        false
    }
}

fn assignment(p: &mut Parser<'_>) {
    let marker = p.start();
    p.name("the variable's name");
    if matches!(p.current(), EQUALS | COLON | L_ANGLE) {
        p.problem(ProblemKind::ExpectedWithHelp("`<-`", "assign with `<-`: `name <- value`"));
        p.bump();
        if matches!(p.current(), EQUALS | MINUS) {
            p.bump();
        }
    } else {
        p.expect(LEFT_ARROW, "`<-`");
    }
    expr::required(p, "a value");
    marker.complete(p, ASSIGNMENT);
}

fn for_loop(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    if p.at(L_BRACE) {
        let members = p.start();
        p.list(L_BRACE, R_BRACE, "a member's name", |p| p.at(IDENT) && p.name("a member's name"));
        members.complete(p, FOR_MEMBERS);
    } else if p.nth(1) == DOT {
        let path = p.start();
        p.name("a name");
        p.bump();
        p.name("a member's name");
        path.complete(p, FOR_PATH);
    } else {
        p.name("the element's name");
    }
    if !p.eat_word("IN") {
        p.expected("`IN`");
        if p.at(IDENT) && p.nth(1) == IDENT {
            p.bump();
        }
    }
    p.name("the name of a list");
    p.expect(L_BRACE, "`{`");
    block(p);
    p.expect(R_BRACE, "`}`");
    marker.complete(p, FOR);
}

fn returns(p: &mut Parser<'_>) {
    let marker = p.start();
    p.bump();
    loop {
        expr::required(p, "a value, or `NONE`");
        if !p.eat(COMMA) || p.at(EOF) || p.at_item_start() {
            break;
        }
    }
    let is_end_of_block = p.open_block && p.at(R_BRACE);
    if !p.at(EOF) && !p.at_item_start() && !is_end_of_block {
        p.expected("the next query, or the end of the file");
        let garbage = p.start();
        while !p.at(EOF) && !p.at_item_start() {
            p.bump();
        }
        garbage.complete(p, ERROR);
    }
    marker.complete(p, RETURN);
}
