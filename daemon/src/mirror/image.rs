//! What an image file says about itself: width, height, format. Only its first bytes are read.

use std::io::Read;
use std::path::Path;

use quick_xml::events::Event;
use serde_json::Value;

use super::properties::Properties;

/// How much of a file is read: sizes stand at the beginning.
const HEAD_BYTES: u64 = 64 << 10;

/// Whether a media type is an image whose size can be read from its bytes.
pub fn is_raster(media_type: &str) -> bool {
    media_type.starts_with("image/") && media_type != "image/svg+xml"
}

/// Properties of an image file on disk; `None` if it cannot be read, or is not (yet) what has this BLAKE3 hash.
pub fn of_file(path: &Path, hash: &[u8]) -> Option<Properties> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut file = std::fs::File::open(path).ok()?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    // Another version may still lie there.
    let mut all = blake3::Hasher::new();
    all.update(&head).update_reader(file).ok()?;
    (all.finalize().as_bytes() == hash).then(|| of_head(&head))
}

/// Properties of an image that begins with these bytes; none if they are of no format that is known.
pub fn of_head(head: &[u8]) -> Properties {
    let (Ok(size), Ok(kind)) = (imagesize::blob_size(head), imagesize::image_type(head)) else {
        return Properties::new();
    };
    let kind = format!("{kind:?}").to_lowercase();
    let format = kind.split('(').next().unwrap_or_default();
    described(size.width as f64, size.height as f64, format)
}

/// Properties of an SVG: its width and height, else those of its view box.
pub fn of_svg(text: &str) -> Properties {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) if start.local_name().as_ref() == "svg" => {
                let read =
                    |name: &str| start.try_get_attribute(name).ok().flatten().map(|a| a.value.to_string());
                let length =
                    |name| read(name).and_then(|text| text.trim_end_matches("px").trim().parse().ok());
                let boxed: Vec<f64> = read("viewBox")
                    .unwrap_or_default()
                    .split([' ', ','])
                    .filter_map(|part| part.parse().ok())
                    .collect();
                let width = length("width").or(boxed.get(2).copied());
                let height = length("height").or(boxed.get(3).copied());
                return match (width, height) {
                    (Some(width), Some(height)) => described(width, height, "svg"),
                    _ => Properties::from_iter([("format".to_owned(), Value::from("svg"))]),
                };
            }
            Ok(Event::Eof) | Err(_) => return Properties::new(),
            Ok(_) => {}
        }
    }
}

fn described(width: f64, height: f64, format: &str) -> Properties {
    let number = |n: f64| if n.fract() == 0.0 { Value::from(n as i64) } else { Value::from(n) };
    Properties::from_iter([
        ("width".to_owned(), number(width)),
        ("height".to_owned(), number(height)),
        ("format".to_owned(), Value::from(format)),
    ])
}
