//! From the document to text: which groups end their lines.
//!
//! A group is printed in a line if it fits, with what stands behind it up to the next possible line end. Looking ahead stops where the
//! line is full, so that the time is linear in the length of the document.

use super::document::{Blank, Gap, Group, LineEnd, Part, Place};
use super::{INDENT, WIDTH};

/// The text of a document.
pub(super) fn print(parts: &[Part]) -> String {
    let outermost = Frame { mode: Mode::Broken, level: 0 };
    let mut printer = Printer { parts, frames: vec![outermost], out: String::new(), column: 0 };
    for (place, part) in parts.iter().enumerate() {
        match part {
            Part::Token(token) => printer.text(token.text()),
            Part::Gap(gap) => printer.gap(gap),
            Part::Open(group) => {
                let frame = printer.frame(place, group);
                printer.frames.push(frame);
            }
            Part::Close => {
                printer.frames.pop();
            }
        }
    }
    let mut out = printer.out;
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// How a group is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// In a line.
    Flat,
    /// In a line but for its last group, which decides for itself.
    Hugging,
    /// Each gap ends its line.
    Broken,
}

/// An open group.
#[derive(Clone, Copy)]
struct Frame {
    mode: Mode,
    /// How often its lines are indented.
    level: usize,
}

struct Printer<'p> {
    parts: &'p [Part],
    frames: Vec<Frame>,
    out: String,
    /// Characters in the last line.
    column: usize,
}

impl Printer<'_> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn innermost(&self) -> Frame {
        self.frames[self.frames.len() - 1]
    }

    fn frame(&self, place: usize, group: &Group) -> Frame {
        let outer = self.innermost();
        let mode = if group.is_block {
            Mode::Broken
        } else if outer.mode == Mode::Flat || !group.is_broken && self.fits(place) {
            Mode::Flat
        } else if !group.is_broken_itself && group.hugged.is_some_and(|hugged| self.fits_up_to(place, hugged)) {
            Mode::Hugging
        } else {
            Mode::Broken
        };
        Frame { mode, level: outer.level + usize::from(mode == Mode::Broken) }
    }

    /// Whether the group at `place` fits into the line with what is behind it up to the next possible line end.
    fn fits(&self, place: usize) -> bool {
        let mut width = self.column;
        // Groups within the one that is measured, then those behind it that are not decided.
        let (mut within, mut behind) = (0_usize, 0_usize);
        let mut frames = self.frames.iter().rev();
        let mut outer = frames.next();
        let mut measured = true;
        for part in &self.parts[place..] {
            match part {
                Part::Open(_) if measured => within += 1,
                Part::Close if measured => {
                    within -= 1;
                    measured = within > 0;
                }
                Part::Open(_) => behind += 1,
                Part::Close if behind > 0 => behind -= 1,
                Part::Close => outer = frames.next(),
                Part::Gap(gap) if measured => width += usize::from(gap.space),
                Part::Gap(gap) => {
                    let mode = outer.map_or(Mode::Broken, |frame| frame.mode);
                    let may_end = match mode {
                        Mode::Broken => true,
                        Mode::Hugging => behind > 0,
                        Mode::Flat => false,
                    };
                    if gap.is_break() || gap.end == LineEnd::WithGroup && may_end {
                        return true;
                    }
                    width += usize::from(gap.space);
                }
                Part::Token(token) => match token.text().split_once('\n') {
                    Some((first, _)) => return width + first.chars().count() <= WIDTH,
                    None => width += token.text().chars().count(),
                },
            }
            if width > WIDTH {
                return false;
            }
        }
        true
    }

    /// Whether what is between two places fits into the line.
    fn fits_up_to(&self, place: usize, end: usize) -> bool {
        let mut width = self.column;
        for part in &self.parts[place..end] {
            match part {
                Part::Token(token) if token.text().contains('\n') => return false,
                Part::Token(token) => width += token.text().chars().count(),
                Part::Gap(gap) if gap.is_break() => return false,
                Part::Gap(gap) => width += usize::from(gap.space),
                Part::Open(_) | Part::Close => {}
            }
            if width > WIDTH {
                return false;
            }
        }
        true
    }

    fn gap(&mut self, gap: &Gap) {
        let frame = self.innermost();
        let ends = match gap.end {
            LineEnd::Always => true,
            LineEnd::WithGroup => frame.mode == Mode::Broken || !gap.comments.is_empty(),
            LineEnd::Never => !gap.comments.is_empty(),
        };
        if !ends {
            if gap.space {
                self.text(" ");
            }
            return;
        }
        // What goes on behind a comment that ends a line where none should end is indented.
        let level = frame.level + usize::from(gap.end == LineEnd::Never);
        let mut insists = gap.blank == Blank::Insist
            && !gap.has_blank
            && !gap.comments.iter().any(|comment| comment.has_blank && !comment.is_behind);
        for (index, comment) in gap.comments.iter().enumerate() {
            if comment.is_behind {
                self.text(" ");
            } else {
                let is_first = index == 0 && gap.place == Place::First;
                self.line(level, (comment.has_blank || insists) && !is_first);
                insists = false;
            }
            self.text(&comment.text);
        }
        let is_edge = gap.place == Place::Last || gap.place == Place::First && gap.comments.is_empty();
        let has_blank = match gap.blank {
            Blank::Drop => false,
            Blank::Keep | Blank::Insist => gap.has_blank || insists,
        };
        let level =
            if gap.place == Place::Last { self.frames.iter().rev().nth(1).map_or(0, |f| f.level) } else { level };
        self.line(level, has_blank && !is_edge);
    }

    /// Ends the line, and the next one as well if it is to be empty. The first line of all has none before it.
    fn line(&mut self, level: usize, blank: bool) {
        if self.out.is_empty() {
            return;
        }
        self.out.push_str(if blank { "\n\n" } else { "\n" });
        self.column = level * INDENT;
        self.out.extend(std::iter::repeat_n(' ', self.column));
    }
}
