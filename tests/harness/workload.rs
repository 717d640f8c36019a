//! What people and programs do, drawn from the seed.

use codex_crdt_model::entry::Birth;
use codex_crdt_model::entry::Content;
use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::{MembershipRequest, PropertyEdit, Request};
use codex_crdt_model::ids::{DeviceId, PersonId, RecordHash};
use codex_crdt_model::journal::Role;
use codex_crdt_model::journal::record::{Header, Item, Payload, RECORD_FORMAT, Record};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Source;
use codex_crdt_model::sync::Message;

use crate::disk::{Data, MemoryDisk, base_path};
use crate::faulty::Fault;
use crate::machine::{Crash, Draft, Job, Machine};
use crate::mallory;
use crate::oracle;
use crate::signing;
use crate::world::World;

const FILES: [&str; 8] =
    ["a.md", "b.md", "notes/c.txt", "notes/d.md", "notes/deep/e.md", "lab/f.md", "lab/g.txt", "plan.md"];
const FOLDERS: [&str; 6] = ["notes", "notes/deep", "lab", "lab/old", "inbox", "notes/more"];
const TEXT: &str = "the quick brown fox jumps over the lazy dog\nand nothing was ever lost again\n";

/// What may happen in a run. An edition is never changed once seeds of it are kept: they stay what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Edits, moves, deletions, crashes, partitions, wrong clocks, backups that the store knows all of.
    First,
    /// Also backups of files that the store has not seen.
    Second,
    /// Also people who come, go, may do more or less, sign, and carry bundles.
    Third,
    /// The second, with backups that are put back without anybody saying so.
    Fourth,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Fingerprint of the whole run.
    pub trace: String,
    /// What was wrong at the end.
    pub problems: Vec<String>,
}

/// One whole random run: meet, work, break things, heal, and look.
pub fn run(edition: Edition, seed: u64, fault: Fault, verbose: bool) -> Outcome {
    let count = 2 + (seed % 3) as usize;
    let mut world = World::new(seed, count, fault);
    world.edition = edition;
    world.verbose = verbose;
    begin(&mut world);
    world.meet();
    if edition == Edition::Third {
        mallory::admit(&mut world);
    }
    let mut snapshots: Vec<Option<(Machine, i64)>> = (0..count).map(|_| None).collect();
    for _ in 0..70 {
        let pause =
            if world.rng.percent(30) { world.rng.between(0, 3000) } else { world.rng.between(0, 120) };
        world.run_for(pause);
        act(&mut world, &mut snapshots);
    }
    finish(world)
}

/// Heals everything, waits, and asks the oracle.
pub fn finish(mut world: World) -> Outcome {
    for machine in &mut world.machines {
        machine.crash_in = None;
    }
    world.heal();
    world.run_until_quiet();
    world.start_all();
    world.settle();
    if world.edition == Edition::Third {
        reconcile(&mut world);
    }
    let problems = oracle::problems(&mut world);
    Outcome { trace: world.trace_hash(), problems }
}

/// Everybody may write again, and all that was held back counts: then nothing that anybody wrote is lost.
fn reconcile(world: &mut World) {
    // Whoever left unheard is heard of now, and admitted once more.
    for _ in 0..3 {
        world.admit_all();
        world.heal();
        world.settle();
        if world.machines.iter().all(Machine::may_write) {
            break;
        }
    }
    for n in 0..world.machines.len() {
        let device = world.machines[n].device;
        if world.machines[0]
            .store
            .quarantined()
            .is_ok_and(|rows| rows.values().any(|row| row.tip.device == device))
        {
            world.ask(0, Request::People(MembershipRequest::Release { device }));
            world.settle();
        }
    }
}

