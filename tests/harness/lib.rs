//! The simulator: whole machines in one thread, one seed, no real clock, disk or network.
//!
//! [`world`] moves time on and carries events and effects between cores, disks and links · [`machine`] and
//! [`disk`] are what a real machine has · [`workload`] is what people and programs do to it, [`signing`] what they sign · [`oracle`] says
//! what must hold afterwards · [`faulty`] plants the bugs that the oracle must find.

pub mod disk;
pub mod faulty;
pub mod machine;
pub mod mallory;
pub mod oracle;
pub mod rng;
pub mod signing;
pub mod workload;
pub mod world;

pub use faulty::Fault;
pub use workload::Edition;
pub use world::World;
