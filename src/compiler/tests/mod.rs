//! Whole compilations: the worked example of the language reference, and what holds of every text.

mod diagnostics;
mod plans;
mod robustness;

use super::diagnostics::Severity;
use super::{Compiled, SourceSet, compile};
use helix_plan::{Access, ReadClass};

/// Compiles one file.
pub(in crate::compiler) fn compile_text(text: &str) -> (SourceSet, Compiled) {
    let sources = SourceSet::new([("case.hx".to_owned(), text.to_owned())]);
    let compiled = compile(&sources);
    (sources, compiled)
}

/// The source with each diagnostic below its first line: source and outcome side by side.
pub(super) fn render(text: &str) -> String {
    let (sources, compiled) = compile_text(text);
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        out.push_str(&format!("{:>3} | {line}\n", index + 1));
        for diagnostic in &compiled.diagnostics {
            let span = diagnostic.span();
            let start = sources.file(span.file).position(span.start);
            if start.line as usize != index + 1 {
                continue;
            }
            let len = sources.text(span).lines().next().unwrap_or_default().chars().count().max(1);
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let indent = " ".repeat(start.column as usize - 1);
            let label = &diagnostic.labels[0].text;
            out.push_str(&format!("    | {indent}{} {label}\n", "^".repeat(len)).replace(" \n", "\n"));
            out.push_str(&format!("    = {severity}[{}]: {}\n", diagnostic.code, diagnostic.message));
            for other in &diagnostic.labels[1..] {
                let place = sources.file(other.span.file).position(other.span.start);
                out.push_str(&format!("    = {}:{}: {}\n", place.line, place.column, other.text));
            }
            diagnostic.notes.iter().for_each(|note| out.push_str(&format!("    = note: {note}\n")));
            diagnostic.help.iter().for_each(|help| out.push_str(&format!("    = help: {help}\n")));
        }
    }
    out
}

pub(in crate::compiler) const EXAMPLE: &str = r#"
N::User { UNIQUE INDEX email: String, name: String, age: U8, joined: Date DEFAULT NOW }
N::Post { title: String, likes: I32 DEFAULT 0 }
E::Wrote UNIQUE { From: User, To: Post, Properties: { at: Date DEFAULT NOW } }
E::Follows { From: User, To: User }

QUERY add_user(email: String, name: String, age: U8) =>
    user <- AddN<User>({ email: email, name: name, age: age })
    RETURN user

QUERY write(email: String, title: String) =>
    author <- N<User>({ email: email })
    post <- AddN<Post>({ title: title })
    AddE<Wrote>::From(author)::To(post)
    RETURN post::ID

QUERY feed(min: U8) =>
    people <- N<User>::WHERE(AND(_::{age}::GTE(min), EXISTS(_::Out<Wrote>)))::ORDER<Desc>(_::{age})
    RETURN people::|p|{ who: p::{name}, fans: p::In<Follows>::COUNT, posts: p::Out<Wrote>::{title, likes} }

QUERY rename(email: String, name: String) =>
    u <- N<User>({ email: email })::UPDATE({ name: name })
    RETURN u::{name}

QUERY wipe() =>
    DROP N<Post>
    DROP N<User>
    RETURN NONE
"#;

#[test]
fn the_worked_example_compiles() {
    let (_, compiled) = compile_text(EXAMPLE);
    assert_eq!(compiled.diagnostics, []);
    let program = compiled.program.expect("a program without diagnostics is built");
    let access: Vec<_> = program.queries.iter().map(|query| (query.name.as_str(), query.access, query.class)).collect();
    assert_eq!(
        access,
        [
            ("add_user", Access::Write, ReadClass::Short),
            ("feed", Access::Read, ReadClass::Long),
            ("rename", Access::Write, ReadClass::Short),
            ("wipe", Access::Write, ReadClass::Long),
            ("write", Access::Write, ReadClass::Short),
        ]
    );
}
