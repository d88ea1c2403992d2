//! Steps.

use super::{MAX_STEPS, Parser, ProblemKind, expr};
use crate::compiler::syntax::kind::SyntaxKind::{self, *};

/// How a closure is written.
const A_CLOSURE: &str = "a closure names its item between two bars: `::|x|{ name: x::{name} }`";

/// What follows `::`.
const A_STEP: &str = "a step, such as `Out<…>`, `WHERE(…)` or `{field}`";

/// Whether a step follows, even if a colon is missing or a dot stands there.
pub(super) fn at_step(p: &Parser<'_>) -> bool {
    let is_meant = || match p.nth(1) {
        L_BRACE => true,
        IDENT => super::super::STEPS.contains(&p.nth_text(1)) && matches!(p.nth(2), L_PAREN | L_ANGLE | COLON_COLON),
        _ => false,
    };
    p.at(COLON_COLON) || matches!(p.current(), COLON | DOT) && is_meant() || lacks_colons(p)
}

/// Whether a step stands here without its `::`, in the same line or with a type.
fn lacks_colons(p: &Parser<'_>) -> bool {
    let is_step = p.at(IDENT) && super::super::STEPS.contains(&p.nth_text(0));
    is_step
        && !matches!(p.nth_text(0), "AddE" | "SearchV")
        && match p.nth(1) {
            L_ANGLE => p.nth(2) != MINUS,
            LEFT_ARROW | EQUALS | COLON => false,
            _ => p.is_same_line(0),
        }
}

/// All steps that follow.
pub(super) fn steps(p: &mut Parser<'_>) {
    let before = p.steps;
    while at_step(p) {
        if p.steps >= MAX_STEPS {
            p.give_up(ProblemKind::TooManySteps);
            break;
        }
        p.steps += 1;
        if !p.at(COLON_COLON) {
            p.problem(ProblemKind::ExpectedWithHelp("`::`", "a step follows two colons, as in `x::{name}::EQ(y)`"));
        }
        if !p.at(IDENT) {
            p.bump();
        }
        if p.at_next_statement() || p.at_item_start() {
            let missing = p.start();
            p.expected(A_STEP);
            missing.complete(p, UNKNOWN_STEP);
        } else {
            step(p);
        }
    }
    p.steps = before;
}

fn step(p: &mut Parser<'_>) {
    let marker = p.start();
    let kind = match p.current() {
        L_BRACE => {
            marker.abandon(p);
            projection(p);
            return;
        }
        BANG => {
            p.bump();
            if p.at(L_BRACE) {
                names(p, L_BRACE, R_BRACE);
            } else {
                p.problem(ProblemKind::ExpectedWithHelp("`{` and the fields", "fields are left out with `::!{a, b}`"));
                if p.at(IDENT) && !p.at_next_statement() {
                    p.bump();
                }
            }
            EXCLUDE
        }
        PIPE => closure(p),
        IDENT => match word(p) {
            Some(kind) => kind,
            None => {
                if p.nth(1) == PIPE {
                    p.last_problem(ProblemKind::ExpectedWithHelp(A_STEP, A_CLOSURE));
                    p.skip_while(|p| !p.at(L_BRACE) && !p.at_statement_start());
                } else {
                    if p.nth(1) == L_BRACE && p.is_glued(1) {
                        p.problem_with_help(A_STEP, "fields are selected with `::{field}`, without a name before them");
                    }
                    p.problem(ProblemKind::UnknownStep);
                    p.bump();
                }
                if p.at(L_BRACE) && (p.muted || p.is_glued(0)) {
                    p.skip(1);
                    p.skip_while(|p| !p.at(R_BRACE));
                    p.eat(R_BRACE);
                }
                if p.at(L_ANGLE) {
                    expr::type_args(p, "a type");
                }
                if p.at(L_PAREN) {
                    p.bump();
                    p.skip_group();
                    p.expect(R_PAREN, "`)`");
                }
                // Of a misspelt path or upsert.
                expr::ends(p);
                UNKNOWN_STEP
            }
        },
        _ => {
            p.expected(A_STEP);
            UNKNOWN_STEP
        }
    };
    marker.complete(p, kind);
}

