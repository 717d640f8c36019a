//! Tasks: boxes in Markdown lists, and entries of type `task`. What a line says of when (`due:2026-12-01`, `📅 2026-12-01`), who
//! (`@name`) and which kind (`#tag`).

use std::ops::Range;

use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::Mirror;
use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::properties::{self, Properties};
use super::words::Compare;
use super::{dates, filter, links};

/// Values of `status` that say that a task is done.
const DONE: [&str; 5] = ["done", "complete", "completed", "closed", "finished"];
/// Tasks of one text that are kept.
const MOST: usize = 10_000;

/// A task as its line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTask {
    /// Line, from 1 in what was read.
    pub line: usize,
    /// Byte of its `[` in what was read.
    pub at: usize,
    /// What stands behind the box.
    pub text: String,
    /// Whether the box is ticked.
    pub done: bool,
}

/// What a line says beside what is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Without the rest.
    pub title: String,
    /// When.
    pub due: Option<String>,
    /// Who.
    pub assignee: Option<String>,
    /// Tags, without `#`.
    pub tags: Vec<String>,
}

impl Said {
    /// Reads what stands behind a box.
    pub fn of(text: &str) -> Self {
        let mut said = Self::default();
        let mut title: Vec<&str> = Vec::new();
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            if let Some(due) = word.strip_prefix("due:").filter(|due| is_date(due)) {
                said.due = Some(due.to_owned());
            } else if let Some(rest) = word.strip_prefix('📅') {
                let date = rest.trim_start_matches('\u{fe0f}');
                if is_date(date) {
                    said.due = Some(date.to_owned());
                } else if date.is_empty() && words.peek().is_some_and(|next| is_date(next)) {
                    said.due = words.next().map(str::to_owned);
                } else {
                    title.push(word);
                }
            } else if let Some(name) = word.strip_prefix('@').map(name_of).filter(|name| !name.is_empty()) {
                said.assignee.get_or_insert_with(|| name.to_owned());
            } else {
                if let Some(tag) = word.strip_prefix('#').map(name_of)
                    && tag.starts_with(char::is_alphabetic)
                    && !said.tags.iter().any(|known| known == tag)
                {
                    said.tags.push(tag.to_owned());
                }
                title.push(word);
            }
        }
        said.title = title.join(" ");
        said
    }
}

fn is_date(text: &str) -> bool {
    dates::moment(text).is_some()
}

/// A name or tag without the punctuation of its sentence.
fn name_of(word: &str) -> &str {
    word.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '/'))
}

/// Letters that a box may hold.
const MOST_IN_BOX: usize = 8;

/// A box in which two met who ticked it, or opened it again, apart from each other: `[xx]`, `[  ]`. It is still that box. `item`
/// is where its list item begins.
pub fn box_of_two(body: &str, item: usize) -> Option<(Range<usize>, bool)> {
    let rest = body[item..].trim_start_matches([' ', '\t']);
    let unmarked = match rest.strip_prefix(['-', '+', '*']) {
        Some(unmarked) => unmarked,
        None => rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(['.', ')'])?,
    };
    let inside = unmarked.trim_start_matches([' ', '\t']).strip_prefix('[')?;
    let end = inside.find(|c| !matches!(c, ' ' | 'x' | 'X'))?;
    let behind = inside[end..].strip_prefix(']')?;
    if !(2..=MOST_IN_BOX).contains(&end) || !behind.starts_with(char::is_whitespace) {
        return None;
    }
    let at = body.len() - inside.len() - 1;
    Some((at..at + end + 2, inside[..end].contains(['x', 'X'])))
}

/// The tasks of a Markdown text, by the places of the boxes in it.
pub fn of_boxes(body: &str, boxes: &[(Range<usize>, bool)]) -> Vec<RawTask> {
    let mut tasks = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for (range, done) in boxes.iter().take(MOST) {
        line += body[counted..range.start].matches('\n').count();
        counted = range.start;
        let rest = &body[range.end..];
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let text = rest[..end].trim();
        // A box with nothing behind it waits for a task to be written.
        if !text.is_empty() {
            tasks.push(RawTask { line, at: range.start, text: text.to_owned(), done: *done });
        }
    }
    tasks
}

