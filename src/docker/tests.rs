use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

use super::*;

/// An environment whose `DOCKER_HOST` is that.
fn at(host: &str) -> Environment {
    Environment { vars: BTreeMap::from([("DOCKER_HOST".to_owned(), host.to_owned())]), uid: 1000 }
}

/// A daemon that answers every request with that document, on a socket of its own.
fn daemon(folder: &Path, version: &'static str) -> String {
    let path = folder.join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let length = version.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{version}").as_bytes());
        }
    });
    format!("unix://{}", path.display())
}

#[tokio::test]
async fn that_nobody_is_there_names_where_was_looked() {
    let folder = tempfile::tempdir().unwrap();
    let host = format!("unix://{}/none.sock", folder.path().display());
    let error = try_connect(&at(&host), Runtime::Docker).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Docker is not there: looked at {host}"));
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_a_daemon_that_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.sock");
    drop(UnixListener::bind(&path).unwrap());
    let host = format!("unix://{}", path.display());
    let error = connect(&at(&host), Runtime::Docker).await.unwrap_err();
    assert!(matches!(error, DockerError::NotRunning { .. }), "{error}");
    let closed = connect(&at("tcp://127.0.0.1:1"), Runtime::Docker).await.unwrap_err();
    assert!(matches!(closed, DockerError::NotRunning { .. }), "{closed}");
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused() {
    let error = connect(&at("ssh://me@there"), Runtime::Docker).await.unwrap_err();
    assert!(error.to_string().contains("expected `unix://PATH` or `tcp://HOST:PORT`"), "{error}");
}

#[tokio::test]
async fn an_old_daemon_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let host = daemon(folder.path(), r#"{"Version":"19.03","ApiVersion":"1.40","MinAPIVersion":"1.12"}"#);
    let error = connect(&at(&host), Runtime::Docker).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Docker at {host} speaks API 1.40, and 1.41 is needed"));
}

#[tokio::test]
async fn podman_behind_dockers_socket_is_known_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let version = r#"{"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24","Components":[{"Name":"Podman Engine","Version":"4.3.1"}]}"#;
    let host = daemon(folder.path(), version);
    let client = connect(&at(&host), Runtime::Docker).await.unwrap();
    assert_eq!((client.runtime(), client.host()), (Runtime::Podman, host.as_str()));
}
