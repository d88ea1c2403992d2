//! Going back to an earlier release, and the history that it is chosen from.

use std::collections::BTreeSet;

use helix_plan::diff::Class;
use serde::Serialize;

use super::{Kind, Remote, Shown, image, push};
use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::embedded::{State, state};
use crate::integrations::role::{Registry, RemoteRelease};
use crate::ops::instance::InstanceError;
use crate::ops::platform::Platform;
use crate::ops::releases::{self, Outcome, Release};
use crate::registry::sign::signature_tag;

/// How many releases of a registry are looked at: each costs a few calls.
const LOOKED_AT: usize = 20;

/// A release, as it is remembered here, as the target knows it, or both.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// The release.
    pub id: String,
    /// When it was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Whether it is the one that runs.
    pub current: bool,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether the image has a signature; whose it is, is looked at before it runs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// What was said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How it ended; absent when only the target knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Whether the target can go back to it.
    pub available: bool,
}

/// All releases of an instance, newest first: what the target knows, and what is remembered here.
///
/// # Errors
///
/// When the target does not say.
pub async fn history(remote: &Remote) -> Result<Vec<Known>, Failure> {
    let (there, signed) = match &remote.kind {
        Kind::Platform(platform) => (platform.releases().await?, BTreeSet::new()),
        Kind::Registry(registry) => stored(remote, registry.as_ref()).await?,
    };
    let mut all: Vec<Known> = remote.remembered()?.into_iter().map(|release| merge(release, &there, &signed)).collect();
    let known: BTreeSet<String> = all.iter().map(|one| one.id.clone()).collect();
    all.extend(there.into_iter().filter(|one| !known.contains(&one.id)).map(|one| Known {
        signed: signed.contains(&one.id),
        id: one.id,
        created_at: one.created_at,
        current: one.current,
        image: one.image,
        git_revision: None,
        message: None,
        outcome: None,
        available: true,
    }));
    all.sort_by(|one, other| other.id.cmp(&one.id));
    Ok(all)
}

/// The releases of an instance of this machine, newest first.
///
/// # Errors
///
/// When they cannot be read.
pub fn local_history(platform: &Platform) -> Result<Vec<Known>, Failure> {
    let files = platform.files();
    let current = State::load(files)?.and_then(|state| state.release_id);
    let all = releases::list(&files.releases()).map_err(InstanceError::from)?;
    let known = |release: Release| Known {
        current: current.as_ref() == Some(&release.id),
        signed: false,
        available: release.outcome != Outcome::Failed && state::plan_file(files, &release.digest).exists(),
        image: release.image,
        id: release.id,
        created_at: Some(release.created_at),
        git_revision: release.git_revision,
        message: release.message,
        outcome: Some(release.outcome),
    };
    Ok(all.into_iter().map(known).collect())
}

/// A release of an instance of this machine.
///
/// # Errors
///
/// When it is not remembered.
pub fn local_release(platform: &Platform, id: &str) -> Result<Release, Failure> {
    let all = releases::list(&platform.files().releases()).map_err(InstanceError::from)?;
    let found = all.into_iter().find(|release| release.id == id);
    found.ok_or_else(|| Failure::new("E-STATE-NO-RELEASE", ExitCode::State, format!("there is no release `{id}`")))
}

fn merge(release: Release, there: &[RemoteRelease], signed: &BTreeSet<String>) -> Known {
    let found = there.iter().find(|one| one.id == release.id);
    Known {
        current: found.is_some_and(|one| one.current),
        available: found.is_some() && release.outcome != Outcome::Failed,
        signed: signed.contains(&release.id) || release.signed_with.is_some(),
        image: release.image,
        id: release.id,
        created_at: Some(release.created_at),
        git_revision: release.git_revision,
        message: release.message,
        outcome: Some(release.outcome),
    }
}

/// The releases that a registry has, by the tags that are releases; and which of them have signatures.
async fn stored(remote: &Remote, registry: &dyn Registry) -> Result<(Vec<RemoteRelease>, BTreeSet<String>), Failure> {
    let failed = |error| image::registry_failure(registry, "list what is published", error);
    let client = registry.client().await?;
    let tags = client.tags().await.map_err(failed)?;
    let now = match push::channel(remote) {
        Some(tag) => client.head(&tag).await.map_err(failed)?.map(|head| head.digest),
        None => None,
    };
    let mut releases = Vec::new();
    let mut signed = BTreeSet::new();
    for id in push::newest(&tags).into_iter().take(LOOKED_AT) {
        let Some(head) = client.head(&id).await.map_err(failed)? else { continue };
        let is_newest = releases.is_empty();
        if tags.contains(&signature_tag(&head.digest)) {
            signed.insert(id.clone());
        }
        let created = ulid::Ulid::from_string(&id).ok();
        let created =
            created.and_then(|id| jiff::Timestamp::from_millisecond(i64::try_from(id.timestamp_ms()).ok()?).ok());
        releases.push(RemoteRelease {
            id,
            created_at: created.map(|time| format!("{time:.3}")),
            image: Some(registry.repository().at(&head.digest)),
            hash: None,
            current: now.as_ref().map_or(is_newest, |now| *now == head.digest),
        });
    }
    // Two releases may be one image: the last of them is meant.
    let mut seen = false;
    for release in &mut releases {
        release.current &= !seen;
        seen |= release.current;
    }
    Ok((releases, signed))
}

