//! What the guides show is what there is: every command in them is one that the tool takes, every table one that it reads; and the guides
//! of deployment work from their first line to their last (`guides/walk.rs`).

mod walk;

use std::fs;
use std::path::{Path, PathBuf};

use helix::config::Config;

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The blocks of a page in that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, Vec<&str>)> = None;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(name)) => open = Some((name.trim() == language, Vec::new())),
            (Some((true, lines)), None) => lines.push(line),
            (Some((false, _)), None) | (None, None) => {}
            (Some(_), Some(_)) => {
                if let Some((true, lines)) = open.take() {
                    found.push(lines.join("\n"));
                }
            }
        }
    }
    found
}

/// The commands of the tool in a line of a shell, or in code within prose. What has an ellipsis is no whole command.
fn commands(text: &str) -> Vec<String> {
    let shell = blocks(text, "sh").join("\n") + "\n" + &blocks(text, "yaml").join("\n");
    let lines = shell.lines().filter_map(|line| {
        let line = line.split(" #").next()?.trim().trim_start_matches("- run: ").trim_start_matches("run: ");
        let line = line.split(['<', '|', '&', '>', ';']).next()?.trim();
        line.starts_with("helix ").then(|| line.to_owned())
    });
    let inline = text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("helix ")).map(str::to_owned);
    let all =
        lines.chain(inline.flat_map(|code| code.split(['<', '|', '&', '>']).next().map(|code| code.trim().to_owned())));
    all.filter(|command| !command.contains('…') && !command.contains("...") && !command.contains('\n')).collect()
}

#[test]
fn every_command_of_a_guide_is_one() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for command in commands(&text) {
            count += 1;
            // Numbers and paths that stand for others.
            let words = command.replace(" N", " 3").replace(['"', '\''], "");
            if let Err(error) = helix::cli::command().try_get_matches_from(words.split_whitespace()) {
                use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
                // `helix auth` speaks of a command and is none.
                let is_a_name = words.split_whitespace().count() == 2;
                let is_help =
                    matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand);
                let is_missing = error.kind() == clap::error::ErrorKind::MissingRequiredArgument;
                // `helix build --bin` speaks of an option.
                let is_option = words.split_whitespace().last().is_some_and(|last| last.starts_with("--"))
                    && error.kind() == clap::error::ErrorKind::InvalidValue;
                if !(is_help || is_option || is_a_name && is_missing) {
                    wrong.push(format!("{}: {command}: {}", page.display(), error.kind()));
                }
            }
        }
    }
    assert!(count > 60, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_table_of_a_guide_can_be_read() {
    let mut wrong = Vec::new();
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).unwrap(), "toml") {
            let whole = if block.contains("[project]") {
                block.clone()
            } else {
                format!("[project]\nname = \"shop\"\n\n{block}")
            };
            if let Err(error) = Config::parse("helix.toml", &whole) {
                let problems: Vec<String> = error.problems.iter().map(|problem| problem.message.clone()).collect();
                wrong.push(format!("{}: {}", page.display(), problems.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
