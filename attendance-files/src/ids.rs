//! Ids that differ only by case or spaces.

use std::collections::{BTreeMap, BTreeSet};

use facekit::PersonId;

use crate::error::Warning;

/// The ids that differ only by case or spaces from another one. Ids are compared exactly, so these are different people.
///
/// ```
/// use attendance_files::similar_ids;
/// use facekit::PersonId;
///
/// let ids = ["anna", "Anna", "bert"].map(|id| PersonId::new(id).unwrap());
/// assert_eq!(
///     similar_ids(&ids)[0].to_string(),
///     "\"Anna\" and \"anna\" are two people, and their ids differ only by case or spaces"
/// );
/// ```
#[must_use]
pub fn similar_ids<'a>(ids: impl IntoIterator<Item = &'a PersonId>) -> Vec<Warning> {
    let ids: BTreeSet<&PersonId> = ids.into_iter().collect();
    let mut first: BTreeMap<String, &PersonId> = BTreeMap::new();
    let mut warnings = Vec::new();
    for id in ids {
        let letters = id.as_str().chars().filter(|c| !c.is_whitespace());
        let plain: String = letters.flat_map(char::to_lowercase).collect();
        match first.get(&plain) {
            Some(one) => warnings.push(Warning::SimilarIds {
                one: one.to_string(),
                other: id.to_string(),
            }),
            None => {
                first.insert(plain, id);
            }
        }
    }
    warnings
}