/// The release to go back to: the one that is named, or the last good one before the one that runs.
///
/// # Errors
///
/// When there is none, or it cannot be gone back to.
pub fn choose<'a>(name: &str, all: &'a [Known], wanted: Option<&str>) -> Result<&'a Known, Failure> {
    let failed = |message: String| {
        Failure::new("E-STATE-NO-RELEASE", ExitCode::State, message).hint(format!("see `helix releases list {name}`"))
    };
    if let Some(wanted) = wanted {
        let found: Vec<&Known> =
            all.iter().filter(|one| one.id == wanted || one.id.ends_with(&wanted.to_uppercase())).collect();
        return match found.as_slice() {
            [one] if one.available => Ok(one),
            [one] => {
                Err(failed(format!("the target does not have release `{}` of `{name}` any more, or it failed", one.id)))
            }
            [] => Err(failed(format!("`{name}` has no release `{wanted}`"))),
            _ => Err(failed(format!("several releases of `{name}` end with `{wanted}`"))),
        };
    }
    let position = all.iter().position(|one| one.current);
    let before = all.iter().skip(position.map_or(0, |position| position + 1));
    let current = position.and_then(|position| all.get(position)).and_then(|one| one.image.as_ref());
    let mut candidates = before.filter(|one| one.available && (one.image.is_none() || one.image.as_ref() != current));
    candidates.next().ok_or_else(|| failed(format!("`{name}` has no release before the one that runs")))
}

/// Fails when going back would lose data, or may: `allow` is the user's word for it.
///
/// # Errors
///
/// `E-DEPLOY-SCHEMA` with the reason.
pub fn check_schema(remote: &Remote, all: &[Known], to: &Known, allow: bool) -> Result<(), Failure> {
    if allow {
        return Ok(());
    }
    let remembered = remote.remembered()?;
    let find = |id: &str| remembered.iter().find(|release| release.id == id);
    let now = all.iter().find(|one| one.current).and_then(|one| find(&one.id));
    let refuse = |reason: &str| {
        let message = format!("cannot go back to release `{}` of `{}`: {reason}", to.id, remote.name);
        Err(Failure::new("E-DEPLOY-SCHEMA", ExitCode::Rejected, message).hint(
            "pass `--allow-breaking` when the data may be lost, or push the earlier queries with the present schema",
        ))
    };
    let (Some(now), Some(then)) = (now, find(&to.id)) else {
        return refuse("it was made elsewhere, and whether its schema goes with the stored data is not known here");
    };
    if now.schema_hash.is_some() && now.schema_hash == then.schema_hash {
        return Ok(());
    }
    let plan =
        |release: &Release| state::load_plan(&state::plan_file(&remote.files, &release.digest), &release.digest).ok();
    match (plan(now), plan(then)) {
        (Some(now), Some(then)) if helix_plan::diff::diff(&now, &then).class() != Class::Breaking => Ok(()),
        (Some(_), Some(_)) => refuse("its schema has no place for data that is stored now"),
        _ => refuse("its schema is another one, and its plan is not remembered here"),
    }
}

/// Goes back. Gives where it answers, and the image.
///
/// # Errors
///
/// When the target does not do so.
pub async fn roll_back(
    remote: &Remote,
    ctx: &Ctx,
    all: &[Known],
    to: &Known,
) -> Result<(Option<String>, Option<String>), Failure> {
    let step = ctx.ui.step("rollback", &format!("Going back to {}", to.id));
    let outcome = match &remote.kind {
        Kind::Platform(platform) => {
            let release = RemoteRelease {
                id: to.id.clone(),
                created_at: to.created_at.clone(),
                image: to.image.clone(),
                hash: None,
                current: false,
            };
            let activated = platform.rollback(&release, &Shown(&step)).await?;
            (activated.url, to.image.clone())
        }
        Kind::Registry(registry) => {
            move_tags(remote, registry.as_ref(), all, to).await?;
            (None, to.image.clone())
        }
    };
    step.done("Went back");
    Ok(outcome)
}

/// Has the names of an instance point to an earlier image, unless somebody moved them meanwhile.
async fn move_tags(remote: &Remote, registry: &dyn Registry, all: &[Known], to: &Known) -> Result<(), Failure> {
    let templates = push::templates(remote);
    let moving: Vec<String> = templates
        .iter()
        .filter(|template| super::tags::moves(template))
        .map(|template| template.replace("{mode}", push::mode(remote)))
        .collect();
    if moving.is_empty() {
        let message =
            format!("no tag of `{}` moves from release to release: there is nothing to move back", remote.name);
        return Err(Failure::new("E-DEPLOY-UNSUPPORTED", ExitCode::Unsupported, message)
            .hint(format!("run {} where it is run", to.image.as_deref().unwrap_or("the earlier image"))));
    }
    let digest = |known: &Known| {
        known.image.as_ref().and_then(|image| image.split_once('@')).map(|(_, digest)| digest.to_owned())
    };
    let Some(digest_to) = digest(to) else {
        return Err(Failure::internal("a release of a registry has no digest"));
    };
    let from = all.iter().find(|one| one.current).and_then(digest);
    let client = registry.client().await?;
    for tag in moving {
        let moved = client.move_tag(&tag, from.as_deref(), &digest_to).await;
        moved.map_err(|error| image::registry_failure(registry, &format!("move the tag `{tag}`"), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, current: bool, available: bool) -> Known {
        Known {
            id: id.to_owned(),
            created_at: None,
            current,
            image: Some(format!("r@sha256:{id}")),
            signed: false,
            git_revision: None,
            message: None,
            outcome: None,
            available,
        }
    }

    #[test]
    fn the_last_good_release_before_the_present_one_is_meant() {
        let all = [known("D", false, false), known("C", true, true), known("B", false, false), known("A", false, true)];
        assert_eq!(choose("prod", &all, None).unwrap().id, "A");
        assert_eq!(choose("prod", &all, Some("c")).unwrap().id, "C");
        assert!(choose("prod", &all, Some("b")).unwrap_err().message.contains("any more"));
        assert!(choose("prod", &all[..2], None).unwrap_err().message.contains("no release before"));
    }
}
