//! Addresses as text, and the address book: where each peer may be found.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use codex_crdt_model::ids::DeviceId;
use iroh::address_lookup::memory::MemoryLookup;
use iroh::endpoint::Connection;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayUrl, TransportAddr};

/// Addresses kept for one peer, the newest first: a laptop has a few networks, not a hundred.
pub(super) const PER_PEER: usize = 16;

/// Longest address looked at, bytes: a relay's URL.
const TEXT_BYTES: usize = 256;

pub(super) fn to_text(address: &TransportAddr) -> Option<String> {
    match address {
        TransportAddr::Ip(socket) => Some(socket.to_string()),
        TransportAddr::Relay(url) => Some(url.to_string()),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<TransportAddr> {
    if text.len() > TEXT_BYTES {
        return None;
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        let usable = !socket.ip().is_unspecified() && !socket.ip().is_multicast() && socket.port() != 0;
        return usable.then_some(TransportAddr::Ip(socket));
    }
    let is_url = text.starts_with("http://") || text.starts_with("https://");
    is_url.then(|| text.parse::<RelayUrl>().ok()).flatten().map(TransportAddr::Relay)
}

/// One endpoint address of all that can be read; the rest is left out.
pub(super) fn endpoint_addr<'a>(id: EndpointId, texts: impl IntoIterator<Item = &'a String>) -> EndpointAddr {
    EndpointAddr::from_parts(id, texts.into_iter().take(PER_PEER).filter_map(|text| from_text(text)))
}

/// Where this device can be reached. If it has no network at all, still by others on the same machine.
pub(super) fn own(endpoint: &Endpoint) -> Vec<String> {
    let mut texts: Vec<String> = endpoint.addr().addrs.iter().filter_map(to_text).collect();
    for socket in endpoint.bound_sockets() {
        let text = socket.to_string();
        if !socket.ip().is_unspecified() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        let port = endpoint.bound_sockets().iter().find(|socket| socket.is_ipv4()).map(SocketAddr::port);
        texts.extend(port.map(|port| format!("127.0.0.1:{port}")));
    }
    texts.truncate(PER_PEER);
    texts
}

/// Where the other end of this connection is seen.
pub(super) fn observed(connection: &Connection) -> Vec<String> {
    connection.paths().iter().filter_map(|path| to_text(path.remote_addr())).collect()
}

/// The way that goes to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// On one network, or one machine.
    Local,
    /// From address to address.
    Direct,
    /// By way of a relay, which sees that they talk, and nothing of what.
    Relay,
}

impl Route {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }

    fn of(address: &TransportAddr) -> Option<Self> {
        match address {
            TransportAddr::Ip(socket) if is_near(socket.ip()) => Some(Self::Local),
            TransportAddr::Ip(_) => Some(Self::Direct),
            TransportAddr::Relay(_) => Some(Self::Relay),
            _ => None,
        }
    }
}

fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The way that this connection goes now; `None` while it looks for one.
pub(super) fn route(connection: &Connection) -> Option<Route> {
    let paths = connection.paths();
    let chosen = paths.iter().find(|path| path.is_selected())?;
    Route::of(chosen.remote_addr())
}

/// Where peers may be found. Dials by bare id look here too, through the [`MemoryLookup`].
#[derive(Debug)]
pub(super) struct Book {
    pages: BTreeMap<DeviceId, Vec<String>>,
    lookup: MemoryLookup,
}

impl Book {
    pub(super) fn new(lookup: MemoryLookup) -> Self {
        Self { pages: BTreeMap::new(), lookup }
    }

    /// Writes addresses in front of the known ones. Says whether any is new.
    pub(super) fn note(&mut self, peer: DeviceId, addresses: &[String]) -> bool {
        let Ok(id) = EndpointId::from_bytes(&peer.0) else { return false };
        let page = self.pages.entry(peer).or_default();
        let mut fresh: Vec<String> = Vec::new();
        for address in addresses.iter().take(PER_PEER) {
            if from_text(address).is_some() && !fresh.contains(address) {
                fresh.push(address.clone());
            }
        }
        let any_new = fresh.iter().any(|address| !page.contains(address));
        page.retain(|address| !fresh.contains(address));
        fresh.append(page);
        fresh.truncate(PER_PEER);
        *page = fresh;
        self.lookup.set_endpoint_info(endpoint_addr(id, &*page));
        any_new
    }

    /// All known addresses of a peer, to be dialled at once.
    pub(super) fn of(&self, peer: &DeviceId) -> &[String] {
        self.pages.get(peer).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_way_is_local_direct_or_by_relay() {
        for (text, expect) in [
            ("127.0.0.1:1", Route::Local),
            ("192.168.1.7:4555", Route::Local),
            ("[fe80::1]:1", Route::Local),
            ("[::ffff:10.0.0.1]:1", Route::Local),
            ("93.184.216.34:4555", Route::Direct),
            ("[2001:db8::1]:1", Route::Direct),
            ("https://relay.example/", Route::Relay),
        ] {
            assert_eq!(from_text(text).as_ref().and_then(Route::of), Some(expect), "{text}");
        }
    }

    #[test]
    fn only_usable_addresses_are_dialled_and_the_newest_come_first() {
        for good in ["10.0.0.1:4555", "[fe80::1]:1", "https://relay.example/", "http://127.0.0.1:3340/"] {
            assert_eq!(from_text(good).as_ref().and_then(to_text).as_deref(), Some(good));
        }
        for bad in ["", "0.0.0.0:1", "10.0.0.1", "10.0.0.1:0", "224.0.0.1:5", "ftp://x", "http://"] {
            assert_eq!(from_text(bad), None, "{bad}");
        }
        let mut book = Book::new(MemoryLookup::new());
        let peer = DeviceId(*iroh::SecretKey::from_bytes(&[7; 32]).public().as_bytes());
        assert!(book.note(peer, &["10.0.0.1:1".into(), "junk".into()]));
        assert!(book.note(peer, &["10.0.0.2:1".into(), "10.0.0.1:1".into()]));
        assert!(!book.note(peer, &["10.0.0.1:1".into()]));
        assert_eq!(book.of(&peer), ["10.0.0.1:1", "10.0.0.2:1"]);
        for n in 0..50 {
            book.note(peer, &[format!("10.0.1.1:{}", n + 1)]);
        }
        assert_eq!(book.of(&peer).len(), PER_PEER);
    }
}
