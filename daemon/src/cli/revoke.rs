//! `revoke`: a device by itself, or all of a person's.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::people::{InNotebooks, notebooks};
use super::print::{self, Output, text};

/// Whose right ends.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The device: its id, eight digits or more of it, or its name. Or a person's name, for all devices of theirs.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// Only in this notebook: id, slug or name. Default: in all where it is known.
    #[arg(long)]
    pub notebook: Option<String>,
    /// Do not ask before all devices of a person are revoked.
    #[arg(long)]
    pub yes: bool,
}

/// What somebody meant, in one notebook.
#[derive(Debug, PartialEq)]
enum Meant {
    /// A device, or none that is known here; the daemon says which.
    Device,
    /// All devices of a person, which are not revoked yet: this one last.
    Person(Vec<Value>),
    /// One of several persons.
    Several(Vec<Value>),
}

/// `revoke`.
pub async fn revoke(client: &Client, out: Output, args: &RevokeArgs) -> Result<(), Failure> {
    let key = &args.device;
    let mut done = InNotebooks::of(args.notebook.is_some());
    let mut plans = Vec::new();
    let mut persons = Vec::new();
    for notebook in notebooks(client, args.notebook.clone()).await? {
        let members = client.get(&format!("/members?notebook={}", escape(&notebook.id))).await;
        let members = match members {
            Ok(members) => members,
            Err(failure) => {
                done.failed(failure)?;
                continue;
            }
        };
        let members = members["items"].as_array().map_or(&[][..], Vec::as_slice);
        match meant(members, key) {
            Meant::Device => plans.push((notebook, vec![key.clone()])),
            Meant::Person(devices) => {
                persons.push(format!("in `{}` {}", notebook.name, listed(&devices)));
                let ids = devices.iter().map(|device| text(device, "device").to_owned());
                plans.push((notebook, ids.collect()));
            }
            Meant::Several(devices) => done.failed(Failure::new(format!(
                "cannot revoke `{key}`: several persons in `{}` are called so; give the id of the device that is meant: {}",
                notebook.name,
                listed(&devices)
            )))?,
        }
    }
    if !persons.is_empty() {
        let all = persons.join("; ");
        print::note(&format!("`{key}` is a person, and these devices of theirs are revoked: {all}"));
        if !args.yes && !print::agreed("Revoke them?", "revoke them all, or give the id of one")? {
            return Err(Failure::new(format!("nothing was revoked of `{key}`")));
        }
    }
    for (notebook, devices) in plans {
        let mut all = Ok(());
        for device in devices {
            let body = json!({"notebook": notebook.id, "device": device});
            all = all.and(client.post("/revocations", &body).await.map(drop));
        }
        match all {
            Ok(()) => done.done(notebook),
            Err(failure) => done.failed(failure)?,
        }
    }
    let of_person = if persons.is_empty() { "" } else { ", with all devices" };
    done.show(out, |places| format!("`{key}` is revoked in {places}{of_person}"))
}

/// What is meant by something that may be the id or name of a device, or a person's name.
fn meant(members: &[Value], key: &str) -> Meant {
    let start = key.replace('-', "").to_lowercase();
    let is_device = |one: &Value| {
        (start.len() >= 8 && text(one, "device").starts_with(&start)) || text(one, "name") == key
    };
    if members.iter().any(is_device) {
        return Meant::Device;
    }
    let left = |one: &&Value| text(one, "person_name") == key && one["revoked"] == false;
    let mut devices: Vec<Value> = members.iter().filter(left).cloned().collect();
    let Some(first) = devices.first().cloned() else { return Meant::Device };
    if devices.iter().any(|one| one["person"] != first["person"]) {
        return Meant::Several(devices);
    }
    // Whoever revokes this one revokes nothing more with it.
    devices.sort_by_key(|one| one["this_device"] == true);
    Meant::Person(devices)
}

fn listed(devices: &[Value]) -> String {
    let one = |device: &Value| format!("{} (`{}`)", text(device, "fingerprint"), text(device, "name"));
    devices.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_devices_first_and_then_that_of_one_person() {
        let member = |device: &str, name: &str, person: &str, of: &str, revoked: bool, here: bool| {
            json!({
                "device": device.repeat(64), "name": name, "person": person, "person_name": of, "revoked": revoked,
                "this_device": here,
            })
        };
        let members = [
            member("a", "vm", "1", "Ann", false, true),
            member("b", "vm", "2", "Bob", false, false),
            member("c", "vm", "2", "Bob", true, false),
            member("d", "phone", "1", "Ann", false, false),
            member("e", "vm", "3", "Cee", false, false),
            member("f", "old", "4", "Cee", false, false),
        ];
        for key in ["vm", "phone", "bbbb-bbbb", "nobody", "bbbb"] {
            assert_eq!(meant(&members, key), Meant::Device, "{key}");
        }
        assert_eq!(meant(&members, "Bob"), Meant::Person(vec![members[1].clone()]));
        assert_eq!(meant(&members, "Ann"), Meant::Person(vec![members[3].clone(), members[0].clone()]));
        assert_eq!(meant(&members, "Cee"), Meant::Several(vec![members[4].clone(), members[5].clone()]));
    }
}
