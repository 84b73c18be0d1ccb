//! Strangers are named at the asked rate, in galleries of every size.

use facekit::{Calibration, Comparison, Embedding, Threshold};

use super::{Person, draws::Random, options, photos, sets};

/// An enrolled person: the mean of the first photos, and their number.
struct Enrolled {
    mean: Embedding,
    photos: usize,
}

/// Enrolls people with one, two, three and five photos by turns, as far as they have so many.
fn enrolled(people: &[&Person]) -> Vec<Enrolled> {
    let wanted = [1, 2, 3, 5];
    people
        .iter()
        .enumerate()
        .map(|(nth, person)| {
            let photos = wanted[nth % 4].min(person.photos.len());
            let photos = if photos == 4 { 3 } else { photos };
            let mirrored = person.photos[..photos].iter().map(|face| &face.mirrored);
            Enrolled {
                mean: Embedding::mean(mirrored).unwrap(),
                photos,
            }
        })
        .collect()
}

/// The counts of searches and comparisons.
#[derive(Default)]
struct Counts {
    searches: usize,
    named: usize,
    /// For 1, 2, 3 and 5 photos: comparisons, and those that match.
    groups: [(usize, usize); 4],
}

impl Counts {
    /// Searches a stranger's photos, one each.
    fn search(
        &mut self,
        gallery: &[Enrolled],
        stranger: &Person,
        limits: &[f32; 4],
        band: (f32, f32),
    ) {
        let face = &stranger.photos[0];
        let mut named = false;
        for person in gallery {
            let group = [1, 2, 3, 5]
                .iter()
                .position(|&photos| photos == person.photos)
                .unwrap();
            let plain = face.plain.cosine(&person.mean).unwrap();
            let mirrored = face.mirrored.cosine(&person.mean).unwrap();
            // The mirrored probe counts within the band around the threshold.
            let matches = mirrored.clamp(plain - band.1, plain + band.0) >= limits[group];
            self.groups[group].0 += 1;
            self.groups[group].1 += usize::from(matches);
            named |= matches;
        }
        self.searches += 1;
        self.named += usize::from(named);
    }
}

/// The curves of the comparisons of a recognizer: mirrored templates and probes.
fn kind(photos: usize) -> Comparison {
    Comparison::default()
        .with_photos(photos)
        .with_mirrored_template(true)
        .with_mirrored_probe(true)
}

#[test]
fn strangers_are_named_at_the_asked_rate() {
    const FPIR: f64 = 1e-2;
    for set in sets("rates::strangers_are_named_at_the_asked_rate") {
        let people = set.distinct();
        let people = Random(1).shuffled(&people);
        let band = options().band.unwrap();
        let measure = |people: &[&Person]| {
            let space = &set.people.space;
            Calibration::measure(space, &photos(people), &options(), "a part of the people")
                .unwrap()
        };
        let (a, b) = people.split_at(people.len() / 2);
        let (of_a, of_b, of_all) = (measure(a), measure(b), measure(&people));
        for size in [11, 30, 100, 1_000, 3_400] {
            if size + 50 > people.len() {
                continue;
            }
            let mut counts = Counts::default();
            let fmr = -((-FPIR).ln_1p() / size as f64).exp_m1();
            // Half of the people give the calibration for the other half, unless the gallery needs more than that.
            let halves = if 2 * size + 100 <= people.len() {
                vec![(&of_a, b), (&of_b, a)]
            } else {
                vec![(&of_all, &people[..])]
            };
            let rounds = (2_000 / size).clamp(1, 20);
            let mut interval = (f64::INFINITY, 0.0_f64);
            for (calibration, tested) in halves {
                let limit = |photos: usize| {
                    let limit = Threshold::Fpir(FPIR).limit(
                        Some(calibration),
                        &kind(photos),
                        &set.people.space,
                        size,
                    );
                    limit.unwrap().score
                };
                let limits = [1, 2, 3, 5].map(limit);
                for photos in [1, 2, 3, 5] {
                    let of = calibration.curve(&kind(photos)).interval_at(fmr);
                    if let Some(of) = of {
                        interval = (interval.0.min(of.low), interval.1.max(of.high));
                    }
                }
                for round in 0..rounds {
                    let order = Random(round as u64).shuffled(tested);
                    // Each person is a stranger once in a round.
                    let block = (order.len() - size).min(150);
                    for start in (0..order.len()).step_by(block) {
                        let strangers = &order[start..(start + block).min(order.len())];
                        let others: Vec<&Person> = order[..start]
                            .iter()
                            .chain(&order[start + strangers.len()..])
                            .copied()
                            .collect();
                        let others = Random(start as u64).shuffled(&others);
                        let gallery = enrolled(&others[..size.min(others.len())]);
                        for stranger in strangers {
                            counts.search(&gallery, stranger, &limits, band);
                        }
                    }
                }
            }
            let fpir = counts.named as f64 / counts.searches as f64;
            let search = |fmr: f64| -((-fmr).ln_1p() * size as f64).exp_m1();
            let (low, high) = (search(interval.0), search(interval.1));
            let groups = counts.groups.map(|(all, matching)| {
                format!("{:.2} ({all})", matching as f64 / all.max(1) as f64 / fmr)
            });
            println!(
                "{}: {size} people: {} of {} strangers named, {:.2} %, interval {:.2} to {:.2} %; actual to asked rate for 1, 2, 3, 5 \
                 photos: {}",
                set.name,
                counts.named,
                counts.searches,
                100.0 * fpir,
                100.0 * low,
                100.0 * high,
                groups.join(", ")
            );
            assert!(
                (FPIR / 1.5..=FPIR * 1.5).contains(&fpir) || (low..=high).contains(&fpir),
                "{}: {size}: {fpir} {low} {high}",
                set.name
            );
        }
    }
}
