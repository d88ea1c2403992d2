//! `helix mock-cloud`.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::ctx::Ctx;
use crate::errors::{ExitCode, Failure};
use crate::integrations::helix::mock::{CLUSTER, Mock, PROJECT, USER_KEY};
use crate::ops::cloud::mock::compiler_check;
use crate::ops::cloud::{ENDPOINT, TOKEN};
use crate::ui::{Page, Report, Style};
use crate::utils::count;

const EXAMPLES: &str = "\
Examples:
  helix mock-cloud                        Then, in another terminal:
    export HELIX_CLOUD_ENDPOINT=http://127.0.0.1:6970 HELIX_CLOUD_TOKEN=mock-user-key
    helix config cluster list
  helix mock-cloud --port 0 --json        On any free port, told as a line of JSON";

/// The port of whoever names none.
const PORT: u16 = 6970;

/// Arguments of `helix mock-cloud`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MockCloudArgs {
    /// Port to listen on, on this machine only; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = PORT)]
    port: u16,
}

/// What was called.
#[derive(Debug, Serialize)]
pub struct MockCloudReport {
    url: String,
    calls: usize,
}

impl Report for MockCloudReport {
    fn human(&self, page: &mut Page) {
        page.success(self.line());
    }

    fn summary(&self) -> Option<String> {
        Some(self.line())
    }
}

impl MockCloudReport {
    fn line(&self) -> String {
        format!("Answered {}", count(self.calls, "call", "calls"))
    }
}

/// Is a stand-in for Helix Cloud until Ctrl-C, which is how it is meant to end. It keeps nothing.
///
/// # Errors
///
/// When the port is taken.
pub async fn run(args: MockCloudArgs, ctx: &Ctx) -> Result<MockCloudReport, Failure> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let failed = |error: std::io::Error| {
        Failure::new("E-PORT-IN-USE", ExitCode::Failed, format!("cannot listen on {wanted}"))
            .cause(error.to_string())
            .hint("name another one with `--port N`, or take a free one with `--port 0`")
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mock = Mock::new(address, compiler_check());
    let url = mock.base().to_owned();
    ctx.ui.event("listening", &json!({"url": url, "key": USER_KEY, "project_id": PROJECT, "cluster_id": CLUSTER}));
    if !ctx.ui.is_json() {
        let mut page = ctx.ui.page();
        page.line(Style::Bold, format_args!("A stand-in for Helix Cloud at {url}, Ctrl-C ends it"));
        page.text_line(format_args!("  export {ENDPOINT}={url} {TOKEN}={USER_KEY}"));
        page.line(
            Style::Dim,
            format_args!("  it has the project `{PROJECT}` and the cluster `{CLUSTER}`, and keeps nothing"),
        );
        ctx.ui.print(&page);
    }
    let stop = ctx.cancel.clone();
    let served = mock.clone().serve(listener, async move { stop.cancelled().await }).await;
    served.map_err(|error| {
        Failure::new("E-NET-SERVE", ExitCode::Network, "the stand-in failed").cause(error.to_string())
    })?;
    Ok(MockCloudReport { url, calls: mock.journal().len() })
}
