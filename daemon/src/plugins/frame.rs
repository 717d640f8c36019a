//! The document that a view or a block runs in: an origin of its own, a policy of its own, and nothing but what is written into it.

use data_encoding::BASE64URL_NOPAD;

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

/// The document for a script of a plugin.
pub fn document(title: &str, script: &str, style: &str) -> Result<Document, String> {
    let mut random = [0; 18];
    getrandom::fill(&mut random).map_err(|why| format!("there is no randomness: {why}"))?;
    let nonce = BASE64URL_NOPAD.encode(&random);
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <script nonce=\"{nonce}\">{}</script>\n<style nonce=\"{nonce}\">{}</style>\n<style nonce=\"{nonce}\">{}</style>\n<body>\n<script nonce=\"{nonce}\">{}</script>\n\
         <script nonce=\"{nonce}\" type=\"module\">{}</script>\n</body></html>\n",
        inert(&sdk("fence.js")?),
        inert(&sdk("codex.css")?),
        inert(style),
        inert(&sdk("codex.js")?),
        inert(script),
    );
    let policy = format!(
        "sandbox allow-scripts; default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; \
         img-src data: blob:; media-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    Ok(Document { html, policy })
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
    fn no_text_ends_its_element() {
        let hostile = "let a = '</ScRiPt><img src=x onerror=alert(1)>'; if (a <b) {} // <!-- <script>";
        let safe = inert(hostile);
        assert!(!safe.to_lowercase().contains("</script") && !safe.contains("<!--"));
        assert!(safe.contains("a <b"));
    }
}
