//! Reads a TOML document into typed values, gathering every problem with its place.
//!
//! A [`Section`] is a table with those that it inherits from behind it. Whatever is asked of it counts as known; what nobody
//! asked for is a problem.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml_edit::{Item, TableLike};

use crate::errors::Location;
use crate::utils::{nearest, parse_duration, position};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, perhaps not as meant.
    Warning,
}

/// Something wrong in the project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Where it is.
    pub location: Location,
}

/// A value and the bytes where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spanned<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// The problems of a document so far.
pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    problems: RefCell<Vec<(usize, Problem)>>,
    /// Every key that was asked for, and whether it was there.
    #[cfg(test)]
    pub(super) asked: RefCell<BTreeMap<String, bool>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    pub(super) fn error(&self, code: &'static str, span: Range<usize>, message: String, hint: Option<String>) {
        self.add(code, Severity::Error, span, message, hint);
    }

    pub(super) fn warning(&self, code: &'static str, span: Range<usize>, message: String, hint: Option<String>) {
        self.add(code, Severity::Warning, span, message, hint);
    }

    fn add(&self, code: &'static str, severity: Severity, span: Range<usize>, message: String, hint: Option<String>) {
        let (line, column) = position(self.text, span.start);
        let location = Location { file: self.file.to_owned(), line, column };
        let problem = Problem { code, severity, message, hint, location };
        let mut problems = self.problems.borrow_mut();
        // What several instances inherit is wrong once.
        if !problems.iter().any(|(_, known)| *known == problem) {
            problems.push((span.start, problem));
        }
    }

    /// The problems in the order of their places.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(start, _)| *start);
        problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// A table, and behind it those that it inherits from, the nearest first.
pub(super) struct Section<'t> {
    reader: &'t Reader<'t>,
    path: String,
    span: Range<usize>,
    own: Option<&'t dyn TableLike>,
    inherited: Vec<&'t dyn TableLike>,
    known: RefCell<BTreeSet<String>>,
}

impl<'t> Section<'t> {
    pub(super) fn new(
        reader: &'t Reader<'t>,
        path: impl Into<String>,
        span: Range<usize>,
        own: Option<&'t dyn TableLike>,
        inherited: Vec<&'t dyn TableLike>,
    ) -> Self {
        Self { reader, path: path.into(), span, own, inherited, known: RefCell::default() }
    }

    /// Where the section begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// How the section is written: `local.dev`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same section without what it inherits.
    pub(super) fn own(&self) -> Option<&'t dyn TableLike> {
        self.own
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn item(&self, key: &str) -> Option<(&'t Item, Range<usize>)> {
        self.known.borrow_mut().insert(key.to_owned());
        let mut tables = self.own.iter().chain(&self.inherited);
        let (key, item) = tables.find_map(|table| table.get_key_value(key))?;
        let span = item.span().or_else(|| key.span()).unwrap_or_else(|| self.span());
        Some((item, span))
    }

    /// Whether the section itself has the key.
    pub(super) fn has_own(&self, key: &str) -> bool {
        self.own.is_some_and(|own| own.contains_key(key))
    }

