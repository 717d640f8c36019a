//! An authority for timestamps, run here with the `openssl` command: real certificates, real tokens, and answers that are not good.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Good,
    /// With a token for another hash.
    OtherImprint,
    /// With a token for another nonce.
    OtherNonce,
    /// It says no.
    Refuses,
    /// It is something else.
    NoAuthority,
    /// It never ends.
    Endless,
}

pub struct Authority {
    dir: PathBuf,
    pub address: SocketAddr,
    pub mode: Arc<Mutex<Mode>>,
    pub asked: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

const SETTINGS: &str = "[tsa]\ndefault_tsa = here\n[here]\nserial = serial\nsigner_cert = tsa.pem\ncerts = ca.pem\n\
    signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\n\
    clock_precision_digits = 3\nordering = no\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";

/// Runs `openssl`, which must succeed.
pub fn openssl(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("openssl").current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Authority {
    /// Its keys and certificates, in a folder of its own; it answers nobody yet.
    pub fn make(dir: &Path, name: &str) -> Self {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).unwrap();
        let subject = |what: &str| format!("/O=Codex tests/CN={name} {what}");
        openssl(
            &dir,
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
                "-days",
                "30",
                "-subj",
                &subject("root"),
            ],
        );
        openssl(
            &dir,
            &[
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "tsa.key",
                "-out",
                "tsa.csr",
                "-subj",
                &subject("clock"),
            ],
        );
        fs::write(
            dir.join("ext"),
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n",
        )
        .unwrap();
        openssl(
            &dir,
            &[
                "x509",
                "-req",
                "-in",
                "tsa.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-out",
                "tsa.pem",
                "-days",
                "30",
                "-extfile",
                "ext",
            ],
        );
        fs::write(dir.join("settings"), SETTINGS).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self {
            dir,
            address,
            mode: Arc::new(Mutex::new(Mode::Good)),
            asked: Arc::default(),
            stopped: Arc::default(),
        }
    }

    /// It answers from now on, where it said that it would.
    pub fn serve(&self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let (dir, mode, asked) = (self.dir.clone(), Arc::clone(&self.mode), Arc::clone(&self.asked));
        let stopped = Arc::clone(&self.stopped);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let mode = *mode.lock().unwrap();
                answer(&dir, mode, stream.unwrap());
            }
        });
    }

    pub fn url(&self) -> String {
        format!("http://{}/tsr", self.address)
    }

    pub fn file(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    pub fn answers(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes it, if it served.
        let _ = TcpStream::connect(self.address);
    }
}

/// The body; what stands before it is kept in a file beside the keys.
fn body(dir: &Path, stream: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            assert!(head.contains("content-type: application/timestamp-query"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            if read.len() >= end + 4 + length.trim().parse::<usize>().unwrap() {
                fs::write(dir.join("head"), &read[..end]).unwrap();
                return read[end + 4..].to_vec();
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the question was cut off");
        read.extend_from_slice(&buffer[..count]);
    }
}

fn answer(dir: &Path, mode: Mode, mut stream: TcpStream) {
    let mut query = body(dir, &mut stream);
    let hash = query.windows(2).position(|two| two == [0x04, 0x20]).unwrap() + 2;
    let nonce = query.len() - 4;
    match mode {
        Mode::OtherImprint => query[hash] ^= 1,
        Mode::OtherNonce => query[nonce] ^= 1,
        // An algorithm that it does not take: SHA-256 becomes SHA-384.
        Mode::Refuses => query[hash - 5] ^= 3,
        _ => {}
    }
    let reply = match mode {
        Mode::NoAuthority => b"<html>hello</html>".to_vec(),
        Mode::Endless => vec![0x30; 1 << 20],
        _ => {
            fs::write(dir.join("query"), &query).unwrap();
            // A refusal is a reply too, and no success of the command's.
            let args = ["ts", "-reply", "-config", "settings", "-queryfile", "query", "-out", "reply"];
            let _ = fs::remove_file(dir.join("reply"));
            Command::new("openssl").current_dir(dir).args(args).output().unwrap();
            fs::read(dir.join("reply")).unwrap()
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reply.len()
    );
    // Whoever asked may have heard enough.
    let _ = stream.write_all(&[head.as_bytes(), &reply].concat());
}