/// Somebody changes who may do what. The founder stays.
fn change_people(world: &mut World, n: usize) {
    let target = world.rng.below(world.machines.len());
    let device = world.machines[target].device;
    let person = PersonId::of_first(device);
    let roles = [Some(Role::Owner), Some(Role::Editor), Some(Role::Commenter), Some(Role::Viewer), None];
    let role = world.rng.pick(&roles).copied().flatten();
    let request = match world.rng.below(10) {
        _ if target == 0 => return,
        0..5 => MembershipRequest::SetRole { person, role },
        5..7 => MembershipRequest::Revoke { device },
        7..9 => MembershipRequest::Admit {
            device,
            role: role.unwrap_or(Role::Editor),
            name: format!("machine {target}"),
        },
        _ => MembershipRequest::Release { device },
    };
    world.note(&|| format!("m{n} asks for {request:?}"));
    world.ask(n, Request::People(request));
}

/// Some folders are there before the notebook is.
fn begin(world: &mut World) {
    let same = world.rng.percent(50);
    let token = world.ledger.make(0, world.time);
    let text = format!("{TEXT}{token}\n");
    for n in 0..world.machines.len() {
        if n == 0 || same {
            save(world, n, "lab/f.md", text.as_bytes(), false, false);
            save(world, n, "same.md", TEXT.as_bytes(), false, false);
        }
    }
}

/// A program writes a file; the watcher may or may not notice.
pub fn save(world: &mut World, n: usize, path: &str, bytes: &[u8], by_rename: bool, hint: bool) -> bool {
    let path = EntryPath::parse(path).expect("paths of the workload are valid");
    let machine = &mut world.machines[n];
    let old = machine.disk.read(&path).map(<[u8]>::to_vec);
    if !machine.disk.write(&path, bytes, by_rename) {
        return false;
    }
    if old.is_none() {
        let known = known_at(&world.machines[n], &path);
        world.ledger.covered(n, world.time, &known);
    }
    world.ledger.edited(&old.unwrap_or_default(), bytes);
    world.note(&|| format!("m{n} user saves {path}: {:?}", String::from_utf8_lossy(bytes)));
    if hint {
        look(world, n, vec![path]);
    }
    true
}

/// The bytes of what the program knows at a path.
fn known_at(machine: &Machine, path: &EntryPath) -> Vec<u8> {
    let mut bases = machine.store.bases();
    let Some((id, base)) = bases.find(|(id, _)| base_path(&machine.store, id).as_ref() == Some(path)) else {
        return Vec::new();
    };
    let blob = base.confirmed.as_ref().and_then(|image| machine.blobs.get(&image.hash)).cloned();
    let text = || machine.load(id).map(|(_, text)| text.into_bytes());
    blob.or_else(text).unwrap_or_default()
}

/// The watcher's hint, after the settle time; now and then it is lost. Whether it was given.
pub fn look(world: &mut World, n: usize, paths: Vec<EntryPath>) -> bool {
    let given = world.rng.percent(90);
    let is_heard = given && world.machines[n].core.is_some();
    for path in &paths {
        if is_heard {
            world.machines[n].untold.remove(path);
        } else {
            world.machines[n].untold.insert(path.clone());
        }
    }
    if given {
        let tops = paths.iter().map(|path| {
            path.names().next().map_or_else(EntryPath::root, |first| EntryPath::root().join(first))
        });
        let delay = world.rng.between(1, 80);
        world.work(n, Job::Look(tops.collect()), delay);
    }
    given
}

fn act(world: &mut World, snapshots: &mut [Option<(Machine, i64)>]) {
    let n = world.rng.below(world.machines.len());
    if world.edition == Edition::Third && world.rng.percent(12) {
        return if world.rng.percent(65) { change_people(world, n) } else { hostile(world, n) };
    }
    if world.edition == Edition::Third && world.rng.percent(10) {
        return if world.rng.percent(65) { signing::sign(world, n) } else { signing::carry(world, n) };
    }
    match world.rng.below(100) {
        0..30 => edit_file(world, n),
        30..38 => new_file(world, n),
        38..50 => draft_or_write(world, n),
        50..54 => set_property(world, n),
        54..58 => ask_move(world, n),
        58..60 => ask_delete(world, n),
        60..66 => rename(world, n),
        66..68 => delete(world, n),
        68..70 => swap_kind(world, n),
        70..74 => binary(world, n),
        74..77 => ask_create(world, n),
        77..84 => network(world, n),
        84..90 => crash(world, n),
        90..93 => clock(world, n),
        93..96 => hostile(world, n),
        96..98 => restore(world, n, snapshots),
        _ => world.work(n, Job::Scan, 0),
    }
}

