//! The command line. `serve` and `demo` run a daemon; `verify`, `doctor` and `bundle inspect` read files; everything else talks
//! to the running daemon of the home, through the same API as the page.

pub mod bundles;
pub mod client;
pub mod complete;
pub mod conflicts;
pub mod demo;
pub mod doctor;
pub mod exchange;
pub mod failure;
pub mod follow;
pub mod making;
pub mod notebooks;
pub mod organise;
pub mod passphrase;
pub mod people;
pub mod plugins;
pub mod print;
pub mod reading;
pub mod revoke;
pub mod seals;
pub mod serve;
pub mod timestamps;
pub mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::Failure;
pub use serve::ServeArgs;

/// A lab journal without a server: a notebook is a folder, and your colleagues' machines hold it too.
#[derive(Debug, Parser)]
#[command(
    name = "codexd",
    version,
    disable_help_subcommand = true,
    after_help = "Example:\n  codexd notebook add ~/lab && codexd open"
)]
pub struct Cli {
    /// Where this daemon's key, settings and registry are (default: the XDG folders).
    #[arg(long, global = true, env = "CODEX_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `serve` and `demo`, which may also stand before them.
    #[command(flatten)]
    pub serve: ServeArgs,
}

impl Cli {
    /// What to do, with the options of `serve` that stand before it.
    fn chosen(self) -> Result<Command, Failure> {
        match (self.command, self.serve.given()) {
            (None, _) => Ok(Command::Serve(self.serve)),
            (Some(Command::Serve(args)), _) => Ok(Command::Serve(args.or(self.serve))),
            (Some(Command::Demo(args)), _) => Ok(Command::Demo(args.or(self.serve))),
            (Some(command), None) => Ok(command),
            (Some(_), Some(option)) => Err(Failure::usage(format!(
                "{option} is an option of `serve` and `demo`, and this command does not take it; leave it out, or see \
                 `codexd COMMAND --help`"
            ))),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon; prints one line with the address of the desk.
    #[command(after_help = "Example:\n  codexd serve --listen 127.0.0.1:0 --relay none")]
    Serve(ServeArgs),
    /// Look around: a temporary home with an example notebook, gone when you stop it.
    #[command(after_help = "Example:\n  codexd demo --open")]
    Demo(ServeArgs),
    /// Open the desk of the running daemon in the browser.
    #[command(after_help = "Example:\n  codexd open")]
    Open,
    /// Wait until nothing is left to do.
    #[command(after_help = "Example:\n  codexd wait --synced --timeout 2m")]
    Wait(WaitArgs),
    /// Device, notebooks, peers, and how many devices hold what.
    #[command(after_help = "Example:\n  codexd status --json")]
    Status,
    /// Add, list, show, remove, pause or resume notebooks.
    #[command(subcommand)]
    Notebook(NotebookCommand),
    /// Print a ticket that lets another device join.
    #[command(after_help = "Example:\n  codexd invite lab --expires 2h")]
    Invite(InviteArgs),
    /// Invitations that were given out on this device.
    #[command(after_help = "Example:\n  codexd invites")]
    Invites,
    /// Withdraw an invitation: its ticket opens nothing any more.
    #[command(after_help = "Example:\n  codexd withdraw 1f0c93ab5e72")]
    Withdraw {
        /// The invitation, see `invites`.
        id: String,
    },
    /// Join a notebook by ticket, into a folder.
    #[command(after_help = "Example:\n  codexd join codexabc… ~/lab --preview")]
    Join(JoinArgs),
    /// Who waits to be let in: whoever joins with a ticket that is not unattended.
    #[command(after_help = "Example:\n  codexd requests")]
    Requests,
    /// Let somebody in who waits. Compare the fingerprint with what the other side shows.
    #[command(after_help = "Example:\n  codexd approve 3")]
    Approve {
        /// The request's number, see `requests`.
        id: i64,
    },
    /// Send somebody away who waits.
    #[command(after_help = "Example:\n  codexd reject 3")]
    Reject {
        /// The request's number, see `requests`.
        id: i64,
    },
    /// Who belongs to a notebook, and who did.
    #[command(after_help = "Example:\n  codexd members lab")]
    Members {
        /// Only of this notebook: id, slug or name.
        notebook: Option<String>,
    },
    /// Give somebody another role, or remove them with `none`.
    #[command(after_help = "Example:\n  codexd role Ann viewer --notebook lab\n  codexd role 3fae2dc2 none")]
    Role {
        /// Person or device: an id, eight digits or more of one, or a name that only one has.
        who: String,
        /// `owner`, `editor`, `commenter`, `viewer`, or `none`.
        role: String,
        /// Only in this notebook: id, slug or name. Default: in all where you know them.
        #[arg(long)]
        notebook: Option<String>,
    },
    /// Take a lost device's right away. It is cut off at once, and stays out.
    #[command(
        after_help = "Example:\n  codexd revoke 3fae2dc2\n  codexd revoke Bob --notebook lab\n\nThe second is about all devices of the person Bob; they are listed, and you are asked."
    )]
    Revoke(revoke::RevokeArgs),
    /// Make a recovery phrase: twelve words for paper, with which a new device can become yours.
    #[command(after_help = "Example:\n  codexd recovery lab")]
    Recovery {
        /// Id, slug or name.
        notebook: String,
    },
    /// What does not count because its authors might not write it.
    #[command(after_help = "Example:\n  codexd quarantine lab")]
    Quarantine {
        /// Only of this notebook: id, slug or name.
        notebook: Option<String>,
    },
    /// Accept all that is here of a device and did not count.
    #[command(after_help = "Example:\n  codexd release lab 3fae2dc2")]
    Release {
        /// Id, slug or name.
        notebook: String,
        /// The device: its id, eight digits or more of it, or its name.
        device: String,
    },
    /// Find text.
    #[command(after_help = "Example:\n  codexd search \"melting point\" --notebook lab")]
    Search(SearchArgs),
    /// Run the query of a view file.
    #[command(after_help = "Example:\n  codexd query ~/lab/tasks.cdx")]
    Query {
        /// A `.cdx` file, or a file that holds only the query as YAML or JSON.
        file: PathBuf,
    },
    /// The versions of an entry, the newest first.
    #[command(after_help = "Example:\n  codexd log lab notes/day-1.md")]
    Log(EntryArgs),
    /// Print an entry, as it is or as it was.
    #[command(after_help = "Example:\n  codexd show lab notes/day-1.md --at birth")]
    Show(AtArgs),
    /// What is deleted and can be brought back, the latest first.
    #[command(after_help = "Example:\n  codexd deleted lab")]
    Deleted {
        /// Id, slug or name.
        notebook: String,
    },
    /// Bring a version back, as a new version; or what is deleted, a folder with all that was deleted with it, also if the
    /// folder is there again.
    #[command(
        after_help = "Example:\n  codexd restore lab notes/day-1.md --at birth\n  codexd restore lab notes/old"
    )]
    Restore(RestoreArgs),
    /// Fetch an attachment, or all in a folder, that the notebook's fetch policy leaves with the others.
    #[command(after_help = "Example:\n  codexd fetch lab data/plate-7.tif")]
    Fetch(EntryArgs),
    /// Say what you are called and shown in, on all your devices.
    #[command(after_help = "Example:\n  codexd profile lab --name \"Ada Lovelace\" --colour \"#2c6e3c\"")]
    Profile {
        /// Id, slug or name.
        notebook: String,
        /// What to be called.
        #[arg(long)]
        name: String,
        /// What to be shown in, as `#rrggbb`.
        #[arg(long, default_value = "#4a6a8a")]
        colour: String,
    },
    /// Sign what an entry exactly is: its bytes, its properties, what it embeds.
    #[command(after_help = "Example:\n  codexd seal lab notes/day-1.md --meaning \"recorded by me\" --lock")]
    Seal(seals::SealArgs),
    /// Who sealed what, who confirmed it, and whether it is still so.
    #[command(after_help = "Example:\n  codexd seals lab\n  codexd seals lab notes/day-1.md --diff")]
    Seals(seals::SealsArgs),
    /// Confirm somebody else's seal.
    #[command(after_help = "Example:\n  codexd witness lab notes/day-1.md --meaning witnessed")]
    Witness(seals::WitnessArgs),
    /// Lift the lock that a seal put on its entry; the seal stays. Takes an owner.
    #[command(after_help = "Example:\n  codexd unlock lab notes/day-1.md --meaning \"wrong note\"")]
    Unlock(seals::WitnessArgs),
    /// Show or say how many persons a seal takes.
    #[command(after_help = "Example:\n  codexd seal-rule lab --needed 2")]
    SealRule(seals::RuleArgs),
    /// Comments, tasks, what happened, moves.
    #[command(flatten)]
    Organise(organise::OrganiseCommand),
    /// New entries.
    #[command(flatten)]
    Making(making::MakingCommand),
    /// Between files and entries, with code of plugins.
    #[command(flatten)]
    Exchange(exchange::ExchangeCommand),
    /// Who stamps the time on seals, if anybody: nobody is asked unless you name an authority.
    #[command(subcommand)]
    Timestamps(timestamps::TimestampsCommand),
    /// Take a conflict out of the inbox: what shows stays, or with --other another value of the property is taken.
    #[command(after_help = "Example:\n  codexd settle lab 3\n  codexd settle lab 3 --other 1")]
    Settle(conflicts::SettleArgs),
    /// What could not be merged and waits for you.
    #[command(after_help = "Example:\n  codexd conflicts lab")]
    Conflicts {
        /// Only of this notebook: id, slug or name.
        notebook: Option<String>,
    },
    /// Check every signature, chain, document and file. Works without a daemon.
    #[command(after_help = "Example:\n  codexd verify ~/lab")]
    Verify {
        /// Only this notebook: id, slug, name or folder.
        notebook: Option<String>,
    },
    /// A notebook in a file, to carry to a device that this one never meets.
    #[command(subcommand)]
    Bundle(bundles::BundleCommand),
    /// Views, themes, integrations: what is installed and enabled on this device.
    #[command(subcommand)]
    Plugin(plugins::PluginCommand),
    /// A passphrase for the device key.
    #[command(subcommand)]
    Passphrase(passphrase::PassphraseCommand),
    /// Look for what may go wrong on this machine. Changes nothing. Works without a daemon.
    #[command(after_help = "Example:\n  codexd doctor")]
    Doctor,
    /// The search index and other derived data.
    #[command(subcommand)]
    Mirror(MirrorCommand),
    /// Say the text of an attachment. The daemon runs this as a process of its own.
    #[command(hide = true, after_help = "Example:\n  codexd extract pdf HASH paper.pdf")]
    Extract {
        /// `pdf`, `docx` or `ipynb`.
        kind: String,
        /// BLAKE3 of its bytes.
        hash: String,
        /// Where it is.
        file: PathBuf,
    },
    /// Run an importer of a plugin. The daemon runs this as a process of its own.
    #[command(hide = true, after_help = "Example:\n  codexd plugin-code < order.json")]
    PluginCode,
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Example:\n  codexd completions bash > ~/.local/share/bash-completion/completions/codexd"
    )]
    Completions {
        /// Which shell.
        shell: complete::Shell,
    },
}

