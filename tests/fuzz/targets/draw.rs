//! Takes a fuzzer's bytes apart: what a structured target decides by, from the front to the back. Used up, it gives
//! zeros and nothing.
#![allow(dead_code)]

/// The bytes that are left.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a>(pub &'a [u8]);

impl<'a> Draw<'a> {
    /// Whether all is used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// Eight bytes as a number.
    pub fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Bytes with their length (two bytes, the greater first) before them; fewer if there are no more.
    pub fn piece(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()) << 8 | usize::from(self.byte());
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// A piece as text; what is no UTF-8 in it is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.piece()).into_owned()
    }
}

/// The opposite of [`Draw::piece`].
pub fn piece(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], &bytes[..usize::from(length)]].concat()
}