fn any_file(world: &mut World, n: usize) -> Option<EntryPath> {
    let files = world.machines[n].disk.paths(false);
    world.rng.pick(&files).cloned()
}

/// Changes a text the way a person does. Words never stick together.
pub fn changed(world: &mut World, n: usize, text: &str) -> String {
    let token = world.ledger.make(n, world.time);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let front = if text.starts_with("---\n") {
        lines.iter().skip(1).position(|line| line == "---\n").map_or(0, |end| end + 2)
    } else {
        0
    };
    let at = front + world.rng.below(lines.len().saturating_sub(front) + 1);
    match world.rng.below(10) {
        0..4 => {
            if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
                last.push('\n');
            }
            lines.push(format!("{token} at the end\n"));
        }
        4..7 if at < lines.len() => {
            let line = &lines[at];
            let spaces: Vec<usize> = line.match_indices(' ').map(|(i, _)| i).collect();
            let cut = world.rng.pick(&spaces).copied().unwrap_or(0);
            let joint = if cut == 0 { " " } else { "" };
            lines[at] =
                format!("{}{}{token}{joint}{}", &line[..cut], if cut == 0 { "" } else { " " }, &line[cut..]);
        }
        7 if at < lines.len() => {
            lines.remove(at);
            lines.push(format!("{token} instead\n"));
        }
        _ => lines.insert(at, format!("{token} line\n")),
    }
    lines.concat()
}

fn edit_file(world: &mut World, n: usize) {
    let Some(path) = any_file(world, n) else { return new_file(world, n) };
    let Some(bytes) = world.machines[n].disk.read(&path) else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.contains('\0') {
        return;
    }
    let text = text.to_owned();
    let text = changed(world, n, &text);
    let by_rename = world.rng.percent(40);
    save(world, n, path.as_str(), text.as_bytes(), by_rename, true);
}

fn new_file(world: &mut World, n: usize) {
    let Some(path) = world.rng.pick(&FILES).copied() else { return };
    if world.machines[n].disk.get(&EntryPath::parse(path).expect("valid")).is_some() {
        return;
    }
    let token = world.ledger.make(n, world.time);
    let text = if world.rng.percent(30) {
        format!("---\ntitle: x\n---\n{token}\n{TEXT}")
    } else {
        format!("{TEXT}{token} is new\n")
    };
    save(world, n, path, text.as_bytes(), false, true);
}

fn draft_or_write(world: &mut World, n: usize) {
    let mine: Vec<usize> = (0..world.drafts.len()).filter(|i| world.drafts[*i].machine == n).collect();
    let write = world.rng.percent(60);
    match world.rng.pick(&mine).copied().filter(|_| write) {
        Some(index) => {
            let draft = world.drafts.remove(index);
            let text = changed(world, n, &draft.text);
            ask_write(world, &draft, &text);
        }
        None => {
            let entries = world.machines[n].live(Kind::Text);
            let Some(entry) = world.rng.pick(&entries).copied() else { return };
            if let Some((version, text)) = world.machines[n].load(&entry) {
                world.drafts.push(Draft { machine: n, entry, version, text });
            }
        }
    }
}

/// A tab saves what it made from a draft.
pub fn ask_write(world: &mut World, draft: &Draft, text: &str) -> u64 {
    let request = Request::Write {
        entry: draft.entry,
        base: draft.version.clone(),
        content: Content::Text(text.to_owned()),
    };
    let number = world.ask(draft.machine, request);
    world.ledger.asked(draft.machine, number, &draft.text, text);
    number
}

