use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Identity, Recognition};
use crate::{attendance::Sighting, liveness::LivenessScore, person::PersonId};

/// The people who were recognized in a frame, as sightings at the time `at`, in order of id.
///
/// A person is seen once in a frame, even if several faces match, for example in a mirror. The sighting has the best score
/// of the person and the liveness of the face with that score.
///
/// ```
/// # use facekit::{Detection, Quality};
/// use facekit::{Identity, Outcome, PersonId, Recognition, sightings};
///
/// # fn example(quality: Quality, detection: Detection) -> facekit::Result<()> {
/// let anna = PersonId::new("anna")?;
/// let faces = [0.48, 0.71].map(|score| {
///     let outcome = Outcome::Known(Identity::new(anna.clone(), score));
///     Recognition::new(detection, quality, outcome)
/// });
/// let seen = sightings(&faces, "2026-03-02T08:59:30Z".parse().unwrap());
/// assert_eq!(seen.len(), 1);
/// assert_eq!(seen[0].score, Some(0.71));
/// # Ok(()) }
/// ```
#[must_use]
pub fn sightings(faces: &[Recognition], at: Timestamp) -> Vec<Sighting> {
    let mut best: BTreeMap<&PersonId, (&Identity, Option<LivenessScore>)> = BTreeMap::new();
    for face in faces {
        let Some(identity) = face.known() else {
            continue;
        };
        let entry = best
            .entry(&identity.person)
            .or_insert((identity, face.liveness));
        if identity.score > entry.0.score {
            *entry = (identity, face.liveness);
        }
    }
    best.into_iter()
        .map(|(person, (identity, liveness))| {
            let mut sighting = Sighting::new(person.clone(), at).with_score(identity.score);
            sighting.liveness = liveness.map(LivenessScore::value);
            sighting
        })
        .collect()
}
