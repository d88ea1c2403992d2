use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::integrations::embedded::error::EmbeddedError;
use crate::integrations::embedded::files::Files;

struct Fixed(broadcast::Sender<RequestEvent>);

impl Handler for Fixed {
    async fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Status => {
                Reply::Status(Status { digest: "d".to_owned(), queries: 1, uptime_ms: 2, filled_percent: None })
            }
            Request::Stop { .. } => Reply::Stopping,
            Request::Activate { .. } => Reply::Refused { code: "E-X".to_owned(), message: "no".to_owned() },
            Request::Subscribe => Reply::Subscribed,
        }
    }

    fn events(&self) -> broadcast::Receiver<RequestEvent> {
        self.0.subscribe()
    }
}

fn files(home: &Path) -> Files {
    let files = Files::new("dev", home.to_owned(), home.join("data"));
    files.create().unwrap();
    files
}

async fn talk(home: &Path, short: &Path) {
    let files = files(home);
    let socket = Socket::bind(&files, short).unwrap();
    let (events, _) = broadcast::channel(8);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(serve(socket, Arc::new(Fixed(events.clone())), shutdown.clone()));

    let client = Client::new(&files).unwrap();
    assert_eq!(client.status().await.unwrap().uptime_ms, 2);
    let refused = client.activate("p".into(), "d".to_owned(), false).await.unwrap_err();
    assert!(matches!(&refused, EmbeddedError::Refused { code, .. } if code == "E-X"), "{refused}");
    client.stop(Duration::from_secs(1)).await.unwrap();

    let mut subscription = client.subscribe().await.unwrap();
    while events.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    let latency = Duration::from_micros(5);
    events.send(RequestEvent { query: "q".to_owned(), status: 200, latency, response_bytes: 3, error: None }).unwrap();
    let event = subscription.next().await.unwrap();
    assert_eq!((event.query.as_str(), event.status, event.micros), ("q", 200, 5));

    shutdown.cancel();
    serving.await.unwrap();
    assert_eq!(subscription.next().await, None);
    assert!(Client::new(&files).is_err(), "the socket is removed");
}

#[tokio::test]
async fn questions_are_answered_and_events_follow() {
    let directory = tempfile::tempdir().unwrap();
    talk(&directory.path().join("dev"), &directory.path().join("short")).await;
}

#[tokio::test]
async fn a_deep_project_uses_a_short_socket() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("a-folder-with-a-long-name/".repeat(6)).join("dev");
    talk(&home, &directory.path().join("short")).await;
    assert!(!home.join("run/control.path").exists());
}

#[tokio::test]
async fn a_shared_directory_that_is_a_link_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("a-folder-with-a-long-name/".repeat(6)).join("dev");
    let trap = directory.path().join("trap");
    std::fs::create_dir(&trap).unwrap();
    let short = directory.path().join("short");
    std::os::unix::fs::symlink(&trap, &short).unwrap();
    assert!(Socket::bind(&files(&home), &short).is_err());
}

#[tokio::test]
async fn a_message_that_claims_to_be_huge_is_refused() {
    let (mut near, mut far) = tokio::io::duplex(64);
    near.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    let read: io::Result<Option<Request>> = read_message(&mut far).await;
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_leftover_socket_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let files = files(&directory.path().join("dev"));
    std::fs::write(files.run().join("control.sock"), "").unwrap();
    assert!(Client::new(&files).unwrap().status().await.is_err());
    talk(files.home(), &directory.path().join("short")).await;
}
