//! Splits a text into frontmatter and body, and the frontmatter into one source text per key; joins them
//! again to the same bytes.
