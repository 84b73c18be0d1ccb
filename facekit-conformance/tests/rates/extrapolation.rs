//! Calibrated on some of the people, the extrapolated rate holds on the others.

use facekit::{Curve, ImpostorFaces, ImpostorScores};

use super::{Person, draws::Random, options, sets};

/// The least score of comparisons that are kept. Few people have a curve that ends at a low score.
const LEAST: f32 = 0.1;

/// The fewest people whose curve is extrapolated here. That of 84 people has no tail.
const FEWEST: usize = 150;

/// A comparison of two people with a high score.
struct High {
    score: f32,
    people: [usize; 2],
}

/// The comparisons of mirrored photos of different people that reach this score.
fn highest(people: &[&Person], least: f32) -> Vec<High> {
    let faces: Vec<(usize, &[f32])> = people
        .iter()
        .enumerate()
        .flat_map(|(at, person)| {
            person
                .photos
                .iter()
                .map(move |face| (at, face.mirrored.values()))
        })
        .collect();
    let mut found = Vec::new();
    for (nth, &(a, x)) in faces.iter().enumerate() {
        for &(b, y) in faces[..nth].iter().filter(|(b, _)| *b != a) {
            let mut sums = [0.0_f32; 8];
            for (x, y) in x.chunks_exact(8).zip(y.chunks_exact(8)) {
                for lane in 0..8 {
                    sums[lane] += x[lane] * y[lane];
                }
            }
            let score: f32 = sums.iter().sum();
            if score >= least {
                found.push(High {
                    score,
                    people: [a, b],
                });
            }
        }
    }
    found
}

/// The share of comparisons among these people that reach `score`.
fn rate(highest: &[High], people: &[&Person], chosen: &[bool], score: f32) -> f64 {
    let (mut photos, mut own) = (0.0, 0.0);
    for (person, _) in people.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
        photos += person.photos.len() as f64;
        own += (person.photos.len() as f64).powi(2);
    }
    let above = highest
        .iter()
        .filter(|high| high.score >= score && high.people.iter().all(|&person| chosen[person]));
    above.count() as f64 / ((photos * photos - own) / 2.0)
}

/// The curve of the first `count` people in this order, and a mark for each of the others.
fn split(people: &[&Person], order: &[usize], count: usize) -> (Curve, Vec<bool>) {
    let (own, others) = order.split_at(count);
    let faces: Vec<ImpostorFaces> = own
        .iter()
        .map(|&at| ImpostorFaces::new(people[at].mirrored(), people[at].mirrored()))
        .collect();
    let scores = ImpostorScores::of(&faces, &options()).unwrap();
    let mut chosen = vec![false; people.len()];
    others.iter().for_each(|&at| chosen[at] = true);
    (scores.curve().unwrap(), chosen)
}

#[test]
fn the_interval_covers_the_rate_of_other_people() {
    for set in sets("rates::the_interval_covers_the_rate_of_other_people") {
        let people = set.distinct();
        let highest = highest(&people, LEAST);
        let every: Vec<usize> = (0..people.len()).collect();
        for part in [20, 10, 3] {
            // Fewer people have no tail that a distribution can be fitted to.
            if people.len() / part < FEWEST {
                println!(
                    "{}: 1/{part} of {} people is too few",
                    set.name,
                    people.len()
                );
                continue;
            }
            let mut random = Random(part as u64);
            let (mut covered, mut counted, mut ratios, mut rates) = (0, 0, Vec::new(), Vec::new());
            for _ in 0..100 {
                let (curve, chosen) = split(&people, &random.shuffled(&every), people.len() / part);
                let actual = |fmr: f64| {
                    let score = curve.score_at(fmr).unwrap();
                    assert!(score > LEAST, "below the scores that were kept");
                    rate(&highest, &people, &chosen, score)
                };
                let covers = |fmr: f64| {
                    let interval = curve.interval_at(fmr).unwrap();
                    (interval.low..=interval.high).contains(&actual(fmr))
                };
                let end = curve.lowest();
                covered += usize::from(covers(end));
                counted += usize::from(covers(curve.lowest_counted()));
                ratios.push(actual(end) / end);
                rates.push(end);
            }
            ratios.sort_by(f64::total_cmp);
            rates.sort_by(f64::total_cmp);
            println!(
                "{}: 1/{part} of {} people: rate {:.0e}, actual to asked {:.2} ({:.2} to {:.2}), covered {covered} of 100, at the counted \
                 end {counted}",
                set.name,
                people.len(),
                rates[50],
                ratios[50],
                ratios[5],
                ratios[94],
            );
            assert!(covered >= 80, "{}: {covered} of 100", set.name);
        }
    }
}

#[test]
fn rates_of_1e_6_are_reported() {
    for set in sets("rates::rates_of_1e_6_are_reported") {
        let people = set.distinct();
        let highest = highest(&people, LEAST);
        let every: Vec<usize> = (0..people.len()).collect();
        for fmr in [1e-4, 1e-5, 1e-6] {
            let mut ratios = Vec::new();
            for seed in 0..20 {
                let (curve, chosen) =
                    split(&people, &Random(seed).shuffled(&every), people.len() / 3);
                if let Ok(score) = curve.score_at(fmr) {
                    ratios.push(rate(&highest, &people, &chosen, score) / fmr);
                }
            }
            ratios.sort_by(f64::total_cmp);
            println!(
                "{}: a third of the people, rate {fmr:e}: actual to asked on the others {:.2?} in {} of 20 draws",
                set.name,
                (ratios.first(), ratios.get(ratios.len() / 2), ratios.last()),
                ratios.len()
            );
            if fmr >= 1e-4 {
                assert_eq!(ratios.len(), 20, "{}", set.name);
                let median = ratios[10];
                assert!((0.5..2.0).contains(&median), "{}: {median}", set.name);
            }
        }
    }
}