/// Until when to wait.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Until every notebook is scanned and written out.
    #[arg(long, required_unless_present = "synced", conflicts_with = "synced")]
    pub idle: bool,
    /// Until, besides, every connected peer has acknowledged everything.
    #[arg(long)]
    pub synced: bool,
    /// How long at most, as in `30s` or `2m`.
    #[arg(long, default_value = "30s", value_parser = print::duration, value_name = "TIME")]
    pub timeout: std::time::Duration,
}

/// About notebooks.
#[derive(Debug, Subcommand)]
pub enum NotebookCommand {
    /// Register a folder; it may have files already.
    #[command(after_help = "Example:\n  codexd notebook add ~/lab --name \"Lab journal\"")]
    Add {
        /// The folder; made if it is not there.
        path: PathBuf,
        /// The notebook's name (default: the folder's).
        #[arg(long)]
        name: Option<String>,
        /// The workspace's slug.
        #[arg(long)]
        workspace: Option<String>,
    },
    /// All notebooks.
    #[command(after_help = "Example:\n  codexd notebook list")]
    List,
    /// One notebook.
    #[command(after_help = "Example:\n  codexd notebook show lab")]
    Show {
        /// Id, slug or name.
        notebook: String,
    },
    /// Forget a notebook on this device. No file is touched.
    #[command(after_help = "Example:\n  codexd notebook remove lab")]
    Remove {
        /// Id, slug or name.
        notebook: String,
    },
    /// Say which attachments this device fetches by itself.
    #[command(after_help = "Example:\n  codexd notebook fetch lab below:10MB")]
    Fetch {
        /// Id, slug or name.
        notebook: String,
        /// `all`, `below:SIZE` or `on-demand`. Those left can be fetched one by one with `codexd fetch`.
        policy: codex_crdt_model::store::FetchPolicy,
    },
    /// Touch neither files nor records until resumed.
    #[command(after_help = "Example:\n  codexd notebook pause lab")]
    Pause {
        /// Id, slug or name.
        notebook: String,
    },
    /// Go on.
    #[command(after_help = "Example:\n  codexd notebook resume lab --accept-deletions")]
    Resume {
        /// Id, slug or name.
        notebook: String,
        /// Carry held deletions out, instead of restoring what was deleted.
        #[arg(long)]
        accept_deletions: bool,
    },
}