    /// Where the key is written.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.item(key).map_or_else(|| self.span(), |(_, span)| span)
    }

    fn wrong_type(&self, key: &str, expected: &str, item: &Item, span: Range<usize>) {
        let message = format!("`{}` must be {expected}, not {}", self.path_of(key), article(item.type_name()));
        self.reader.error("E-CFG-TYPE", span, message, None);
    }

    fn typed<T>(&self, key: &str, expected: &str, read: impl FnOnce(&'t Item) -> Option<T>) -> Option<Spanned<T>> {
        let (item, span) = self.item(key)?;
        let value = read(item);
        if value.is_none() {
            self.wrong_type(key, expected, item, span.clone());
        }
        Some(Spanned { value: value?, span })
    }

    pub(super) fn string(&self, key: &str) -> Option<Spanned<String>> {
        self.typed(key, "a string", |item| item.as_str().map(str::to_owned))
    }

    /// A string that is there and not empty.
    pub(super) fn required(&self, key: &str) -> Option<Spanned<String>> {
        if self.item(key).is_none() {
            let message = format!("`{}` is missing", self.path_of(key));
            self.reader.error("E-CFG-MISSING", self.span(), message, Some(format!("add `{key} = \"…\"`")));
        }
        let text = self.string(key)?;
        if text.value.trim().is_empty() {
            self.invalid(key, text.span, "must not be empty", None);
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&self, key: &str, default: bool) -> bool {
        self.typed(key, "`true` or `false`", Item::as_bool).map_or(default, |found| found.value)
    }

    pub(super) fn optional_boolean(&self, key: &str) -> Option<bool> {
        self.typed(key, "`true` or `false`", Item::as_bool).map(|found| found.value)
    }

    /// An integer of a range; the default when it is absent or wrong.
    pub(super) fn integer(&self, key: &str, range: RangeInclusive<i64>, default: i64) -> i64 {
        self.optional_integer(key, range).map_or(default, |found| found.value)
    }

    pub(super) fn optional_integer(&self, key: &str, range: RangeInclusive<i64>) -> Option<Spanned<i64>> {
        let found = self.typed(key, "an integer", Item::as_integer)?;
        if range.contains(&found.value) {
            return Some(found);
        }
        let message =
            format!("`{}` is {}, allowed is {} to {}", self.path_of(key), found.value, range.start(), range.end());
        self.reader.error("E-CFG-RANGE", found.span, message, None);
        None
    }

    /// A number above zero.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let read = |item: &Item| item.as_float().or_else(|| item.as_integer().map(|integer| integer as f64));
        let found = self.typed(key, "a number", read)?;
        if found.value > 0.0 && found.value.is_finite() {
            return Some(found.value);
        }
        self.invalid(key, found.span, "must be above 0", None);
        None
    }

    /// One of several words; other spellings may stand for one.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = self.string(key)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == found.value) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let near = nearest(&found.value, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` is `{}`, allowed is {}", self.path_of(key), found.value, list(&names));
        self.reader.error("E-CFG-VALUE", found.span, message, near);
        None
    }

    pub(super) fn duration(&self, key: &str, default: Duration) -> Duration {
        let Some(found) = self.string(key) else { return default };
        parse_duration(&found.value).unwrap_or_else(|| {
            let hint = Some("write a number with a unit, like `500ms`, `60s` or `2m`".to_owned());
            self.invalid(key, found.span, "is not a duration", hint);
            default
        })
    }

    pub(super) fn strings(&self, key: &str) -> Vec<Spanned<String>> {
        let Some((item, span)) = self.item(key) else { return Vec::new() };
        let Some(array) = item.as_array() else {
            self.wrong_type(key, "a list of strings", item, span);
            return Vec::new();
        };
        let mut strings = Vec::new();
        for element in array {
            let span = element.span().unwrap_or_else(|| span.clone());
            match element.as_str() {
                Some(text) => strings.push(Spanned { value: text.to_owned(), span }),
                None => {
                    let message = format!(
                        "`{}` holds {}, only strings are allowed",
                        self.path_of(key),
                        article(element.type_name())
                    );
                    self.reader.error("E-CFG-TYPE", span, message, None);
                }
            }
        }
        strings
    }

    /// A list of tables, each with two strings.
    pub(super) fn pairs(&self, key: &str, first: &str, second: &str) -> Vec<(String, String)> {
        let Some((item, span)) = self.item(key) else { return Vec::new() };
        let expected = format!("a list of `{{ {first} = \"…\", {second} = \"…\" }}`");
        let Some(array) = item.as_array() else {
            self.wrong_type(key, &expected, item, span);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for element in array {
            let table = element.as_inline_table().filter(|table| table.len() == 2);
            let text = |name: &str| table?.get(name)?.as_str().map(str::to_owned);
            match (text(first), text(second)) {
                (Some(first), Some(second)) => pairs.push((first, second)),
                _ => {
                    let message = format!("`{}` must be {expected}", self.path_of(key));
                    self.reader.error("E-CFG-TYPE", element.span().unwrap_or_else(|| span.clone()), message, None);
                }
            }
        }
        pairs
    }

    /// A table of strings.
    pub(super) fn map(&self, key: &str) -> BTreeMap<String, Spanned<String>> {
        let Some((item, span)) = self.item(key) else { return BTreeMap::new() };
        let Some(table) = item.as_table_like() else {
            self.wrong_type(key, "a table of strings", item, span);
            return BTreeMap::new();
        };
        let mut map = BTreeMap::new();
        for (name, item) in table.iter() {
            let span = item.span().unwrap_or_else(|| span.clone());
            match item.as_str() {
                Some(text) => {
                    map.insert(name.to_owned(), Spanned { value: text.to_owned(), span });
                }
                None => self.wrong_type(&format!("{key}.{name}"), "a string", item, span),
            }
        }
        map
    }

    /// A table below this one, with the tables of that name below the inherited ones behind it.
    pub(super) fn section(&self, key: &str) -> Section<'t> {
        self.known.borrow_mut().insert(key.to_owned());
        let (own, span) = self.table_of(self.own, key, true);
        let inherited = self.inherited.iter().filter_map(|table| self.table_of(Some(*table), key, false).0).collect();
        Section::new(self.reader, self.path_of(key), span, own, inherited)
    }

    fn table_of(
        &self,
        table: Option<&'t dyn TableLike>,
        key: &str,
        complain: bool,
    ) -> (Option<&'t dyn TableLike>, Range<usize>) {
        let Some((written, item)) = table.and_then(|table| table.get_key_value(key)) else {
            return (None, self.span());
        };
        let span = written.span().or_else(|| item.span()).unwrap_or_else(|| self.span());
        let found = item.as_table_like();
        if found.is_none() && complain {
            self.wrong_type(key, "a table", item, item.span().unwrap_or_else(|| span.clone()));
        }
        (found, span)
    }

    /// The tables below this one, by name, each with the place of its name.
    pub(super) fn tables(&self) -> Vec<(String, Range<usize>, &'t dyn TableLike)> {
        let Some(own) = self.own else { return Vec::new() };
        let mut tables = Vec::new();
        for (name, item) in own.iter() {
            self.known.borrow_mut().insert(name.to_owned());
            let span = own.get_key_value(name).and_then(|(key, item)| key.span().or_else(|| item.span()));
            let span = span.unwrap_or_else(|| self.span());
            match item.as_table_like() {
                Some(table) => tables.push((name.to_owned(), span, table)),
                None => self.wrong_type(name, "a table", item, item.span().unwrap_or(span)),
            }
        }
        tables
    }

    /// A value that has the right type and is wrong all the same.
    pub(super) fn invalid(&self, key: &str, span: Range<usize>, what: &str, hint: Option<String>) {
        self.reader.error("E-CFG-VALUE", span, format!("`{}` {what}", self.path_of(key)), hint);
    }

    /// Complains about every key of this table that nobody asked for.
    pub(super) fn finish(&self) {
        #[cfg(test)]
        for key in self.known.borrow().iter() {
            *self.reader.asked.borrow_mut().entry(self.path_of(key)).or_default() |= self.has_own(key);
        }
        let Some(own) = self.own else { return };
        let known = self.known.borrow();
        for (name, _) in own.iter().filter(|(name, _)| !known.contains(*name)) {
            let span = own.get_key_value(name).and_then(|(key, item)| key.span().or_else(|| item.span()));
            let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let message = format!("unknown key `{}`", self.path_of(name));
            self.reader.error("E-CFG-UNKNOWN-KEY", span.unwrap_or_else(|| self.span()), message, near);
        }
    }
}

fn article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
