//! What fuzzing begins with: one good example of every kind, from the documents' own examples and from the code that
//! makes the real ones.

use std::collections::BTreeMap;

use codex_crdt_model::bundle::{Head, Part};
use codex_crdt_model::entry::{Content, Document, Edit};
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, Heads, NotebookId, PersonId, Volume};
use codex_crdt_model::journal::{Header, Role, Timestamp};
use codexd::net::Ticket;

use super::change::{AUTHOR, births};
use super::draw::piece;
use super::envelope;

const DOCUMENTS: [&str; 3] = [
    include_str!("../../docs/journal-format.md"),
    include_str!("../../docs/bundle-format.md"),
    include_str!("../../docs/protocol.md"),
];

/// Target → its seeds.
pub fn all() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let examples: Vec<Vec<u8>> = examples().into_values().collect();
    [
        ("record", examples.clone()),
        ("frame", examples),
        ("ticket", tickets()),
        ("bundle", bundles()),
        ("change", changes()),
        ("comment", places()),
        ("core", histories()),
        ("markdown", texts()),
        ("properties", properties()),
        ("query", queries()),
        ("token", tokens()),
    ]
    .into()
}

/// The documents' examples by name: `XX*N` is a byte repeated, `??` any byte, what follows two spaces a remark.
fn examples() -> BTreeMap<String, Vec<u8>> {
    let mut examples = BTreeMap::new();
    for block in DOCUMENTS.iter().flat_map(|text| text.split("```hex ").skip(1)) {
        let (name, rest) = block.split_once('\n').expect("a fence has lines");
        let lines = rest.split("```").next().unwrap_or_default().lines();
        let words = lines.flat_map(|line| line.split("  ").next().unwrap_or_default().split_whitespace());
        let mut bytes = Vec::new();
        for word in words {
            let (digits, times) = word.split_once('*').unwrap_or((word, "1"));
            let digits = digits.replace("??", "11");
            let read = data_encoding::HEXLOWER.decode(digits.as_bytes()).expect("an example is hex");
            bytes.extend(read.repeat(times.parse().expect("a number of times")));
        }
        examples.insert(name.to_owned(), bytes);
    }
    examples
}

fn tickets() -> Vec<Vec<u8>> {
    let ticket = Ticket {
        notebook: NotebookId([1; 32]),
        name: "Zellkultur – März".to_owned(),
        inviter: DeviceId([2; 32]),
        addresses: vec!["10.0.0.1:4555".to_owned(), "http://relay:3340/".to_owned()],
        secret: [3; 16],
        expires: 1_800_000_000,
        role: Role::Editor,
        person: Some(PersonId([4; 32])),
    };
    let text = ticket.to_string();
    let body = data_encoding::BASE32_NOPAD.decode(text[5..].to_uppercase().as_bytes()).expect("it is base32");
    vec![
        body[..body.len() - 4].to_vec(),
        text.clone().into_bytes(),
        format!(" {}\n", text.to_uppercase()).into(),
    ]
}

fn bundles() -> Vec<Vec<u8>> {
    let examples = examples();
    let head = Part::decode(&examples["head"]).expect("the example is good");
    let Part::Head(head) = head else { return Vec::new() };
    let record = |volume: u64, payload: &str| {
        let mut header = Header::decode(&examples["header"]).expect("the example is good");
        (header.seen, header.volume) = (Vec::new(), Volume(volume));
        let record = codex_crdt_model::journal::Record {
            header: postcard::to_stdvec(&header).expect("a header can be encoded"),
            signature: vec![0; 64],
            payload: examples[payload].clone(),
        };
        Part::Record(record).encode()
    };
    let blob = [Part::Blob { hash: ContentHash([0; 32]), size: 2 }, Part::Bytes(b"ab".to_vec())];
    let parts = [
        Part::Head(Head { blobs: 1, ..head }).encode(),
        record(1, "edit"),
        record(1, "admit"),
        record(2, "found"),
        Part::Receipts(Vec::new()).encode(),
        blob[0].encode(),
        blob[1].encode(),
        Part::End.encode(),
    ];
    let framed = |choice: u8, parts: &[Vec<u8>]| {
        parts.iter().fold(vec![choice], |all, part| [all, piece(part)].concat())
    };
    let fork = vec![parts[0].clone(), examples["fork"].clone(), parts[7].clone()];
    let file = [&[0], &examples["magic"][..], &examples["frame end"]].concat();
    vec![
        framed(3, &parts),
        framed(1, &parts),
        framed(3, &fork),
        framed(3, &[parts[0].clone(), parts[7].clone()]),
        file,
    ]
}

