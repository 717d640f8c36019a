//! `timestamps …`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{Output, duration, text};

/// About timestamps.
#[derive(Debug, Subcommand)]
pub enum TimestampsCommand {
    /// Name an authority (RFC 3161) that stamps new seals from now on. Only hashes leave this machine.
    #[command(
        after_help = "Example:\n  codexd timestamps set http://tsa.example.org/tsr --certificate tsa.pem"
    )]
    Set(SetArgs),
    /// Believe an authority without asking it: one that colleagues ask.
    #[command(after_help = "Example:\n  codexd timestamps trust tsa.pem")]
    Trust {
        /// Its certificate, or that of whoever vouches for it, in PEM form.
        certificate: PathBuf,
    },
    /// Believe an authority no more. Its timestamps stay, and show as not believed.
    #[command(after_help = "Example:\n  codexd timestamps distrust 5b0c93ab")]
    Distrust {
        /// The certificate's SHA-256, or eight digits or more of its beginning, see `timestamps status`.
        fingerprint: String,
    },
    /// Ask nobody any more. Timestamps that are there stay, and are believed still.
    #[command(after_help = "Example:\n  codexd timestamps off")]
    Off,
    /// Who is asked and believed, what waits, and what is in the way.
    #[command(after_help = "Example:\n  codexd timestamps status")]
    Status,
    /// Ask at once for all seals that wait. Exit code 1 if one has no timestamp then.
    #[command(after_help = "Example:\n  codexd timestamps now")]
    Now,
}

/// Which authority.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Where it answers, by http or https.
    pub url: String,
    /// Its certificate, or that of whoever vouches for it, in PEM form. Nobody else is believed.
    #[arg(long, value_name = "FILE")]
    pub certificate: PathBuf,
    /// Gather seals for so long before it is asked, as in `30s` or `10m`.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub after: Duration,
}

/// `timestamps …`.
pub async fn run(client: &Client, out: Output, command: TimestampsCommand) -> Result<(), Failure> {
    let asks_now = matches!(command, TimestampsCommand::Now);
    let status = match command {
        TimestampsCommand::Set(args) => {
            let body = json!({
                "url": args.url,
                "certificate": read(&args.certificate)?,
                "after_seconds": args.after.as_secs(),
            });
            client.put("/timestamps", &body).await?
        }
        TimestampsCommand::Trust { certificate } => {
            client.put("/timestamps", &json!({"certificate": read(&certificate)?})).await?
        }
        TimestampsCommand::Distrust { fingerprint } => {
            let fingerprint: String = fingerprint.chars().filter(|letter| *letter != ':').collect();
            if fingerprint.trim().is_empty() {
                return Err(Failure::usage(
                    "cannot believe an authority no more: no certificate is named; see `codexd timestamps status`",
                ));
            }
            let path = format!("/timestamps/certificates/{}", escape(&fingerprint));
            client.call(Method::DELETE, &path, None).await?
        }
        TimestampsCommand::Off => client.call(Method::DELETE, "/timestamps", None).await?,
        TimestampsCommand::Status => client.get("/timestamps").await?,
        TimestampsCommand::Now => client.post("/timestamps/now", &json!({})).await?,
    };
    out.show(&status, shown);
    let failed = if asks_now { without(&status) } else { None };
    failed.map_or(Ok(()), |line| Err(Failure::new(line)))
}

/// Which notebooks have seals without a timestamp although the authority was asked, and why.
fn without(status: &Value) -> Option<String> {
    let all = status["notebooks"].as_array().into_iter().flatten();
    let failed = all.filter_map(|one| Some(format!("`{}`: {}", text(one, "name"), one["trouble"].as_str()?)));
    let failed: Vec<String> = failed.collect();
    let line = || {
        format!(
            "no timestamp for the seals that wait in {}; it is tried again by itself, and `codexd timestamps now` tries at once",
            failed.join("; in ")
        )
    };
    (!failed.is_empty()).then(line)
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read the certificate {}: {error}", file.display())))
}

fn shown(status: &Value) -> String {
    let mut lines = vec![match status["url"].as_str() {
        Some(url) => format!("asks {url}, {} s after a seal", status["after_seconds"]),
        None => {
            "asks nobody; name an authority with `codexd timestamps set URL --certificate FILE`".to_owned()
        }
    }];
    for one in status["certificates"].as_array().into_iter().flatten() {
        lines.push(format!(
            "believes `{}`, until {} (SHA-256 {})",
            text(one, "name"),
            text(one, "until"),
            text(one, "fingerprint")
        ));
    }
    lines.extend(status["notebooks"].as_array().into_iter().flatten().filter_map(|one| {
        let name = text(one, "name");
        let trouble = one["trouble"].as_str();
        match (one["waiting"].as_u64(), trouble, one["last"].as_str()) {
            (Some(0) | None, None, None) => None,
            (_, Some(trouble), _) => Some(format!("`{name}`: {}", not_stamped(one, trouble))),
            (Some(0) | None, None, Some(last)) => {
                Some(format!("`{name}`: every seal has a timestamp, the last of {last}"))
            }
            (Some(waiting), None, _) => {
                Some(format!("`{name}`: seals that wait: {waiting}, until {}", text(one, "next")))
            }
        }
    }));
    lines.join("\n")
}

/// How many seals wait, why, and until when.
fn not_stamped(one: &Value, trouble: &str) -> String {
    format!("seals without a timestamp: {}; {trouble}; next attempt {}", one["waiting"], text(one, "next"))
}
