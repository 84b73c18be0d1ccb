//! The figures of one column of the table.

use facekit::{Embedding, RandomSequence, Result};
use serde::Serialize;

/// A face in a spoiled photo.
pub(super) struct Face {
    pub(super) embedding: Embedding,
    /// True if the face may be compared, and enrolled.
    pub(super) compared: bool,
    pub(super) enrolled: bool,
}

/// A person: the face in the spoiled photo, and the face in another photo that is not spoiled.
pub(super) struct Person<'a> {
    pub(super) face: Option<&'a Face>,
    pub(super) reference: Option<&'a Face>,
}

/// Error rates of photos that are spoiled in one way.
#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) photos: usize,
    /// Photos whose face was not found, or may not be compared.
    pub(super) refused: usize,
    /// Photos whose face was not found, or may not be enrolled.
    pub(super) refused_for_enrollment: usize,
    /// Comparisons of different people, and those that match.
    pub(super) pairs: u64,
    pub(super) false_matches: u64,
    /// The share of the second in the first, and its interval; `None` without pairs.
    pub(super) fmr: Option<Interval>,
    /// Photos of people with a reference, those whose face matches it, and those of them that may be compared.
    pub(super) mated: usize,
    pub(super) matching: usize,
    pub(super) matching_compared: usize,
    /// Searches by strangers, and those that find somebody.
    pub(super) strangers: usize,
    pub(super) strangers_named: usize,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Interval {
    pub(super) share: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The number of people who are enrolled, and of strangers who are searched among them.
const GALLERY: usize = 75;

impl Column {
    /// Measures photos at the score from which two faces match.
    pub(super) fn measure(name: String, people: &[Person<'_>], threshold: f32) -> Result<Self> {
        let compared: Vec<Option<&Embedding>> = people
            .iter()
            .map(|person| person.face.filter(|face| face.compared))
            .map(|face| face.map(|face| &face.embedding))
            .collect();
        let mut events = Vec::new();
        for (i, a) in compared.iter().enumerate() {
            for (j, b) in compared.iter().enumerate().take(i) {
                if let (Some(a), Some(b)) = (a, b)
                    && a.cosine(b)? >= threshold
                {
                    events.push((j, i));
                }
            }
        }
        let kept = compared.iter().flatten().count();
        let enrolled = |person: &Person<'_>| person.face.is_some_and(|face| face.enrolled);
        let mut column = Self {
            name,
            photos: people.len(),
            refused: people.len() - kept,
            refused_for_enrollment: people.iter().filter(|person| !enrolled(person)).count(),
            pairs: (kept * kept.saturating_sub(1) / 2) as u64,
            false_matches: events.len() as u64,
            fmr: None,
            mated: 0,
            matching: 0,
            matching_compared: 0,
            strangers: 0,
            strangers_named: 0,
        };
        if column.pairs > 0 {
            let (low, high) = bootstrap(&compared, &events);
            let share = column.false_matches as f64 / column.pairs as f64;
            column.fmr = Some(Interval { share, low, high });
        }
        for person in people {
            let Some(reference) = person.reference else {
                continue;
            };
            column.mated += 1;
            if let Some(face) = person.face
                && face.embedding.cosine(&reference.embedding)? >= threshold
            {
                column.matching += 1;
                column.matching_compared += usize::from(face.compared && reference.compared);
            }
        }
        // Each round has people of its own.
        for round in people.chunks_exact(2 * GALLERY) {
            let (gallery, strangers) = round.split_at(GALLERY);
            let templates: Vec<&Embedding> = gallery
                .iter()
                .filter_map(|person| person.face.filter(|face| face.enrolled))
                .map(|face| &face.embedding)
                .collect();
            for stranger in strangers {
                column.strangers += 1;
                let Some(face) = stranger.face.filter(|face| face.compared) else {
                    continue;
                };
                let mut named = false;
                for template in &templates {
                    named |= face.embedding.cosine(template)? >= threshold;
                }
                column.strangers_named += usize::from(named);
            }
        }
        Ok(column)
    }
}

/// The 95 % interval of the share of events among pairs of people, by drawing people with replacement. Pairs of a person with
/// themselves do not count.
fn bootstrap(kept: &[Option<&Embedding>], events: &[(usize, usize)]) -> (f64, f64) {
    const ROUNDS: usize = 2_000;
    let mut random = RandomSequence::new(1);
    let mut shares = Vec::with_capacity(ROUNDS);
    let mut times = vec![0_u32; kept.len()];
    for _ in 0..ROUNDS {
        times.fill(0);
        for _ in 0..kept.len() {
            times[random.below(kept.len())] += 1;
        }
        let weights = times.iter().zip(kept).filter(|(_, kept)| kept.is_some());
        let (mut sum, mut squares) = (0.0, 0.0);
        for (&times, _) in weights {
            sum += f64::from(times);
            squares += f64::from(times).powi(2);
        }
        let pairs = (sum * sum - squares) / 2.0;
        let weight = |&(a, b): &(usize, usize)| f64::from(times[a]) * f64::from(times[b]);
        // The sum of nothing is -0.0.
        let matches = events.iter().map(weight).sum::<f64>() + 0.0;
        if pairs > 0.0 {
            shares.push(matches / pairs);
        }
    }
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| shares.get((share * shares.len() as f64) as usize).copied();
    (at(0.025).unwrap_or(0.0), at(0.975).unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use facekit::{Digest, EmbeddingSpace};

    use super::*;

    fn face(degrees: f32, compared: bool) -> Face {
        let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
        let (sin, cos) = degrees.to_radians().sin_cos();
        Face {
            embedding: Embedding::new(&space, vec![cos, sin]).unwrap(),
            compared,
            enrolled: compared,
        }
    }

    #[test]
    fn refused_faces_do_not_count_as_pairs() {
        // Two match each other, a third matches nobody, and a fourth matches all but may not be compared.
        let faces = [
            face(0.0, true),
            face(5.0, true),
            face(90.0, true),
            face(2.0, false),
        ];
        let person = |face| Person {
            face: Some(face),
            reference: None,
        };
        let mut people: Vec<Person<'_>> = faces.iter().map(person).collect();
        people.push(Person {
            face: None,
            reference: None,
        });
        let column = Column::measure("test".to_owned(), &people, 0.9).unwrap();
        assert_eq!((column.photos, column.refused), (5, 2));
        assert_eq!((column.pairs, column.false_matches), (3, 1));
        let fmr = column.fmr.unwrap();
        assert!((fmr.share - 1.0 / 3.0).abs() < 1e-9);
        assert!(fmr.low == 0.0 && fmr.high > 0.5, "{fmr:?}");
    }

    #[test]
    fn matches_with_the_reference_are_counted() {
        let (good, refused, other) = (face(0.0, true), face(1.0, false), face(90.0, true));
        let reference = face(3.0, true);
        let people = [&good, &refused, &other].map(|face| Person {
            face: Some(face),
            reference: Some(&reference),
        });
        let column = Column::measure("test".to_owned(), &people, 0.9).unwrap();
        assert_eq!(
            (column.mated, column.matching, column.matching_compared),
            (3, 2, 1)
        );
    }

    #[test]
    fn strangers_are_searched_among_people_who_may_be_enrolled() {
        let (near, refused) = (face(0.0, true), face(0.0, false));
        let person = |face| Person {
            face: Some(face),
            reference: None,
        };
        let mut people: Vec<Person<'_>> = (0..GALLERY).map(|_| person(&refused)).collect();
        people.extend((0..GALLERY).map(|_| person(&near)));
        let column = Column::measure("test".to_owned(), &people, 0.9).unwrap();
        assert_eq!((column.strangers, column.strangers_named), (GALLERY, 0));
        people[3] = person(&near);
        let column = Column::measure("test".to_owned(), &people, 0.9).unwrap();
        assert_eq!(column.strangers_named, GALLERY);
    }
}
