//! Rust names for names of the source: legal, distinct, recognisable.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};

use super::engine_api::RESERVED;

/// Gives out names of one scope, each once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name for a module, a variable or a field.
    pub(super) fn local(&mut self, name: &str) -> Ident {
        self.distinct(snake(name))
    }

    /// A name for a constant.
    pub(super) fn constant(&mut self, name: &str) -> Ident {
        self.distinct(snake(name).to_uppercase())
    }

    fn distinct(&mut self, name: String) -> Ident {
        let name = if is_taken(&name) { format!("{name}_") } else { name };
        let mut candidate = name.clone();
        let mut count = 1;
        while !self.0.insert(candidate.clone()) {
            count += 1;
            let separator = if name.ends_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
            candidate = format!("{name}{separator}{count}");
        }
        Ident::new(&candidate, Span::call_site())
    }
}

/// Whether a name is a keyword of Rust, or of the engine.
fn is_taken(name: &str) -> bool {
    RESERVED.contains(&name) || syn::parse_str::<Ident>(name).is_err()
}

/// `userName`, `UserName` and `user-name` as `user_name`; whatever cannot be in a name of Rust is `_`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before: Option<char> = None;
    for c in name.chars() {
        let starts_word = before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit());
        if c.is_ascii_uppercase() && starts_word {
            snake.push('_');
        }
        let c_or_line = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        if !(c_or_line == '_' && snake.ends_with('_')) {
            snake.push(c_or_line);
        }
        before = Some(c);
    }
    let trimmed = snake.trim_matches('_');
    match trimmed.chars().next() {
        None => "item".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("n{trimmed}"),
        Some(_) => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_distinct_and_recognisable() {
        let mut names = Names::default();
        let given: Vec<String> =
            ["userName", "user_name", "type", "Self", "run", "1st", "π", "_", "n2", "n2", "HTTPStatus"]
                .iter()
                .map(|name| names.local(name).to_string())
                .collect();
        let expected =
            ["user_name", "user_name2", "type_", "self_", "run_", "n1st", "item", "item2", "n2", "n2_2", "httpstatus"];
        assert_eq!(given, expected);
    }
}
