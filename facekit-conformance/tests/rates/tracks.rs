//! The three tests of a track have the asked rate together: each at a quarter of it, against the means of people's photos.

use facekit::{Calibration, Comparison, Embedding, LoadOptions, Threshold};
use facekit_tract::Tract;

use super::{Person, draws::Random, sets};

/// The numbers of shots after which a tracker searches, and the part of the rate that each search has.
const SHOTS: [usize; 3] = [1, 3, 6];
const PARTS: f64 = 4.0;
/// The numbers of enrolled photos, by turns.
const ENROLLED: [usize; 4] = [1, 2, 3, 5];
const ROUNDS: u64 = 6;
/// The least shares of genuine tracks that are found after these numbers of shots, at a rate of 1e-4.
const FOUND: [f64; 3] = [0.92, 0.98, 0.99];

fn shipped(set: &str) -> Calibration {
    let models = facekit_conformance::data("rates::tracks", &["models"]).unwrap();
    let registry = facekit_nano::registry()
        .read_folder(models.join("models"))
        .unwrap();
    let options = LoadOptions::default().with_threads(1);
    let models = registry.load(set, &Tract::new(), &options).unwrap();
    models.calibration.unwrap()
}

/// The means of the shots after each test.
fn means(shots: &[&Embedding]) -> [Embedding; 3] {
    SHOTS.map(|count| Embedding::mean(shots[..count].iter().copied()).unwrap())
}

#[test]
fn tracks_have_the_asked_rate() {
    for set in sets("rates::tracks_have_the_asked_rate") {
        // The embedder of the other sets knows the people, or there are too few of them with six photos.
        if set.name != "standard" {
            continue;
        }
        let calibration = shipped(set.name);
        let people = set.distinct();
        let limits = |part: f64| {
            ENROLLED.map(|photos| {
                let kind = Comparison::default()
                    .with_photos(photos)
                    .with_mirrored_template(true);
                let space = &set.people.space;
                Threshold::Fmr(part)
                    .limit(Some(&calibration), &kind, space, 1)
                    .unwrap()
                    .score
            })
        };
        let splits = [PARTS - 1.0, PARTS].map(|parts| [(1e-3, parts), (1e-4, parts)]);
        for (rate, parts) in splits.into_iter().flatten() {
            let limits = limits(rate / parts);
            let (mut pairs, mut matching) = (0_u64, 0_u64);
            let (mut genuine, mut found) = (0_u64, [0_u64; 3]);
            for round in 0..ROUNDS {
                let gallery = enrolled(&people, round);
                for (nth, person) in people.iter().enumerate() {
                    if person.photos.len() < SHOTS[2] {
                        continue;
                    }
                    let order: Vec<usize> = (0..person.photos.len()).collect();
                    let order = Random(round * 7919 + nth as u64).shuffled(&order);
                    let shots: Vec<&Embedding> = order[..SHOTS[2]]
                        .iter()
                        .map(|&photo| &person.photos[photo].plain)
                        .collect();
                    let means = means(&shots);
                    for (other, (mean, kind)) in gallery.iter().enumerate() {
                        if other != nth {
                            let passes =
                                |probe: &Embedding| probe.cosine(mean).unwrap() >= limits[*kind];
                            pairs += 1;
                            matching += u64::from(means.iter().any(passes));
                        }
                    }
                    // A photo that is not in the track is the template.
                    if let Some(&photo) = order.get(SHOTS[2]) {
                        let template = &person.photos[photo].mirrored;
                        let mut is_found = false;
                        genuine += 1;
                        for (probe, found) in means.iter().zip(&mut found) {
                            is_found |= probe.cosine(template).unwrap() >= limits[0];
                            *found += u64::from(is_found);
                        }
                    }
                }
            }
            let actual = matching as f64 / pairs as f64 / rate;
            let found = found.map(|count| count as f64 / genuine as f64);
            println!(
                "{}: at {rate:e}, each test at 1/{parts} of it: {actual:.2} of the rate in {pairs} pairs; genuine tracks found after 1, 3, 6 shots: {found:.3?}",
                set.name
            );
            // The other split is for comparison.
            if parts != PARTS {
                continue;
            }
            assert!(pairs >= 1_000_000 && actual <= 1.0, "{rate}: {actual}");
            if rate == 1e-4 {
                for (found, least) in found.into_iter().zip(FOUND) {
                    assert!(found >= least, "{found} of {least}");
                }
            }
        }
    }
}

/// The mean of each person's photos, of 1, 2, 3 and 5 by turns as far as there are so many, and its place in [`ENROLLED`].
fn enrolled(people: &[&Person], round: u64) -> Vec<(Embedding, usize)> {
    let enroll = |(nth, person): (usize, &&Person)| {
        let wanted = ENROLLED[nth % ENROLLED.len()].min(person.photos.len());
        let kind = ENROLLED.iter().rposition(|&photos| photos <= wanted);
        let kind = kind.unwrap_or_default();
        let order: Vec<usize> = (0..person.photos.len()).collect();
        let order = Random(round * 104_729 + nth as u64).shuffled(&order);
        let photos = order[..ENROLLED[kind]].iter();
        let photos = photos.map(|&photo| &person.photos[photo].mirrored);
        (Embedding::mean(photos).unwrap(), kind)
    };
    people.iter().enumerate().map(enroll).collect()
}
