//! Lists of scalars, whose items merge one by one: finds the items in a key's source, and brings a source to
//! another set of items in its own style.

use std::collections::BTreeSet;
use std::ops::Range;

use super::yaml;

/// A list of plain or quoted scalars without duplicates: `key: [a, b]` on one line, or one `- a` a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The items as written, and where in the source.
    items: Vec<(Range<usize>, String)>,
    /// The range of `[…]`; `None` for one item a line.
    flow: Option<Range<usize>>,
}

impl List {
    /// The list that is the value of the one key in `source`.
    pub fn of(source: &str) -> Option<Self> {
        let found = yaml::scalars(source)?;
        let values: BTreeSet<&String> = found.items.iter().map(|(_, value)| value).collect();
        if values.len() < found.items.len() {
            return None;
        }
        let items =
            found.items.iter().map(|(range, _)| (range.clone(), source[range.clone()].to_owned())).collect();
        let flow = if source.get(found.start..)?.starts_with('[') {
            let end = found.end + 1;
            let written = source.get(found.start..end)?;
            if !written.ends_with(']') || written.contains(['\n', '\r']) {
                return None;
            }
            Some(found.start..end)
        } else {
            None
        };
        let list = Self { items, flow };
        let alone = |(range, _): &(Range<usize>, String)| list.is_line(source, range);
        (list.flow.is_some() || (!list.items.is_empty() && list.items.iter().all(alone))).then_some(list)
    }

    /// The items as written.
    pub fn items(&self) -> BTreeSet<String> {
        self.items.iter().map(|(_, item)| item.clone()).collect()
    }

    /// Whether the item has a line of its own, with a dash before it.
    fn is_line(&self, source: &str, range: &Range<usize>) -> bool {
        let line = line_of(source, range);
        let before = source[line.start..range.start].trim_start_matches(' ');
        before.strip_prefix('-').is_some_and(|gap| !gap.is_empty() && gap.trim_start_matches(' ').is_empty())
    }

    /// `source`, of which this is the list, with exactly the `wanted` items: what is surplus goes, what is
    /// missing comes last, in its order. Items that are no scalars are not put in.
    pub fn with_items(&self, source: &str, wanted: &BTreeSet<String>) -> String {
        let here = self.items();
        let missing: Vec<&String> =
            wanted.iter().filter(|item| !here.contains(*item) && is_item(item)).collect();
        if missing.is_empty() && here.iter().all(|item| wanted.contains(item)) {
            return source.to_owned();
        }
        let kept = self.items.iter().filter(|(_, item)| wanted.contains(item));
        match &self.flow {
            Some(range) => {
                let padded = source[range.clone()].starts_with("[ ");
                let items: Vec<String> =
                    kept.map(|(_, item)| item).chain(missing).map(|item| flow_item(item)).collect();
                let pad = if padded && !items.is_empty() { " " } else { "" };
                let list = format!("[{pad}{}{pad}]", items.join(", "));
                [&source[..range.start], &list, &source[range.end..]].concat()
            }
            None if kept.count() == 0 && missing.is_empty() => self.emptied(source),
            None => self.relined(source, wanted, &missing),
        }
    }

    /// One item a line: without the lines of what is not wanted, and with new ones after the last.
    fn relined(&self, source: &str, wanted: &BTreeSet<String>, missing: &[&String]) -> String {
        let mut text = String::with_capacity(source.len());
        let mut at = 0;
        for (number, (range, item)) in self.items.iter().enumerate() {
            let line = line_of(source, range);
            text.push_str(&source[at..line.start]);
            if wanted.contains(item) {
                text.push_str(&source[line.clone()]);
            }
            at = line.end;
            if number + 1 == self.items.len() {
                let eol = if source[line.clone()].ends_with("\r\n") { "\r\n" } else { "\n" };
                if !missing.is_empty() && !text.ends_with('\n') {
                    text.push_str(eol);
                }
                let dash = &source[line.start..range.start];
                missing.iter().for_each(|item| text.extend([dash, item, eol]));
            }
        }
        text.push_str(&source[at..]);
        text
    }

