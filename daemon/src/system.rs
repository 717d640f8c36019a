//! `system.db`: registered notebooks, invitations, peers' addresses, sessions.
