//! Queries and statements.

use super::{Event, Parser, ProblemKind, expr, habits, item, migration};
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
    let has_name = p.name("the query's name");
    let has_arrow = if has_name || p.at(L_PAREN) { params(p) && head_end(p) } else { to_arrow(p) };
    p.has_braces = p.at(L_BRACE) && !at_object(p);
    p.has_returned = false;
    p.has_semicolons = false;
    p.last_expression = None;
    if p.has_braces {
        if has_arrow {
            p.problem_with_help("a statement or `RETURN`", "the statements of a query stand without braces");
        }
        p.skip(1);
    }
    block(p);
    p.muted = false;
    if at_return(p) {
        returns(p);
    } else if !p.has_returned {
        let help = "every query ends with `RETURN`; one without a result with `RETURN NONE`";
        // What the last statement only reads is meant to be the result.
        if let Some(statement) = p.last_expression {
            p.events[statement.0] = Event::Open(ERROR);
        }
        p.last_problem(ProblemKind::ExpectedWithHelp("`RETURN`", help));
        if at_object(p) {
            returns(p);
        }
    }
    if p.has_braces {
        p.eat(R_BRACE);
        p.has_braces = false;
    }
    marker.complete(p, QUERY);
}

/// `=>`. What stands on the line between the parameters and the statements is reported once. Gives whether the arrow is there.
fn head_end(p: &mut Parser<'_>) -> bool {
    let is_arrow = p.at(FAT_ARROW);
    migration::arrow(p, "a query is written `QUERY name(parameters) => statements RETURN value`");
    if !is_arrow && !to_arrow(p) {
        // `-> Type {`
        let brace = on_line(p).find(|n| matches!(p.nth(*n), L_BRACE | LEFT_ARROW | L_PAREN));
        if let Some(brace) = brace.filter(|n| *n > 0 && p.nth(*n) == L_BRACE && !p.nth_word(*n - 1, "RETURN")) {
            p.skip(brace);
        }
    }
    is_arrow
}

/// Skips up to the `=>` of this line, if there is one, and eats it.
fn to_arrow(p: &mut Parser<'_>) -> bool {
    let arrow = on_line(p).find(|n| p.nth(*n) == FAT_ARROW);
    if let Some(arrow) = arrow {
        p.skip(arrow + 1);
    }
    arrow.is_some()
}

/// The tokens ahead that stand on this line, by their distance, up to the next query.
fn on_line(p: &Parser<'_>) -> impl Iterator<Item = usize> {
    (0..).take_while(|n| p.nth(*n) != EOF && p.is_same_line(*n) && !p.nth_word(*n, "QUERY"))
}

/// Whether an object stands here, not statements in braces.
fn at_object(p: &Parser<'_>) -> bool {
    p.at(L_BRACE) && p.nth(1) == IDENT && matches!(p.nth(2), COLON | COMMA)
}

