//! Markdown for a terminal: what our own pages hold of it.

use super::page::{Page, Style};

impl Page {
    /// Adds Markdown: headings stand out, code in a line does as well, and blocks of code are indented.
    pub fn markdown(&mut self, text: &str) {
        let mut in_code = false;
        for line in text.lines() {
            if line.starts_with("```") {
                in_code = !in_code;
            } else if in_code {
                self.text_line(if line.is_empty() { String::new() } else { format!("    {line}") });
            } else if let Some(title) = line.strip_prefix('#') {
                self.line(Style::Bold, title.trim_start_matches('#').trim_start());
            } else {
                for (index, piece) in line.split('`').enumerate() {
                    self.put(if index % 2 == 1 { Style::Bold } else { Style::Plain }, piece);
                }
                self.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_loses_its_marks() {
        let mut page = Page::new(false);
        page.markdown("# E-X: It `is`\n\nUse `a` here.\n\n```hx\nN::A {\n\n}\n```\n\nDone.\n");
        let plain = anstream::adapter::strip_str(page.text()).to_string();
        assert_eq!(plain, "E-X: It `is`\n\nUse a here.\n\n    N::A {\n\n    }\n\nDone.\n");
        assert!(page.text().contains("\u{1b}[1ma\u{1b}[0m"), "{:?}", page.text());
    }
}
