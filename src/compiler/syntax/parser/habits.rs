//! What authors write by habit of another language, or in another case. It is recognised where nothing else can be meant, and
//! taken for what is meant, so that one mistake is one problem.

use std::collections::HashSet;

use super::{Parser, Problem, ProblemKind, Token, expr};
use crate::compiler::syntax::kind::SyntaxKind::*;

/// Words that declare a variable elsewhere.
const DECLARATORS: &[&str] = &["let", "LET", "Let", "var", "VAR", "const", "CONST", "SET", "set"];

/// What is wrong with single tokens: comments that do not start with `//`, names that do not begin with a letter.
///
/// A name is reported once in each query, comments in a row with the first.
pub(super) fn spellings(text: &str, tokens: &[Token]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names: HashSet<&str> = HashSet::new();
    let (mut start, mut before, mut in_foreign_comments) = (0, EOF, false);
    for token in tokens {
        let word = &text[start..token.end];
        let is_foreign_comment = token.kind == COMMENT && !word.starts_with("//");
        let kind = match token.kind {
            COMMENT if is_foreign_comment && !in_foreign_comments => Some(ProblemKind::Comment),
            // `1_000` is a number.
            IDENT if word.starts_with('_') && !matches!(before, INT | FLOAT) => {
                names.insert(word).then_some(ProblemKind::Name)
            }
            _ => None,
        };
        if word == "QUERY" {
            names.clear();
        }
        problems.extend(kind.map(|kind| Problem { kind, start, end: token.end, unit: None }));
        if token.kind != WHITESPACE {
            in_foreign_comments = is_foreign_comment;
        }
        (start, before) = (token.end, token.kind);
    }
    problems
}

impl Parser<'_> {
    /// Whether the next token is the keyword in another case.
    pub(super) fn at_other_case(&self, keyword: &str) -> bool {
        self.at(IDENT) && !self.at_word(keyword) && self.nth_text(0).eq_ignore_ascii_case(keyword)
    }

    /// Whether a statement starts here with the keyword in another case, or with the next word glued to it. A plain name is no
    /// statement, unless something is done with it.
    pub(super) fn at_misspelt(&self, keyword: &'static str) -> bool {
        let is_glued = self.at(IDENT) && !self.at_word(keyword) && self.nth_text(0).starts_with(keyword);
        let is_used = matches!(self.nth(1), COLON_COLON | LEFT_ARROW | EQUALS | COLON | DOT);
        if is_used || !(is_glued || self.at_other_case(keyword)) {
            return false;
        }
        match keyword {
            "FOR" => {
                let is_loop = (1..=2).any(|n| self.nth(n) == IDENT && self.nth_text(n).eq_ignore_ascii_case("IN"));
                is_loop || !is_glued && self.is_same_line(1) && matches!(self.nth(1), IDENT | L_BRACE | L_PAREN)
            }
            "DROP" => matches!(self.nth(1), IDENT | UNDERSCORE) || is_glued && self.nth(1) == L_ANGLE,
            _ => !is_glued || self.nth(1) != L_PAREN,
        }
    }

    /// Whether `let x <- …` stands here.
    pub(super) fn at_declarator(&self) -> bool {
        DECLARATORS.contains(&self.nth_text(0)) && self.nth(1) == IDENT && matches!(self.nth(2), LEFT_ARROW | EQUALS)
    }

    /// Whether words stand here that are no statement, such as `DELETE x`, or what is behind the quote of a string that should
    /// have been closed before. A plain name is no statement, unless something is done with it.
    pub(super) fn at_words(&self) -> bool {
        if !self.at(IDENT) || self.at_word("FOR") || self.at_word("DROP") {
            return false;
        }
        let is_plain = !matches!(self.nth(1), COLON_COLON | LEFT_ARROW | EQUALS | COLON | DOT | L_PAREN | L_ANGLE);
        let is_behind_string = self.is_glued(0) && self.position > 0 && self.tokens[self.position - 1].0 == STRING;
        let goes_on = self.is_same_line(1)
            && matches!(self.nth(1), IDENT | INT | FLOAT | STRING | L_BRACE | L_BRACKET | UNDERSCORE | BANG)
            && !self.nth_word(1, "RETURN")
            && self.nth(2) != LEFT_ARROW;
        is_plain && (is_behind_string || goes_on)
    }

    /// Whether `IF condition {` stands here.
    pub(super) fn at_condition(&self) -> bool {
        self.at(IDENT)
            && self.nth_text(0).eq_ignore_ascii_case("IF")
            && matches!(self.nth(1), IDENT | BANG | L_PAREN | UNDERSCORE)
    }
}