/// A step that starts with a word, if it is one.
fn word(p: &mut Parser<'_>) -> Option<SyntaxKind> {
    Some(match p.nth_text(0) {
        "Out" => edges(p, OUT),
        "In" => edges(p, IN),
        "OutE" => edges(p, OUT_E),
        "InE" => edges(p, IN_E),
        "FromN" => plain(p, FROM_N),
        "ToN" => plain(p, TO_N),
        "FromV" => plain(p, FROM_V),
        "ToV" => plain(p, TO_V),
        "COUNT" => plain(p, COUNT),
        "FIRST" => plain(p, FIRST),
        "ID" => plain(p, ID),
        "WHERE" => condition(p, WHERE),
        "PREFILTER" => condition(p, PREFILTER),
        "INTERSECT" => condition(p, INTERSECT),
        "EQ" | "NEQ" | "GT" | "GTE" | "LT" | "LTE" | "CONTAINS" | "IS_IN" => condition(p, COMPARISON),
        "ORDER" => order(p),
        "RANGE" => range(p),
        "GROUP_BY" => group(p, GROUP_BY),
        "AGGREGATE_BY" => group(p, AGGREGATE_BY),
        "AddE" => {
            p.bump();
            expr::type_args(p, "the edge type: `AddE<Follows>`");
            expr::field_block(p);
            expr::ends(p);
            ADD_E_STEP
        }
        "UPDATE" | "Update" => fields(p, UPDATE),
        "UpsertN" => fields(p, UPSERT_N),
        "UpsertE" => {
            fields(p, UPSERT_E);
            expr::ends(p);
            UPSERT_E
        }
        "UpsertV" => {
            p.bump();
            expr::arguments(p);
            UPSERT_V
        }
        "SearchV" => {
            p.bump();
            expr::type_args(p, "the type to search");
            expr::arguments(p);
            SEARCH_V
        }
        "RerankRRF" => rerank(p, RERANK_RRF),
        "RerankMMR" => rerank(p, RERANK_MMR),
        "ShortestPath" | "ShortestPathBFS" | "ShortestPathDijkstras" | "ShortestPathAStar" => path(p),
        _ => return None,
    })
}

fn plain(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    no_arguments(p);
    kind
}

fn no_arguments(p: &mut Parser<'_>) {
    if p.at(L_PAREN) {
        p.problem(ProblemKind::ExpectedWithHelp("the next step", "this step takes no arguments: leave out `(…)`"));
        p.bump();
        p.skip_to_close();
        p.eat(R_PAREN);
    }
}

fn edges(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    if kind == IN && p.at(L_PAREN) {
        let help = "`In<…>` follows edges; whether a value is one of several is asked with `IS_IN([a, b])`";
        p.problem_with_help("the edge type, such as `<Follows>`", help);
    } else {
        expr::type_args(p, "the edge type, such as `<Follows>`");
    }
    no_arguments(p);
    kind
}

fn condition(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    if p.expect(L_PAREN, "`(`") {
        let what = match kind {
            COMPARISON => "a value",
            INTERSECT => "a traversal, such as `_::Out<Follows>`",
            _ => "a condition",
        };
        expr::required(p, what);
        let help = match p.current() {
            EQUALS | R_ANGLE | L_ANGLE | LEFT_ARROW | FAT_ARROW | BANG => {
                Some("compare with steps: `_::{age}::EQ(5)`, `GT`, `LT`, …")
            }
            COMMA if kind == COMPARISON => Some("a comparison takes one value; several are an array: `IS_IN([a, b])`"),
            COMMA if kind != INTERSECT => Some("combine conditions with `AND(a, b)` and `OR(a, b)`"),
            IDENT if p.at_word("AND") || p.at_word("OR") => Some("combine conditions with `AND(a, b)` and `OR(a, b)`"),
            PIPE => Some("combine conditions with `AND(a, b)` and `OR(a, b)`"),
            DOT => Some("fields are read and compared with steps: `_::{age}::EQ(5)`"),
            _ => None,
        };
        expr::close(p, help);
    }
    kind
}

impl Parser<'_> {
    /// Eats up to the parenthesis that closes the one that is open here.
    pub(super) fn skip_to_close(&mut self) {
        let marker = self.start();
        let mut open = 0_usize;
        // In `_.age == 5` no assignment starts.
        let is_over = |p: &Self| p.at(EOF) || p.at_item_start() || p.at_statement_start() && p.nth(1) != EQUALS;
        while !is_over(self) {
            match self.current() {
                L_BRACE | L_PAREN | L_BRACKET => open += 1,
                R_BRACE | R_PAREN | R_BRACKET if open == 0 => break,
                R_BRACE | R_PAREN | R_BRACKET => open -= 1,
                _ => {}
            }
            self.bump();
        }
        marker.complete(self, ERROR);
    }
}