/// Whom to invite.
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// As what: `owner`, `editor`, `commenter` or `viewer`.
    #[arg(long, default_value = "editor")]
    pub role: String,
    /// Good for so long, as in `30s`, `30m`, `24h` or `7d`.
    #[arg(long, default_value = "24h")]
    pub expires: String,
    /// The holder joins without anybody saying yes; else see `requests`.
    #[arg(long)]
    pub unattended: bool,
    /// For another device of your own.
    #[arg(long, conflicts_with = "role")]
    pub own_device: bool,
}

/// How to join.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The ticket.
    pub ticket: String,
    /// The folder (default: a new one in the home). Files in it stay.
    pub path: Option<PathBuf>,
    /// Your recovery phrase: this becomes another device of yours.
    #[arg(long)]
    pub phrase: Option<String>,
    /// Only tell what would happen.
    #[arg(long)]
    pub preview: bool,
}

/// What to look for.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Words, "phrases", pre*.
    #[arg(allow_hyphen_values = true)]
    pub query: String,
    /// Only in this notebook: id, slug or name.
    #[arg(long)]
    pub notebook: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

/// Which entry.
#[derive(Debug, Args)]
pub struct EntryArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// The path in the notebook, or an entry id.
    pub path: String,
}

/// Which entry, and maybe which version.
#[derive(Debug, Args)]
pub struct AtArgs {
    /// Which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// Which version, as `log` names it.
    #[arg(long, value_name = "VERSION")]
    pub at: Option<String>,
}

