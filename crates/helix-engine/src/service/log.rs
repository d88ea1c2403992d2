//! What a server writes down about itself: one line a record.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, layer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `2030-01-01T00:00:00.000Z info  ready address=…`.
    Text,
    /// A JSON object.
    Json,
}

/// The filter that a level, or a list of directives such as `info,requests=info`, stands for.
///
/// Requests are logged when they are asked for by `requests=info`, `debug` or `trace`: a line for each is much for a busy
/// server. What cannot be read means `info`.
#[must_use]
pub fn filter(level: &str) -> EnvFilter {
    let directives = match level.to_ascii_lowercase().as_str() {
        known @ ("error" | "warn" | "info") => format!("{known},requests=off"),
        _ => level.to_owned(),
    };
    EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info,requests=off"))
}

/// Sends the events of this process to stdout from now on.
pub(super) fn install(format: LogFormat, level: &str) {
    let registry = tracing_subscriber::registry().with(filter(level));
    // That another subscriber was first is fine.
    let _ = match format {
        LogFormat::Text => registry.with(layer().with_ansi(false).event_format(Text)).try_init(),
        LogFormat::Json => {
            let json = layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
            registry.with(json).try_init()
        }
    };
}

/// Lines as `helix logs` shows them.
struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        write!(writer, "{:.3} {level:5} ", jiff::Timestamp::now())?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
