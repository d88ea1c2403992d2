//! The parser's machinery: a cursor over the tokens that mean something, and the events that the tree is built from.
//!
//! The grammar lives in the modules below, one an area. A rule starts a [`Marker`], eats tokens, and completes it as a node;
//! what it expects and does not find becomes a problem, and the rule goes on as if it had been there. One mistake makes one
//! problem: a second one at the same token is dropped, and so are [consequences](consequences::remove).

mod consequences;
mod expr;
mod habits;
mod item;
mod migration;
mod query;
mod step;
mod tree;
mod unclosed;

use super::kind::SyntaxKind::{self, *};
use super::lexer::{Token, tokens};

pub(super) use tree::build;

/// How deep expressions, types and blocks may nest.
const MAX_DEPTH: u32 = 128;

/// Steps of a traversal, those before the ones that it is nested in included: what runs them goes one call deeper for each.
const MAX_STEPS: u32 = 128;

/// What went wrong, at a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub kind: ProblemKind,
    pub start: usize,
    pub end: usize,
    /// The statement, field or parameter that it is in; none where it is about a word and no more.
    pub unit: Option<usize>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// A part is missing.
    Expected(&'static str),
    /// A part is missing, and this is what the author probably meant.
    ExpectedWithHelp(&'static str, &'static str),
    /// `::` followed by a word that is no step.
    UnknownStep,
    /// A word in front of a query or item that is none.
    UnknownItem,
    /// A word that is called and no function.
    UnknownFunction,
    /// A keyword in another case, or without a space behind it.
    Keyword(&'static str),
    /// A string whose closing quote is missing.
    OpenString,
    /// A comment as another language writes it.
    Comment,
    /// A name that does not begin with a letter.
    Name,
    /// A number that goes on with letters.
    Number,
    /// Too many levels.
    TooDeep,
    TooManySteps,
}

/// One step of building the tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// Opens a node.
    Open(SyntaxKind),
    /// Closes the innermost node.
    Close,
    /// Takes the next token.
    Token,
    /// Nothing: an abandoned marker.
    Nothing,
}

/// What the grammar makes of a text.
pub(super) struct Output {
    pub tokens: Vec<Token>,
    pub events: Vec<Event>,
    pub problems: Vec<Problem>,
}

/// How often a text is read again with a string that is taken to end with its line.
const MAX_READINGS: usize = 8;

/// Parses a whole file.
pub(super) fn parse(text: &str) -> Output {
    let mut unclosed = Vec::new();
    let mut output = read(text, &unclosed);
    while unclosed.len() < MAX_READINGS
        && let Some(found) = unclosed::find(text, &output, &unclosed)
    {
        unclosed.push(found.start);
        let again = read(text, &unclosed);
        if !found.explains(&output, &again) {
            break;
        }
        output = again;
    }
    consequences::remove(text, &mut output.problems);
    output
}

fn read(text: &str, unclosed: &[usize]) -> Output {
    let tokens = tokens(text, unclosed);
    let mut significant = Vec::with_capacity(tokens.len());
    let mut start = 0;
    for token in &tokens {
        if !token.kind.is_trivia() {
            significant.push((token.kind, start, token.end));
        }
        start = token.end;
    }
    let mut parser = Parser {
        text,
        tokens: significant,
        position: 0,
        events: Vec::new(),
        problems: Vec::new(),
        depth: 0,
        steps: 0,
        gave_up: false,
        muted: false,
        open_block: false,
        has_braces: false,
        has_returned: false,
        has_semicolons: false,
        last_expression: None,
        unit: 0,
    };
    item::file(&mut parser);
    let mut problems = habits::spellings(text, &tokens);
    // What a bad name is taken for decides what is expected behind it.
    let is_behind_bad_name = |problem: &Problem| {
        let at = parser.tokens.partition_point(|token| token.1 < problem.start);
        let before = at.checked_sub(1).map(|before| parser.tokens[before]);
        before.is_some_and(|(kind, start, end)| kind == IDENT && text[start..end].starts_with('_'))
    };
    problems.extend(parser.problems.iter().filter(|problem| !is_behind_bad_name(problem)).cloned());
    problems.sort_by_key(|problem| problem.start);
    problems.dedup_by_key(|problem| problem.start);
    Output { tokens, events: parser.events, problems }
}