/// Which version of which entry.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// Which version, as `log` names it. What is deleted comes back as it was without it.
    #[arg(long, value_name = "VERSION")]
    pub at: Option<String>,
    /// The entry is sealed and locked: amend it.
    #[arg(long)]
    pub amend: bool,
}

/// About the mirror.
#[derive(Debug, Subcommand)]
pub enum MirrorCommand {
    /// Drop it and make it anew from the store.
    #[command(after_help = "Example:\n  codexd mirror rebuild lab")]
    Rebuild {
        /// Id, slug or name.
        notebook: String,
    },
}

/// Carries a command out; says in one line why it could not.
pub async fn run(cli: Cli) -> ExitCode {
    match carry_out(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(line) = failure.line() {
                eprintln!("codexd: {}", crate::signs::plain(line));
            }
            failure.code()
        }
    }
}

async fn carry_out(cli: Cli) -> Result<(), Failure> {
    let (home, out) = (cli.home.clone(), print::Output { json: cli.json });
    let home = home.as_deref();
    let command = cli.chosen()?;
    let client = || client::Client::find(home);
    match command {
        Command::Serve(args) => serve::serve(home, &args).await,
        Command::Demo(args) => demo::demo(&args).await,
        Command::Open => serve::open(&client()?).await,
        Command::Wait(args) => notebooks::wait(&client()?, &args).await,
        Command::Status => notebooks::status(&client()?, out).await,
        Command::Notebook(command) => notebooks::run(&client()?, out, command).await,
        Command::Invite(args) => people::invite(&client()?, out, args).await,
        Command::Invites => people::invites(&client()?, out).await,
        Command::Withdraw { id } => people::withdraw(&client()?, out, &id).await,
        Command::Join(args) => people::join(&client()?, out, args).await,
        Command::Requests => people::requests(&client()?, out).await,
        Command::Approve { id } => people::answer(&client()?, out, id, "approve").await,
        Command::Reject { id } => people::answer(&client()?, out, id, "reject").await,
        Command::Role { who, role, notebook } => {
            people::set_role(&client()?, out, &who, &role, notebook).await
        }
        Command::Revoke(args) => revoke::revoke(&client()?, out, &args).await,
        Command::Recovery { notebook } => people::recovery(&client()?, out, &notebook).await,
        Command::Quarantine { notebook } => people::quarantine(&client()?, out, notebook).await,
        Command::Release { notebook, device } => people::release(&client()?, out, &notebook, &device).await,
        Command::Members { notebook } => people::members(&client()?, out, notebook).await,
        Command::Search(args) => reading::search(&client()?, out, args).await,
        Command::Query { file } => reading::query(&client()?, out, &file).await,
        Command::Log(args) => reading::log(&client()?, out, &args).await,
        Command::Show(args) => reading::show(&client()?, &args).await,
        Command::Deleted { notebook } => reading::deleted(&client()?, out, &notebook).await,
        Command::Restore(args) => reading::restore(&client()?, out, &args).await,
        Command::Fetch(args) => reading::fetch(&client()?, out, &args).await,
        Command::Profile { notebook, name, colour } => {
            people::profile(&client()?, out, &notebook, &name, &colour).await
        }
        Command::Extract { kind, hash, file } => std::process::exit(crate::extract::run(&kind, &hash, &file)),
        Command::PluginCode => std::process::exit(crate::plugins::code::run()),
        Command::Making(command) => making::run(&client()?, out, command).await,
        Command::Exchange(command) => exchange::run(&client()?, out, command).await,
        Command::Organise(command) => organise::run(&client()?, out, command).await,
        Command::Seal(args) => seals::seal(&client()?, out, &args).await,
        Command::Seals(args) => seals::seals(&client()?, out, &args).await,
        Command::Witness(args) => seals::witness(&client()?, out, &args).await,
        Command::Unlock(args) => seals::unlock(&client()?, out, &args).await,
        Command::SealRule(args) => seals::rule(&client()?, out, &args).await,
        Command::Timestamps(command) => timestamps::run(&client()?, out, command).await,
        Command::Settle(args) => conflicts::settle(&client()?, out, &args).await,
        Command::Conflicts { notebook } => conflicts::conflicts(&client()?, out, notebook).await,
        Command::Verify { notebook } => verify::verify(home, out, notebook).await,
        Command::Bundle(command) => bundles::run(home, out, command).await,
        Command::Plugin(command) => plugins::run(home, out, command).await,
        Command::Passphrase(command) => passphrase::run(home, command),
        Command::Doctor => doctor::doctor(home, out).await,
        Command::Mirror(MirrorCommand::Rebuild { notebook }) => {
            notebooks::rebuild_mirror(&client()?, out, &notebook).await
        }
        Command::Completions { shell } => complete::print(shell),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_shows_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        fn check(command: &clap::Command) {
            let mut below = command.get_subcommands().peekable();
            if below.peek().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example:\n  codexd"), "{} shows no example", command.get_name());
            }
            below.for_each(check);
        }
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn commands_are_read() {
        let read = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(matches!(read("codexd --listen 127.0.0.1:0").unwrap(), Cli { command: None, .. }));
        assert!(
            matches!(read("codexd serve --open").unwrap().command, Some(Command::Serve(args)) if args.open)
        );
        let wait = read("codexd wait --synced --timeout 2m --home /h").unwrap();
        assert_eq!(wait.home, Some("/h".into()));
        assert!(matches!(wait.command, Some(Command::Wait(args)) if args.timeout.as_secs() == 120));
        let restore = read("codexd restore lab a/b.md --at birth --json").unwrap();
        assert!(restore.json);
        let served = |line: &str| match read(line).unwrap().chosen() {
            Ok(Command::Serve(args) | Command::Demo(args)) => args,
            other => panic!("{line}: {other:?}"),
        };
        let before =
            served("codexd --listen 127.0.0.1:1 --relay none --no-discovery --passphrase-file pw serve");
        assert_eq!(
            before,
            served("codexd serve --listen 127.0.0.1:1 --relay none --no-discovery --passphrase-file pw")
        );
        assert_eq!(
            before,
            served("codexd --listen 127.0.0.1:1 --relay none --no-discovery --passphrase-file pw")
        );
        let both = served("codexd --listen 127.0.0.1:1 --relay none demo --listen 127.0.0.1:2 --open");
        assert_eq!(
            (both.listen, both.relay.as_deref(), both.open),
            (Some(([127, 0, 0, 1], 2).into()), Some("none"), true)
        );
        for wrong in ["codexd --listen 127.0.0.1:0 status", "codexd --open --json notebook list"] {
            let failure = read(wrong).unwrap().chosen().unwrap_err();
            assert!(failure.line().unwrap().contains("is an option of `serve`"), "{wrong}: {failure:?}");
        }
        for wrong in [
            "codexd wait",
            "codexd wait --idle --synced",
            "codexd wait --idle --timeout soon",
            "codexd seal lab a.md",
            "codexd serve --listen nowhere",
        ] {
            assert_eq!(read(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
