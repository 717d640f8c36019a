//! `passphrase`, and where a passphrase comes from.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::failure::Failure;
use super::print;
use crate::home::{Home, HomeError, Place, key};

/// About the passphrase of the device key.
#[derive(Debug, Subcommand)]
pub enum PassphraseCommand {
    /// Lock the device key with a passphrase, or change it. The daemon must not run.
    #[command(
        after_help = "Example:\n  codexd passphrase set\n  codexd passphrase set --old-file old.txt --new-file new.txt"
    )]
    Set {
        /// The passphrase that holds now, in a file; asked for on the terminal without it.
        #[arg(long, value_name = "FILE")]
        old_file: Option<PathBuf>,
        /// The new one, in a file; asked for on the terminal without it.
        #[arg(long, value_name = "FILE")]
        new_file: Option<PathBuf>,
    },
    /// Keep the device key without a passphrase again. The daemon must not run.
    #[command(after_help = "Example:\n  codexd passphrase remove")]
    Remove {
        /// The passphrase, in a file; asked for on the terminal without it.
        #[arg(long, value_name = "FILE")]
        old_file: Option<PathBuf>,
    },
}

/// `passphrase`.
pub fn run(home: Option<&Path>, command: PassphraseCommand) -> Result<(), Failure> {
    let place = Place::find(home)?;
    let path = place.device_key();
    let (old, new) = match command {
        PassphraseCommand::Set { old_file, new_file } => (old_file, Some(new_file)),
        PassphraseCommand::Remove { old_file } => (old_file, None),
    };
    if new.is_none() && !key::is_locked(&path) {
        return Err(Failure::new(format!(
            "cannot remove the passphrase: the device key {} has none",
            path.display()
        )));
    }
    if old.is_none() && key::is_locked(&path) && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "cannot change the passphrase of the device key {}: the one that holds now is needed, and there is no terminal to ask \
             for it; give --old-file FILE",
            path.display()
        )));
    }
    // Opened, so that no daemon runs on it meanwhile.
    let home = Home::open_with(place, &asking(old))?;
    match new {
        Some(file) => {
            let passphrase = match file {
                Some(file) => from_file(&file)?,
                None => new_from_terminal()?,
            };
            if passphrase.is_empty() {
                return Err(Failure::usage("cannot lock the device key: the passphrase is empty"));
            }
            key::write_locked(&path, &home.secret(), &passphrase)?;
            print::line(
                "the device key is locked; the daemon asks for the passphrase when it starts. It is kept nowhere: without it, this \
                 device's identity is lost, and another device of yours, an owner's ticket or the recovery phrase brings you back",
            );
        }
        None => {
            key::write_plain(&path, &home.secret())?;
            print::line("the device key has no passphrase any more");
        }
    }
    Ok(())
}

/// From a file, else from the terminal.
pub fn asking(file: Option<PathBuf>) -> impl Fn(&Path) -> Result<String, HomeError> {
    move |key| match &file {
        Some(file) => from_file(file),
        None if std::io::stdin().is_terminal() => {
            let prompt = format!("passphrase of the device key {}: ", key.display());
            rpassword::prompt_password(prompt).map_err(HomeError::reading_passphrase)
        }
        None => key::nobody(key),
    }
}

fn from_file(file: &Path) -> Result<String, HomeError> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|source| HomeError::Io {
        doing: "read the passphrase from",
        path: file.display().to_string(),
        source,
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn new_from_terminal() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "cannot ask for a passphrase: there is no terminal; give --new-file FILE",
        ));
    }
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(HomeError::reading_passphrase);
    let (one, two) = (ask("new passphrase: ")?, ask("the same again: ")?);
    if one != two {
        return Err(Failure::new("nothing was changed: the two are not the same"));
    }
    Ok(one)
}
