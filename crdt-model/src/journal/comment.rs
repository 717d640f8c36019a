//! What somebody says about an entry: threads that stand at a place of its text, what others answer, and that it is settled. What
//! comments come to is [`crate::comments`].

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;
use crate::ids::{EntryId, Heads, RecordHash};
use crate::limits;

/// One thing that somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comment {
    /// A thread begins. Its name is its record's hash.
    Thread {
        /// About which entry.
        entry: EntryId,
        /// About which place of its text; `None`: all of it.
        anchor: Option<Anchor>,
        /// What was said.
        text: String,
    },
    /// An answer.
    Reply {
        /// The entry of the thread.
        entry: EntryId,
        /// The thread.
        thread: RecordHash,
        /// What was said.
        text: String,
    },
    /// A thread is settled, or open again.
    Resolve {
        /// The entry of the thread.
        entry: EntryId,
        /// The thread.
        thread: RecordHash,
        /// Whether it is settled from here on.
        resolved: bool,
        /// One more than the greatest that its author knew of this thread: whoever has seen more has the last word, whatever
        /// the clocks say.
        turn: u32,
    },
    /// Somebody says something else instead of what they said, or takes it back.
    Edit {
        /// The entry of the thread.
        entry: EntryId,
        /// The thread, or the answer, that was said before: its record's hash.
        comment: RecordHash,
        /// What is said instead; `None`: nothing.
        text: Option<String>,
        /// One more than the greatest that its author knew of this comment.
        turn: u32,
    },
}

/// A place in a text, so that it is found again: in the version where it was seen, and by what stands there and around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The version: its heads.
    #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
    pub version: Heads,
    /// Where it begins in that version's text as it is written, in UTF-16 code units.
    pub start: u32,
    /// Where it ends; behind its beginning.
    pub end: u32,
    /// What stands there; of a long passage, the beginning.
    pub quote: String,
    /// What stands before it.
    pub before: String,
    /// What stands behind it.
    pub after: String,
}

/// Whether something can be said: it is no blank, no longer than the bound, and has no control characters but line breaks and tabs.
pub fn can_be_said(text: &str) -> bool {
    !text.trim().is_empty()
        && text.len() <= limits::COMMENT_BYTES
        && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

impl Comment {
    /// The entry concerned.
    pub fn entry(&self) -> EntryId {
        match self {
            Self::Thread { entry, .. }
            | Self::Reply { entry, .. }
            | Self::Resolve { entry, .. }
            | Self::Edit { entry, .. } => *entry,
        }
    }

    /// What it says, if it says something.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Thread { text, .. } | Self::Reply { text, .. } => Some(text),
            Self::Edit { text, .. } => text.as_deref(),
            Self::Resolve { .. } => None,
        }
    }

    /// Whether it keeps the bounds.
    pub fn is_sound(&self) -> bool {
        let is_anchor = |anchor: &Anchor| {
            anchor.start < anchor.end
                && !anchor.quote.is_empty()
                && anchor.quote.len() <= limits::QUOTE_BYTES
                && anchor.before.len() <= limits::AROUND_BYTES
                && anchor.after.len() <= limits::AROUND_BYTES
        };
        let anchored = match self {
            Self::Thread { anchor, .. } => anchor.as_ref().is_none_or(is_anchor),
            _ => true,
        };
        let turned = match self {
            Self::Resolve { turn, .. } | Self::Edit { turn, .. } => *turn > 0,
            _ => true,
        };
        anchored && turned && self.text().is_none_or(can_be_said)
    }
}