fn set_property(world: &mut World, n: usize) {
    let entries: Vec<_> = world.machines[n].live(Kind::Text);
    let Some(entry) = world.rng.pick(&entries).copied() else { return };
    let path = world.machines[n].path_of(&entry).unwrap_or_default();
    if !path.as_str().ends_with(".md") {
        return;
    }
    let token = world.ledger.make(n, world.time);
    let key = format!("key{}", token.trim_start_matches("tok"));
    let edits = vec![PropertyEdit { source: Some(format!("{key}: {token}\n")), key }];
    let number = world.ask(n, Request::SetProperties { entry, edits });
    world.ledger.asked(n, number, "", &token);
}

fn ask_move(world: &mut World, n: usize) {
    let kind = if world.rng.percent(40) { Kind::Folder } else { Kind::Text };
    let entries = world.machines[n].live(kind);
    let Some(entry) = world.rng.pick(&entries).copied() else { return };
    let folder = world.rng.pick(&FOLDERS).copied().unwrap_or("inbox");
    let name = format!("moved{}", world.rng.below(5));
    let to = EntryPath::parse(&format!("{folder}/{name}")).expect("valid");
    world.ask(n, Request::Move { entry, to });
}

fn ask_delete(world: &mut World, n: usize) {
    let entries = world.machines[n].live(Kind::Text);
    let Some(entry) = world.rng.pick(&entries).copied() else { return };
    // What the document says when the request arrives may be more than now: all of it is deleted then.
    world.run_for(0);
    if let Some((_, text)) = world.machines[n].load(&entry) {
        world.ledger.edited(text.as_bytes(), b"");
        world.ask(n, Request::Delete { entry });
        world.run_for(0);
    }
}

fn ask_create(world: &mut World, n: usize) {
    let Some(path) = world.rng.pick(&FILES).copied() else { return };
    let token = world.ledger.make(n, world.time);
    let text = if world.rng.percent(30) { String::new() } else { format!("{token} from the desk\n{TEXT}") };
    let path = EntryPath::parse(path).expect("valid");
    let number = world.ask(n, Request::Create { path, content: Content::Text(text.clone()) });
    world.ledger.asked(n, number, "", &text);
}

/// Bytes of a file, or of everything in a folder.
fn bytes_within(disk: &MemoryDisk, path: &EntryPath) -> Vec<u8> {
    let file = |p: &EntryPath| disk.read(p).unwrap_or_default().to_vec();
    disk.within(path).iter().flat_map(|p| [file(p), b"\n".to_vec()].concat()).collect()
}

fn rename(world: &mut World, n: usize) {
    let folders = world.rng.percent(35);
    let paths = world.machines[n].disk.paths(folders);
    let Some(from) = world.rng.pick(&paths).cloned() else { return };
    let all = world.machines[n].disk.paths(true);
    let into = world.rng.pick(&all).cloned().unwrap_or_default();
    let name =
        if world.rng.percent(50) { from.name().to_owned() } else { format!("ren{}", world.rng.below(6)) };
    let to = into.join(&name);
    let bytes = bytes_within(&world.machines[n].disk, &from);
    if world.machines[n].disk.rename(&from, &to) {
        world.note(&|| format!("m{n} user renames {from} → {to}"));
        let within = |path: &EntryPath| path.is_within(&from);
        // A draft's move is not remembered until its author may write again.
        let may_write = world.machines[n].may_write();
        let told =
            !world.machines[n].untold.iter().any(within) & look(world, n, vec![from.clone(), to]) & may_write;
        world.ledger.moved(n, world.time, &bytes, told);
    }
}

fn delete(world: &mut World, n: usize) {
    let folders = world.rng.percent(20);
    let paths = world.machines[n].disk.paths(folders);
    let Some(path) = world.rng.pick(&paths).cloned() else { return };
    remove(world, n, &path);
}

