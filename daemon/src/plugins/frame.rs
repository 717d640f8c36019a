//! The document that a view or a block runs in: an origin of its own, a policy of its own, and nothing but what is written into it.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::files::Files;

/// What may run in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// HTML.
    pub html: String,
    /// Its policy. The frame that shows it is sandboxed too; this holds where somebody opens it in a window.
    pub policy: String,
}

/// The SDK, part of the program.
fn sdk(name: &str) -> Result<String, String> {
    Files::Bundled("sdk".to_owned()).text(name)
}

/// The document for a script of a plugin. Its scripts are let through by their hashes (CSP 3): a nonce would let them import from
/// anywhere.
pub fn document(title: &str, script: &str, style: &str) -> Result<Document, String> {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let scripts = [inert(&sdk("fence.js")?), inert(&sdk("codex.js")?), inert(script)];
    let [fence, codex, own] = &scripts;
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <script>{fence}</script>\n<style>{}</style>\n<style>{}</style>\n<body>\n<script>{codex}</script>\n\
         <script type=\"module\">{own}</script>\n</body></html>\n",
        inert(&sdk("codex.css")?),
        inert(style),
    );
    let hashes: Vec<String> = scripts.iter().map(|text| format!("'{}'", hash_of(text))).collect();
    let policy = format!(
        "sandbox allow-scripts; default-src 'none'; script-src {}; style-src 'unsafe-inline'; \
         img-src data: blob:; media-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
        hashes.join(" ")
    );
    Ok(Document { html, policy })
}

/// As a policy names a text. A browser reads every line end as `\n` before it looks.
fn hash_of(text: &str) -> String {
    let read = text.replace("\r\n", "\n").replace('\r', "\n");
    format!("sha256-{}", BASE64.encode(&Sha256::digest(read.as_bytes())))
}

/// Text that cannot end the element that it is written into. In a script, `<\/script` means the same.
fn inert(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        safe.push_str(&rest[..at]);
        let tail = &rest[at..];
        let begins =
            |word: &str| tail.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if begins("</script") || begins("</style") {
            safe.push_str("<\\/");
            rest = &tail[2..];
        } else if begins("<!--") || begins("<script") {
            safe.push_str("\\x3c");
            rest = &tail[1..];
        } else {
            safe.push('<');
            rest = &tail[1..];
        }
    }
    safe.push_str(rest);
    safe
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_script_is_let_through_by_its_hash_alone() {
        let document = document("A", "import('http://evil.example')", "").unwrap();
        assert!(!document.policy.contains("nonce") && !document.html.contains("nonce"));
        assert!(document.policy.contains(&hash_of("import('http://evil.example')")));
        // RFC 6234 has it of the empty text.
        assert_eq!(hash_of(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(hash_of("a\r\nb\rc"), hash_of("a\nb\nc"));
    }

    #[test]
    fn no_text_ends_its_element() {
        let hostile = "let a = '</ScRiPt><img src=x onerror=alert(1)>'; if (a <b) {} // <!-- <script>";
        let safe = inert(hostile);
        assert!(!safe.to_lowercase().contains("</script") && !safe.contains("<!--"));
        assert!(safe.contains("a <b"));
    }
}
