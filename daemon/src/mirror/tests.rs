//! The mirror over a store that is made up: trees, properties, sidecars, search, queries, damage.
#![allow(clippy::unwrap_used)]

mod extracting;
mod fake;
mod following;
mod measuring;
mod querying;
mod reading;
mod searching;
mod sidecars;