fn order(p: &mut Parser<'_>) -> SyntaxKind {
    p.bump();
    if p.at(L_ANGLE) && !(p.nth_word(1, "Asc") || p.nth_word(1, "Desc")) {
        p.bump();
        p.expected("`Asc` or `Desc`");
        p.eat(IDENT);
        p.expect(R_ANGLE, "`>`");
    } else {
        expr::type_args(p, "`<Asc>` or `<Desc>`");
    }
    if p.expect(L_PAREN, "`(`") {
        expr::required(p, "a key, such as `_::{age}`");
        expr::close(p, Some("to sort by two keys, chain the steps, the more important key last"));
    }
    ORDER
}

fn range(p: &mut Parser<'_>) -> SyntaxKind {
    p.bump();
    if p.expect(L_PAREN, "`(`") {
        expr::required(p, "the first index");
        p.expect(COMMA, "`,` and the end");
        expr::required(p, "the end");
        p.eat(COMMA);
        expr::close(p, Some("a range has a first index and an end: `RANGE(0, 10)`"));
    }
    RANGE
}

fn names(p: &mut Parser<'_>, open: SyntaxKind, close: SyntaxKind) {
    p.list(open, close, "a field's name", |p| p.at(IDENT) && p.name("a field's name"));
}

fn group(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    names(p, L_PAREN, R_PAREN);
    kind
}

fn fields(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    if !p.at(L_PAREN) {
        p.expected("`({ name: value })`");
    }
    expr::field_block(p);
    kind
}

fn rerank(p: &mut Parser<'_>, kind: SyntaxKind) -> SyntaxKind {
    p.bump();
    if p.at(L_PAREN) {
        let example = if kind == RERANK_MMR { "a parameter such as `lambda: 0.5`" } else { "`k: 60`" };
        p.list(L_PAREN, R_PAREN, example, expr::entry);
    }
    kind
}

fn path(p: &mut Parser<'_>) -> SyntaxKind {
    let weighted = matches!(p.nth_text(0), "ShortestPathDijkstras" | "ShortestPathAStar");
    p.bump();
    if p.at(L_ANGLE) {
        expr::type_args(p, "the edge type");
    }
    if p.at(L_PAREN) {
        expr::arguments(p);
    } else if weighted {
        p.expected("`(` and the weight");
    }
    expr::ends(p);
    PATH
}

fn closure(p: &mut Parser<'_>) -> SyntaxKind {
    p.bump();
    p.name("the item's name");
    if !p.eat(PIPE) {
        p.last_problem(ProblemKind::ExpectedWithHelp("`|`", A_CLOSURE));
        p.skip_while(|p| !matches!(p.current(), PIPE | L_BRACE) && !p.at_statement_start());
        p.eat(PIPE);
    }
    if p.at(L_BRACE) {
        projection(p);
    } else {
        p.expected("`{` and the fields");
    }
    CLOSURE
}

/// `{ a, b: …, .. }`
fn projection(p: &mut Parser<'_>) {
    p.nested(|p| {
        let marker = p.start();
        if p.at(L_BRACE) && p.nth(1) == R_BRACE {
            p.bump();
            p.problem(ProblemKind::ExpectedWithHelp(
                "a field",
                "a projection names at least one field; `{..}` takes all",
            ));
            p.bump();
        } else {
            p.list(L_BRACE, R_BRACE, "a field, or `..`", mapping);
        }
        marker.complete(p, PROJECTION);
    });
}

fn mapping(p: &mut Parser<'_>) -> bool {
    if p.at(DOT_DOT) {
        let marker = p.start();
        p.bump();
        if p.at(COMMA) && p.nth(1) != R_BRACE {
            p.problem(ProblemKind::ExpectedWithHelp("`}`", "`..` comes last"));
        }
        marker.complete(p, SPREAD);
        return true;
    }
    if p.at(UNKNOWN) && p.nth_text(0) == "*" {
        p.problem_with_help("a field, or `..`", "all fields are taken with `{..}`");
        p.skip_while(|p| !matches!(p.current(), COMMA | R_BRACE) && !p.at_statement_start());
        return true;
    }
    if !p.at(IDENT) {
        return false;
    }
    let marker = p.start();
    p.name("a field's name");
    if p.eat(COLON) {
        if p.at(L_BRACE) {
            projection(p);
        } else {
            expr::required(p, "a value");
        }
    } else if p.at(IDENT) && p.nth_text(0).eq_ignore_ascii_case("AS") && p.nth(1) == IDENT {
        p.problem_with_help("`,` or `}`", "a field gets another name with `name: field`");
        p.skip(2);
    } else if p.at(COLON_COLON) {
        // `posts::Out<E>` instead of `posts: ::Out<E>` or `posts: _::Out<E>`.
        p.problem(ProblemKind::ExpectedWithHelp("`:`", "a computed field is written `name: _::steps`"));
        expr::required(p, "a value");
    }
    marker.complete(p, MAPPING);
    true
}
