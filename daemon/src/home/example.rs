//! The example notebook: a few entries that show what a notebook can be.

use std::fs;
use std::path::Path;

/// Its name, and its folder's.
pub const NAME: &str = "Example notebook";

/// Path and bytes.
const FILES: [(&str, &[u8]); 12] = [
    ("Welcome.md", include_bytes!("example/Welcome.md")),
    ("Tasks.cdx", include_bytes!("example/Tasks.cdx")),
    ("Gallery.cdx", include_bytes!("example/Gallery.cdx")),
    ("Weekly rollup.cdx", include_bytes!("example/Weekly rollup.cdx")),
    ("Experiments/.metadata", include_bytes!("example/Experiments/metadata.yaml")),
    ("Experiments/Growth curve.md", include_bytes!("example/Experiments/Growth curve.md")),
    ("Experiments/Plate reader.md", include_bytes!("example/Experiments/Plate reader.md")),
    ("Experiments/growth.csv", include_bytes!("example/Experiments/growth.csv")),
    ("Experiments/plate.png", include_bytes!("example/Experiments/plate.png")),
    ("Experiments/.plate.png.json", include_bytes!("example/Experiments/plate.png.json")),
    ("Protocols/LB medium.md", include_bytes!("example/Protocols/LB medium.md")),
    ("To do/Order agar.md", include_bytes!("example/To do/Order agar.md")),
];

/// Writes the example notebook's files.
pub fn write(folder: &Path) -> std::io::Result<()> {
    for (path, bytes) in FILES {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(target, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_example_is_well_formed() {
        for (path, bytes) in FILES {
            if path.ends_with(".md") || path.ends_with(".cdx") {
                let text = std::str::from_utf8(bytes).unwrap();
                let yaml = text.strip_prefix("---\n").unwrap().split("\n---\n").next().unwrap();
                let value: serde_json::Value = serde_yaml_ng::from_str(yaml).unwrap();
                assert!(value.is_object(), "{path}");
            }
        }
        assert!(FILES.iter().any(|(path, bytes)| path.ends_with(".png") && bytes.starts_with(b"\x89PNG")));
    }
}