/// What an honest device would do to a document: its changes from their time on.
fn honest(entry: usize) -> Vec<Vec<u8>> {
    let birth = births()[entry].clone();
    let text = |text: &str| Edit::Content(Content::Text(text.to_owned()));
    let edits = [
        vec![text("---\n# c\ntags: [a, c]\ndone: 2\nnew: x\n---\nOne new line.\nTwo.\nThree ä🦀.\n")],
        vec![text("")],
        vec![text("no frontmatter\n")],
        vec![Edit::Draft(Content::Text("draft\n".to_owned()))],
        vec![Edit::Content(Content::Blob { hash: ContentHash([8; 32]), size: 5 })],
        vec![Edit::Content(Content::Symlink("..".to_owned()))],
        vec![Edit::Properties(vec![
            ("done".to_owned(), Some("done: 3\n".to_owned())),
            ("tags".to_owned(), None),
        ])],
        vec![Edit::Place { parent: EntryId([3; 32]), name: "other.md".to_owned() }],
        vec![Edit::Delete],
        vec![Edit::Revive],
    ];
    let mut rests = Vec::new();
    for edits in edits {
        let mut document = Document::from_birth(birth.id(), &birth);
        if let Ok(Some(made)) = document.edit(&Heads::new(), &AUTHOR.0, AUTHOR.1, 0, &edits) {
            let (_, end) = envelope::split(&made.change).expect("an honest change has an envelope");
            rests.push(made.change[end..].to_vec());
        }
    }
    rests
}

fn changes() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for entry in 0..births().len() {
        let first = u8::try_from(entry).expect("three births");
        let honest = honest(entry);
        for rest in &honest {
            seeds.push([&[first, 0][..], &piece(rest)].concat());
        }
        for pair in honest.windows(2) {
            // One after the other, and at once.
            seeds.push([&[first, 0][..], &piece(&pair[0]), &[2], &piece(&pair[1])].concat());
            seeds.push([&[first, 0][..], &piece(&pair[0]), &[0], &piece(&pair[1])].concat());
        }
        let birth = births()[entry].clone();
        let mut document = Document::from_birth(birth.id(), &birth);
        let made = document.edit(&Heads::new(), &AUTHOR.0, AUTHOR.1, 0, &[Edit::Delete]);
        let raw = made.ok().flatten().map(|made| made.change).unwrap_or_default();
        seeds.push([&[first, 1][..], &piece(&raw)].concat());
    }
    seeds
}

