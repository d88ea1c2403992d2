//! Files of variables: `KEY=value` a line.

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DotenvError {
    /// The 1-based line.
    pub line: u32,
    /// What is wrong with it.
    pub message: String,
}

/// Reads variables in the order of the lines. `lookup` is asked for variables in `${…}` that the file has not set before.
///
/// # Errors
///
/// The first line that is no assignment.
pub fn parse(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, DotenvError> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let failed = |message: &str| DotenvError { line: number, message: message.to_owned() };
        let assignment = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = assignment.split_once('=').ok_or_else(|| failed("expected `KEY=value`"))?;
        let name = name.trim_end();
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| !c.is_ascii_digit());
        if !valid {
            return Err(failed("the name may have letters, digits and `_`, and not begin with a digit"));
        }
        let known = |wanted: &str| {
            let earlier = variables.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            earlier.or_else(|| lookup(wanted))
        };
        let value = value_of(value.trim_start(), known).map_err(|message| failed(&message))?;
        variables.push((name.to_owned(), value));
    }
    Ok(variables)
}

fn value_of(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    if let Some(rest) = text.strip_prefix('\'') {
        let end = rest.find('\'').ok_or("the quote `'` is not closed")?;
        return no_more(&rest[end + 1..]).map(|()| rest[..end].to_owned());
    }
    if let Some(rest) = text.strip_prefix('"') {
        let (value, rest) = double_quoted(rest)?;
        no_more(rest)?;
        return expand(&value, lookup);
    }
    // A comment begins with `#` behind a space.
    let end = text.find(" #").unwrap_or(text.len());
    expand(text[..end].trim_end(), lookup)
}

/// The text up to the closing quote, and what is behind it. `\$` stays escaped for [`expand`].
fn double_quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[index + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, '$')) => value.push_str("\\$"),
                Some((_, other)) => value.push(other),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("the quote `\"` is not closed".to_owned())
}

fn no_more(rest: &str) -> Result<(), String> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err(format!("unexpected text behind the value: `{rest}`"))
    }
}

fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut value = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if let Some(escaped) = rest[..at].strip_suffix('\\') {
            value.push_str(escaped);
            value.push('$');
            rest = &rest[at + 1..];
            continue;
        }
        value.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        match after.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or("`${` is not closed")?;
                value.push_str(&lookup(&inner[..end]).unwrap_or_default());
                rest = &inner[end + 1..];
            }
            None => {
                value.push('$');
                rest = after;
            }
        }
    }
    value.push_str(rest);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
        parse(text, |name| (name == "HOME").then(|| "/home/ann".to_owned()))
    }

    #[test]
    fn assignments_quotes_comments_and_expansion() {
        let text =
            "# c\n\nA=1\nexport B = two words # c\nC='$A ${A}'\nD=\"x\\n${A} \\$A\" # c\nE=${HOME}/${B}\nF=\nG=a#b\n";
        let pairs = read(text).unwrap();
        let values: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["1", "two words", "$A ${A}", "x\n1 $A", "/home/ann/two words", "", "a#b"]);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [("A=1\nnonsense", 2), ("1A=x", 1), ("A=\"x", 1), ("A='x' y", 1), ("A=${x", 1)] {
            assert_eq!(read(text).unwrap_err().line, line, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_harmless(text in "[A-C=\"'\\\\${}# \n]{0,40}") {
            let _ = read(&text);
        }
    }
}
