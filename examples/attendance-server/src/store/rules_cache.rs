//! The rules of policy versions. A version never changes, so its rules are made once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use attendance_rules::{Policy, Rules};

use crate::{error::Result, id::Id};

/// The rules of policy versions, without members.
#[derive(Debug, Default)]
pub struct RulesCache(Mutex<HashMap<Id, Arc<Rules>>>);

impl RulesCache {
    /// The rules of a policy version with this text.
    ///
    /// # Errors
    ///
    /// If the text is no policy.
    pub fn rules(&self, version: Id, toml: &str) -> Result<Arc<Rules>> {
        // A panic elsewhere leaves the map whole, since one call changes it.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = known().get(&version) {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(Rules::new(Policy::from_toml(toml)?)?);
        known().insert(version, Arc::clone(&rules));
        Ok(rules)
    }
}