/// What an entry says that is a task itself.
pub fn of_properties(properties: &Properties, title: &str) -> Option<(bool, Said)> {
    let text = |key: &str| properties.get(key).map(properties::text).filter(|text| !text.trim().is_empty());
    if !text("type")?.eq_ignore_ascii_case("task") {
        return None;
    }
    let status = text("status").unwrap_or_default().to_lowercase();
    let said = Said {
        title: title.to_owned(),
        due: text("due_date").or_else(|| text("due")).filter(|due| is_date(due)),
        assignee: text("assignee").map(|name| name.trim_start_matches('@').to_owned()),
        tags: properties::tags(properties),
    };
    Some((DONE.contains(&status.as_str()), said))
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The entry that it is in, or is.
    pub entry: EntryId,
    /// Where that is.
    pub path: EntryPath,
    /// What that is called.
    pub entry_title: String,
    /// The version that was read.
    pub version: String,
    /// Line, from 1; 0 for an entry that is a task.
    pub line: usize,
    /// Place of its `[` in the text, in UTF-16 code units.
    pub place: usize,
    /// As it is written.
    pub text: String,
    /// Without when and who.
    pub title: String,
    /// Whether it is done.
    pub done: bool,
    /// When it is due.
    pub due: Option<String>,
    /// Who does it.
    pub assignee: Option<String>,
    /// Its tags, and those of its entry.
    pub tags: Vec<String>,
}

/// When a task is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// At a time that is given.
    Any,
    /// At none.
    None,
    /// Before, on, or behind a day.
    Day(Compare, String),
    /// On one of these days, the last one too.
    Between(String, String),
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichTasks {
    /// Only those that are, or are not, done.
    pub done: Option<bool>,
    /// Only whose this is; an empty name: nobody's.
    pub assignee: Option<String>,
    /// Only those that are due then.
    pub due: Option<Due>,
    /// Only with this tag, or one under it.
    pub tag: Option<String>,
    /// Only in this folder or entry.
    pub within: Option<EntryPath>,
    /// Only whose text holds this, in any case.
    pub text: Option<String>,
}

impl Mirror {
    /// Tasks, in no order.
    pub fn tasks(&self, which: &WhichTasks) -> Result<Vec<Task>, MirrorError> {
        let look = self.look();
        self.ask(|db| {
            let (sql, values) = statement(db, which)?;
            let mut statement = db.prepare_cached(&sql).doing("reading tasks")?;
            let rows = statement.query_map(params_from_iter(values), row).doing("reading tasks")?;
            let mut tasks = Vec::new();
            for row in rows {
                let (mut task, parent, name) = row.doing("reading tasks")?;
                task.path = look.entry(db, &parent, &name)?;
                if holds(which, &task) {
                    tasks.push(task);
                }
            }
            Ok(tasks)
        })
    }
}

fn statement(db: &Connection, which: &WhichTasks) -> Result<(String, Vec<Sql>), MirrorError> {
    let mut sql = String::from(
        "SELECT id, parent, name, entries.title, version, line, place, text, tasks.title, done, due, assignee, tasks.tags,
                (SELECT json_group_array(tag) FROM tags WHERE tags.entry = num)
         FROM tasks JOIN entries ON num = entry WHERE alive = 1 AND sidecar_of IS NULL",
    );
    let mut values = Vec::new();
    if let Some(done) = which.done {
        sql.push_str(" AND done = ?");
        values.push(Sql::Integer(done.into()));
    }
    match which.assignee.as_deref() {
        Some("") => sql.push_str(" AND assignee IS NULL"),
        Some(name) => {
            sql.push_str(" AND assignee = ? COLLATE NOCASE");
            values.push(Sql::Text(name.trim_start_matches('@').to_owned()));
        }
        None => {}
    }
    match &which.due {
        None => {}
        Some(Due::Any) => sql.push_str(" AND due IS NOT NULL"),
        Some(Due::None) => sql.push_str(" AND due IS NULL"),
        Some(Due::Day(compare, day)) => {
            sql.push_str(&format!(" AND substr(due, 1, 10) {} ?", filter::sign(*compare)));
            values.push(Sql::Text(day.clone()));
        }
        Some(Due::Between(first, last)) => {
            sql.push_str(" AND substr(due, 1, 10) BETWEEN ? AND ?");
            values.extend([Sql::Text(first.clone()), Sql::Text(last.clone())]);
        }
    }
    if let Some(path) = &which.within {
        let nums = match links::at_text(db, path.as_str())? {
            Some(id) => links::within(db, &id)?,
            None => Vec::new(),
        };
        let nums: Vec<String> = nums.iter().map(ToString::to_string).collect();
        sql.push_str(" AND num IN (SELECT value FROM json_each(?))");
        values.push(Sql::Text(format!("[{}]", nums.join(","))));
    }
    Ok((sql, values))
}

