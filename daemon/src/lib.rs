//! The daemon: all input and output around [`codex_crdt_model`].
//!
//! Shells observe and obey; the core decides. Shells never name one another (the desk's pages and the
//! command line go through [`daemon`]); [`driver`] carries events in and effects out.

pub mod blobs;
pub mod cli;
pub mod clock;
pub mod daemon;
pub mod disk;
pub mod driver;
pub mod git;
pub mod home;
pub mod http;
pub mod mirror;
pub mod net;
pub mod store;
pub mod system;
pub mod watch;
