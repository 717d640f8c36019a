//! Sequences that are bounded while they are decoded: an item may take many times the bytes that say so, so a bound that
//! is looked at afterwards comes too late (losses.md L45).

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// At most `N` items; a longer sequence is refused before more of it is read. For `#[serde(deserialize_with)]`.
pub fn at_most<'de, const N: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(AtMost::<N, T>(PhantomData))
}

struct AtMost<const N: usize, T>(PhantomData<T>);

impl<'de, const N: usize, T: Deserialize<'de>> Visitor<'de> for AtMost<N, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if items.len() == N {
                return Err(A::Error::invalid_length(N + 1, &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Few(#[serde(deserialize_with = "at_most::<3, _, _>")] Vec<u8>);

    #[test]
    fn a_sequence_is_read_up_to_its_bound_and_refused_beyond() {
        let read = |bytes: &[u8]| postcard::take_from_bytes::<Few>(bytes).map(|(few, _)| few.0);
        assert_eq!(read(&[0]).unwrap(), []);
        assert_eq!(read(&[3, 7, 8, 9]).unwrap(), [7, 8, 9]);
        assert!(read(&[4, 7, 8, 9, 10]).is_err());
        assert!(read(&[3, 7]).is_err(), "cut off");
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "a length alone");
    }

    /// losses.md L45: three bytes make an empty record of seventy, two an empty birth of as many.
    #[test]
    fn what_is_small_on_the_wire_and_large_in_memory_is_bounded() {
        use crate::journal::{Payload, Record};
        use crate::limits::{BATCH_RECORDS, RECORD_ITEMS};
        use crate::sync::Message;

        let empty = Record { header: Vec::new(), signature: Vec::new(), payload: Vec::new() };
        let frame = |records: usize| Message::Records(vec![empty.clone(); records]).encode();
        assert!(Message::decode(&frame(BATCH_RECORDS)).is_some());
        assert!(Message::decode(&frame(BATCH_RECORDS + 1)).is_none());
        let births = |items: usize| postcard::to_stdvec(&vec![(0u8, 0u8); items]).unwrap();
        assert!(Payload::decode(Payload::EDIT, &births(RECORD_ITEMS)).is_some());
        assert!(Payload::decode(Payload::EDIT, &births(RECORD_ITEMS + 1)).is_none());
    }
}
