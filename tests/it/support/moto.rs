//! A stand-in for the control plane of AWS: `moto_server` on the loopback. It verifies no signatures, and stores no images.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::free_port;
use super::registry::{installed, listens};

/// A server that runs.
pub struct Moto {
    child: Child,
    _folder: tempfile::TempDir,
    pub url: String,
}

impl Moto {
    /// Starts one; `None` where the program is missing.
    pub async fn start() -> Option<Self> {
        let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-packages/moto/bin/moto_server");
        let is_fetched = fetched.exists();
        if !is_fetched && !installed("moto_server", "it with `bash scripts/test-packages.sh`") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).unwrap();
        let port = free_port();
        let mut command = if is_fetched { Command::new(fetched) } else { Command::new("moto_server") };
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdin(Stdio::null());
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let moto = Self { child, _folder: folder, url: format!("http://127.0.0.1:{port}") };
        listens(&format!("127.0.0.1:{port}"), &log.display().to_string()).await;
        Some(moto)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
