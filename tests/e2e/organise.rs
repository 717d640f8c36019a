//! What a journal does with its entries, on real daemons: comments that travel, tasks that are ticked off on both sides, moves that
//! keep links, texts of attachments.

use std::fs;
use std::io::Write;

use serde_json::Value;

use crate::daemon::{Daemon, until};
use crate::{alone, join, tree};

fn page(daemon: &Daemon, args: &[&str]) -> Vec<Value> {
    daemon.json(args)["items"].as_array().unwrap().clone()
}

/// Two laptops talk about a passage while both edit around it, also by stick; whoever may only comment does.
#[test]
fn a_comment_travels_and_stays_at_its_words() {
    let text = "# Day 1\n\nThe buffer was warm.\nThe gel ran late.\n";
    let (dir, a) = alone(|folder| fs::write(folder.join("day.md"), text).unwrap());
    a.run(&["wait", "--idle"]);
    let b = join(dir.path(), &a);
    until("both are the same", || tree(&a.folder) == tree(&b.folder));
    a.run(&["role", &b.device()[..12], "commenter"]);
    until("B may comment", || b.run(&["members", "notes"]).contains("commenter"));
    let said = b.run(&["comment", "notes", "day.md", "--text", "How warm?", "--on", "buffer was warm"]);
    assert!(said.contains("line 3, \"buffer was warm\""), "{said}");
    until("A has it", || page(&a, &["comments", "notes", "day.md"]).len() == 1);
    fs::write(
        a.folder.join("day.md"),
        text.replace("The buffer", "First.\nThe buffer").replace("was", "was very"),
    )
    .unwrap();
    fs::rename(a.folder.join("day.md"), a.folder.join("first day.md")).unwrap();
    until("B sees the text", || {
        fs::read_to_string(b.folder.join("first day.md")).is_ok_and(|text| text.contains("First"))
    });
    let thread = page(&a, &["comments", "notes"])[0]["id"].as_str().unwrap()[..8].to_owned();
    let answer = ["comment", "notes", "first day.md", "--to", &thread, "--text", "31 degrees", "--resolve"];
    let said = a.run(&answer);
    assert!(said.contains("settled") && said.contains("31 degrees"), "{said}");
    until("B has the answer", || {
        let all = page(&b, &["comments", "notes", "first day.md"]);
        all[0]["comments"].as_array().unwrap().len() == 2 && !all[0]["resolved"].is_null()
    });
    let shown = b.run(&["comments", "notes"]);
    assert!(shown.contains("first day.md: line 4, \"buffer was warm\", settled"), "{shown}");
    // Nobody else's words are changed, and what B may not write stays unwritten.
    let refused = b.try_run(&["task", "notes", "first day.md", "none"]).unwrap_err();
    assert!(refused.error.contains("no task"), "{refused:?}");
    for daemon in [&a, &b] {
        let report = daemon.json(&["verify"])["notebooks"][0].clone();
        assert_eq!(report["faults"], serde_json::json!([]), "{report:#}");
    }
    let happened = a.run(&["activity", "notes"]);
    assert!(
        happened.contains("commented first day.md") && happened.contains("resolved first day.md"),
        "{happened}"
    );
}

/// Two people tick two boxes of one list at once, and one of them twice.
#[test]
fn boxes_ticked_on_both_sides_are_ticked_once() {
    let (dir, a) = alone(|folder| {
        fs::write(folder.join("list.md"), "- [ ] boil due:2001-01-01\n- [ ] cool\n- [ ] weigh\n").unwrap();
    });
    a.run(&["wait", "--idle"]);
    let b = join(dir.path(), &a);
    until("both are the same", || tree(&a.folder) == tree(&b.folder));
    until("B lists them", || page(&b, &["tasks"]).len() == 3);
    a.run(&["task", "notes", "list.md", "boil"]);
    b.run(&["task", "notes", "list.md", "boil"]);
    b.run(&["task", "notes", "list.md", "weigh"]);
    let expect = "- [x] boil due:2001-01-01\n- [ ] cool\n- [x] weigh\n";
    until("both are ticked", || {
        [&a, &b]
            .iter()
            .all(|one| fs::read_to_string(one.folder.join("list.md")).is_ok_and(|text| text == expect))
    });
    let done = page(&a, &["tasks", "notes", "--status", "done"]);
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|task| task["done_by"].is_string()), "{done:?}");
    let open = a.run(&["tasks", "--status", "open"]);
    assert_eq!(open.trim(), "[ ] cool\n    list.md:2");
}

/// A move that keeps links, and its undoing, from the command line.
#[test]
fn a_rename_keeps_links_and_is_taken_back() {
    let (dir, a) = alone(|folder| {
        fs::write(folder.join("hub.md"), "[[gel]] [x](gel.md)\n").unwrap();
        fs::write(folder.join("gel.md"), "[hub](hub.md)\n").unwrap();
    });
    a.run(&["wait", "--idle"]);
    let preview = a.run(&["rename", "notes", "gel.md", "runs/first.md", "--preview"]);
    assert_eq!(
        preview.trim(),
        "gel.md:1: hub.md -> ../hub.md\nhub.md:1: gel -> first\nhub.md:1: gel.md -> runs/first.md"
    );
    let undo = dir.path().join("undo.json");
    a.run(&["rename", "notes", "gel.md", "runs/first.md", "--undo-file", undo.to_str().unwrap()]);
    let read = |path: &str| fs::read_to_string(a.folder.join(path)).unwrap_or_default();
    until("the links follow", || {
        read("hub.md") == "[[first]] [x](runs/first.md)\n" && read("runs/first.md") == "[hub](../hub.md)\n"
    });
    a.run(&["undo-rename", "notes", undo.to_str().unwrap()]);
    until("all is back", || read("hub.md") == "[[gel]] [x](gel.md)\n" && read("gel.md") == "[hub](hub.md)\n");
    let refused =
        a.try_run(&["undo-rename", "notes", dir.path().join("none").to_str().unwrap()]).unwrap_err();
    assert!(refused.error.contains("cannot read"), "{refused:?}");
}

/// A PDF and a Word document are found by what they say; one that is broken harms nobody.
#[test]
fn what_attachments_say_is_found() {
    let (_dir, a) = alone(|folder| {
        fs::write(folder.join("paper.pdf"), pdf("enantiomers separate slowly")).unwrap();
        fs::write(folder.join("report.docx"), docx("calorimetry of lysozyme")).unwrap();
        fs::write(folder.join("broken.pdf"), [&b"%PDF-1.7\n"[..], &[0xff; 4000]].concat()).unwrap();
    });
    a.run(&["wait", "--idle"]);
    until("the PDF is found", || a.run(&["search", "enantiomers"]).contains("paper.pdf"));
    until("the document is found", || a.run(&["search", "lysozyme"]).contains("report.docx"));
    assert!(a.run(&["search", "enantiomers"]).contains("separate slowly"), "with the words around it");
    assert!(a.run(&["search", "broken"]).contains("broken.pdf"));
}

fn docx(words: &str) -> Vec<u8> {
    let xml = format!(
        "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body></w:document>"
    );
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("word/document.xml", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(xml.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

fn pdf(words: &str) -> Vec<u8> {
    let stream = format!("BT /F1 24 Tf 72 720 Td ({words}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    // With a byte that makes it no text.
    let mut pdf = b"%PDF-1.4\n%\xff\xfe\x00\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).into_bytes());
    }
    let start = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    offsets.iter().for_each(|offset| pdf.extend(format!("{offset:010} 00000 n \n").into_bytes()));
    let size = objects.len() + 1;
    pdf.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    pdf
}