pub(super) struct Parser<'t> {
    text: &'t str,
    /// Kind, start and end of each token that is no trivia.
    tokens: Vec<(SyntaxKind, usize, usize)>,
    position: usize,
    events: Vec<Event>,
    problems: Vec<Problem>,
    depth: u32,
    /// How many steps come before this one, in its traversal and in those that enclose it.
    steps: u32,
    /// Set when an item nests too deeply: what it lacks from there on is a consequence.
    gave_up: bool,
    /// Set when what the statement lacks from here on follows from what was reported: a string that is not closed holds the
    /// rest of its statement, a misspelt keyword makes its words mean something else.
    muted: bool,
    /// Set when a schema block was left before its `}`, which is then not reported where it stands.
    open_block: bool,
    /// Set when the body of a query stands in braces, which were reported where they open.
    has_braces: bool,
    /// The number of the statement, field or parameter that is read: its first problem explains others.
    unit: usize,
    /// Where the last statement is that is an expression, if it is the last one.
    last_expression: Option<Marker>,
    /// Set when a `;` behind a statement of the query was reported.
    has_semicolons: bool,
    /// Set when a loop of the query holds a `RETURN`, which was reported: that it lacks one is a consequence.
    has_returned: bool,
}

/// A node that is being parsed.
#[derive(Clone, Copy)]
struct Marker(usize);

impl Marker {
    fn complete(self, p: &mut Parser<'_>, kind: SyntaxKind) {
        p.events[self.0] = Event::Open(kind);
        p.events.push(Event::Close);
    }

    fn abandon(self, p: &mut Parser<'_>) {
        if self.0 + 1 == p.events.len() {
            p.events.pop();
        } else {
            p.events[self.0] = Event::Nothing;
        }
    }
}

impl<'t> Parser<'t> {
    fn nth(&self, n: usize) -> SyntaxKind {
        self.tokens.get(self.position + n).map_or(EOF, |token| token.0)
    }

    fn current(&self) -> SyntaxKind {
        self.nth(0)
    }

    fn at(&self, kind: SyntaxKind) -> bool {
        self.current() == kind
    }

