//! What views and blocks keep for themselves, on this device, for the place where they are shown: an order, what is folded.

use serde_json::{Map, Value};

use super::{PluginError, Plugins};
use crate::clock::now_ms;

/// JSON of what is kept for one place.
const BYTES: usize = 64 << 10;
/// Letters of a place: a path with a name behind it.
const PLACE_BYTES: usize = 8 << 10;

impl Plugins {
    /// What it keeps for a place.
    pub fn kept(&self, id: &str, notebook: &str, place: &str) -> Result<Map<String, Value>, PluginError> {
        let kept = self.inner.system.plugin_kept((notebook, id, place))?;
        // What cannot be read any more is as if it were not there: it is worth less than the view.
        Ok(kept.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
    }

    /// Keeps values beside those that it keeps already; `null` takes one away. What it keeps then.
    pub fn keep(
        &self,
        id: &str,
        notebook: &str,
        place: &str,
        values: Map<String, Value>,
    ) -> Result<Map<String, Value>, PluginError> {
        if place.len() > PLACE_BYTES {
            return Err(PluginError::Refused(format!("a place has {PLACE_BYTES} letters at most")));
        }
        let mut kept = self.kept(id, notebook, place)?;
        for (key, value) in values {
            match value {
                Value::Null => drop(kept.remove(&key)),
                value => drop(kept.insert(key, value)),
            }
        }
        let json = Value::Object(kept.clone()).to_string();
        if json.len() > BYTES {
            let (given, most) = (json.len() >> 10, BYTES >> 10);
            let say = format!("a view keeps {most} KiB of JSON at most for one place; these are {given} KiB");
            return Err(PluginError::Refused(say));
        }
        self.inner.system.keep_for_plugin((notebook, id, place), now_ms(), &json)?;
        Ok(kept)
    }
}
