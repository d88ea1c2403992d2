//! Which port an instance can listen on, and who has it when it cannot.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::error::{EmbeddedError, Result};

/// How many ports a search tries.
const MAX_TRIES: u16 = 100;

/// Fails unless the port can be listened on. Nothing is reserved: the instance may still find it taken.
///
/// # Errors
///
/// [`EmbeddedError::PortInUse`] with the program that has it, when the system tells.
pub fn check(address: SocketAddr) -> Result<()> {
    if is_free(address) {
        return Ok(());
    }
    Err(in_use(address))
}

/// The error for a port that is in use.
#[must_use]
pub fn in_use(address: SocketAddr) -> EmbeddedError {
    let owner = owner(address.port());
    EmbeddedError::PortInUse { port: address.port(), address: address.ip().to_string(), owner }
}

/// The first free port from `first` on.
///
/// # Errors
///
/// When none of a hundred is free.
pub fn search(ip: IpAddr, first: u16) -> Result<u16> {
    let last = first.saturating_add(MAX_TRIES - 1);
    let found = (first..=last).find(|port| is_free(SocketAddr::new(ip, *port)));
    found.ok_or(EmbeddedError::NoFreePort { first, last })
}

/// Whether a port can be listened on at the address and, for the loopback, at the other family's loopback too: a program that
/// has only that one would answer whoever says `localhost`.
fn is_free(address: SocketAddr) -> bool {
    let other = match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        IpAddr::V6(ip) if ip.is_loopback() => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    let in_use = |ip| {
        let bound = TcpListener::bind(SocketAddr::new(ip, address.port()));
        bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    };
    TcpListener::bind(address).is_ok() && !other.is_some_and(in_use)
}

/// The program that listens on a port, as `name (pid N)`. Only programs of this user can be told.
#[cfg(target_os = "linux")]
fn owner(port: u16) -> Option<String> {
    let inodes = listening_inodes(port);
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = std::fs::read_dir("/proc").ok()?;
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let mut links = descriptors.flatten().filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok());
        if links.any(|link| wanted.iter().any(|wanted| link.as_os_str() == wanted.as_str())) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

/// The inodes of the sockets that listen on a port.
#[cfg(target_os = "linux")]
fn listening_inodes(port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let port = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let inodes = lines.filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&port) && *fields.get(3)? == LISTEN;
        listens.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
    });
    inodes.collect()
}

/// The program that listens on a port: not told here.
#[cfg(not(target_os = "linux"))]
fn owner(_port: u16) -> Option<String> {
    None
}

#[cfg(test)]
mod tests;
