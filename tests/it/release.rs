//! A large project goes from check to a container, and answers there as the embedded runtime does.

use crate::corpus_files::{Session, Shown, requests};
use crate::programs;
use crate::support::docker::base_images;
use crate::support::{Project, free_port, post_text};

/// Several hundred.
const QUERIES: usize = 300;

#[test]
fn hundreds_of_queries_answer_in_a_container_as_they_do_embedded() {
    if !base_images() {
        return;
    }
    let random = programs::random(2_026, QUERIES);
    let project = Project::new(&random.source);
    let port = free_port();
    // Where crates come through a proxy with a certificate of its own, this is where it is.
    let ca = std::env::var("SSL_CERT_FILE").map(|path| format!("ca_bundle = \"{path}\"\n")).unwrap_or_default();
    let name = format!("large-{}", std::process::id());
    project.write(
        "helix.toml",
        &format!(
            "[project]\nname = \"{name}\"\nqueries = \"./db/\"\n\n[local.dev]\nport = {}\n\n\
             [local.box]\nruntime = \"docker\"\nport = {port}\n\n\
             [build]\nbuilder_image = \"helix-test-builder:local\"\nruntime_image = \"helix-test-runtime:local\"\n{ca}",
            project.port()
        ),
    );
    project.helix(&["check"]).code(0);
    project.helix(&["push", "dev"]).code(0);
    project.helix(&["push", "box"]).code(0);
    let places = [project.url(), format!("http://127.0.0.1:{port}")];
    let mut sessions = [Session::default(), Session::default()];
    let mut shown = [Shown::default(), Shown::default()];
    let (mut answered, mut refused) = (0, 0);
    for request in requests(&random.requests) {
        let mut answers = Vec::new();
        for ((url, session), shown) in places.iter().zip(&mut sessions).zip(&mut shown) {
            let answer = session.exchange(&request, |query, body| post_text(url, query, body).unwrap());
            answers.push((answer.0, shown.normalise(&answer.1)));
        }
        assert_eq!(answers[0], answers[1], "{}", request.line);
        if answers[0].0 == 200 { answered += 1 } else { refused += 1 }
    }
    assert!(answered > QUERIES && refused > 0, "{answered} answered, {refused} refused");
    project.helix(&["delete", "box", "--yes"]).code(0);
}
