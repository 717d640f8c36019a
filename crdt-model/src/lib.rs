//! The pure core of Codex: no input or output, no clock, no randomness of its own.
//!
//! A notebook is one [`Core`]. Something happens ([`event::Event`]), the core decides, and hands back what is
//! to be written ([`store::WriteSet`]) and what is to be done ([`effect::Effect`]):
//!
//! ```text
//! Event ──► Core::step(now, event, &source) ──► (WriteSet, Vec<Effect>)
//! ```
//!
//! The driver writes first, then acts. The same events at the same times give the same trace (law 8).
//!
//! Start reading at [`event`], [`effect`] and [`core`].
#![warn(missing_docs)]

mod bounded;
pub mod bundle;
pub mod comments;
pub mod core;
pub mod effect;
pub mod entry;
pub mod event;
pub mod ids;
pub mod journal;
pub mod limits;
pub mod membership;
pub mod path;
pub mod seals;
pub mod store;
pub mod sync;
pub mod view;

pub use crate::core::{Core, StepError, Stepped};
