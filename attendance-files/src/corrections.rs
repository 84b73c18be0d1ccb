//! The person of each correction.

use std::collections::BTreeMap;

use attendance_rules::{Change, Correction, Punch, PunchId};
use facekit::PersonId;

use crate::error::{Error, Place, Result, RowError};

/// Finds the person of each correction of a file: the person of the punch that it adds, or of the punch or the correction that it
/// names.
///
/// # Errors
///
/// [`Error::Rows`] with all corrections that name an unknown punch or correction, or a punch id that several people have.
///
/// ```
/// use attendance_files::{corrections_by_person, read_corrections};
/// use attendance_rules::Punch;
/// use facekit::PersonId;
///
/// let anna = PersonId::new("anna").unwrap();
/// let punches = [Punch::new("row 3", anna.clone(), "2026-03-02T07:00:00Z".parse().unwrap())];
/// let file = r#"[{"id": "c1", "made": "2026-03-03T07:00:00Z", "by": "head", "reason": "twice", "change": {"void": {"punch": "row 3"}}}]"#;
/// let corrections = read_corrections(file.as_bytes())?.items;
/// assert_eq!(corrections_by_person(corrections, &punches)?[&anna].len(), 1);
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn corrections_by_person(
    corrections: Vec<Correction>,
    punches: &[Punch],
) -> Result<BTreeMap<PersonId, Vec<Correction>>> {
    // `None` for an id that several people have.
    let mut owners: BTreeMap<PunchId, Option<PersonId>> = BTreeMap::new();
    let added = corrections.iter().filter_map(|it| added(&it.change));
    for punch in punches.iter().chain(added) {
        let owner = owners
            .entry(punch.id.clone())
            .or_insert_with(|| Some(punch.person.clone()));
        if owner.as_ref() != Some(&punch.person) {
            *owner = None;
        }
    }
    let changes = corrections.iter().map(|it| (it.id.as_str(), &it.change));
    let changes: BTreeMap<&str, &Change> = changes.collect();
    let mut people = Vec::with_capacity(corrections.len());
    let mut wrong = Vec::new();
    for (correction, number) in corrections.iter().zip(1..) {
        match person(&correction.change, &owners, &changes) {
            Ok(person) => people.push(person),
            Err(reason) => wrong.push(RowError {
                place: Place::Item(number),
                reason,
            }),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Rows { rows: wrong });
    }
    let mut by_person: BTreeMap<PersonId, Vec<Correction>> = BTreeMap::new();
    for (person, correction) in people.into_iter().zip(corrections) {
        by_person.entry(person).or_default().push(correction);
    }
    Ok(by_person)
}

fn added(change: &Change) -> Option<&Punch> {
    match change {
        Change::Add { punch } | Change::Replace { with: punch, .. } => Some(punch),
        _ => None,
    }
}

fn person(
    change: &Change,
    owners: &BTreeMap<PunchId, Option<PersonId>>,
    changes: &BTreeMap<&str, &Change>,
) -> Result<PersonId, String> {
    let mut change = change;
    // A chain of corrections that undo each other is at most as long as the file.
    for _ in 0..=changes.len() {
        match change {
            Change::Add { punch } | Change::Replace { with: punch, .. } => {
                return Ok(punch.person.clone());
            }
            Change::Void { punch } => {
                return match owners.get(punch) {
                    Some(Some(person)) => Ok(person.clone()),
                    Some(None) => Err(format!(
                        "several people have a punch with the id {punch:?}; give the punches ids of their own"
                    )),
                    None => Err(format!("there is no punch {punch:?}")),
                };
            }
            Change::Undo { correction } => {
                let undone = changes.get(correction.as_str());
                change = undone.ok_or_else(|| format!("there is no correction {correction:?}"))?;
            }
            _ => return Err("this kind of change is not known".to_owned()),
        }
    }
    Err("corrections undo each other in a circle".to_owned())
}
