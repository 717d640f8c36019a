//! What a plugin may do, and with what.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A kind of thing that a plugin does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Query entries, read properties, texts, pictures.
    ReadFiles,
    /// Set and remove properties.
    ModifyMetadata,
    /// Make entries, write their text.
    WriteFiles,
    /// Have the daemon call its endpoints.
    NetworkRequest,
    /// Keep how its views were left, on this device.
    StoreConfig,
    /// Draw its blocks in notes.
    RenderBlocks,
}

impl Permission {
    /// As manifests write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadFiles => "read_files",
            Self::ModifyMetadata => "modify_metadata",
            Self::WriteFiles => "write_files",
            Self::NetworkRequest => "network_request",
            Self::StoreConfig => "store_config",
            Self::RenderBlocks => "render_blocks",
        }
    }
}

/// A permission with its limits. An empty list is no limit, but for hosts: there it is none at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wish {
    /// What.
    pub permission: Permission,
    /// In which files: globs.
    #[serde(default)]
    pub paths: Vec<String>,
    /// In which notebooks: slug or id.
    #[serde(default)]
    pub notebooks: Vec<String>,
    /// On which hosts.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// As a manifest writes it: its name, or its name with limits.
pub fn wish(written: &Value) -> Option<Wish> {
    let (name, limits) = match written {
        Value::String(name) => (name.as_str(), &Value::Null),
        Value::Object(map) => map.iter().next().map(|(name, limits)| (name.as_str(), limits))?,
        _ => return None,
    };
    let permission = serde_json::from_value(Value::String(name.to_owned())).ok()?;
    let list = |key: &str| -> Vec<String> {
        let items = limits[key].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    Some(Wish { permission, paths: list("paths"), notebooks: list("notebooks"), hosts: list("hosts") })
}

impl Wish {
    /// Whether it takes in all that another one does: what was granted before covers what is wanted now.
    pub fn covers(&self, other: &Self) -> bool {
        let within = |mine: &[String], theirs: &[String]| {
            mine.is_empty() || (!theirs.is_empty() && theirs.iter().all(|one| mine.contains(one)))
        };
        self.permission == other.permission
            && within(&self.paths, &other.paths)
            && within(&self.notebooks, &other.notebooks)
            && other.hosts.iter().all(|host| self.hosts.contains(host))
    }

    /// Whether it reaches a notebook that is known under these names.
    pub fn reaches(&self, names: &[&str]) -> bool {
        self.notebooks.is_empty() || self.notebooks.iter().any(|one| names.contains(&one.as_str()))
    }

    /// Says no to what it does not reach: a notebook that is known under these names, and a path in it.
    pub fn fits(&self, names: &[String], path: Option<&str>) -> Result<(), String> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !self.reaches(&names) {
            let (what, notebooks) = (self.permission.name(), self.notebooks.join(", "));
            return Err(format!("{what} is limited to the notebooks {notebooks}"));
        }
        match path.filter(|path| !self.has(path)) {
            Some(path) => Err(format!("`{path}` is outside of {}", self.paths.join(", "))),
            None => Ok(()),
        }
    }

    /// Whether its globs mean the same in a query: they can be read, and nothing in them stands for something else.
    pub fn is_plain(&self) -> bool {
        globs(&self.paths).is_some() && !self.paths.iter().any(|glob| glob.contains("{{"))
    }

    /// Whether it reaches a path. A glob that cannot be read reaches nothing.
    pub fn has(&self, path: &str) -> bool {
        self.paths.is_empty() || globs(&self.paths).is_some_and(|globs| globs.is_match(path))
    }
}

fn globs(written: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in written {
        set.add(GlobBuilder::new(glob).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_limit() {
        let all = wish(&json!("read_files")).unwrap();
        assert!(all.has("a/b.md") && all.reaches(&["lab"]));
        let some =
            wish(&json!({"read_files": {"paths": ["tasks/**", "*.md"], "notebooks": ["lab"]}})).unwrap();
        assert!(some.has("tasks/a/b.md") && some.has("top.md") && !some.has("notes/a.md"));
        assert!(some.reaches(&["0123", "lab"]) && !some.reaches(&["other"]));
        assert!(all.covers(&some) && !some.covers(&all) && some.covers(&some));
        let net = wish(&json!({"network_request": {"hosts": ["api.example.org"]}})).unwrap();
        let more = wish(&json!({"network_request": {"hosts": ["api.example.org", "evil.example"]}})).unwrap();
        assert!(more.covers(&net) && !net.covers(&more));
        assert_eq!(wish(&json!("everything")), None);
        assert!(!wish(&json!({"read_files": {"paths": ["["]}})).unwrap().has("["), "no glob, no reach");
    }
}