/// A program removes a file or folder.
pub fn remove(world: &mut World, n: usize, path: &EntryPath) {
    let bytes = bytes_within(&world.machines[n].disk, path);
    world.ledger.edited(&bytes, b"");
    world.machines[n].disk.remove(path);
    world.note(&|| format!("m{n} user removes {path}"));
    look(world, n, vec![path.clone()]);
}

/// A file becomes a folder or a link, a folder a file.
fn swap_kind(world: &mut World, n: usize) {
    let Some(path) = any_file(world, n) else { return };
    let bytes = bytes_within(&world.machines[n].disk, &path);
    world.ledger.edited(&bytes, b"");
    world.machines[n].disk.remove(&path);
    world.note(&|| format!("m{n} user swaps {path}"));
    if world.rng.percent(60) {
        let token = world.ledger.make(n, world.time);
        save(world, n, path.join("inside.md").as_str(), format!("{token}\n").as_bytes(), false, false);
    } else {
        world.machines[n].disk.link(&path, "somewhere/else");
    }
    look(world, n, vec![path]);
}

fn binary(world: &mut World, n: usize) {
    let token = world.ledger.make(n, world.time);
    let bytes = [b"\x00\xff\xfe ".as_slice(), token.as_bytes(), b" \x00"].concat();
    let text = any_file(world, n).filter(|_| world.rng.percent(20));
    let path = text.map_or_else(|| format!("image{}.png", world.rng.below(3)), |path| path.to_string());
    if !matches!(world.machines[n].disk.get(&EntryPath::parse(&path).expect("valid")), Some(Data::Symlink(_)))
    {
        save(world, n, &path, &bytes, true, true);
    }
}

fn network(world: &mut World, n: usize) {
    let other = world.rng.below(world.machines.len());
    match world.rng.below(6) {
        _ if other == n => {}
        0 => world.part(),
        1 | 2 => world.connect(n, other, false),
        3 => {
            world.cut(n, other);
            world.reopen_later(n, other);
        }
        4 => world.connect(n, other, true),
        _ => world.heal(),
    }
}

fn crash(world: &mut World, n: usize) {
    let how = if world.rng.percent(50) { Crash::Power } else { Crash::Kill };
    world.machines[n].crash_in = Some((world.rng.below(25) as u32, how));
}

fn clock(world: &mut World, n: usize) {
    let year = 365 * 86_400_000;
    world.machines[n].skew = match world.rng.below(4) {
        0 => 0,
        1 => world.rng.between(-20 * year, 20 * year),
        2 => world.machines[n].skew - world.rng.between(0, 3_600_000),
        _ => world.machines[n].skew + world.rng.between(0, 3_600_000),
    };
}

/// Garbage, or a record in somebody else's name.
fn hostile(world: &mut World, n: usize) {
    let other = world.rng.below(world.machines.len());
    if !world.is_open(n, other) {
        return;
    }
    if world.edition == Edition::Third && world.rng.percent(70) {
        return mallory::lie(world, n, other);
    }
    let frame = if world.rng.percent(30) { world.rng.bytes().to_vec() } else { forged(world, n, other) };
    world.inject(n, other, frame, 5);
}

/// A record that claims to be the next of the founder's journal, signed by another key.
pub fn forged(world: &mut World, from: usize, to: usize) -> Vec<u8> {
    let token = format!("tok9{:05}", world.ledger.forged.len());
    world.ledger.forged.insert(token.clone());
    let meta = world.machines[to].store.meta().ok().flatten().expect("it has started");
    let victim: DeviceId = world.machines[0].device;
    let tips = world.machines[to].store.tips().unwrap_or_default();
    let tip = tips.iter().rfind(|tip| tip.device == victim);
    let birth = Birth {
        format: codex_crdt_model::entry::birth::BIRTH_FORMAT,
        notebook: meta.notebook,
        parent: codex_crdt_model::ids::EntryId::ROOT,
        name: format!("forged-{token}.md"),
        content: Content::Text(format!("{token}\n")),
        nonce: 0,
    };
    let header = Header {
        format: RECORD_FORMAT,
        notebook: meta.notebook,
        device: victim,
        volume: tip.map_or(meta.volume, |tip| tip.volume),
        seq: tip.map_or(1, |tip| tip.seq + 1),
        previous: tip.map_or(RecordHash([0; 32]), |tip| tip.hash),
        seen: Vec::new(),
        membership: Vec::new(),
        time: 0,
        kind: 0,
        payload_hash: codex_crdt_model::ids::ContentHash([0; 32]),
        payload_size: 0,
    };
    let key = world.machines[from].key.clone();
    let key = if from == 0 { world.machines[1].key.clone() } else { key };
    let record = Record::sign(&key, header, &Payload::Edit(vec![Item::Birth(birth.encode())]));
    Message::Records(vec![record]).encode()
}