/// Words that are no statement, up to the end of their line.
pub(super) fn words(p: &mut Parser<'_>) {
    let help = match p.nth_text(0).to_ascii_uppercase().as_str() {
        "AND" | "OR" => "combine conditions with `AND(a, b)` and `OR(a, b)`",
        "DELETE" | "REMOVE" | "DETACH" => "what is deleted follows `DROP`: `DROP x`",
        "CREATE" | "INSERT" | "ADD" | "NEW" | "MERGE" => "a node is created with `AddN<User>({ name: value })`",
        "UPDATE" | "SET" => "fields are changed with `x::UPDATE({ name: value })`",
        "MATCH" | "SELECT" | "FIND" | "GET" => "items are read with a traversal: `x <- N<User>::Out<Follows>`",
        "WHILE" | "LOOP" | "EACH" => "a loop is written `FOR x IN xs { … }`",
        _ => {
            "a statement assigns, changes, deletes or loops: `x <- …`, `x::UPDATE({ … })`, `DROP x`, `FOR x IN xs { … }`"
        }
    };
    p.problem_with_help("a statement or `RETURN`", help);
    let marker = p.start();
    p.bump();
    p.skip_while(|p| (p.is_same_line(0) || p.at(COLON_COLON)) && !p.at(R_BRACE) && !p.at_word("RETURN"));
    marker.complete(p, ERROR);
}

/// `IF condition { … } ELSE { … }`
pub(super) fn condition(p: &mut Parser<'_>) {
    let help = "there is no `IF`: narrow down what a statement works on, as in `DROP x::WHERE(condition)`";
    p.last_problem(ProblemKind::ExpectedWithHelp("a statement or `RETURN`", help));
    p.bump();
    loop {
        // `x == "a"` looks like an assignment.
        p.skip_while(|p| !p.at(L_BRACE) && (p.is_same_line(0) || !p.at_statement_start()));
        if p.at(L_BRACE) {
            p.skip(1);
            p.skip_while(|p| !p.at(R_BRACE));
            p.eat(R_BRACE);
        }
        if !(p.at(IDENT) && p.nth_text(0).eq_ignore_ascii_case("ELSE")) {
            return;
        }
        p.skip(1);
    }
}

/// Letters behind a number that has just been eaten, such as `5a`, `0x10` and `1_000`, unless the next statement starts there.
pub(super) fn number(p: &mut Parser<'_>) {
    let is_used = matches!(p.nth(1), COLON_COLON | LEFT_ARROW | L_ANGLE | L_PAREN | COLON);
    if p.at(IDENT) && p.is_glued(0) && !is_used && !p.at_statement_start() && !p.at_item_start() {
        let (number, word) = (p.tokens[p.position - 1], p.tokens[p.position]);
        if p.problems.last().is_none_or(|last| p.text[last.start..last.end] != p.text[number.1..word.2]) {
            p.problem_at(ProblemKind::Number, number.1, word.2);
        }
        p.muted = true;
        p.bump();
    }
}

/// `List<String>`, `Option<String>`
pub(super) fn generic_type(p: &mut Parser<'_>) {
    let help = match p.nth_text(0) {
        "Option" | "Optional" | "Maybe" => "a parameter that may be left out is written `name?: String`",
        _ => "a list is written with brackets: `[String]`",
    };
    p.problem_with_help("a type", help);
    let marker = p.start();
    p.bump();
    let mut open = 0_usize;
    while matches!(p.current(), IDENT | COMMA | L_ANGLE | R_ANGLE | L_BRACKET | R_BRACKET) {
        match p.current() {
            L_ANGLE => open += 1,
            R_ANGLE => open = open.saturating_sub(1),
            _ => {}
        }
        p.bump();
        if open == 0 {
            break;
        }
    }
    marker.complete(p, ERROR);
}

/// `[]` and `?` behind a type.
pub(super) fn behind_type(p: &mut Parser<'_>) {
    match p.current() {
        L_BRACKET if p.nth(1) == R_BRACKET => {
            p.problem_with_help("the end of the type", "a list is written with brackets around the type: `[String]`");
            p.skip(2);
        }
        QUESTION => {
            let help = "a parameter that may be left out has its `?` behind the name: `name?: String`";
            p.problem_with_help("the end of the type", help);
            p.skip(1);
        }
        _ => {}
    }
}

/// Behind `IN` of a loop stands something else than a name and `{`.
pub(super) fn loop_list(p: &mut Parser<'_>) {
    let (start, first) = match p.tokens.get(p.position) {
        Some(token) => (token.1, p.position),
        None => return p.expected("the name of a list"),
    };
    if p.at(L_BRACE) {
        return p.expected("the name of a list");
    }
    let marker = p.start();
    p.muted(|p| {
        expr::expr(p);
        p.skip_while(|p| !matches!(p.current(), L_BRACE | R_BRACE) && !p.at_statement_start());
    });
    marker.complete(p, ERROR);
    if p.position == first {
        return p.expected("the name of a list");
    }
    let end = p.tokens[p.position - 1].2;
    let is_member = p.tokens[first].0 == IDENT && p.tokens.get(first + 1).is_some_and(|token| token.0 == DOT);
    let help = if is_member {
        "members are read with `::{name}`: assign first, `xs <- a::{name}`, then `FOR x IN xs { … }`"
    } else {
        "a loop goes through a variable or a parameter: assign first, `xs <- …`, then `FOR x IN xs { … }`"
    };
    p.problem_at(ProblemKind::ExpectedWithHelp("the name of a list", help), start, end);
    p.muted = true;
}
