//! What there is to read about each code: the pages of `docs/diagnostics`.

/// Each page with the code that it is about.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/diagnostic_pages.rs"));

/// The page about a code, in Markdown: what it means, a wrong and a right program, how to mend it.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(name, _)| *name == code).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::diagnostics::codes;
    use crate::compiler::tests::compile_text;

    /// The programs of a page: wrong, right.
    fn examples(page: &str) -> Vec<&str> {
        page.split("```hx\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let all = || codes::ALL.iter().chain(codes::OF_FILES).map(|code| code.code);
        let without: Vec<_> = all().filter(|code| page(code).is_none()).collect();
        assert!(without.is_empty(), "no page in docs/diagnostics is about {without:?}");
        for (name, text) in PAGES {
            assert!(all().any(|code| page(code) == Some(text)), "{name} is about no code");
            assert!(text.starts_with(&format!("# {name}: ")), "{name} has another title");
            assert!(text.lines().all(|line| line.chars().count() <= 140), "{name} has a long line");
        }
    }

    #[test]
    fn the_wrong_example_raises_the_code_and_the_right_one_nothing() {
        let mut bad = String::new();
        let is_of_program = |name: &str| codes::ALL.iter().any(|code| code.code == name);
        for (name, text) in PAGES.iter().filter(|(name, _)| is_of_program(name)) {
            let [wrong, right] = examples(text)[..] else { panic!("{name} has no two examples") };
            let found = |text| -> Vec<_> { compile_text(text).1.diagnostics.into_iter().map(|one| one.code).collect() };
            if found(wrong) != [*name] || !found(right).is_empty() {
                bad.push_str(&format!("{name}: wrong gives {:?}, right gives {:?}\n", found(wrong), found(right)));
            }
        }
        assert!(bad.is_empty(), "{bad}");
    }
}
