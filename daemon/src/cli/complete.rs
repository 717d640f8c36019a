//! `completions`: scripts made from the command line's own description.

use std::fmt::Write;

use clap::{Command, CommandFactory, ValueEnum};

use super::Cli;
use super::failure::Failure;
use super::print;

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

/// `completions`.
pub fn print(shell: Shell) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let script = match shell {
        Shell::Bash => bash(&command),
        Shell::Zsh => format!("autoload -U +X bashcompinit && bashcompinit\n{}", bash(&command)),
        Shell::Fish => fish(&command),
    };
    print::line(script.trim_end());
    Ok(())
}

/// Every command with the words that lead to it.
fn walk<'a>(command: &'a Command, words: &str, found: &mut Vec<(String, &'a Command)>) {
    found.push((words.to_owned(), command));
    for below in command.get_subcommands() {
        walk(below, format!("{words} {}", below.get_name()).trim_start(), found);
    }
}

fn flags(command: &Command) -> Vec<&str> {
    command.get_arguments().filter_map(clap::Arg::get_long).collect()
}

fn bash(command: &Command) -> String {
    let mut found = Vec::new();
    walk(command, "", &mut found);
    let mut cases = String::new();
    for (words, command) in &found {
        let below = command.get_subcommands().map(|below| below.get_name().to_owned());
        let flags = flags(command).into_iter().map(|flag| format!("--{flag}"));
        let offered = below.chain(flags).collect::<Vec<_>>().join(" ");
        let _ = writeln!(cases, "    '{words}') offered='{offered}' ;;");
    }
    let known = found.iter().map(|(words, _)| format!("'{words}'")).collect::<Vec<_>>().join("|");
    format!(
        "_codexd() {{\n  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words='' word offered=''\n  \
         for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n    \
         case \"${{words:+$words }}$word\" in {known}) words=\"${{words:+$words }}$word\" ;; esac\n  done\n  \
         case \"$words\" in\n{cases}  esac\n  \
         COMPREPLY=($(compgen -W \"$offered\" -- \"$current\"))\n}}\n\
         complete -o default -F _codexd codexd\n"
    )
}

fn fish(command: &Command) -> String {
    let mut found = Vec::new();
    walk(command, "", &mut found);
    let mut script = String::new();
    for (words, command) in &found {
        let seen = match words.split(' ').next_back() {
            Some("") | None => "__fish_use_subcommand".to_owned(),
            Some(last) => format!("__fish_seen_subcommand_from {last}"),
        };
        for below in command.get_subcommands() {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default().replace('\'', "\\'");
            let name = below.get_name();
            let _ = writeln!(script, "complete -c codexd -n '{seen}' -a {name} -d '{about}'");
        }
        for flag in flags(command) {
            let _ = writeln!(script, "complete -c codexd -n '{seen}' -l {flag}");
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_know_every_command() {
        let mut command = Cli::command();
        command.build();
        for script in [bash(&command), fish(&command)] {
            for word in ["notebook", "resume", "accept-deletions", "verify", "timeout"] {
                assert!(script.contains(word), "{word}");
            }
        }
    }
}