    fn nth_text(&self, n: usize) -> &'t str {
        self.tokens.get(self.position + n).map_or("", |token| &self.text[token.1..token.2])
    }

    /// Whether the next token is this word.
    fn at_word(&self, word: &str) -> bool {
        self.nth_word(0, word)
    }

    fn nth_word(&self, n: usize, word: &str) -> bool {
        self.nth(n) == IDENT && self.nth_text(n) == word
    }

    fn bump(&mut self) {
        if !self.at(EOF) {
            self.events.push(Event::Token);
            self.position += 1;
        }
    }

    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, kind: SyntaxKind, what: &'static str) -> bool {
        let found = self.eat(kind);
        if !found {
            self.problem(ProblemKind::Expected(what));
        }
        found
    }

    fn start(&mut self) -> Marker {
        self.events.push(Event::Open(ERROR));
        Marker(self.events.len() - 1)
    }

    /// A statement, field or parameter starts here, unless the one before should end here and does not.
    fn next_unit(&mut self) {
        let start = self.tokens.get(self.position).map_or(self.text.len(), |token| token.1);
        if self.problems.last().is_none_or(|last| last.start != start) {
            self.unit = start;
        }
    }

    /// Reports a problem at the next token, or behind the last one at the end of the file.
    fn problem(&mut self, kind: ProblemKind) {
        let (start, end) = match self.tokens.get(self.position) {
            Some(token) => (token.1, token.2),
            None => self.tokens.last().map_or((0, 0), |token| (token.2, token.2)),
        };
        // Wherever a string stands: that it is not closed is what is wrong.
        let is_open_string = self.at(OPEN_STRING);
        let kind = if is_open_string { ProblemKind::OpenString } else { kind };
        self.problem_at(kind, start, end);
        self.muted |= is_open_string;
    }

    fn problem_at(&mut self, kind: ProblemKind, start: usize, end: usize) {
        let is_consequence = self.gave_up || self.muted;
        if !is_consequence && self.problems.last().is_none_or(|last| last.start != start) {
            self.problems.push(Problem { kind, start, end, unit: Some(self.unit) });
        }
    }

    /// Reports a problem at the next token. What follows in the statement is a consequence.
    fn last_problem(&mut self, kind: ProblemKind) {
        self.problem(kind);
        self.muted = true;
    }

    fn problem_with_help(&mut self, what: &'static str, help: &'static str) {
        self.problem(ProblemKind::ExpectedWithHelp(what, help));
    }

    /// Runs a rule whose problems are consequences of what was reported.
    fn muted(&mut self, rule: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.muted, true);
        rule(self);
        self.muted = before;
    }

    /// Eats the next tokens, as what fits nowhere.
    fn skip(&mut self, count: usize) {
        let marker = self.start();
        for _ in 0..count {
            self.bump();
        }
        marker.complete(self, ERROR);
    }

    /// Eats tokens as what fits nowhere while `goes_on`, whole groups of brackets at a time.
    fn skip_while(&mut self, goes_on: impl Fn(&Self) -> bool) {
        let marker = self.start();
        let mut open = 0_usize;
        while !self.at(EOF) && !self.at_item_start() && (open > 0 || goes_on(self)) {
            match self.current() {
                L_BRACE | L_PAREN | L_BRACKET => open += 1,
                R_BRACE | R_PAREN | R_BRACKET => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
        if self.events.len() == marker.0 + 1 {
            marker.abandon(self);
        } else {
            marker.complete(self, ERROR);
        }
    }

    /// Whether the token after the next `n` stands on the same line as the one before it.
    fn is_same_line(&self, n: usize) -> bool {
        let at = self.position + n;
        match (self.tokens.get(at.wrapping_sub(1)), self.tokens.get(at)) {
            (Some(before), Some(token)) => !self.text[before.2..token.1].contains('\n'),
            _ => false,
        }
    }

    /// Whether the token after the next `n` follows the one before it without a space.
    fn is_glued(&self, n: usize) -> bool {
        let at = self.position + n;
        match (self.tokens.get(at.wrapping_sub(1)), self.tokens.get(at)) {
            (Some(before), Some(token)) => before.2 == token.1,
            _ => false,
        }
    }

    fn expected(&mut self, what: &'static str) {
        self.problem(ProblemKind::Expected(what));
    }

    /// A name, as a node.
    fn name(&mut self, what: &'static str) -> bool {
        if self.at(INT) && self.nth(1) == IDENT && self.is_glued(1) {
            let (start, end) = (self.tokens[self.position].1, self.tokens[self.position + 1].2);
            self.problem_at(ProblemKind::Name, start, end);
            let marker = self.start();
            self.bump();
            self.bump();
            marker.complete(self, ERROR);
            return true;
        }
        if !self.at(IDENT) {
            self.expected(what);
            return false;
        }
        let marker = self.start();
        self.bump();
        marker.complete(self, NAME);
        true
    }

    /// Runs a rule one level deeper; too deep, reports it once and skips the group that starts here.
    fn nested(&mut self, rule: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_DEPTH {
            self.give_up(ProblemKind::TooDeep);
            return;
        }
        self.depth += 1;
        rule(self);
        self.depth -= 1;
    }

    /// Reports once that an item is beyond a limit, and skips the group that starts here.
    fn give_up(&mut self, problem: ProblemKind) {
        self.problem(problem);
        self.gave_up = true;
        let marker = self.start();
        self.skip_group();
        marker.complete(self, ERROR);
    }

    /// Eats tokens, flat, up to a closing token of the group that the next token is in, or up to the next item.
    fn skip_group(&mut self) {
        let mut open = 0_usize;
        while !self.at(EOF) {
            match self.current() {
                L_BRACE | L_PAREN | L_BRACKET => open += 1,
                R_BRACE | R_PAREN | R_BRACKET if open == 0 => return,
                R_BRACE | R_PAREN | R_BRACKET => open -= 1,
                IDENT if self.at_word("QUERY") => return,
                _ => {}
            }
            self.bump();
        }
    }

    /// Whether a new item starts here.
    fn at_item_start(&self) -> bool {
        match self.current() {
            HASH => self.nth(1) == L_BRACKET,
            IDENT => match self.nth_text(0) {
                "QUERY" => self.nth(1) == IDENT || self.nth(1) == INT && self.nth(2) == IDENT,
                "MIGRATION" => self.nth_word(1, "schema"),
                "schema" => self.nth(1) == COLON_COLON && self.nth(2) == INT,
                "N" | "E" | "V" => self.nth(1) == COLON_COLON && self.nth(2) == IDENT,
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a new statement starts here.
    fn at_statement_start(&self) -> bool {
        match self.current() {
            IDENT => {
                matches!(self.nth(1), LEFT_ARROW | EQUALS)
                    || match self.nth_text(0) {
                        "RETURN" => true,
                        "DROP" | "FOR" => matches!(self.nth(1), IDENT | L_BRACE),
                        "AddN" | "AddE" | "AddV" | "BatchAddV" => self.nth(1) == L_ANGLE,
                        _ => false,
                    }
            }
            _ => false,
        }
    }

    /// Whether the next statement starts here, where a value may stand too: `RETURN` and the like are names as well, and what
    /// is created is a value.
    fn at_next_statement(&self) -> bool {
        if !self.at(IDENT) || self.nth(1) == LEFT_ARROW {
            return self.at(IDENT);
        }
        let starts_value =
            matches!(self.nth(1), IDENT | INT | FLOAT | STRING | L_BRACE | L_BRACKET | UNDERSCORE | BANG | MINUS);
        let is_assigned = self.nth(2) == LEFT_ARROW || self.nth_word(1, "RETURN");
        match self.nth_text(0) {
            "RETURN" => starts_value && !is_assigned,
            "DROP" => self.nth(1) == IDENT && !is_assigned,
            "FOR" => self.nth(1) == L_BRACE || self.nth(1) == IDENT && self.nth_word(2, "IN"),
            _ => false,
        }
    }

    /// Eats what fits nowhere, up to a token that stops a list or starts something new.
    fn recover(&mut self, stop: &[SyntaxKind]) {
        if self.at(EOF) || stop.contains(&self.current()) || self.at_item_start() || self.at_statement_start() {
            return;
        }
        let marker = self.start();
        let mut open = 0_usize;
        while !(self.at(EOF) || self.at_item_start() || open == 0 && self.at_statement_start()) {
            let kind = self.current();
            if open == 0 && stop.contains(&kind) {
                break;
            }
            match kind {
                L_BRACE | L_PAREN | L_BRACKET => open += 1,
                R_BRACE | R_PAREN | R_BRACKET if open == 0 => break,
                R_BRACE | R_PAREN | R_BRACKET => open -= 1,
                _ => {}
            }
            self.bump();
        }
        marker.complete(self, ERROR);
    }

    /// Elements between `open` and `close`, with commas; the last may have one too. Gives whether anything was in there.
    fn list(
        &mut self,
        open: SyntaxKind,
        close: SyntaxKind,
        what: &'static str,
        element: impl FnMut(&mut Self) -> bool,
    ) -> usize {
        self.list_until(open, close, what, element, |_| false)
    }

    /// The same, of which a missing end is where `stop` says so.
    fn list_until(
        &mut self,
        open: SyntaxKind,
        close: SyntaxKind,
        what: &'static str,
        mut element: impl FnMut(&mut Self) -> bool,
        stop: impl Fn(&Self) -> bool,
    ) -> usize {
        if !self.expect(open, opening(open)) {
            return 0;
        }
        let mut count = 0;
        let is_over = |p: &Self| p.at(EOF) || p.at_item_start() || p.at_next_statement() || stop(p);
        while !self.at(close) && !is_over(self) {
            let before = self.position;
            if element(self) {
                count += 1;
            } else {
                self.expected(what);
            }
            if self.at(close) {
                break;
            }
            if !self.eat(COMMA) {
                if self.position > before && self.at_element_start() {
                    self.expected("`,`");
                    continue;
                }
                self.problem(ProblemKind::Expected(closing_or_comma(close)));
                self.recover(&[COMMA, close]);
                if !self.eat(COMMA) {
                    self.eat(close);
                    return count;
                }
            }
        }
        self.expect(close, closing(close));
        count
    }

    /// Whether the next token can start a list element, so that only a comma is missing.
    fn at_element_start(&self) -> bool {
        self.at(IDENT) && !self.at_statement_start() && matches!(self.nth(1), COLON | COMMA | R_BRACE | R_PAREN)
    }
}

const fn opening(kind: SyntaxKind) -> &'static str {
    match kind {
        L_BRACE => "`{`",
        L_PAREN => "`(`",
        L_BRACKET => "`[`",
        L_ANGLE => "`<`",
        _ => "an opening bracket",
    }
}

const fn closing(kind: SyntaxKind) -> &'static str {
    match kind {
        R_BRACE => "`}`",
        R_PAREN => "`)`",
        R_BRACKET => "`]`",
        R_ANGLE => "`>`",
        _ => "a closing bracket",
    }
}

const fn closing_or_comma(kind: SyntaxKind) -> &'static str {
    match kind {
        R_BRACE => "`,` or `}`",
        R_PAREN => "`,` or `)`",
        R_BRACKET => "`,` or `]`",
        R_ANGLE => "`,` or `>`",
        _ => "`,`",
    }
}