    /// One item a line, but none left.
    fn emptied(&self, source: &str) -> String {
        let first = self.items.first().map_or(0, |(range, _)| line_of(source, range).start);
        let key_line = source[..first].split_inclusive('\n').next().unwrap_or_default();
        let mut text = String::new();
        // The key's colon is the last one before a comment or the end of the line.
        let value_at = key_line.find(" #").unwrap_or(key_line.len());
        let colon = key_line[..value_at].rfind(':').map_or(value_at, |colon| colon + 1);
        text.extend([&source[..colon], " []", &source[colon..first]]);
        let mut at = first;
        for (range, _) in &self.items {
            let line = line_of(source, range);
            text.push_str(&source[at..line.start]);
            at = line.end;
        }
        text.push_str(&source[at..]);
        text
    }
}

fn line_of(source: &str, range: &Range<usize>) -> Range<usize> {
    let start = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[range.end..].find('\n').map_or(source.len(), |at| range.end + at + 1);
    start..end
}

/// Whether a text can be written as one item.
fn is_item(item: &str) -> bool {
    let alone = List::of(&format!("k:\n- {item}\n"));
    alone.is_some_and(|list| list.items.len() == 1 && list.items[0].1 == item)
}

/// An item as it can stand between brackets.
fn flow_item(item: &str) -> String {
    let quoted = item.starts_with(['"', '\'']);
    if !quoted && item.contains([',', '[', ']', '{', '}']) {
        return format!("'{}'", item.replace('\'', "''"));
    }
    item.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, wanted: &[&str], expect: &str) {
        let list = List::of(source).expect("it is a list");
        let wanted = wanted.iter().map(|item| (*item).to_owned()).collect();
        let made = list.with_items(source, &wanted);
        assert_eq!(made, expect);
        assert_eq!(
            List::of(&made).unwrap_or_else(|| panic!("no list: {made:?}")).items().len(),
            wanted.len()
        );
    }

    #[test]
    fn items_come_and_go_in_the_lists_own_style() {
        check("tags: [a, b] # c\n", &["a", "b"], "tags: [a, b] # c\n");
        check("tags: [a, b] # c\n", &["b", "x"], "tags: [b, x] # c\n");
        check("tags: [ a ]\r\n", &["a", "\"x y\""], "tags: [ a, \"x y\" ]\r\n");
        check("tags: []\n", &["x"], "tags: [x]\n");
        check("tags: [a]\n", &[], "tags: []\n");
        check("tags: [a]\n", &["a", "x, y"], "tags: [a, 'x, y']\n");
        check("tags:\n  - a # one\n  # two\n  - b\n", &["b", "x"], "tags:\n  # two\n  - b\n  - x\n");
        check("tags:\n- a\n- b\n\n# next\n", &["a", "b", "z"], "tags:\n- a\n- b\n- z\n\n# next\n");
        check("tags:\r\n- a\r\n", &["z"], "tags:\r\n- z\r\n");
        check("\"a:b\": # why\n  - a\n  - b\n", &[], "\"a:b\": [] # why\n");
    }

    #[test]
    fn what_is_no_plain_list_is_left_alone() {
        let none =
            ["a: b\n", "a: [x, x]\n", "a: [x, 'x']\n", "a: [[x]]\n", "a: [x,\n  y]\n", "a:\n  - x: 1\n"];
        let more = [
            "a: [&b x]\n",
            "a:\n  - |\n    x\n",
            "a:\n  - x\n    y\n",
            "a: [!t x]\n",
            "a:\n  -\n    x\n",
            "- x\n",
            "[x]\n",
        ];
        for source in none.iter().chain(&more) {
            assert_eq!(List::of(source), None, "{source:?}");
        }
    }
}
