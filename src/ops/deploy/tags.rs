//! The tags of an image: templates, and what they become.

use crate::errors::{ExitCode, Failure};
use crate::registry;

/// What the words of a template stand for.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// `latest` or `dev`.
    pub(super) mode: &'static str,
    /// The release.
    pub(super) release: String,
    /// The version of the project.
    pub(super) version: Option<String>,
    /// The commit.
    pub(super) git_sha: Option<String>,
}

/// The tags of one push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tags {
    /// Those of this release alone.
    pub(super) own: Vec<String>,
    /// Those that move from release to release.
    pub(super) moving: Vec<String>,
}

/// Whether a template names one release alone.
fn is_own(template: &str) -> bool {
    ["{release}", "{git_sha}", "{version}"].iter().any(|word| template.contains(word))
}

/// Whether a tag of a template never moves.
pub(super) fn moves(template: &str) -> bool {
    !is_own(template)
}

/// What the templates become. The release itself is always a tag: history is rebuilt from it.
///
/// # Errors
///
/// When a template has a word that is not known here, or becomes what no tag may be.
pub(super) fn render(templates: &[String], words: &Words) -> Result<Tags, Failure> {
    let mut tags = Tags { own: vec![words.release.clone()], moving: Vec::new() };
    for template in templates {
        let tag = fill(template, words)?;
        let list = if is_own(template) { &mut tags.own } else { &mut tags.moving };
        if !list.contains(&tag) {
            list.push(tag);
        }
    }
    Ok(tags)
}

fn fill(template: &str, words: &Words) -> Result<String, Failure> {
    let wrong = |reason: String, hint: &str| {
        let message = format!("the tag `{template}` cannot be used: {reason}");
        Failure::new("E-CFG-TAG", ExitCode::Config, message).hint(hint)
    };
    let mut tag = template.replace("{mode}", words.mode).replace("{release}", &words.release);
    for (word, value, hint) in [
        ("{git_sha}", &words.git_sha, "push from a git repository with a commit, or take it out of `tags`"),
        ("{version}", &words.version, "set `version` in `[project]`, or take it out of `tags`"),
    ] {
        if tag.contains(word) {
            let value = value.as_ref().ok_or_else(|| wrong(format!("`{word}` is not known"), hint))?;
            tag = tag.replace(word, value);
        }
    }
    let known = "the words are `{mode}`, `{release}`, `{version}` and `{git_sha}`";
    registry::reference::check_tag(&tag).map_err(|error| wrong(error.to_string(), known))?;
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let release = "01J00000000000000000000000".to_owned();
        Words { mode: "latest", release, version: None, git_sha: Some("0123abc".to_owned()) }
    }

    fn rendered(templates: &[&str]) -> Result<Tags, Failure> {
        render(&templates.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), &words())
    }

    #[test]
    fn a_release_is_always_a_tag_and_names_move_last() {
        let tags = rendered(&["{mode}", "{release}", "stable", "git-{git_sha}"]).unwrap();
        assert_eq!(tags.own, ["01J00000000000000000000000", "git-0123abc"]);
        assert_eq!(tags.moving, ["latest", "stable"]);
    }

    #[test]
    fn what_is_not_known_is_told() {
        assert!(rendered(&["{version}"]).unwrap_err().hint.unwrap().contains("[project]"));
        assert!(rendered(&["{branch}"]).unwrap_err().hint.unwrap().contains("{git_sha}"));
        assert_eq!(rendered(&["a b"]).unwrap_err().code, "E-CFG-TAG");
    }
}
