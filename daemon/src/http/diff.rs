//! What lies between two versions of an entry: lines with the words that differ, properties, names, and bytes by size and hash.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::entry::{Document, View};
use codex_crdt_model::event::Version;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::{ChangeTag, DiffOp, TextDiff};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::dto::EntryKind;
use super::error::ApiError;
use super::input::{Params, Place};
use super::reading::{self, read};
use crate::mirror::{properties, text};

/// How long lines, and words in them, are compared: then what is left shows as replaced.
const PATIENCE: Duration = Duration::from_millis(500);
/// Lines that stay the same, shown before and behind those that do not.
pub(super) const CONTEXT: usize = 3;

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichVersions {
    /// Absent: the version right before `to`.
    pub from: Option<String>,
    /// Absent: the one that is there now.
    pub to: Option<String>,
    /// Lines that stay the same, shown around those that do not; 3 if not given.
    pub context: Option<usize>,
}

/// What lies between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// The version before.
    pub from: Side,
    /// The version behind.
    pub to: Side,
    /// Whether name, folder and bytes are the same.
    pub same: bool,
    /// Properties in the frontmatter that differ, by name.
    pub properties: Vec<PropertyDifference>,
    /// The lines that differ; nothing if one of the versions is no text.
    pub text: Option<TextDifference>,
}

/// One of the two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Side {
    /// Which.
    pub version: String,
    /// What it was called.
    pub name: String,
    /// Its folder; absent at the top.
    pub parent: Option<String>,
    /// What it was.
    pub kind: EntryKind,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of its bytes; they are at `versions/{version}/content`.
    pub hash: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A property that differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct PropertyDifference {
    /// Which.
    pub key: String,
    /// Its value before; nothing if it was not set.
    pub from: Option<Value>,
    /// Its value behind; nothing if it is not set.
    pub to: Option<Value>,
}

/// Lines that differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextDifference {
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
    /// What differs, with lines around it.
    pub hunks: Vec<Hunk>,
}

/// Lines that differ and lie together.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hunk {
    /// First line before, from 1.
    pub old_start: usize,
    /// Lines before.
    pub old_lines: usize,
    /// First line behind, from 1.
    pub new_start: usize,
    /// Lines behind.
    pub new_lines: usize,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// It stayed.
    Same,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
    /// What became of it.
    pub change: LineChange,
    /// Its number before, from 1.
    pub old: Option<usize>,
    /// Its number behind, from 1.
    pub new: Option<usize>,
    /// Its text, without the line break: pieces, of which those that differ from the line it became, or was, are marked.
    pub words: Vec<Piece>,
    /// It ends the text without a line break.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unended: bool,
}

/// A piece of a line.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// Whether it differs.
    pub differs: bool,
}

/// What lies between two versions of an entry.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/diff", tag = "history",
    params(("nb" = String, Path), ("e" = String, Path), WhichVersions),
    responses((status = 200, body = Difference), (status = 404, description = "`no_version`, or no entry")))]
pub async fn diff(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(which): Params<WhichVersions>,
) -> Result<Json<Difference>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let version =
        |text: Option<String>| text.map(|text| text.trim_matches('"').parse::<Version>()).transpose();
    let (from, to) = (version(which.from)?, version(which.to)?);
    let context = which.context.unwrap_or(CONTEXT);
    let difference = read(&notebook, move |reader| {
        let found = reading::any(reader, &id)?;
        let document = reading::document(reader, &id, &found.row)?;
        let to = to.unwrap_or_else(|| found.version());
        let after = view(&document, id, &to)?;
        let from = match from {
            Some(from) => from,
            None => Version(document.before(&to.0).unwrap_or_default()),
        };
        let before = view(&document, id, &from)?;
        Ok(between((&from, &before), (&to, &after), context))
    })
    .await?;
    Ok(Json(difference))
}

fn view(document: &Document, id: EntryId, version: &Version) -> Result<View, ApiError> {
    let view = document.view_at(&version.0);
    view.ok_or_else(|| codex_crdt_model::effect::Refusal::NoVersion(id, version.clone()).into())
}

fn between(from: (&Version, &View), to: (&Version, &View), context: usize) -> Difference {
    let side = |(version, view): (&Version, &View)| Side {
        version: version.to_string(),
        name: view.name.clone(),
        parent: (view.parent != EntryId::ROOT).then(|| view.parent.to_string()),
        kind: view.kind.into(),
        size: view.content.size(),
        hash: view.content.hash().to_string(),
        deleted: view.deleted,
    };
    let (before, after) = (from.1, to.1);
    let same = before.name == after.name
        && before.parent == after.parent
        && before.deleted == after.deleted
        && before.kind == after.kind
        && before.content.hash() == after.content.hash();
    let text = match (&before.content, &after.content) {
        (Content::Text(old), Content::Text(new)) => Some(lines(old, new, context)),
        _ => None,
    };
    Difference { from: side(from), to: side(to), same, properties: properties_between(before, after), text }
}

