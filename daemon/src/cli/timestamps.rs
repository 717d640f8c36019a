//! `timestamps …`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
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
    /// Ask nobody any more. Timestamps that are there stay, and are believed still.
    #[command(after_help = "Example:\n  codexd timestamps off")]
    Off,
    /// Who is asked and believed, what waits, and what is in the way.
    #[command(after_help = "Example:\n  codexd timestamps status")]
    Status,
    /// Ask at once for all seals that wait.
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
        TimestampsCommand::Off => client.call(Method::DELETE, "/timestamps", None).await?,
        TimestampsCommand::Status => client.get("/timestamps").await?,
        TimestampsCommand::Now => client.post("/timestamps/now", &json!({})).await?,
    };
    out.show(&status, shown);
    Ok(())
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
