//! From an error in generated code back to the query that it was generated for.
//!
//! Generated code carries a comment above each query, `// QUERY name (db/queries.hx:7:1)`, and above each statement,
//! `// db/queries.hx:8:5`. The nearest ones above a line say where the line comes from.

use crate::errors::Location;

/// The query and the place that a line of generated code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// The query.
    pub query: String,
    /// The statement, or the query where the line belongs to no statement.
    pub location: Location,
}

/// Who is to blame for the 1-based `line` of generated code. `None` above the first query.
#[must_use]
pub fn blame(code: &str, line: usize) -> Option<Blame> {
    let mut statement = None;
    let above: Vec<&str> = code.lines().take(line).collect();
    for text in above.into_iter().rev() {
        let Some(comment) = text.trim_start().strip_prefix("// ") else { continue };
        if let Some((query, place)) = comment.strip_prefix("QUERY ").and_then(|rest| rest.split_once(" (")) {
            let location = statement.or_else(|| place.strip_suffix(')').and_then(location))?;
            return Some(Blame { query: query.to_owned(), location });
        }
        if statement.is_none() {
            statement = location(comment);
        }
    }
    None
}

/// Reads `file:line:column`.
fn location(text: &str) -> Option<Location> {
    let (rest, column) = text.trim().rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some(Location { file: file.to_owned(), line: line.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "\
use helix_engine::compiled;

// QUERY first (db/a.hx:1:1)
fn first() {
    // db/a.hx:2:5
    let user = add();
    // an aside: no place
    user
}

// QUERY second (db/a b.hx:7:1)
fn second() {
    one();
}
";

    fn at(line: usize) -> Option<(String, String)> {
        blame(CODE, line).map(|found| (found.query, found.location.to_string()))
    }

    #[test]
    fn the_nearest_marks_above_say_where_a_line_comes_from() {
        let expected = |query: &str, place: &str| Some((query.to_owned(), place.to_owned()));
        assert_eq!(at(6), expected("first", "db/a.hx:2:5"));
        assert_eq!(at(8), expected("first", "db/a.hx:2:5"));
        assert_eq!(at(4), expected("first", "db/a.hx:1:1"));
        assert_eq!(at(13), expected("second", "db/a b.hx:7:1"));
        assert_eq!(at(99), expected("second", "db/a b.hx:7:1"));
    }

    #[test]
    fn what_no_query_is_to_blame_for_has_no_place() {
        assert_eq!(at(1), None);
        assert_eq!(blame("", 1), None);
    }
}
