//! How an instance elsewhere is, in the terms of those on this machine.

use super::Remote;
use crate::integrations::embedded::{Files, State};
use crate::integrations::role::RemoteStatus;
use crate::ops::status::{self, InstanceState, InstanceStatus};

/// What its target says of it.
#[must_use]
pub fn of(remote: &Remote, found: RemoteStatus) -> InstanceStatus {
    let state = match found.state {
        "running" => InstanceState::Running,
        "starting" => InstanceState::Starting,
        "stopped" => InstanceState::Stopped,
        "failed" => InstanceState::Crashed,
        "published" => InstanceState::Published,
        "absent" => InstanceState::Absent,
        _ => InstanceState::Unknown,
    };
    let detail = |name: &str| found.details.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    InstanceStatus {
        state,
        health: (state == InstanceState::Running).then_some("healthy"),
        url: found.url.clone(),
        image: found.release.as_ref().and_then(|release| release.image.clone()),
        release: found.release.as_ref().map(|release| release.id.clone()),
        released_at: found.release.as_ref().and_then(|release| release.created_at.clone()),
        last_error: detail("error"),
        ..status::blank(&remote.name, remote.target().name)
    }
}

/// What is remembered of it here, without asking anybody.
#[must_use]
pub fn remembered(name: &str, target: &'static str, files: &Files) -> InstanceStatus {
    let blank = status::blank(name, target);
    match State::load(files) {
        Ok(Some(state)) => InstanceStatus {
            release: state.release_id,
            released_at: Some(state.deployed_at),
            image: state.image,
            digest: Some(state.digest),
            ..blank
        },
        Ok(None) => InstanceStatus { state: InstanceState::Absent, ..blank },
        Err(error) => InstanceStatus { last_error: Some(error.to_string()), ..blank },
    }
}
