//! One real daemon in a home of its own, on loopback, without discovery or relays.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Waiting longer than this for a condition is a failure. Nothing is timed: a slow machine only waits.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What the API answered. A body in chunks is left as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The code of an error in the one shape: `{"error": {"code", "message", "details"}}`.
    pub fn code(&self) -> String {
        let error = &serde_json::from_slice::<Value>(&self.body).unwrap_or_default()["error"];
        assert!(error["message"].as_str().is_some_and(|words| words.len() > 10), "{self:?}");
        assert!(error["details"].is_object(), "{self:?}");
        error["code"].as_str().unwrap().to_owned()
    }
}

/// A command that failed.
#[derive(Debug)]
pub struct Refused {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard error.
    pub error: String,
}

pub struct Daemon {
    home: PathBuf,
    pub folder: PathBuf,
    port: u16,
    child: Child,
}

/// Waits for a condition.
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(holds_in_time(holds), "waited {PATIENCE:?} in vain until {what}");
}

/// Waits for a condition, and says whether it came.
pub fn holds_in_time(mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    true
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
        let child = spawn(home, port, &[]);
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

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Ends it as Ctrl-C does; it closes its stores.
    pub fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// `status --json`.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"])).unwrap()
    }

    /// Its device id.
    pub fn device(&self) -> String {
        self.status()["device"]["id"].as_str().unwrap().to_owned()
    }

    /// What a command prints for programs.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[args, &["--json"]].concat())).unwrap()
    }

    /// The status of its first notebook.
    pub fn notebook(&self) -> Value {
        self.status()["notebooks"][0].clone()
    }

    /// One request to the API, as a program makes it that knows the token.
    pub fn http(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let run = fs::read_to_string(self.home.join("run/daemon.json")).unwrap();
        let run: Value = serde_json::from_str(&run).unwrap();
        let (token, url) = (run["token"].as_str().unwrap(), run["url"].as_str().unwrap());
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host).unwrap();
        let mut request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(&[request.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
        Answer { status, body: answer[end + 4..].to_vec() }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.begin();
        self.ready();
    }

    /// Starts it again with more arguments.
    pub fn restart_with(&mut self, more: &[&str]) {
        self.child = spawn(&self.home, self.port, more);
        self.ready();
    }

    /// Starts it again and does not wait until it is ready.
    pub fn begin(&mut self) {
        self.child = spawn(&self.home, self.port, &[]);
    }

    /// Begins a command.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command that must succeed; gives what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        self.try_run(args).unwrap_or_else(|refusal| panic!("codexd {args:?} failed: {refusal:?}"))
    }

    /// Runs a command; gives the bytes that it printed, however it ended.
    pub fn output(&self, args: &[&str]) -> Vec<u8> {
        self.command(args).output().unwrap().stdout
    }

    /// Runs a command that must succeed; gives what it printed, and what it said beside it.
    pub fn both(&self, args: &[&str]) -> (String, String) {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    /// A command, to be started otherwise than by waiting for its end.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        // A later `--home` among the arguments would be one too many.
        if !args.contains(&"--home") {
            command.arg("--home").arg(&self.home);
        }
        command.args(args);
        command
    }

    /// Runs a command; gives what it printed, or how it failed.
    pub fn try_run(&self, args: &[&str]) -> Result<String, Refused> {
        let output = self.command(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(Refused { code: output.status.code(), error: text(&output.stderr) }),
        }
    }
}

fn spawn(home: &Path, port: u16, more: &[&str]) -> Child {
    fs::create_dir_all(home).unwrap();
    let log = fs::OpenOptions::new().create(true).append(true).open(home.join("log")).unwrap();
    Command::new(binary())
        .arg("--home")
        .arg(home)
        .args(["serve", "--listen", "127.0.0.1:0", "--relay", "none", "--no-discovery"])
        .args(["--p2p-listen", &format!("127.0.0.1:{port}")])
        .args(more)
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
