//! Inside the process that reads: each format by its library.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use codex_crdt_model::ids::ContentHash;
use quick_xml::events::Event;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;

use super::{Extracted, FILE_BYTES, MAGIC, MEMORY_BYTES, OTHER_BYTES, SECONDS, TEXT_BYTES, whole};

/// The part of a Word document that holds its text.
const WORD_TEXT: &str = "word/document.xml";
/// That part, unpacked, at most: a small file may say that it is endless.
const WORD_BYTES: u64 = 64 << 20;

/// Reads a file as the hidden command `extract` and says its text; how the process is to end.
pub fn run(kind: &str, hash: &str, path: &Path) -> i32 {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // What is written to, not what is only reserved: threads reserve much. Where a system has no such limits, the parent's clock is left.
    let _ = setrlimit(Resource::Data, limit(MEMORY_BYTES));
    let _ = setrlimit(Resource::Cpu, limit(SECONDS));
    let Ok(hash) = hash.parse() else { return 2 };
    match read(path, kind, &hash) {
        Extracted::Text(text) => {
            let mut stdout = std::io::stdout();
            let written = stdout.write_all(MAGIC.as_bytes()).and_then(|()| stdout.write_all(text.as_bytes()));
            if written.and_then(|()| stdout.flush()).is_ok() { 0 } else { 1 }
        }
        Extracted::Nothing => 1,
        Extracted::NotYet => OTHER_BYTES,
    }
}

/// Reads a file that holds these bytes.
pub(super) fn read(path: &Path, kind: &str, hash: &ContentHash) -> Extracted {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Extracted::NotYet };
    if !meta.is_file() {
        return Extracted::NotYet;
    }
    if meta.len() > FILE_BYTES {
        return Extracted::Nothing;
    }
    let Ok(bytes) = std::fs::read(path) else { return Extracted::NotYet };
    if ContentHash::of(&bytes) != *hash {
        return Extracted::NotYet;
    }
    let text = match kind {
        "pdf" => pdf(&bytes),
        "docx" => word(&bytes),
        "ipynb" => std::str::from_utf8(&bytes).ok().and_then(notebook),
        _ => None,
    };
    text.map_or(Extracted::Nothing, whole)
}

fn pdf(bytes: &[u8]) -> Option<String> {
    // The library gives up on some files by panicking.
    let read = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem(bytes).ok());
    read.ok().flatten()
}

fn word(bytes: &[u8]) -> Option<String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut part = Vec::new();
    archive.by_name(WORD_TEXT).ok()?.take(WORD_BYTES).read_to_end(&mut part).ok()?;
    let part = String::from_utf8_lossy(&part);
    let mut reader = quick_xml::Reader::from_str(&part);
    let mut text = String::new();
    let mut inside = false;
    // What was read before something that is none is text all the same.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if tag.local_name().as_ref() == "t" => inside = true,
            Event::End(tag) if tag.local_name().as_ref() == "t" => inside = false,
            Event::End(tag) if tag.local_name().as_ref() == "p" => text.push('\n'),
            Event::Empty(tag) if matches!(tag.local_name().as_ref(), "tab" | "br") => text.push(' '),
            Event::Text(piece) if inside => text.push_str(&piece),
            Event::GeneralRef(name) if inside => text.push(match name.as_ref() {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                _ => name.resolve_char_ref().ok().flatten().unwrap_or(' '),
            }),
            Event::Eof => break,
            _ => {}
        }
        if text.len() > TEXT_BYTES {
            break;
        }
    }
    Some(text)
}

/// What the cells of a Jupyter notebook say, and what came out of them as text; pictures and the rest are left out. `None` if it
/// is none.
pub fn notebook(source: &str) -> Option<String> {
    let value: Value = serde_json::from_str(source).ok()?;
    let mut text = String::new();
    for cell in value.get("cells")?.as_array()? {
        add(&mut text, &cell["source"]);
        for output in cell["outputs"].as_array().into_iter().flatten() {
            add(&mut text, &output["text"]);
            add(&mut text, &output["data"]["text/plain"]);
            add(&mut text, &output["evalue"]);
        }
    }
    Some(text)
}

/// A text, or a list of its lines.
fn add(text: &mut String, said: &Value) {
    match said {
        Value::String(said) => text.push_str(said),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).for_each(|line| text.push_str(line)),
        _ => return,
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text_of(name: &str, kind: &str, bytes: &[u8]) -> Extracted {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path, kind, &ContentHash::of(bytes))
    }

    /// A Word document whose text is this XML.
    pub fn docx(xml: &str) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file(WORD_TEXT, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(xml.as_bytes()).unwrap();
        archive.finish().unwrap().into_inner()
    }

    /// A PDF of one page that says this.
    pub fn pdf_saying(words: &str) -> Vec<u8> {
        let stream = format!("BT /F1 24 Tf 72 720 Td ({words}) Tj ET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
        let mut pdf = String::from("%PDF-1.4\n");
        let mut offsets = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            offsets.push(pdf.len());
            pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
        }
        let start = pdf.len();
        pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
        offsets.iter().for_each(|offset| pdf.push_str(&format!("{offset:010} 00000 n \n")));
        pdf.push_str(&format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
            objects.len() + 1
        ));
        pdf.into_bytes()
    }

    #[test]
    fn each_format_gives_its_words() {
        let Extracted::Text(text) = text_of("a.pdf", "pdf", &pdf_saying("melting point")) else { panic!() };
        assert!(text.contains("melting point"), "{text:?}");
        let xml = "<w:document xmlns:w=\"x\"><w:p><w:r><w:t>Buffer &lt;A&gt; &#228;</w:t></w:r></w:p><w:p><w:t>two</w:t><w:del>x</w:del></w:p></w:document>";
        assert_eq!(text_of("a.docx", "docx", &docx(xml)), Extracted::Text("Buffer <A> ä\ntwo\n".into()));
        let notebook = r##"{"cells":[{"source":["# Fit\n","x"],"outputs":[{"text":"R2 0.99"},{"data":{"image/png":"AAAA","text/plain":["<Fig>"]}}]}]}"##;
        assert_eq!(
            text_of("a.ipynb", "ipynb", notebook.as_bytes()),
            Extracted::Text("# Fit\nx\nR2 0.99\n<Fig>\n".into())
        );
    }

    #[test]
    fn what_is_broken_has_no_text_and_what_changed_is_read_later() {
        for (name, kind, bytes) in [
            ("a.pdf", "pdf", &b"%PDF-1.4\nnothing of it"[..]),
            ("a.docx", "docx", b"PK\x03\x04nothing"),
            ("a.ipynb", "ipynb", b"{\"cells\": 3}"),
            ("a.ipynb", "ipynb", b"\xff\xfe"),
        ] {
            assert_eq!(text_of(name, kind, bytes), Extracted::Nothing, "{name}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pdf");
        assert_eq!(read(&path, "pdf", &ContentHash([0; 32])), Extracted::NotYet);
        std::fs::write(&path, b"other").unwrap();
        assert_eq!(read(&path, "pdf", &ContentHash([0; 32])), Extracted::NotYet);
    }
}
