//! Text to tokens. Never fails: what is no token becomes [`SyntaxKind::UNKNOWN`].

use logos::Logos;

use super::kind::SyntaxKind;

/// What is known about strings and comments that are not closed.
#[derive(Clone, Default)]
struct Unclosed {
    /// Whether such a string was found: then no later one has its quote either, and looking again for each would take quadratic
    /// time.
    is_found: bool,
    /// The same of comments over lines.
    is_comment_open: bool,
    /// Where strings start that are taken to end with their line, whatever quote follows.
    forced: Vec<usize>,
}

/// Takes the rest of a string: up to its closing quote or, without one, to the end of the line.
fn string(lexer: &mut logos::Lexer<'_, Raw>) -> bool {
    let rest = lexer.remainder();
    let to_line_end = || rest.find('\n').unwrap_or(rest.len());
    if lexer.extras.forced.contains(&lexer.span().start) {
        lexer.bump(to_line_end());
        return false;
    }
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes || (lexer.extras.is_found && byte == b'\n')
    });
    match end {
        Some(at) if rest.as_bytes()[at] == b'"' => {
            lexer.bump(at + 1);
            true
        }
        _ => {
            lexer.extras.is_found = true;
            lexer.bump(to_line_end());
            false
        }
    }
}

/// Takes the rest of the line, where a sign can only be meant to start a comment: first on its line, or between spaces. Gives
/// whether it is so. `#` starts a macro too.
fn foreign_comment(lexer: &mut logos::Lexer<'_, Raw>) -> bool {
    let rest = lexer.remainder();
    let text = rest.trim_start_matches([' ', '\t', '\r']);
    let before = lexer.source()[..lexer.span().start].trim_end_matches([' ', '\t']);
    let is_comment = if before.is_empty() || before.ends_with('\n') {
        text.starts_with(|first| !matches!(first, '[' | '/' | '\n'))
    } else {
        let is_apart = before.len() < lexer.span().start && text.len() < rest.len();
        is_apart && text.starts_with(char::is_alphabetic)
    };
    if is_comment {
        lexer.bump(rest.find('\n').unwrap_or(rest.len()));
    }
    is_comment
}

/// Takes a comment up to its `*/`. Gives whether there is one.
fn block_comment(lexer: &mut logos::Lexer<'_, Raw>) -> bool {
    let end = if lexer.extras.is_comment_open { None } else { lexer.remainder().find("*/") };
    lexer.extras.is_comment_open |= end.is_none();
    if let Some(end) = end {
        lexer.bump(end + "*/".len());
    }
    end.is_some()
}

/// What the generated lexer knows; one variant a token kind.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(extras = Unclosed)]
enum Raw {
    #[regex(r"[\p{White_Space}\u{FEFF}]+")]
    Whitespace,
    /// A comment.
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    /// A name; one that begins with `_` is reported by the parser.
    #[regex(r"[A-Za-z][A-Za-z0-9_]*")]
    #[regex(r"_[A-Za-z0-9_]+")]
    Ident,
    #[regex(r"[0-9]+")]
    Int,
    #[regex(r"[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?")]
    #[regex(r"[0-9]+[eE][+-]?[0-9]+")]
    Float,
    /// Whether the closing quote is there.
    #[token("\"", string)]
    String(bool),
    /// A string as other languages write it.
    #[regex(r"'[^'\n]*'")]
    SingleQuoted,
    #[token("::")]
    ColonColon,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token("(")]
    LeftParen,
    #[token(")")]
    RightParen,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("<")]
    LeftAngle,
    #[token(">")]
    RightAngle,
    #[token("<-")]
    LeftArrow,
    #[token("=>")]
    FatArrow,
    #[token("!")]
    Bang,
    #[token("|")]
    Pipe,
    #[token("-")]
    Minus,
    /// The sign of a comment over lines; whether it is one.
    #[token("/*", block_comment)]
    BlockComment(bool),
    /// Whether it starts a comment.
    #[token("#", foreign_comment)]
    Hash(bool),
    /// The sign of a comment in other languages; whether it starts one.
    #[token("--", foreign_comment)]
    TwoMinus(bool),
    #[token("?")]
    Question,
    #[token("_")]
    Underscore,
    #[token("=")]
    Equals,
}

/// A token: its kind and where it ends. It starts where the one before ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: SyntaxKind,
    pub end: usize,
}

/// All tokens of `text`; their lengths add up to its length. A string that starts at one of `unclosed` ends with its line.
pub(super) fn tokens(text: &str, unclosed: &[usize]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
    let mut lexer = Raw::lexer_with_extras(text, Unclosed { forced: unclosed.to_vec(), ..Unclosed::default() });
    while let Some(raw) = lexer.next() {
        let kind = raw.map_or(SyntaxKind::UNKNOWN, kind);
        let end = lexer.span().end;
        match tokens.last_mut() {
            // A run of garbage is one token, so that it is one mistake.
            Some(last) if kind == SyntaxKind::UNKNOWN && last.kind == kind => last.end = end,
            _ => tokens.push(Token { kind, end }),
        }
    }
    tokens
}

fn kind(raw: Raw) -> SyntaxKind {
    match raw {
        Raw::Whitespace => SyntaxKind::WHITESPACE,
        Raw::Comment => SyntaxKind::COMMENT,
        Raw::Ident => SyntaxKind::IDENT,
        Raw::Int => SyntaxKind::INT,
        Raw::Float => SyntaxKind::FLOAT,
        Raw::String(true) => SyntaxKind::STRING,
        Raw::String(false) => SyntaxKind::OPEN_STRING,
        Raw::SingleQuoted => SyntaxKind::UNKNOWN,
        Raw::ColonColon => SyntaxKind::COLON_COLON,
        Raw::Colon => SyntaxKind::COLON,
        Raw::Comma => SyntaxKind::COMMA,
        Raw::Dot => SyntaxKind::DOT,
        Raw::DotDot => SyntaxKind::DOT_DOT,
        Raw::LeftBrace => SyntaxKind::L_BRACE,
        Raw::RightBrace => SyntaxKind::R_BRACE,
        Raw::LeftParen => SyntaxKind::L_PAREN,
        Raw::RightParen => SyntaxKind::R_PAREN,
        Raw::LeftBracket => SyntaxKind::L_BRACKET,
        Raw::RightBracket => SyntaxKind::R_BRACKET,
        Raw::LeftAngle => SyntaxKind::L_ANGLE,
        Raw::RightAngle => SyntaxKind::R_ANGLE,
        Raw::LeftArrow => SyntaxKind::LEFT_ARROW,
        Raw::FatArrow => SyntaxKind::FAT_ARROW,
        Raw::Bang => SyntaxKind::BANG,
        Raw::Pipe => SyntaxKind::PIPE,
        Raw::Minus => SyntaxKind::MINUS,
        Raw::Hash(false) => SyntaxKind::HASH,
        Raw::TwoMinus(false) | Raw::BlockComment(false) => SyntaxKind::UNKNOWN,
        Raw::Hash(true) | Raw::TwoMinus(true) | Raw::BlockComment(true) => SyntaxKind::COMMENT,
        Raw::Question => SyntaxKind::QUESTION,
        Raw::Underscore => SyntaxKind::UNDERSCORE,
        Raw::Equals => SyntaxKind::EQUALS,
    }
}
