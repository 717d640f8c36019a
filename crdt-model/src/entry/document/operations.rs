//! What the operations of a change do, counted from its bytes before Automerge makes them.
//!
//! A few bytes may say millions of operations, and Automerge takes milliseconds for a few. Nobody here makes marks, and
//! Automerge takes in such as it does not load again once they are saved (one that ends before it begins): a document with
//! one could not be opened any more.

/// An action of Automerge's format.
const DELETE: u64 = 3;
/// Actions from here on are marks, or none that is known.
const MARK: u64 = 7;

/// How many operations of which kind a change has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Each takes away something that is there, so an honest change has no more of them than there are operations in the document and itself.
    pub(super) deletions: u64,
    /// Each brings a value or a key, so an honest change has no more of them than bytes.
    pub(super) others: u64,
}

/// The column that holds them: number 4, of run-length encoded integers.
const ACTIONS: u64 = 4 << 4 | 2;
/// More columns than the format knows.
const COLUMNS: u64 = 64;
/// This bit of a column's number says that it is compressed.
const COMPRESSED: u64 = 8;

/// The operations of a change; `None` if one is a mark, or it cannot be read.
pub(super) fn count(change: &[u8]) -> Option<Count> {
    let mut count = Count::default();
    for (number, bytes) in columns(change)? {
        if number == ACTIONS {
            count = Bytes(bytes).actions()?;
        } else if number & COMPRESSED != 0 {
            return None;
        }
    }
    Some(count)
}

/// The columns of operations by their numbers.
fn columns(change: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    // Behind magic, checksum and type.
    let mut bytes = Bytes(change.get(9..)?);
    bytes.number()?;
    for _ in 0..bytes.number()? {
        bytes.take(32)?;
    }
    bytes.sequence()?;
    // Number, first operation, time.
    for _ in 0..3 {
        bytes.number()?;
    }
    bytes.sequence()?;
    for _ in 0..bytes.number()? {
        bytes.sequence()?;
    }
    let mut sizes = Vec::new();
    for _ in 0..bytes.number().filter(|columns| *columns <= COLUMNS)? {
        sizes.push((bytes.number()?, bytes.number()?));
    }
    sizes.into_iter().map(|(number, size)| Some((number, bytes.take(size)?))).collect()
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, size: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(size).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A LEB128 integer of at most 64 bits, as its bits and how many they are.
    fn leb(&mut self) -> Option<(u64, u32)> {
        let (mut bits, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            bits |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some((bits, shift));
            }
        }
    }

    fn number(&mut self) -> Option<u64> {
        self.leb().map(|(bits, _)| bits)
    }

    fn signed(&mut self) -> Option<i64> {
        let (bits, size) = self.leb()?;
        let above = 64_u32.saturating_sub(size);
        Some((bits << above).cast_signed() >> above)
    }

    fn sequence(&mut self) -> Option<&'a [u8]> {
        let size = self.number()?;
        self.take(size)
    }

    /// Actions. A run is its length and what repeats; a negative length that of different ones; zero is followed by how
    /// many are none at all, and an action is always one.
    fn actions(&mut self) -> Option<Count> {
        let mut count = Count::default();
        while !self.0.is_empty() {
            let length = self.signed()?;
            let (values, times) =
                if length > 0 { (1, length.unsigned_abs()) } else { (length.unsigned_abs(), 1) };
            if values == 0 {
                return None;
            }
            for _ in 0..values {
                let of_its_kind = match self.number()? {
                    DELETE => &mut count.deletions,
                    action if action < MARK => &mut count.others,
                    _ => return None,
                };
                *of_its_kind = of_its_kind.saturating_add(times);
            }
        }
        Some(count)
    }
}
