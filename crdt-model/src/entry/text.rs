//! Turns an outside rewrite of a text into small edits: lines first, then words inside changed lines.
