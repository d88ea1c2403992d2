//! `helix version`, `helix --version`.

use clap::Args;
use serde::Serialize;

use crate::ui::{Page, Report};

/// Arguments of `helix version`.
#[derive(Debug, Args)]
pub struct VersionArgs {}

/// What this is.
#[derive(Debug, Serialize)]
pub struct VersionReport {
    version: &'static str,
    engine: &'static str,
    plan_format: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    target: String,
}

impl Report for VersionReport {
    fn human(&self, page: &mut Page) {
        page.text_line(format_args!("helix {}", self.version));
    }

    fn summary(&self) -> Option<String> {
        Some(format!("helix {}", self.version))
    }
}

/// Says what this is.
#[must_use]
pub fn run(_args: &VersionArgs) -> VersionReport {
    VersionReport {
        version: env!("CARGO_PKG_VERSION"),
        engine: env!("CARGO_PKG_VERSION"),
        plan_format: helix_plan::FORMAT_VERSION,
        commit: option_env!("HELIX_COMMIT"),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    }
}
