//! One real daemon in a home of its own, on loopback, without discovery or relays.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waiting longer than this for a condition is a failure. Nothing is timed: a slow machine only waits.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Daemon {
    home: PathBuf,
    pub folder: PathBuf,
    port: u16,
    child: Child,
}

/// Waits for a condition.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("codexd")
}

impl Daemon {
    pub fn start(home: &Path, folder: PathBuf) -> Self {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(home, port);
        let mut daemon = Self { home: home.to_owned(), folder, port, child };
        daemon.ready();
        daemon
    }

    fn ready(&mut self) {
        let file = self.home.join("run/daemon.json");
        let pid = self.child.id();
        until("the daemon is ready", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
                panic!("codexd ended with {status}: {log}");
            }
            fs::read_to_string(&file).is_ok_and(|text| {
                text.contains(&format!("\"pid\":{pid}")) || text.contains(&format!("\"pid\": {pid}"))
            })
        });
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.child = spawn(&self.home, self.port);
        self.ready();
    }

    /// Runs a command that must succeed; gives what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        let output = Command::new(binary()).arg("--home").arg(&self.home).args(args).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "codexd {args:?} failed: {printed}{errors}");
        printed
    }
}

fn spawn(home: &Path, port: u16) -> Child {
    fs::create_dir_all(home).unwrap();
    let log = fs::OpenOptions::new().create(true).append(true).open(home.join("log")).unwrap();
    Command::new(binary())
        .arg("--home")
        .arg(home)
        .args(["serve", "--listen", "127.0.0.1:0", "--relay", "none", "--no-discovery"])
        .args(["--p2p-listen", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
