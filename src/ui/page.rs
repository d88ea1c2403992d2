//! Text for humans, with styles; colours are taken out where they are not wanted when it is printed.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Effects};

/// How a piece of text looks. Never carries meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// Stands out.
    Bold,
    /// Stands back.
    Dim,
    /// All is well.
    Good,
    /// May become a problem.
    Warn,
    /// A problem.
    Bad,
}

impl Style {
    const fn ansi(self) -> anstyle::Style {
        let style = anstyle::Style::new();
        match self {
            Self::Plain => style,
            Self::Bold => style.effects(Effects::BOLD),
            Self::Dim => style.effects(Effects::DIMMED),
            Self::Good => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))),
            Self::Warn => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))),
            Self::Bad => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))),
        }
    }
}

/// A sign before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// It worked.
    Check,
    /// It failed.
    Cross,
    /// It may become a problem.
    Warning,
    /// For information.
    Arrow,
}

impl Symbol {
    const fn look(self, ascii: bool) -> (&'static str, Style) {
        match (self, ascii) {
            (Self::Check, false) => ("✓", Style::Good),
            (Self::Check, true) => ("[ok]", Style::Good),
            (Self::Cross, false) => ("✗", Style::Bad),
            (Self::Cross, true) => ("[fail]", Style::Bad),
            (Self::Warning, false) => ("⚠", Style::Warn),
            (Self::Warning, true) => ("[warn]", Style::Warn),
            (Self::Arrow, false) => ("→", Style::Dim),
            (Self::Arrow, true) => ("->", Style::Dim),
        }
    }
}

/// Text to be printed.
#[derive(Clone, Debug)]
pub struct Page {
    text: String,
    ascii: bool,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(ascii: bool) -> Self {
        Self { text: String::new(), ascii }
    }

    /// What is on it, with escape sequences for the styles.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds styled text, without a line break.
    pub fn put(&mut self, style: Style, text: impl Display) -> &mut Self {
        let ansi = style.ansi();
        let _ = write!(self.text, "{ansi}{text}{ansi:#}");
        self
    }

    /// Ends a line.
    pub fn end(&mut self) {
        self.text.push('\n');
    }

    /// Adds a styled line.
    pub fn line(&mut self, style: Style, text: impl Display) {
        self.put(style, text).end();
    }

    /// Adds a plain line.
    pub fn text_line(&mut self, text: impl Display) {
        self.line(Style::Plain, text);
    }

    /// Begins on an empty screen.
    pub fn clear_screen(&mut self) {
        self.text.push_str("\x1b[2J\x1b[H");
    }

    /// Adds text that is made elsewhere, as it is.
    pub fn verbatim(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a line behind a sign.
    pub fn symbol(&mut self, symbol: Symbol, text: impl Display) {
        let (sign, style) = symbol.look(self.ascii);
        self.put(style, sign).put(Style::Plain, format_args!(" {text}")).end();
    }

    /// Adds the closing line of something that worked.
    pub fn success(&mut self, text: impl Display) {
        let (sign, style) = Symbol::Check.look(self.ascii);
        self.put(style, sign).put(Style::Plain, " ").put(Style::Bold, text).end();
    }

    /// Adds `label: value` lines, the values below each other.
    pub fn details<'a>(&mut self, details: impl IntoIterator<Item = (&'a str, String)>) {
        let details: Vec<_> = details.into_iter().collect();
        let width = details.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (label, value) in details {
            let gap = " ".repeat(width - label.len());
            self.put(Style::Dim, format_args!("  {label}:")).put(Style::Plain, format_args!("{gap} {value}")).end();
        }
    }

    /// Adds a table; every cell has a style. Columns are as wide as they need to be.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<(Style, String)>]) {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.chars().count());
            cells.chain([header[column].len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let mut row = |cells: &[(Style, String)]| {
            for (index, (style, text)) in cells.iter().enumerate() {
                let last = index + 1 == cells.len();
                let gap = if last { 0 } else { widths[index].saturating_sub(text.chars().count()) + 2 };
                self.put(*style, text).put(Style::Plain, " ".repeat(gap));
            }
            self.end();
        };
        row(&header.iter().map(|title| (Style::Dim, (*title).to_owned())).collect::<Vec<_>>());
        for cells in rows {
            row(cells);
        }
    }
}

/// A time for humans: whole milliseconds below a second, else seconds with one decimal.
#[must_use]
pub fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A size for humans, in powers of 1024.
#[must_use]
pub fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
