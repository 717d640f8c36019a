//! `demo`: a temporary home with an example notebook. Nothing of it stays.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::ServeArgs;
use super::failure::Failure;
use super::serve;
use crate::home::{Home, Place};
use crate::http::auth::new_token;

/// The example notebook: path and bytes.
const FILES: [(&str, &[u8]); 12] = [
    ("Welcome.md", include_bytes!("demo/Welcome.md")),
    ("Tasks.cdx", include_bytes!("demo/Tasks.cdx")),
    ("Gallery.cdx", include_bytes!("demo/Gallery.cdx")),
    ("Weekly rollup.cdx", include_bytes!("demo/Weekly rollup.cdx")),
    ("Experiments/.metadata", include_bytes!("demo/Experiments/metadata.yaml")),
    ("Experiments/Growth curve.md", include_bytes!("demo/Experiments/Growth curve.md")),
    ("Experiments/Plate reader.md", include_bytes!("demo/Experiments/Plate reader.md")),
    ("Experiments/growth.csv", include_bytes!("demo/Experiments/growth.csv")),
    ("Experiments/plate.png", include_bytes!("demo/Experiments/plate.png")),
    ("Experiments/.plate.png.json", include_bytes!("demo/Experiments/plate.png.json")),
    ("Protocols/LB medium.md", include_bytes!("demo/Protocols/LB medium.md")),
    ("To do/Order agar.md", include_bytes!("demo/To do/Order agar.md")),
];

/// Goes with all that is in it.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, dir = %self.0.display(), "the demo's folder could not be removed");
        }
    }
}

/// `demo`.
pub async fn demo(args: &ServeArgs) -> Result<(), Failure> {
    let dir = std::env::temp_dir().join(format!("codex-demo-{}", &new_token()[..12]));
    let home = Home::open_at(Place::at(dir.join("home")))?;
    // Declared before the daemon runs, so that it goes after the daemon has stopped.
    let temporary = Temporary(dir);
    let notebook = temporary.0.join("Example notebook");
    write_example(&notebook).map_err(|error| {
        Failure::new(format!("cannot write the example to {}: {error}", notebook.display()))
    })?;
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let args = ServeArgs {
        listen: args.listen.or(Some(any_port)),
        relay: args.relay.clone().or_else(|| Some("none".to_owned())),
        no_discovery: true,
        ..args.clone()
    };
    serve::run(home, &args, async |daemon| {
        daemon.add(&notebook, Some("Example notebook".to_owned()), None).await?;
        Ok(())
    })
    .await
}

/// Writes the example notebook's files.
pub fn write_example(folder: &Path) -> std::io::Result<()> {
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
