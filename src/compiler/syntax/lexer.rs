//! Text to tokens. Never fails: what is no token becomes [`SyntaxKind::UNKNOWN`].

use logos::Logos;

use super::kind::SyntaxKind;

/// Whether a string was found to lack its closing quote: then no later one has it either, and looking again for each would take
/// quadratic time.
#[derive(Clone, Copy, Default)]
struct Unclosed(bool);

/// Takes the rest of a string: up to its closing quote or, without one, to the end of the line.
fn string(lexer: &mut logos::Lexer<'_, Raw>) -> bool {
    let rest = lexer.remainder();
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes || (lexer.extras.0 && byte == b'\n')
    });
    match end {
        Some(at) if rest.as_bytes()[at] == b'"' => {
            lexer.bump(at + 1);
            true
        }
        _ => {
            lexer.extras.0 = true;
            lexer.bump(rest.find('\n').unwrap_or(rest.len()));
            false
        }
    }
}

/// What the generated lexer knows; one variant a token kind.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(extras = Unclosed)]
enum Raw {
    #[regex(r"[\p{White_Space}\u{FEFF}]+")]
    Whitespace,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    #[regex(r"[A-Za-z][A-Za-z0-9_]*")]
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
    #[token("#")]
    Hash,
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

/// All tokens of `text`; their lengths add up to its length.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
    let mut lexer = Raw::lexer(text);
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
        Raw::Hash => SyntaxKind::HASH,
        Raw::Question => SyntaxKind::QUESTION,
        Raw::Underscore => SyntaxKind::UNDERSCORE,
        Raw::Equals => SyntaxKind::EQUALS,
    }
}
