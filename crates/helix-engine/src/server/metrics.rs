//! Figures for Prometheus. Source of the format: OpenMetrics 1.0, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write as _;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::engine::Engine;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    query: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    query: String,
}

/// What requests add to; the rest is asked of the engine when somebody looks.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<QueryLabels, Histogram, fn() -> Histogram>,
}

/// Bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        let latency = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("helix_requests", "Requests by query and status", requests.clone());
        registry.register("helix_request_seconds", "Time from head to response", latency.clone());
        Self { registry, requests, latency }
    }
}

impl Metrics {
    pub fn observe(&self, query: &str, status: u16, latency: Duration) {
        self.requests.get_or_create(&RequestLabels { query: query.to_owned(), status }).inc();
        self.latency.get_or_create(&QueryLabels { query: query.to_owned() }).observe(latency.as_secs_f64());
    }

    /// Everything as text.
    pub fn text(&self, engine: &Engine) -> String {
        let mut out = String::new();
        // Writing to memory does not fail.
        let _ = encode_registry(&mut out, &self.registry);
        let stats = engine.stats();
        let gauges: [(&str, &str, f64); 8] = [
            ("helix_writer_queue", "Writes that wait for the writer", stats.writer_queue as f64),
            ("helix_reader_queue", "Reads that wait for a thread", stats.reader_queue as f64),
            ("helix_database_bytes", "Size of the database file", stats.size_bytes as f64),
            ("helix_database_used_bytes", "Bytes of the file that hold something", stats.used_bytes as f64),
            ("helix_database_max_bytes", "Size that the database may grow to", stats.max_size_bytes as f64),
            (
                "helix_group_size",
                "Requests in a commit, on average since the start",
                if stats.commits == 0 { 0.0 } else { stats.committed_requests as f64 / stats.commits as f64 },
            ),
            (
                "helix_oldest_reader_seconds",
                "How long the oldest read has been going on",
                stats.oldest_reader.as_secs_f64(),
            ),
            (
                "helix_request_memory_peak_bytes",
                "The most memory that one read took since the start",
                stats.memory_peak_bytes as f64,
            ),
        ];
        for (name, help, value) in gauges {
            let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}");
        }
        let _ = writeln!(
            out,
            "# HELP helix_commits Commits.\n# TYPE helix_commits counter\nhelix_commits_total {}\n\
             # HELP helix_commit_seconds Time spent in commits.\n# TYPE helix_commit_seconds counter\nhelix_commit_seconds_total {}",
            stats.commits,
            stats.commit_time.as_secs_f64()
        );
        if let Ok(counts) = engine.vector_counts() {
            let _ = writeln!(
                out,
                "# HELP helix_vectors Vectors by type, and by whether searches give them, they wait to be removed, or to be linked.\n\
                 # TYPE helix_vectors gauge"
            );
            for (name, counts) in counts {
                for (state, count) in [("live", counts.live), ("dead", counts.dead), ("backlog", counts.backlog)] {
                    let _ = writeln!(out, "helix_vectors{{type=\"{name}\",state=\"{state}\"}} {count}");
                }
            }
        }
        if let Ok(counts) = engine.text_counts() {
            let _ = writeln!(
                out,
                "# HELP helix_text Nodes and words in the text index of a type.\n# TYPE helix_text gauge"
            );
            for (name, counts) in counts {
                for (what, count) in [("nodes", counts.documents), ("words", counts.terms)] {
                    let _ = writeln!(out, "helix_text{{type=\"{name}\",of=\"{what}\"}} {count}");
                }
            }
        }
        out.push_str("# EOF\n");
        out
    }
}
