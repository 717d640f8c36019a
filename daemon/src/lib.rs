//! The daemon: all input and output around [`codex_crdt_model`].
//!
//! Shells observe and obey; the core decides. [`driver`] carries events in and effects out, [`daemon`] wires
//! the shells; pages and commands go through it.

pub mod blobs;
pub mod bundle;
pub mod cli;
pub mod clock;
pub mod daemon;
pub mod disk;
pub mod driver;
pub mod extract;
pub mod git;
pub mod home;
pub mod http;
pub mod live;
pub mod mirror;
pub mod net;
pub mod plugins;
pub mod private;
pub mod progress;
pub mod signs;
pub mod store;
pub mod system;
pub mod timestamps;
pub mod watch;
