//! Code does its work and nothing else.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn importing(script: &str, name: &str, bytes: &[u8]) -> Result<Vec<Imported>, String> {
    import(script, name, bytes)
}

#[test]
fn a_file_becomes_entries() {
    let script = "codex.importer((file) => file.text.split('\\n').filter(Boolean).map((line, at) => ({ path: `${file.stem}/${at}.md`, text: line, properties: { from: file.name, bytes: file.bytes.length } })));";
    let entries = importing(script, "run.txt", b"one\ntwo\n").unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].path.as_str(), entries[1].text.as_str()), ("run/1.md", "two"));
    assert_eq!(json!(entries[0].properties), json!({"from": "run.txt", "bytes": 8}));
    let later =
        importing("codex.importer(async (file) => [{ path: await Promise.resolve('a.md') }]);", "x", b"")
            .unwrap();
    assert_eq!(later[0].path, "a.md");
    let said =
        importing("codex.importer((file) => [{ path: 'a', text: file.text }]);", "x", b"\xff\xfea\0\xe4\0")
            .unwrap();
    assert_eq!(said[0].text, "aä");
    let latin =
        importing("codex.importer((file) => [{ path: 'a', text: file.text }]);", "x", b"20 \xb0C").unwrap();
    assert_eq!(latin[0].text, "20 °C");
}

#[test]
fn there_is_nothing_to_reach_out_with() {
    let names = [
        "process",
        "require",
        "std",
        "os",
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "Deno",
        "setTimeout",
        "__dirname",
        "scriptArgs",
        "print",
        "console",
    ];
    let script = format!(
        "codex.importer(() => [{{ path: 'a', text: [{}].filter((name) => name in globalThis).join() }}]);",
        names.map(|name| format!("'{name}'")).join(", ")
    );
    assert_eq!(importing(&script, "x", b"").unwrap()[0].text, "");
    for script in [
        "import fs from 'fs'; codex.importer(() => []);",
        "import * as os from 'os'; codex.importer(() => []);",
        "codex.importer(async () => { await import('std'); return []; });",
        "codex.importer(() => (new Function('return process'))());",
    ] {
        assert!(importing(script, "x", b"").is_err(), "{script}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (script, words) in [
        ("", "does not call"),
        ("codex.importer(1);", "does not call"),
        ("codex.importer(() => { throw new Error('bad line 7'); });", "bad line 7"),
        ("codex.importer(() => 1);", "no list of entries"),
        ("codex.importer(() => undefined);", "gave nothing back"),
        ("codex.importer(() => [{ text: 'no path' }]);", "no list of entries"),
        ("this is no script", "failed"),
        (
            "codex.importer(() => Array.from({ length: 3000 }, (_, at) => ({ path: `${at}` })));",
            "2000 are the most",
        ),
        ("codex.importer(() => { const f = (n) => f(n + 1) + 1; return f(0); });", "failed"),
        ("codex.importer(() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); });", "failed"),
        ("Object.prototype.path = 'x'; codex.importer(() => [{}]);", "no list of entries"),
    ] {
        let why = importing(script, "x", b"").unwrap_err();
        assert!(why.contains(words), "{script}: {why}");
    }
}
