//! Inside the process that runs plugins' code: limits first, then the script.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, Module, Object, Runtime, TypedArray, Value,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{
    CodeError, Given, MEMORY_BYTES, Order, PROCESS_BYTES, SECONDS, Said, checked, checked_change,
    checked_files, most_values, shape,
};

/// What the script finds: nothing but the words that hand its functions over. Bytes of files become base64: JSON has none.
const PRELUDE: &str = r"{
  const run = {};
  const set = (name) => [name, (work) => { run[name] = work; }];
  globalThis.__run = run;
  globalThis.codex = Object.freeze(Object.fromEntries(['importer', 'exporter', 'transformer'].map(set)));
  const packed = (file) => file?.bytes instanceof Uint8Array ? { name: file.name, bytes: file.bytes.toBase64() } : file;
  globalThis.__pack = (made) => Array.isArray(made) ? made.map(packed) : made;
}";

/// The hidden command `plugin-code`: an order on standard input, an answer on standard output.
pub fn run() -> i32 {
    let mut order = Vec::new();
    if std::io::stdin().read_to_end(&mut order).is_err() {
        return 2;
    }
    let Ok(order) = serde_json::from_slice::<Order>(&order) else { return 2 };
    bound();
    let said = work(&order);
    let written = serde_json::to_vec(&said).map(|said| std::io::stdout().write_all(&said));
    if matches!(written, Ok(Ok(()))) { 0 } else { 1 }
}

/// From here on: so much memory and time, no file or socket is opened, none written, no process started. Where a system has no
/// such limits, the engine's own and the parent's clock are left.
fn bound() {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    let limits = [
        (Resource::Data, PROCESS_BYTES),
        (Resource::Cpu, SECONDS),
        (Resource::Nofile, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        let _ = setrlimit(resource, limit(most));
    }
}

pub(super) fn work(order: &Order) -> Said {
    match try_work(order) {
        Ok(said) => said,
        Err(why) => Said::Failed(format!("the engine cannot start: {why}").into()),
    }
}

fn try_work(order: &Order) -> rquickjs::Result<Said> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(MEMORY_BYTES);
    runtime.set_max_stack_size(512 << 10);
    let until = Instant::now() + Duration::from_secs(SECONDS);
    runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > until)));
    let context = Context::full(&runtime)?;
    Ok(context.with(|ctx| match script(&ctx, order) {
        Ok(json) => made(&order.given, &json).unwrap_or_else(|why| Said::Failed(why.into())),
        Err(_) if Instant::now() > until => {
            Said::Failed(format!("the code was stopped: it took longer than {SECONDS} s").into())
        }
        Err(why) => Said::Failed(why),
    }))
}

fn made(given: &Given, json: &str) -> Result<Said, String> {
    // What is somewhat too much is told better by whoever knows what it is of.
    super::few(json.as_bytes(), 4 * most_values())?;
    let made =
        serde_json::from_str(json).map_err(|why| format!("what it gave back cannot be read: {why}"))?;
    match given {
        Given::File { .. } => checked(shape::entries(made)?).map(Said::Entries),
        Given::Entries(_) => checked_files(shape::files(made)?).map(Said::Files),
        Given::Entry(_) => checked_change(shape::change(made)?).map(Said::Change),
    }
}