fn row(row: &Row<'_>) -> rusqlite::Result<(Task, EntryId, String)> {
    let size = |at: usize| row.get::<_, i64>(at).map(|n| usize::try_from(n).unwrap_or(0));
    let list = |at: usize| {
        row.get::<_, String>(at).map(|text| serde_json::from_str::<Vec<String>>(&text).unwrap_or_default())
    };
    let mut tags = list(12)?;
    for tag in list(13)? {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let task = Task {
        entry: id_of(&row.get::<_, Vec<u8>>(0)?),
        path: EntryPath::root(),
        entry_title: row.get(3)?,
        version: row.get(4)?,
        line: size(5)?,
        place: size(6)?,
        text: row.get(7)?,
        title: row.get(8)?,
        done: row.get(9)?,
        due: row.get(10)?,
        assignee: row.get(11)?,
        tags,
    };
    Ok((task, id_of(&row.get::<_, Vec<u8>>(1)?), row.get(2)?))
}

fn holds(which: &WhichTasks, task: &Task) -> bool {
    let tag = which.tag.as_deref().map(|tag| tag.trim_start_matches('#').to_lowercase());
    let has_tag = |wanted: &String| {
        task.tags.iter().map(|tag| tag.to_lowercase()).any(|tag| {
            tag == *wanted || tag.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let has_text = |wanted: &String| task.text.to_lowercase().contains(&wanted.to_lowercase());
    tag.as_ref().is_none_or(has_tag) && which.text.as_ref().is_none_or(has_text)
}

/// Writes the tasks of an entry.
pub fn write(db: &Connection, entry: i64, tasks: &[(RawTask, Said)]) -> Result<(), MirrorError> {
    let sql = "INSERT INTO tasks (entry, line, place, text, title, done, due, assignee, tags)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = db.prepare_cached(sql).doing("writing tasks")?;
    for (task, said) in tasks {
        let int = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let tags = serde_json::Value::from(said.tags.clone()).to_string();
        statement
            .execute(params![
                entry,
                int(task.line),
                int(task.at),
                task.text,
                said.title,
                task.done,
                said.due,
                said.assignee,
                tags
            ])
            .doing("writing tasks")?;
    }
    Ok(())
}

/// The tasks of a whole text: lines and places in it, these in UTF-16 code units.
pub fn in_text(whole: &str) -> Vec<RawTask> {
    let (_, body) = super::text::split(whole);
    let before = &whole[..whole.len() - body.len()];
    placed(before, body, super::text::markdown(body).tasks)
}

/// Tasks of a body, as they are in the whole text.
pub fn placed(before: &str, body: &str, tasks: Vec<RawTask>) -> Vec<RawTask> {
    let lines = before.matches('\n').count();
    let (mut unit, mut byte) = (before.encode_utf16().count(), 0);
    let place = |task: RawTask| {
        unit += body[byte..task.at].encode_utf16().count();
        byte = task.at;
        RawTask { line: task.line + lines, at: unit, ..task }
    };
    tasks.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_who_and_which_kind() {
        for (text, title, due, assignee, tags) in [
            ("boil water", "boil water", None, None, &[][..]),
            (
                "boil due:2026-12-01 @Ada, #lab/wet.",
                "boil #lab/wet.",
                Some("2026-12-01"),
                Some("Ada"),
                &["lab/wet"],
            ),
            ("📅 2026-12-01 write up", "write up", Some("2026-12-01"), None, &[]),
            ("📅2026-12-01T10:00 x", "x", Some("2026-12-01T10:00"), None, &[]),
            ("due:soon mail a@b.org #1 @", "due:soon mail a@b.org #1 @", None, None, &[]),
        ] {
            let said = Said::of(text);
            assert_eq!(said.title, title, "{text}");
            assert_eq!((said.due.as_deref(), said.assignee.as_deref()), (due, assignee), "{text}");
            assert_eq!(said.tags, tags, "{text}");
        }
    }

    #[test]
    fn only_boxes_of_lists_are_tasks() {
        let text = "---\na: 1\n---\n🧪 [ ] no\n- [ ] one\r\n  1. [x] two\n* [X]   three  \n\n```\n- [ ] code\n```\n\n- [ ]no\n+ [ ] *four*\n";
        let found = in_text(text);
        let shown: Vec<_> = found.iter().map(|task| (task.line, task.done, task.text.as_str())).collect();
        assert_eq!(shown, [(5, false, "one"), (6, true, "two"), (7, true, "three"), (14, false, "*four*")]);
        let units: Vec<u16> = text.encode_utf16().collect();
        assert!(found.iter().all(|task| units[task.at] == u16::from(b'[')));
    }

    #[test]
    fn a_box_that_two_ticked_is_that_box() {
        let text =
            "- [xx] one\n2) [  ] two\n  - [xX]\tthree\n- [xx]no\n- [xy] no\n- [] no\n- [x] four\n\n[xx] no\n";
        let found = in_text(text);
        let shown: Vec<_> = found.iter().map(|task| (task.line, task.done, task.text.as_str())).collect();
        assert_eq!(shown, [(1, true, "one"), (2, false, "two"), (3, true, "three"), (7, true, "four")]);
        assert!(found.iter().all(|task| text.as_bytes()[task.at] == b'['));
    }
}
