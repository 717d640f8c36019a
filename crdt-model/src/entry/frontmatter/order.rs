//! Places between places: texts over `0-9A-Za-z` whose order is that of their bytes, such that there is always
//! another between two. They never end in `0`, before which there would be no room.

use std::collections::BTreeMap;

/// Longer ones are given out anew.
const LENGTH: usize = 128;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Places for `names` in the order in which they come, keeping as many of the `old` ones as can be kept.
pub fn assign(names: &[&str], old: &BTreeMap<String, String>) -> Vec<String> {
    let known: Option<Vec<&String>> = names.iter().map(|name| old.get(*name)).collect();
    if let Some(known) = known {
        let pairs: Vec<_> = known.iter().zip(names).collect();
        if pairs.is_sorted() {
            return known.into_iter().cloned().collect();
        }
    }
    let kept = keep(names, old);
    let placed = place(names, &kept);
    if placed.iter().all(|order| order.len() <= LENGTH) {
        return placed;
    }
    spread("", None, names.len())
}

/// The longest choice of names whose old places can stay: `Some` for these.
fn keep<'a>(names: &[&str], old: &'a BTreeMap<String, String>) -> Vec<Option<&'a str>> {
    let usable = |name: &&str| old.get(*name).map(String::as_str).filter(|order| is_place(order));
    let orders: Vec<Option<&str>> = names.iter().map(usable).collect();
    let place = |at: usize| (orders[at].unwrap_or_default(), names[at]);
    // Patience: `tails[n]` ends the best run of n + 1, `before[i]` precedes i in its run.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; names.len()];
    for at in (0..names.len()).filter(|at| orders[*at].is_some()) {
        let run = tails.partition_point(|tail| place(*tail) < place(at));
        before[at] = run.checked_sub(1).map(|previous| tails[previous]);
        if run == tails.len() {
            tails.push(at);
        } else {
            tails[run] = at;
        }
    }
    let mut kept = vec![None; names.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        kept[at] = orders[at];
        next = before[at];
    }
    kept
}

/// Fills the gaps between kept places.
fn place(names: &[&str], kept: &[Option<&str>]) -> Vec<String> {
    let mut placed: Vec<String> = Vec::with_capacity(names.len());
    let mut waiting = 0;
    for order in kept.iter().chain([&None]) {
        let last = placed.last().map(String::as_str).unwrap_or_default();
        match order {
            // Two keys put at one place at once have no room between them.
            Some(order) if waiting == 0 && *order >= last => placed.push((*order).to_owned()),
            Some(order) if *order > last => {
                let between = spread(last, Some(order), waiting);
                placed.extend(between);
                placed.push((*order).to_owned());
                waiting = 0;
            }
            _ => waiting += 1,
        }
    }
    // The end of the chain counted as one more.
    let last = placed.last().cloned().unwrap_or_default();
    placed.extend(spread(&last, None, waiting - 1));
    placed
}

fn is_place(order: &str) -> bool {
    let digits = order.bytes().all(|byte| DIGITS.contains(&byte));
    digits && !order.is_empty() && order.len() <= LENGTH && !order.ends_with('0')
}

/// `count` places between `low` (empty: the start) and `high` (`None`: the end), as short as may be.
fn spread(low: &str, high: Option<&str>, count: usize) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    let middle = between(low.as_bytes(), high.map(str::as_bytes));
    let before = (count - 1) / 2;
    let mut places = spread(low, Some(&middle), before);
    let after = spread(&middle, high, count - 1 - before);
    places.push(middle);
    places.extend(after);
    places
}

/// A place between two, which must differ and be places (or open ends).
fn between(low: &[u8], high: Option<&[u8]>) -> String {
    let value = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).unwrap_or(0);
    let mut place = String::new();
    let (mut at, mut high) = (0, high);
    // Each round goes one digit deeper into `low`, and at most one beyond its end.
    for _ in 0..=low.len().max(high.map_or(0, <[u8]>::len)) + 1 {
        let low_digit = low.get(at).map_or(0, |byte| value(*byte));
        let high_digit = high.map_or(DIGITS.len(), |high| high.get(at).map_or(0, |byte| value(*byte)));
        if high_digit > low_digit + 1 {
            place.push(char::from(DIGITS[(low_digit + high_digit).div_ceil(2).min(DIGITS.len() - 1)]));
            return place;
        }
        place.push(char::from(DIGITS[low_digit]));
        if high_digit > low_digit {
            // One digit apart: anything that continues `low` upwards fits.
            high = None;
        }
        at += 1;
    }
    place.push('V');
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_in_the_order_asked_for(rounds in prop::collection::vec(prop::collection::vec(0_u8..30, 0..30), 1..8)) {
            let mut old = BTreeMap::new();
            for round in rounds {
                let mut names: Vec<String> = Vec::new();
                for name in round {
                    let name = format!("k{name}");
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let placed = assign(&names, &old);
                let pairs: Vec<_> = placed.iter().zip(&names).collect();
                prop_assert!(pairs.is_sorted());
                prop_assert!(placed.iter().all(|place| is_place(place)), "{placed:?}");
                old = names.iter().map(|name| (*name).to_owned()).zip(placed).collect();
            }
        }

        #[test]
        fn hostile_places_are_replaced_not_trusted(places in prop::collection::vec("[0-2z\u{0}é]{0,4}", 6)) {
            let names = ["f", "c", "a", "new", "b", "d", "e"];
            let keys = ["a", "b", "c", "d", "e", "f"];
            let old = keys.iter().map(|key| (*key).to_owned()).zip(places).collect();
            let placed = assign(&names, &old);
            let pairs: Vec<_> = placed.iter().zip(&names).collect();
            prop_assert!(pairs.is_sorted(), "{placed:?}");
        }
    }

    #[test]
    fn many_keys_get_short_places_and_one_more_moves_nothing() {
        let names: Vec<String> = (0..5000).map(|i| format!("k{i}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let placed = assign(&names, &BTreeMap::new());
        assert!(placed.iter().all(|place| place.len() <= 4));
        let old = names.iter().map(|name| (*name).to_owned()).zip(placed.clone()).collect();
        names.insert(2500, "new");
        let mut again = assign(&names, &old);
        again.remove(2500);
        assert_eq!(again, placed);
    }
}