/// One of everything that can be said to a notebook; the numbers are what `targets/core.rs` decides by.
fn histories() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let examples = examples();
    let mut say = |mode: u8, acts: &[Vec<u8>]| seeds.push([&[mode][..], &acts.concat()].concat());
    for frame in ["message hello", "message records", "message receipts", "message fork"] {
        say(0, &[[&[0, 0][..], &piece(&examples[frame])].concat()]);
    }
    let mut payloads: Vec<Vec<u8>> = vec![[&[0, 3][..], &piece(b"later")].concat()];
    for statement in
        ["found", "admit", "device", "role", "removal", "revoke", "profile", "recovery", "recover", "release"]
    {
        payloads.push([&[1][..], &piece(&examples[statement])].concat());
    }
    for about in 0..6 {
        payloads.push(vec![2, 3, 1, about, 0]);
        payloads.push(vec![2, 5, 3, about, 0]);
    }
    for content in 0..5 {
        // Content, then parent (the root or another), name and nonce.
        let inside = if content == 1 { vec![7, 0, 0, 0, 0, 0, 0, 1, 0] } else { piece(b"text\n") };
        let inside = if content == 0 { Vec::new() } else { inside };
        let tail = [&[15, 0][..], &piece("ü.md".as_bytes()), &[1]].concat();
        payloads.push([&[3, 0, 0, content][..], &inside, &tail].concat());
        payloads.push([&[3, 0, 0, content][..], &inside, &[0, 1, 1, 0]].concat());
    }
    for entry in 0..6 {
        for (edit, more) in [
            (0, piece(b"other\n")),
            (1, vec![]),
            (2, vec![9; 9]),
            (3, vec![]),
            (4, vec![]),
            (5, [&[0, 2][..], &piece(b"n.md")].concat()),
        ] {
            payloads.push([&[3, 0, 7, 0, entry, 0, edit][..], &more].concat());
        }
        let rest = honest(0).first().cloned().unwrap_or_default();
        payloads.push([&[3, 0, 4, 0, entry, 0][..], &piece(&rest)].concat());
    }
    for choice in 0..5 {
        // Which entry, what it is about, its turn; then for a place its two ends and words, and what is said.
        let place = [&[0, 4][..], &piece(b"line"), &piece(b"One "), &piece(b".")].concat();
        let place = if choice == 1 { place } else { Vec::new() };
        payloads.push([&[7, choice, 0, 0, 1, 1][..], &place, &piece(b"so?")].concat());
    }
    for payload in &payloads {
        for (mode, author) in [(0, 0), (0, 1), (1, 0)] {
            say(mode, &[[&[8, 0, 0, author, 0][..], payload].concat(), vec![2]]);
        }
    }
    for pair in payloads.windows(3).step_by(3) {
        let said = |author: u8, odd: u8, payload: &[u8]| [&[8, 0, 0, author, odd][..], payload].concat();
        say(0, &[said(0, 0, &pair[0]), said(1, 0, &pair[1]), said(0, 0, &pair[2])]);
        say(0, &[[&[6, 0, 0, 0][..], &pair[0], &[0, 0], &pair[1]].concat()]);
        say(0, &[[&[7, 0, 0, 0][..], &pair[0], &[1, 0], &pair[2], &[0]].concat()]);
        let edit = [&[4, 0, 7, 0, 0][..], &piece(b"a.md"), &[1], &piece(b"mine\n")].concat();
        say(0, &[edit, said(0, 0, &pair[0]), vec![3, 0], vec![5, 0, 7, 9], vec![1, 0, 9]]);
    }
    seeds
}

/// Texts, places marked in them and places claimed; the numbers are what `targets/comment.rs` decides by.
fn places() -> Vec<Vec<u8>> {
    let mark = |version: u8, start: u8, length: u8| vec![1, version, start, length];
    let write =
        |version: u8, text: &str, who: u8| [&[2, version][..], &piece(text.as_bytes()), &[who]].concat();
    let claim = |start: u8, far: u8, quote: &str| {
        let words = [piece(quote.as_bytes()), piece(b"ne "), piece(b".")].concat();
        [&[0, 0, start, far, 4][..], &words, &[0]].concat()
    };
    let texts = ["---\n# c\ntags: [a]\n---\nOne ä🦀 line.\nTwo lines.\n", "", "line line line.\nOne line.\n"];
    let mut seeds = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let other = texts[(n + 1) % texts.len()];
        seeds.push([mark(0, 34, 8), write(0, text, 0), mark(1, 24, 4), write(1, other, 1)].concat());
        seeds.push([write(0, text, 0), write(0, other, 1), mark(2, 4, 4), write(2, text, 0)].concat());
        seeds.push([claim(4, 0, "line"), claim(0, 1, "One"), write(0, text, 0), mark(1, 0, 255)].concat());
    }
    seeds
}

/// Tokens that `openssl ts` made, certificates, and a timestamp of the document's.
fn tokens() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        include_bytes!("../../daemon/src/timestamps/tests/rsa.der").to_vec(),
        include_bytes!("../../daemon/src/timestamps/tests/ecdsa.der").to_vec(),
        include_bytes!("../../daemon/src/timestamps/tests/rsa-root.pem").to_vec(),
        include_bytes!("../../daemon/src/timestamps/tests/ecdsa-authority.pem").to_vec(),
    ];
    let hashes = |n: u8| (0..n).map(|n| codex_crdt_model::ids::RecordHash([n; 32])).collect();
    for (seals, token) in [(1, 0), (2, 1), (5, 1)] {
        let stamp = Timestamp { seals: hashes(seals), tips: Vec::new(), token: seeds[token].clone() };
        seeds.push(postcard::to_stdvec(&stamp).expect("a timestamp can be encoded"));
    }
    seeds
}

