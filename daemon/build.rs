//! Builds the web UI into `web-ui/dist`, which the binary embeds. `CODEX_SKIP_UI=1` puts a stub page there.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const STUB: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Codex</title>\n\
    <p>This codexd was built without its web UI. Its API is at <code>/api/v1</code>.\n";

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let ui = Path::new(&manifest).parent().expect("the crate lies in the workspace").join("web-ui");
    println!("cargo:rerun-if-env-changed=CODEX_SKIP_UI");
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=../plugins");
    let inputs = [
        "src",
        "public",
        "index.html",
        "package.json",
        "package-lock.json",
        "vite.config.ts",
        "tsconfig.json",
    ];
    for input in inputs.map(|name| ui.join(name)).iter().filter(|path| path.exists()) {
        println!("cargo:rerun-if-changed={}", input.display());
    }
    let skip = env::var("CODEX_SKIP_UI").is_ok_and(|value| value == "1");
    if skip || !ui.join("package.json").exists() {
        // While there is no UI to build, its appearance must be noticed.
        println!("cargo:rerun-if-changed={}", ui.join("package.json").display());
        stub(&ui.join("dist"));
        return;
    }
    if modules_are_stale(&ui) {
        npm(&ui, &["ci", "--no-audit", "--no-fund"]);
    }
    npm(&ui, &["run", "build"]);
}

fn stub(dist: &Path) {
    let page = dist.join("index.html");
    if !page.exists() {
        fs::create_dir_all(dist).expect("web-ui/dist can be made");
        fs::write(page, STUB).expect("the stub page can be written");
    }
}

fn modules_are_stale(ui: &Path) -> bool {
    let time = |path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    match (time(ui.join("node_modules/.package-lock.json")), time(ui.join("package-lock.json"))) {
        (Some(installed), Some(lock)) => installed < lock,
        _ => true,
    }
}

fn npm(ui: &Path, arguments: &[&str]) {
    let status = Command::new("npm").args(arguments).current_dir(ui).status();
    let shown = arguments.join(" ");
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => {
            panic!("`npm {shown}` in {} failed ({status}); CODEX_SKIP_UI=1 builds without it", ui.display())
        }
        Err(error) => panic!(
            "cannot run `npm {shown}` ({error}); install Node 20, or CODEX_SKIP_UI=1 builds without it"
        ),
    }
}
