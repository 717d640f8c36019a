//! `serve` and `open`: the daemon's life from lock to last sync.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::client::Client;
use super::failure::Failure;
use super::passphrase::asking;
use super::print;
use crate::daemon::{Daemon, Options};
use crate::home::config::relay_choice;
use crate::home::{Home, Place, RunFile};
use crate::http::{self, Auth, Desk, auth::new_token};

/// Open connections get so long to finish once we are asked to stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// How to serve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Where to serve the desk; port 0 takes any free one (default: 127.0.0.1:7420).
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Where to listen for other devices (default: any address, any port).
    #[arg(long, value_name = "ADDR:PORT")]
    pub p2p_listen: Option<std::net::SocketAddr>,
    /// Relays: `default`, `none` or a URL.
    #[arg(long, value_name = "RELAY")]
    pub relay: Option<String>,
    /// Neither look for devices on the local network nor be found.
    #[arg(long)]
    pub no_discovery: bool,
    /// Open the desk in the browser.
    #[arg(long)]
    pub open: bool,
    /// The passphrase of the device key, in a file; asked for on the terminal without it.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl ServeArgs {
    /// These, and what was said before the command where nothing is said behind it.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            listen: self.listen.or(before.listen),
            p2p_listen: self.p2p_listen.or(before.p2p_listen),
            relay: self.relay.or(before.relay),
            no_discovery: self.no_discovery || before.no_discovery,
            open: self.open || before.open,
            passphrase_file: self.passphrase_file.or(before.passphrase_file),
        }
    }

    /// The first that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let Self { listen, p2p_listen, relay, no_discovery, open, passphrase_file } = self;
        let all = [
            (listen.is_some(), "--listen"),
            (p2p_listen.is_some(), "--p2p-listen"),
            (relay.is_some(), "--relay"),
            (*no_discovery, "--no-discovery"),
            (*open, "--open"),
            (passphrase_file.is_some(), "--passphrase-file"),
        ];
        all.into_iter().find_map(|(is_given, name)| is_given.then_some(name))
    }
}

/// `serve`.
pub async fn serve(home: Option<&Path>, args: &ServeArgs) -> Result<(), Failure> {
    let home = Home::open_with(Place::find(home)?, &asking(args.passphrase_file.clone()))?;
    run(home, args, async |_| Ok(())).await
}

/// Runs a daemon on an opened home until a signal comes. `ready` is called once everything answers.
pub async fn run(
    home: Home,
    args: &ServeArgs,
    ready: impl AsyncFnOnce(&Arc<Daemon>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let listener = listen(&home, args).await?;
    let address =
        listener.local_addr().map_err(|error| Failure::new(format!("cannot serve the desk: {error}")))?;
    let base_url = format!("http://{address}");
    let relay = args.relay.clone().unwrap_or_else(|| home.config().relay.clone());
    let options = Options {
        p2p_listen: args.p2p_listen,
        relay: relay_choice(&relay).map_err(Failure::usage)?,
        discovery: home.config().discovery && !args.no_discovery,
    };
    let run_path = home.run_file();
    let system = home.system().clone();
    let daemon = Daemon::start(home, options).await?;
    let token = new_token();
    let auth = Arc::new(Auth::new(&token, system, &base_url));
    let desk = Desk::new(Arc::clone(&daemon), Arc::clone(&auth));
    let mut stopped = stop.clone();
    let server = axum::serve(listener, http::app(desk)).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let server = tokio::spawn(server.into_future());
    let served = match ready(&daemon).await {
        Ok(()) => {
            let run = RunFile {
                url: base_url,
                token,
                pid: std::process::id(),
                device: daemon.device().to_string(),
                p2p_addrs: daemon.p2p_addresses(),
            };
            announce_and_wait(&run, &run_path, &auth, args.open, stop).await
        }
        Err(failure) => Err(failure),
    };
    // An open socket of events would keep the server for ever.
    let _ = tokio::time::timeout(FAREWELL, server).await;
    daemon.shutdown().await;
    served
}

async fn announce_and_wait(
    run: &RunFile,
    run_path: &Path,
    auth: &Auth,
    open: bool,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let _published = run.publish(run_path)?;
    let link = auth.link();
    print::line(&format!("Codex is at {link}"));
    if open && let Err(failure) = open_in_browser(&link).await {
        tracing::warn!("{}", failure.line().unwrap_or_default());
    }
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}

async fn listen(home: &Home, args: &ServeArgs) -> Result<TcpListener, Failure> {
    let wanted = match args.listen {
        Some(address) => address,
        None => home.config().listen.parse::<SocketAddr>().map_err(|error| {
            let listen = &home.config().listen;
            Failure::new(format!(
                "cannot serve the desk at `{listen}` (config.toml): {error}; give it as 127.0.0.1:7420"
            ))
        })?,
    };
    if !wanted.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "cannot serve the desk at {wanted}: it has no encryption of its own and is for this machine only; use a \
             127.0.0.1 address (from elsewhere: ssh -L 7420:localhost:7420)"
        )));
    }
    let failure = |error: std::io::Error| {
        Failure::new(format!(
            "cannot serve the desk at {wanted}: {error}; give another address, or port 0, with --listen"
        ))
    };
    match TcpListener::bind(wanted).await {
        // Nobody asked for just this port: a second daemon on this machine takes another.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && args.listen.is_none() => {
            print::line(&format!("{wanted} is taken by another program; the desk takes a free port"));
            TcpListener::bind((wanted.ip(), 0)).await.map_err(failure)
        }
        bound => bound.map_err(failure),
    }
}

/// Becomes true at the first Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_signal() -> Result<watch::Receiver<bool>, Failure> {
    let wrong = |error| Failure::new(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(wrong)?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        stop.send_replace(true);
        next().await;
        std::process::exit(1);
    });
    Ok(stopped)
}

/// `open`.
pub async fn open(client: &Client) -> Result<(), Failure> {
    let link = client.post("/session/links", &json!({})).await?;
    let url = print::text(&link, "url").to_owned();
    print::line(&url);
    open_in_browser(&url).await
}

async fn open_in_browser(url: &str) -> Result<(), Failure> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let opened = tokio::process::Command::new(opener)
        .arg(url)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .await;
    match opened {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!(
            "cannot open the browser: {opener} ended with {status}; open {url} yourself"
        ))),
        Err(error) => {
            Err(Failure::new(format!("cannot open the browser with {opener}: {error}; open {url} yourself")))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_an_error_only_if_it_was_asked_for() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), format!("listen = \"{address}\"\n")).unwrap();
        let home = Home::open_at(Place::at(dir.path().to_owned())).unwrap();
        let mut args = ServeArgs::default();
        let listener = listen(&home, &args).await.unwrap();
        assert_ne!(listener.local_addr().unwrap(), address);
        args.listen = Some(address);
        assert!(listen(&home, &args).await.is_err());
    }
}