/// What the frontmatter says; nothing while it is not valid.
fn front(view: &View) -> BTreeMap<String, Value> {
    let Content::Text(whole) = &view.content else { return BTreeMap::new() };
    if view.kind != Kind::Text || !text::has_frontmatter(&view.name) {
        return BTreeMap::new();
    }
    let front = text::split(whole).0.map(properties::yaml);
    front.and_then(Result::ok).unwrap_or_default().into_iter().collect()
}

fn properties_between(before: &View, after: &View) -> Vec<PropertyDifference> {
    let (mut old, mut new) = (front(before), front(after));
    let keys: std::collections::BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    keys.into_iter()
        .filter_map(|key| {
            let (from, to) = (old.remove(&key), new.remove(&key));
            (from != to).then_some(PropertyDifference { key, from, to })
        })
        .collect()
}

/// Lines that differ between two texts.
pub(super) fn lines(old: &str, new: &str, context: usize) -> TextDifference {
    let until = Instant::now() + PATIENCE;
    let diff = TextDiff::configure().deadline(until).diff_lines(old, new);
    let mut difference = TextDifference { added: 0, removed: 0, hunks: Vec::new() };
    for group in diff.grouped_ops(context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let lines: Vec<Line> = group.iter().flat_map(|op| of_op(&diff, op, until)).collect();
        let count = |change| lines.iter().filter(|line| line.change == change).count();
        difference.added += count(LineChange::Added);
        difference.removed += count(LineChange::Removed);
        difference.hunks.push(Hunk {
            old_start: old.start + 1,
            old_lines: old.len(),
            new_start: new.start + 1,
            new_lines: new.len(),
            lines,
        });
    }
    difference
}

fn of_op(diff: &TextDiff<'_, '_, str>, op: &DiffOp, until: Instant) -> Vec<Line> {
    let changes = diff.iter_inline_changes_deadline(op, Some(until));
    changes
        .map(|change| {
            let mut words: Vec<Piece> = Vec::new();
            for (differs, piece) in change.values() {
                match words.last_mut().filter(|last| last.differs == *differs) {
                    Some(last) => last.text.push_str(piece),
                    None => words.push(Piece { text: (*piece).to_owned(), differs: *differs }),
                }
            }
            if let Some(last) = words.last_mut() {
                let text = last.text.strip_suffix('\n').unwrap_or(&last.text);
                let length = text.strip_suffix('\r').unwrap_or(text).len();
                last.text.truncate(length);
            }
            words.retain(|piece| !piece.text.is_empty());
            let change_of = match change.tag() {
                ChangeTag::Equal => LineChange::Same,
                ChangeTag::Insert => LineChange::Added,
                ChangeTag::Delete => LineChange::Removed,
            };
            Line {
                change: change_of,
                old: change.old_index().map(|line| line + 1),
                new: change.new_index().map(|line| line + 1),
                words,
                unended: change.missing_newline(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let sign = |line: &Line| match line.change {
            LineChange::Same => ' ',
            LineChange::Added => '+',
            LineChange::Removed => '-',
        };
        let piece = |piece: &Piece| match piece.differs {
            true => format!("<{}>", piece.text),
            false => piece.text.clone(),
        };
        let hunks = lines(old, new, 1).hunks;
        let all = hunks.iter().flat_map(|hunk| &hunk.lines);
        all.map(|line| format!("{}{}", sign(line), line.words.iter().map(piece).collect::<String>()))
            .collect()
    }

    #[test]
    fn lines_that_differ_are_shown_with_their_words() {
        let (old, new) = ("a\nb\nthe red fox runs\nd\ne\n", "a\nb\nthe grey fox runs\nd\ne\nf");
        let expect = [" b", "-the <red> fox runs", "+the <grey> fox runs", " d", " e", "+f"];
        assert_eq!(shown(old, new), expect);
        assert!(lines(old, old, 3).hunks.is_empty());
    }

    #[test]
    fn hunks_put_together_make_the_new_text() {
        let old: String = (0..200).map(|n| format!("line {n}\r\n")).collect();
        let new = old.replace("line 5\r\n", "").replace("line 77", "row 77") + "no end";
        let difference = lines(&old, &new, 0);
        let mut rows: Vec<String> = old.lines().map(str::to_owned).collect();
        for hunk in difference.hunks.iter().rev() {
            let added = hunk.lines.iter().filter(|line| line.change == LineChange::Added);
            let added: Vec<String> =
                added.map(|line| line.words.iter().map(|piece| piece.text.as_str()).collect()).collect();
            let start = hunk.old_start - 1;
            rows.splice(start..start + hunk.old_lines, added);
        }
        assert_eq!(rows, new.lines().collect::<Vec<_>>());
        assert_eq!((difference.added, difference.removed), (2, 2));
    }
}
