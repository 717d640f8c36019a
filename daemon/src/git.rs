//! Text history as ordinary git commits, in a repository that Codex made; never in the user's own.