/// A backup of the whole home is taken, or put back.
fn restore(world: &mut World, n: usize, snapshots: &mut [Option<(Machine, i64)>]) {
    let machine = &world.machines[n];
    if machine
        .store
        .meta()
        .ok()
        .flatten()
        .is_none_or(|meta| meta.mode == codex_crdt_model::store::Mode::Joining)
    {
        return;
    }
    match snapshots[n].take() {
        None if world.edition == Edition::First && is_unseen(world, n) => {}
        None => snapshots[n] = Some((backup(&world.machines[n]), world.time)),
        Some((backup, since)) => {
            let knows = world.edition != Edition::Fourth || world.rng.percent(25);
            put_back(world, n, backup, since, knows);
        }
    }
}

/// Whether the files hold something that the store does not know yet.
fn is_unseen(world: &mut World, n: usize) -> bool {
    let machine = &mut world.machines[n];
    let root = [EntryPath::root()];
    !machine.disk.differences(&root, &machine.store, &mut machine.blobs, false).is_empty()
}

/// Store, files and attachments as they are now.
pub fn backup(machine: &Machine) -> Machine {
    let mut copy = Machine::new(
        machine.key.to_bytes(),
        codex_crdt_model::core::Origin::Found { name: String::new(), device_name: String::new() },
        [0; 32],
        0,
    );
    copy.store = machine.store.clone();
    copy.disk = machine.disk.clone();
    copy.blobs = machine.blobs.clone();
    copy
}

/// The machine is as it was then; it knows that its journal may be old.
pub fn restore_backup(world: &mut World, n: usize, backup: Machine, since: i64) {
    put_back(world, n, backup, since, true);
}

/// The machine is as it was then; whether it knows so is said.
pub fn put_back(world: &mut World, n: usize, backup: Machine, since: i64, knows: bool) {
    world.note(&|| format!("m{n} is restored from a backup"));
    world.stop(n);
    world.ledger.restored(n, since);
    born_again(world, n, &backup);
    let machine = &mut world.machines[n];
    machine.store = backup.store;
    machine.disk = backup.disk;
    machine.blobs = backup.blobs;
    machine.fresh_volume = knows;
    machine.unknowing |= !knows;
    world.start(n);
}

/// Notes the new files of a backup that its store has not seen, and that were first seen with other bytes since.
fn born_again(world: &mut World, n: usize, backup: &Machine) {
    let store = &world.machines[n].store;
    let known: Vec<_> = backup.store.bases().filter_map(|(id, _)| base_path(&backup.store, id)).collect();
    let mut new = backup.disk.paths(false);
    new.retain(|path| !known.contains(path));
    for (_, row) in store.entries().filter(|(id, _)| backup.store.entry(id).is_ok_and(|row| row.is_none())) {
        let birth = store.birth(row.birth).ok().flatten().and_then(|bytes| Birth::decode(&bytes));
        let Some(Birth { name, content: Content::Text(born), .. }) = birth else { continue };
        for path in new.iter().filter(|path| path.name() == name) {
            let put_back = backup.disk.read(path).unwrap_or_default();
            if put_back != born.as_bytes() {
                world.ledger.born_again(put_back, born.as_bytes());
            }
        }
    }
}