/// Whether `RETURN` stands here, or a word that is meant to be it.
fn at_return(p: &Parser<'_>) -> bool {
    p.at_word("RETURN") || p.at_misspelt("RETURN")
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

/// The parameters. Gives whether it is known where they end; else goes on behind the arrow.
fn params(p: &mut Parser<'_>) -> bool {
    let marker = p.start();
    let has_list = p.at(L_PAREN);
    if has_list {
        p.list(L_PAREN, R_PAREN, "a parameter", param);
    } else {
        p.expected("`(` and the parameters");
    }
    let is_closed = has_list && p.tokens[p.position - 1].0 == R_PAREN;
    marker.complete(p, PARAM_LIST);
    if !is_closed {
        to_arrow(p);
    }
    is_closed
}

fn param(p: &mut Parser<'_>) -> bool {
    if !p.at(IDENT) {
        return false;
    }
    p.next_unit();
    let marker = p.start();
    p.name("the parameter's name");
    p.eat(QUESTION);
    if p.eat(COLON) {
        item::ty(p);
    } else {
        p.problem_with_help("`:` and the type", "a parameter is written `name: Type`");
        // Which of two words is the type is not known.
        if matches!(p.current(), IDENT | L_BRACKET) {
            let unknown = p.start();
            item::ty(p);
            p.skip_while(|p| !matches!(p.current(), COMMA | R_PAREN | FAT_ARROW));
            unknown.complete(p, ERROR);
        }
    }
    marker.complete(p, PARAM);
    true
}

/// Reports what is no statement.
fn no_statement(p: &mut Parser<'_>) {
    const CHANGED: &str = "assign with `name <- value`; fields are changed with `x::UPDATE({ name: value })`";
    const WHAT: &str = "a statement or `RETURN`";
    match p.current() {
        LEFT_ARROW | EQUALS => p.problem_with_help(WHAT, CHANGED),
        DOT if p.nth(1) == IDENT && matches!(p.nth(2), LEFT_ARROW | EQUALS) => {
            p.problem_with_help(WHAT, CHANGED);
            p.skip(2);
        }
        UNKNOWN if p.nth_text(0) == ";" => {
            // One habit is one mistake, however many lines it concerns.
            if !std::mem::replace(&mut p.has_semicolons, true) {
                p.expected(WHAT);
            }
        }
        _ => p.expected(WHAT),
    }
}

/// Whether the statements of a block end here. An object is what a query without its `RETURN` gives.
fn at_block_end(p: &Parser<'_>) -> bool {
    p.at(EOF) || p.at(R_BRACE) || at_return(p) || p.at_item_start() || p.depth == 0 && at_object(p)
}

/// Statements up to `RETURN`, a closing brace or the next item.
fn block(p: &mut Parser<'_>) {
    statements(p, false);
}

/// The same, `is_behind_problem` on the line.
fn statements(p: &mut Parser<'_>, mut is_behind_problem: bool) {
    let marker = p.start();
    while !at_block_end(p) {
        p.muted = false;
        p.last_expression = None;
        // What is left of a line with a problem belongs to that.
        if is_behind_problem && p.is_same_line(0) && !p.at_statement_start() {
            p.skip_while(|p| p.is_same_line(0) && !p.at(R_BRACE) && !at_return(p) && !p.at_statement_start());
            continue;
        }
        p.next_unit();
        let known = p.problems.len();
        if statement(p) {
            is_behind_problem = p.problems.len() > known;
            continue;
        }
        no_statement(p);
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
    if p.at(R_BRACE) && p.depth == 0 && !p.has_braces {
        is_behind_problem &= p.is_same_line(0);
        p.muted = is_behind_problem;
        p.expected("a statement or `RETURN`");
        p.bump();
        marker.complete(p, BLOCK);
        if !p.at(EOF) && !at_return(p) && !p.at_item_start() {
            statements(p, is_behind_problem);
        }
        return;
    }
    marker.complete(p, BLOCK);
}

fn statement(p: &mut Parser<'_>) -> bool {
    if p.at_declarator() || p.at(INT) && p.nth(1) == IDENT && p.is_glued(1) && p.nth(2) == LEFT_ARROW {
        assignment(p);
        return true;
    }
    if p.at_misspelt("FOR") || p.at_word("FOR") && matches!(p.nth(1), IDENT | L_BRACE | L_PAREN) {
        p.nested(for_loop);
        return true;
    }
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
            _ if p.at_word("DROP") || p.at_misspelt("DROP") => {
                drop(p);
                return true;
            }
            _ => {}
        }
    }
    // A name too many.
    if p.at(IDENT) && p.nth(1) == IDENT && p.nth(2) == LEFT_ARROW && p.is_same_line(1) {
        no_statement(p);
        p.skip(1);
        assignment(p);
        return true;
    }
    if p.at_condition() {
        habits::condition(p);
        return true;
    }
    if p.at_words() {
        habits::words(p);
        return true;
    }
    let marker = p.start();
    if expr::expr(p) {
        p.last_expression = Some(marker);
        marker.complete(p, EXPR_STATEMENT);
        true
    } else {
        marker.abandon(p);
        false
    }
}

fn drop(p: &mut Parser<'_>) {
    let marker = p.start();
    let is_misspelt = !p.at_word("DROP");
    if is_misspelt {
        p.last_problem(ProblemKind::Keyword("DROP"));
    }
    p.bump();
    expr::required(p, "what to delete");
    if is_misspelt {
        p.skip_while(|p| p.is_same_line(0) && !p.at(R_BRACE) && !p.at_statement_start());
    }
    marker.complete(p, DROP);
}

