//! How text becomes terms: lower-cased runs of alphanumeric characters that are longer than two bytes.

use std::ops::Range;

use frostem::{Algorithm, Stemmer};

use crate::value::{Value, json};

/// The shortest word that is a term, in bytes.
const MIN_BYTES: usize = 3;

/// The longest term in bytes: the beginning of a longer word stands for it.
pub(super) const MAX_BYTES: usize = 255;

/// The terms of a node's text.
#[derive(Clone, Debug, Default)]
pub struct Document {
    stemmer: Option<Algorithm>,
    /// The words, one behind the other.
    words: String,
    /// Where they are in `words`; in the order of the text until [`Document::sort`].
    places: Vec<Range<usize>>,
    /// Different words with how often each occurs, in the order of their bytes.
    terms: Vec<(Range<usize>, u32)>,
}

impl Document {
    /// One without words, whose words are brought to their stems.
    #[must_use]
    pub fn new(stemmer: Option<Algorithm>) -> Self {
        Self { stemmer, ..Self::default() }
    }

    /// Adds the words of a value: of text as they are, of anything else as it looks in JSON.
    pub fn add(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => {}
            Value::Str(text) => self.add_text(text),
            Value::List(elements) => elements.iter().for_each(|element| self.add(element)),
            Value::Object(members) => members.iter().for_each(|(_, member)| self.add(member)),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Big(_)
            | Value::F32(_)
            | Value::F64(_)
            | Value::Date(_)
            | Value::Id(_)
            | Value::Floats(_) => {
                let mut json = Vec::with_capacity(40);
                json::write(value, &mut json);
                self.add_text(&String::from_utf8_lossy(&json));
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        tokens(text, self.stemmer, |token| {
            let start = self.words.len();
            self.words.push_str(token);
            self.places.push(start..self.words.len());
        });
    }

    /// Counts the words that were added.
    pub(super) fn sort(&mut self) {
        let Self { words, places, terms, .. } = self;
        let mut sorted = places.clone();
        sorted.sort_unstable_by(|a, b| words[a.clone()].cmp(&words[b.clone()]));
        terms.clear();
        for place in sorted {
            match terms.last_mut() {
                Some((last, count)) if words[last.clone()] == words[place.clone()] => *count += 1,
                _ => terms.push((place, 1)),
            }
        }
    }

    /// How many words there are.
    pub(super) fn length(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// The different words, with how often each occurs, in the order of their bytes.
    pub(super) fn terms(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.terms.iter().map(|(place, count)| (&self.words[place.clone()], *count))
    }
}

/// Calls `visit` with every word of a text that is a term, or with its stem.
pub(super) fn tokens(text: &str, stemmer: Option<Algorithm>, mut visit: impl FnMut(&str)) {
    let mut word = String::new();
    let stemmer = stemmer.map(Stemmer::new);
    for run in text.split(|character: char| !character.is_alphanumeric()) {
        if run.is_empty() {
            continue;
        }
        if run.is_ascii() {
            word.clear();
            word.push_str(run);
            word.make_ascii_lowercase();
        } else {
            word = run.to_lowercase();
        }
        if word.len() < MIN_BYTES {
            continue;
        }
        let stem = stemmer.as_ref().map(|stemmer| stemmer.stem(&word));
        let term = stem.as_deref().filter(|stem| !stem.is_empty()).unwrap_or(&word);
        visit(&term[..term.floor_char_boundary(MAX_BYTES)]);
    }
}
