//! Asking a server beside this process whether it lives.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Exit, Failure};

/// How long connecting, asking and the answer may take, each.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More than the head of any answer that is good, in bytes.
const MAX_HEAD_LEN_BYTES: u64 = 1024;

/// Asks the server that listens on `address` for `/healthz`.
///
/// A few lines over a socket: an HTTP client would be most of the time that this process lives.
pub(super) fn ask(address: SocketAddr) -> Result<(), Failure> {
    let address = reachable(address);
    let failed = |reason: String| Failure::new(Exit::Failed, format!("unhealthy: {reason}"));
    let status = status(address).map_err(|error| failed(format!("{address} does not answer: {error}")))?;
    if status == "200" { Ok(()) } else { Err(failed(format!("{address} answered with status {status}"))) }
}

/// An address that means "all of this machine" cannot be connected to everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn status(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(MAX_HEAD_LEN_BYTES).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split_whitespace().next());
    status.map(str::to_owned).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "that is not HTTP"))
}
