//! A store in memory: the simulator's disk-backed database, and what unit tests run on.
