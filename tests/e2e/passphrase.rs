//! The device key with a passphrase: the daemon starts with it, and not without.

use std::fs;
use std::process::Command;

use crate::alone;
use crate::daemon::Daemon;

#[test]
fn a_locked_device_key_needs_its_passphrase_at_every_start() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let device = a.device();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", "correct horse\n"), file("wrong", "battery staple\n"));
    let refused = a.try_run(&["passphrase", "set", "--new-file", &right]).unwrap_err();
    assert!(refused.error.contains("another codexd"), "while it runs: {refused:?}");
    a.stop();
    a.run(&["passphrase", "set", "--new-file", &right]);
    for what in [&["passphrase", "remove"][..], &["passphrase", "set", "--new-file", &wrong]] {
        let refused = a.try_run(what).unwrap_err();
        assert!(
            refused.code == Some(2) && refused.error.contains("--old-file FILE"),
            "{what:?}: {refused:?}"
        );
    }
    let serve = |a: &Daemon, more: &[&str]| {
        let args = [&["serve", "--listen", "127.0.0.1:0", "--relay", "none"], more].concat();
        a.try_run(&args).unwrap_err().error
    };
    assert!(serve(&a, &[]).contains("locked with a passphrase"));
    assert!(serve(&a, &["--passphrase-file", &wrong]).contains("does not open with this passphrase"));
    assert!(serve(&a, &["--passphrase-file", "/nowhere"]).contains("read the passphrase from /nowhere"));
    // Before the command they are the same options, and other commands do not take them.
    let before = a.try_run(&["--passphrase-file", &wrong, "serve", "--listen", "127.0.0.1:0"]).unwrap_err();
    assert!(before.error.contains("does not open with this passphrase"), "{before:?}");
    let astray = a.try_run(&["--passphrase-file", &wrong, "status"]).unwrap_err();
    assert!(
        astray.code == Some(2) && astray.error.contains("--passphrase-file is an option of"),
        "{astray:?}"
    );
    a.restart_with(&["--passphrase-file", &right]);
    assert_eq!(a.device(), device);
    a.stop();
    // From a keyring's tool it comes through a pipe.
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let teller = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, "correct horse\n").unwrap()
    });
    a.restart_with(&["--passphrase-file", pipe.to_str().unwrap()]);
    teller.join().unwrap();
    assert_eq!(a.device(), device);
    a.stop();
    let refused = a.try_run(&["passphrase", "remove", "--old-file", &wrong]).unwrap_err();
    assert!(refused.error.contains("does not open"), "{refused:?}");
    a.run(&["passphrase", "remove", "--old-file", &right]);
    a.restart();
    assert_eq!(a.device(), device);
    a.run(&["verify"]);
}
