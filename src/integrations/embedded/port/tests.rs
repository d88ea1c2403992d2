use super::*;

#[test]
fn a_taken_port_names_its_owner_and_is_skipped_by_a_search() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let error = check(address).unwrap_err();
    let EmbeddedError::PortInUse { port, owner, .. } = &error else { panic!("{error}") };
    assert_eq!(*port, address.port());
    if cfg!(target_os = "linux") {
        let pid = format!("(pid {})", std::process::id());
        assert!(owner.as_deref().is_some_and(|owner| owner.ends_with(&pid)), "{owner:?}");
    }
    assert_ne!(search(address.ip(), address.port()).unwrap(), address.port());
}

#[test]
fn the_other_loopback_counts() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
    let port = listener.local_addr().unwrap().port();
    assert!(check(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).is_err());
}