fn texts() -> Vec<Vec<u8>> {
    let texts = [
        "---\n# c\ntags: [a, b]\ndone: 1\n---\n# Title\n\n[[wiki|w]] and [link](a%20b.md#x) ![i](p.png)\n",
        "\u{feff}---\r\ntags:\r\n  - a\r\n  - b\r\ntext: |\r\n  more\r\n---\r\nbody\r\n",
        "---\nbroken: [\n---\n",
        "---\n\"a b\": {x: 1}\n? c\n: d\n...\n---",
        "---\n---\n",
        "plain\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "",
    ];
    let mut seeds = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        for (key, source) in [("done", "done: 2\n"), ("tags", "tags:\n  - c\n"), ("new", "new: \"x\" # c\n")]
        {
            let other = texts[(n + 1) % texts.len()];
            seeds.push(
                [
                    vec![u8::try_from(n).expect("few texts")],
                    piece(key.as_bytes()),
                    piece(source.as_bytes()),
                    piece(text.as_bytes()),
                    other.into(),
                ]
                .concat(),
            );
        }
    }
    seeds
}

fn properties() -> Vec<Vec<u8>> {
    let texts = [
        (0, "tags: [a, 'b']\ndate: 2026-01-31 12:00\nn: 0x1f\nmap: {x: &y [1, 2], z: *y}\nt: !tag v\n"),
        (1, "{\"tags\": \"a, b\", \"n\": 1e3, \"deep\": {\"x\": [1, {\"y\": null}]}}"),
        (
            2,
            "<?xml version=\"1.0\"?>\n<p a=\"1\">\n  <tags>a</tags>\n  <tags>b &amp; c</tags>\n  <x><![CDATA[<]]></x>\n</p>\n",
        ),
        (2, "<p/>"),
        (3, "<svg xmlns=\"x\" width=\"12px\" viewBox=\"0 0 30,40\"><g/></svg>"),
        (4, "*.tmp\n!keep.tmp\n/build/\n**/x/[a-z]?\n# c\n\\ \n"),
        (4, "a.png.json\n.a.png.xml\n2026-01-31T12:00:00Z\nnote 007.md\nd/e/ü.md\n"),
    ];
    let mut seeds: Vec<Vec<u8>> =
        texts.iter().map(|(choice, text)| [&[*choice], text.as_bytes()].concat()).collect();
    let images: [&[u8]; 6] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x20\x08\x06\0\0\0",
        b"GIF89a\x10\0\x20\0\0\0\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\0\x10\0\x20\x03\x01\x11\0",
        b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0",
        b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x10\0\0\0\x01\x01\x03\0\x01\0\0\0\x20\0\0\0\0\0\0\0",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1\0\0\0\x20meta\0\0\0\0\0\0\0\x14ispe\0\0\0\0\0\0\0\x10\0\0\0\x20",
    ];
    seeds.extend(images.iter().map(|image| image.to_vec()));
    seeds
}

fn queries() -> Vec<Vec<u8>> {
    let queries = [
        "buffer tag:pcr -\"not this\" begin* modified:>2026-01-31 path:x/y",
        "\"unclosed phrase type:=note größer:<=3 http://example.org -x",
        "{{ today }} {{startOfWeek}} {{ nothing }} {{",
        "2026-01-31 12:00:00",
        r#"{"tags": ["a", 1, true], "tags_any": "b", "paths": "x/**", "properties": {"status": ["done", null]}, "sort": ["path desc"], "limit": 5, "created_after": "{{ today }}", "group_by": "properties.x", "other": 1}"#,
        r#"{"notebook_ids": null, "offset": 18446744073709551615, "date_property": "d", "date_before": 0, "content_search": "x"}"#,
    ];
    queries.iter().map(|query| query.as_bytes().to_vec()).collect()
}
