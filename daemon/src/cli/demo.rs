//! `demo`: a temporary home with an example notebook. Nothing of it stays.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::ServeArgs;
use super::failure::Failure;
use super::serve;
use crate::home::{Home, Place, example};
use crate::http::auth::new_token;

/// Goes with all that is in it.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
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
    let notebook = temporary.0.join(example::NAME);
    example::write(&notebook).map_err(|error| {
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
        daemon.add(&notebook, Some(example::NAME.to_owned()), None).await?;
        Ok(())
    })
    .await
}