fn script(ctx: &Ctx<'_>, order: &Order) -> Result<String, CodeError> {
    ctx.eval::<(), _>(PRELUDE).catch(ctx).map_err(thrown)?;
    // As a module: its names are its own, and it is strict. There is no loader, so it imports nothing.
    let (word, back) = order.given.taker();
    let module = Module::declare(ctx.clone(), word, order.script.as_str()).catch(ctx).map_err(thrown)?;
    let (_, promise) = module.eval().catch(ctx).map_err(thrown)?;
    promise.finish::<()>().catch(ctx).map_err(thrown)?;
    let pack: Function<'_> = ctx.globals().get("__pack").catch(ctx).map_err(thrown)?;
    let run: Object<'_> = ctx.globals().get("__run").catch(ctx).map_err(thrown)?;
    let run: Value<'_> = run.get(word).catch(ctx).map_err(thrown)?;
    let Some(run) = run.into_function() else {
        return Err(format!("the code does not call `codex.{word}(…)` with a function").into());
    };
    let given = match &order.given {
        Given::File { name, bytes } => file(ctx, name, bytes).map(Object::into_value),
        Given::Entries(json) | Given::Entry(json) => ctx.json_parse(json.as_str()),
    };
    let given = given.catch(ctx).map_err(thrown)?;
    let made: Value<'_> = run.call((given,)).catch(ctx).map_err(thrown)?;
    let made: Value<'_> = match made.as_promise() {
        Some(promise) => promise.finish().catch(ctx).map_err(thrown)?,
        None => made,
    };
    let made = match &order.given {
        Given::Entries(_) => pack.call((made,)).catch(ctx).map_err(thrown)?,
        // Nothing to change.
        Given::Entry(_) if made.is_undefined() => Value::new_null(ctx.clone()),
        _ => made,
    };
    let json = ctx.json_stringify(made).catch(ctx).map_err(thrown)?;
    let json = json.ok_or_else(|| format!("the code gave nothing back; it gives {back}"))?;
    json.to_string().map_err(|why| why.to_string().into())
}

/// In the code's own words; of a slip of the code's, where it is.
fn thrown(error: CaughtError<'_>) -> CodeError {
    let few = |words: String| -> String { words.chars().take(500).collect() };
    let words = match error {
        CaughtError::Exception(error) => {
            let said = error.message().filter(|said| !said.trim().is_empty());
            let said = said.unwrap_or_else(|| "it says no more".to_owned());
            let name = error.as_object().get::<_, String>("name").unwrap_or_default();
            if name == "Error" {
                return CodeError::Thrown(few(said));
            }
            let stack = error.stack().unwrap_or_default();
            let place = stack.lines().next().map(str::trim).filter(|place| !place.is_empty());
            match place {
                Some(place) => format!("the code failed: {said} ({name} {place})"),
                None => format!("the code failed: {said}"),
            }
        }
        // There is no memory left for an error.
        CaughtError::Value(value) if value.is_null() || value.is_undefined() => {
            "the code was stopped: it used more memory than it may".to_owned()
        }
        other => format!("the code failed: {other}"),
    };
    CodeError::Stopped(few(words))
}

/// What an importer is given: a name, bytes, and what they are as text.
fn file<'js>(ctx: &Ctx<'js>, name: &str, bytes: &str) -> rquickjs::Result<Object<'js>> {
    let bytes = data_encoding::BASE64.decode(bytes.as_bytes()).unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let file = Object::new(ctx.clone())?;
    file.set("name", name)?;
    file.set("stem", stem)?;
    file.set("text", text(&bytes))?;
    file.set("bytes", TypedArray::<u8>::new(ctx.clone(), bytes)?)?;
    let freeze: Function<'js> = ctx.eval("Object.freeze")?;
    freeze.call::<_, Value<'js>>((file.clone(),))?;
    Ok(file)
}

/// UTF-8, UTF-16 with its mark, else Windows-1252: instruments are old.
fn text(bytes: &[u8]) -> String {
    let pairs = |order: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let plain = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| windows(*byte)).collect(),
    };
    match bytes {
        [0xff, 0xfe, ..] => pairs(u16::from_le_bytes),
        [0xfe, 0xff, ..] => pairs(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => plain(rest),
        _ => plain(bytes),
    }
}

/// A letter of Windows-1252 (WHATWG Encoding, index-windows-1252): Latin-1, but for these.
fn windows(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80).and_then(|at| HIGH.get(usize::from(at)).copied()).unwrap_or(char::from(byte))
}
