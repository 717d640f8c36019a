//! Whether the scripts of a plugin can be read at all. They are compiled, as modules, and never run.

use rquickjs::{CatchResultExt, CaughtError, Context, Module, Runtime};

use super::MEMORY_BYTES;
use crate::plugins::Plugin;
use crate::plugins::manifest::Problem;

/// What is wrong with a plugin's scripts.
#[derive(Debug, Default)]
pub struct Faults {
    /// Of importers, exporters and transformers: the same engine runs them, so they cannot work.
    pub problems: Vec<Problem>,
    /// Of views and blocks: browsers run them, and may know more than this engine.
    pub warnings: Vec<Problem>,
}

/// Looks at each script that a manifest names, once.
pub fn faults(plugin: &Plugin) -> Faults {
    let manifest = &plugin.manifest;
    let all = manifest.code().into_iter().flat_map(|(_, code)| code);
    let mut code: Vec<&str> = all.map(|one| one.script.as_str()).collect();
    let views = manifest.views.iter().filter_map(|one| one.script.as_deref());
    let mut shown: Vec<&str> =
        views.chain(manifest.blocks.iter().filter_map(|one| one.script.as_deref())).collect();
    for names in [&mut code, &mut shown] {
        names.sort_unstable();
        names.dedup();
    }
    shown.retain(|name| !code.contains(name));
    let of = |names: Vec<&str>| names.into_iter().filter_map(|name| fault(plugin, name)).collect();
    Faults { problems: of(code), warnings: of(shown) }
}

fn fault(plugin: &Plugin, name: &str) -> Option<Problem> {
    let read = plugin.files.text(name).map_err(|why| (None, why));
    let (line, message) = read.and_then(|script| syntax(&script)).err()?;
    Some(Problem { file: plugin.files.shown(name), key: None, line, message })
}

/// The first slip of a script: its line, and what is wrong.
fn syntax(script: &str) -> Result<(), (Option<usize>, String)> {
    let cannot = |why: rquickjs::Error| (None, format!("the engine cannot start: {why}"));
    let runtime = Runtime::new().map_err(cannot)?;
    runtime.set_memory_limit(MEMORY_BYTES);
    runtime.set_max_stack_size(512 << 10);
    let context = Context::full(&runtime).map_err(cannot)?;
    context.with(|ctx| match Module::declare(ctx.clone(), "script", script).catch(&ctx) {
        Ok(_) => Ok(()),
        Err(CaughtError::Exception(error)) => {
            let said = error.message().filter(|said| !said.is_empty());
            let said = said.unwrap_or_else(|| "it cannot be read".to_owned());
            let stack = error.stack().unwrap_or_default();
            Err((line_of(&stack), format!("the script cannot be read: {said}")))
        }
        Err(other) => Err((None, format!("the script cannot be read: {other}"))),
    })
}

/// The line in `at script:LINE:COLUMN`.
fn line_of(stack: &str) -> Option<usize> {
    let (_, place) = stack.split_once("script:")?;
    let digits = place.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugins::catalogue::{self, Catalogue};
    use crate::plugins::in_a_line;

    #[test]
    fn the_line_of_a_slip_is_named() {
        for (script, line, words) in [
            ("let a = 1;\nlet b = ;\n", 2, "unexpected token"),
            ("let a = 1;\n\ncodex.importer((file) => {\n  return [;\n});\n", 4, "unexpected token"),
            ("let a = 'x\n", 1, "string"),
            ("a();\nlet c = 1;\nlet c = 2;\n", 3, "redefinition"),
        ] {
            let (found, message) = syntax(script).unwrap_err();
            assert_eq!(found, Some(line), "{script}: {message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn nothing_is_run() {
        assert_eq!(syntax("for (;;) {}"), Ok(()));
        assert_eq!(syntax("throw new Error('run');\nawait nothing.at.all();"), Ok(()));
    }

    #[test]
    fn an_importer_that_cannot_be_read_is_a_fault_and_a_view_a_warning() {
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(temp.path().join(name), text).unwrap();
        write(
            "manifest.yml",
            "id: slips\nname: Slips\nversion: 1.0.0\ntype: importer\npermissions: [write_files, read_files, render_blocks]\nimporters: [{ id: a, name: A, script: a.js, extensions: [.a] }]\nviews: [{ id: b, name: B, script: b.js }, { id: d, name: D, script: b.js }]\nblocks: [{ id: c, name: C, script: c.js }]\n",
        );
        write("a.js", "\ncodex.importer(\n");
        write("b.js", "let = = 1;\n");
        write("c.js", "codex.start(() => {});\n");
        let plugin = catalogue::read_one(temp.path()).unwrap();
        let Faults { problems, warnings } = faults(&plugin);
        let lines = |found: &[Problem]| found.iter().map(in_a_line).collect::<Vec<_>>();
        let (problems, warnings) = (lines(&problems), lines(&warnings));
        assert_eq!((problems.len(), warnings.len()), (1, 1), "{problems:?} {warnings:?}");
        assert!(problems[0].contains("a.js:3: the script cannot be read"), "{problems:?}");
        assert!(warnings[0].contains("b.js:1: the script cannot be read"), "{warnings:?}");
    }

    #[test]
    fn the_scripts_of_the_program_are_sound() {
        let temp = tempfile::tempdir().unwrap();
        let ours = Catalogue::read(temp.path(), &|_, _| false).plugins;
        assert!(ours.iter().any(|plugin| !plugin.manifest.importers.is_empty()));
        assert!(ours.iter().any(|plugin| plugin.manifest.views.iter().any(|one| one.script.is_some())));
        for plugin in ours {
            let Faults { problems, warnings } = faults(&plugin);
            assert!(problems.is_empty() && warnings.is_empty(), "{problems:?} {warnings:?}");
        }
    }
}
