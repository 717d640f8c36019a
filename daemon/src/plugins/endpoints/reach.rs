//! Where a plugin's requests may go: to declared hosts, at public addresses. A name that leads to this machine or its network is
//! refused where the connection is made, so that no answer of a name server gets around it.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};

/// The addresses of a name, or why there are none.
pub type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Looks a name up.
pub type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// The system's look-up.
pub fn system() -> Lookup {
    Arc::new(|name: String| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

const CONNECT: Duration = Duration::from_secs(5);
/// One try, from the first byte sent to the last one received.
const TRY: Duration = Duration::from_secs(10);

/// The hosts that a request may reach.
#[derive(Clone)]
pub struct Reach {
    /// Names; `*.example.org` for all below one, `*` for every public one.
    pub hosts: Vec<String>,
    /// The service that the user of this device named: it may be in the own network.
    pub own: Option<Url>,
    /// How names are looked up.
    pub lookup: Lookup,
}

impl Reach {
    /// A client that reaches nothing else, and follows nowhere by itself.
    pub fn client(&self) -> reqwest::Result<Client> {
        // The client does not start without one; an error means that it was done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .timeout(TRY)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up itself, where nobody checks what they lead to.
            .no_proxy()
            .user_agent(concat!("codex/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(self.clone()))
            .build()
    }

    /// Whether it is the service that the user of this device named.
    pub fn is_own(&self, url: &Url) -> bool {
        self.own.as_ref().is_some_and(|own| own.origin() == url.origin())
    }

    /// Whether an address may be asked at all. Names are looked at again when they are looked up.
    pub fn allows(&self, url: &Url) -> Result<(), String> {
        let Some(host) = url.host_str() else { return Err(format!("`{}` names no host", url.scheme())) };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match url.scheme() {
            "https" | "http" => {}
            other => return Err(format!("`{other}:` is not asked; only https is")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a name and a password in it is not asked".to_owned());
        }
        if self.is_own(url) {
            return Ok(());
        }
        if !self.hosts.iter().any(|declared| fits(declared, &host)) {
            return Err(format!("`{host}` is none of its hosts ({})", self.hosts.join(", ")));
        }
        if !matches!(url.port_or_known_default(), Some(80 | 443)) {
            return Err(format!(
                "port {} of `{host}` is not asked; only 443 and 80 are",
                url.port().unwrap_or(0)
            ));
        }
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        if literal.is_ok_and(|address| !is_public(address)) {
            return Err(format!("`{host}` is an address of this machine or its network"));
        }
        Ok(())
    }
}

fn fits(declared: &str, host: &str) -> bool {
    let declared = declared.to_ascii_lowercase();
    match declared.strip_prefix("*.") {
        Some(below) => host.strip_suffix(below).is_some_and(|start| start.ends_with('.')),
        None => declared == "*" || declared == host,
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let is_own = self.own.as_ref().and_then(Url::host_str).is_some_and(|own| own == name);
        let found = (self.lookup)(name.clone());
        Box::pin(async move {
            let all = found.await?;
            let public: Vec<SocketAddr> = all
                .iter()
                .filter(|address| is_own || is_public(**address))
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if public.is_empty() {
                let say =
                    format!("`{name}` leads to this machine or its network, where plugins do not reach");
                return Err(std::io::Error::other(say).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public network: none of the blocks that the registries of special addresses (RFC 6890 and
/// what came since) keep for other things.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (169, 254, _)
            | (192, 168, _)
            | (100, 64..=127, _)
            | (172, 16..=31, _)
            | (198, 18 | 19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Addresses that carry one of the older kind are as public as that.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0, ..] => false,
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x5f00, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_public_network_is_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("140.82.121.4", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::127.0.0.1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::808:808", true),
            ("2002:7f00:1::", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("2606:4700::1111", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn only_what_was_declared_is_asked() {
        let hosts = ["api.example.org", "*.cdn.example"].map(str::to_owned).to_vec();
        let reach = Reach { hosts, own: Url::parse("http://lab.local:8080/api").ok(), lookup: system() };
        let allows = |url: &str| reach.allows(&Url::parse(url).unwrap()).is_ok();
        for good in [
            "https://api.example.org/x",
            "https://API.example.org./x",
            "https://a.cdn.example/",
            "http://lab.local:8080/",
        ] {
            assert!(allows(good), "{good}");
        }
        for bad in [
            "https://example.org/",
            "https://api.example.org.evil.example/",
            "https://evilcdn.example/",
            "https://cdn.example/",
            "https://api.example.org:22/",
            "https://user:pw@api.example.org/",
            "file:///etc/passwd",
            "ftp://api.example.org/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://lab.local:9090/",
            "https://lab.local/",
        ] {
            assert!(!allows(bad), "{bad}");
        }
        let any = Reach { hosts: vec!["*".to_owned()], own: None, lookup: system() };
        let allows = |url: &str| any.allows(&Url::parse(url).unwrap()).is_ok();
        assert!(
            allows("https://example.org/") && !allows("http://127.0.0.1/") && !allows("http://2130706433/")
        );
        assert!(!allows("http://[::ffff:10.0.0.1]/") && !allows("http://169.254.169.254/latest/meta-data"));
    }
}