fn assignment(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.at_declarator() {
        p.last_problem(ProblemKind::ExpectedWithHelp("a statement or `RETURN`", "assign without it: `name <- value`"));
        p.skip(1);
    }
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
    if !p.at_word("FOR") {
        p.last_problem(ProblemKind::Keyword("FOR"));
    }
    p.bump();
    let has_parentheses = p.at(L_PAREN);
    if has_parentheses {
        p.last_problem(ProblemKind::ExpectedWithHelp("the element's name", A_LOOP));
        p.skip(1);
    }
    binding(p);
    if has_parentheses {
        p.eat(R_PAREN);
    }
    let mut is_lost = false;
    if !p.eat_word("IN") {
        if p.at_other_case("IN") {
            p.problem(ProblemKind::Keyword("IN"));
            p.bump();
        } else {
            p.last_problem(ProblemKind::ExpectedWithHelp("`IN`", A_LOOP));
            let at_list = |p: &Parser<'_>| p.at(L_BRACE) || p.at(IDENT) && p.nth(1) == L_BRACE;
            p.skip_while(|p| !at_list(p) && !p.at_statement_start());
            is_lost = p.at_statement_start();
        }
    }
    let is_name = p.at(IDENT) && (matches!(p.nth(1), L_BRACE | R_PAREN | COLON) || !p.is_same_line(1));
    if is_name && !is_lost {
        p.name("the name of a list");
    } else if !is_lost {
        habits::loop_list(p);
    }
    if has_parentheses {
        p.eat(R_PAREN);
    }
    if !p.eat(L_BRACE) {
        p.last_problem(ProblemKind::ExpectedWithHelp("`{`", A_LOOP));
        p.skip_while(|p| !matches!(p.current(), L_BRACE | R_BRACE) && !p.at_statement_start() && !at_return(p));
        p.eat(L_BRACE);
    }
    let (head, unit) = (p.muted, p.unit);
    block(p);
    p.unit = unit;
    if at_return(p) && is_in_loop(p) {
        p.problem_with_help("`}`", "`RETURN` ends a query: it stands behind its loops");
        p.has_returned = true;
        p.muted(|p| p.skip_while(|p| !p.at(R_BRACE)));
    }
    // Without its `{`, a loop may lack its `}` too.
    p.muted |= head;
    p.expect(R_BRACE, "`}`");
    p.muted = false;
    p.last_expression = None;
    marker.complete(p, FOR);
}

/// How a loop is written.
const A_LOOP: &str = "a loop is written `FOR x IN xs { … }`";

/// What a loop calls the elements.
fn binding(p: &mut Parser<'_>) {
    if p.at_word("IN") && p.nth(1) == IDENT && p.nth(2) == L_BRACE {
        p.problem_with_help("the element's name", A_LOOP);
    } else if p.at(L_BRACE) {
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
}

/// Whether a brace closes behind the `RETURN` that stands here, so that it is within the loop.
fn is_in_loop(p: &Parser<'_>) -> bool {
    let mut open = 0_usize;
    for n in 1.. {
        match p.nth(n) {
            L_BRACE => open += 1,
            R_BRACE if open == 0 => return true,
            R_BRACE => open -= 1,
            EOF => return false,
            IDENT if p.nth_word(n, "QUERY") || open == 0 && p.nth_word(n, "RETURN") => return false,
            _ => {}
        }
    }
    false
}

fn returns(p: &mut Parser<'_>) {
    p.next_unit();
    let marker = p.start();
    if p.at_misspelt("RETURN") {
        p.last_problem(ProblemKind::Keyword("RETURN"));
        p.bump();
    } else {
        p.eat_word("RETURN");
    }
    let known = p.problems.len();
    loop {
        expr::required(p, "a value, or `NONE`");
        if !p.eat(COMMA) || p.at(EOF) || p.at_item_start() {
            break;
        }
    }
    let is_end_of_block = (p.open_block || p.has_braces) && p.at(R_BRACE);
    if !p.at(EOF) && !p.at_item_start() && !is_end_of_block {
        const WHAT: &str = "the next query, or the end of the file";
        if p.at_word("RETURN") {
            p.problem_with_help(WHAT, "a query has one `RETURN`, for all that it gives: `RETURN a, b`");
        } else if p.at(IDENT) && p.nth(1) == IDENT && p.nth(2) == L_PAREN {
            p.problem_with_help(WHAT, "a query is written `QUERY name(parameters) => statements RETURN value`");
        } else if !(p.has_semicolons && p.nth_text(0) == ";"
            || p.problems.len() > known && matches!(p.current(), R_PAREN | R_BRACKET | R_BRACE))
        {
            p.expected(WHAT);
        }
        let garbage = p.start();
        while !p.at(EOF) && !p.at_item_start() {
            p.bump();
        }
        garbage.complete(p, ERROR);
    }
    marker.complete(p, RETURN);
}
