//! False-match rates on real people: `cargo xtask soak rates`. The figures that it prints are in BENCHMARKS.md.

mod draws;
mod extrapolation;
mod faces;
mod strangers;
mod tracks;

use std::{env, num::NonZeroUsize, path::PathBuf, thread};

use facekit::{
    Calibration, Comparison, Embedding, ImpostorOptions, MirrorOptions, PersonPhotos, Threshold,
    duplicate_people,
};
use faces::{People, Person};

/// A set of models, and the people that it is measured on.
struct Set {
    name: &'static str,
    people: People,
}

/// The sets with their people; empty if this is not a long run.
fn sets(test: &str) -> Vec<Set> {
    if env::var_os("FACEKIT_SOAK").is_none() {
        facekit_conformance::skip(test, "a part of `cargo xtask soak rates`");
        return Vec::new();
    }
    let Some(data) = facekit_conformance::data(test, &["data/lfw/pairs.txt", "models"]) else {
        return Vec::new();
    };
    let images = data.join("data/lfw/images");
    // The embedder of `nano` knows all of these people. `FACEKIT_SPLIT_MODELS` names a folder with the set `nano_split`, whose
    // embedder was trained by the same recipe without the people of folds 4 and 5.
    let unknown = faces::in_folds(&data.join("data/lfw/pairs.txt"), &[4, 5]);
    let mut sets = vec![("standard", data.join("models"), None)];
    sets.push(("nano", data.join("models"), Some(&unknown)));
    if let Some(folder) = env::var_os("FACEKIT_SPLIT_MODELS") {
        sets.push(("nano_split", PathBuf::from(folder), Some(&unknown)));
    }
    let set = |(name, models, names): (_, PathBuf, _)| Set {
        name,
        people: People::of(name, &models, &images, names),
    };
    sets.into_iter().map(set).collect()
}

impl Set {
    /// The people who are measured, without those who are in the data twice.
    fn distinct(&self) -> Vec<&Person> {
        let people: Vec<&Person> = self.people.people.iter().collect();
        let photos: Vec<Vec<Embedding>> = people.iter().map(|person| person.mirrored()).collect();
        let found = duplicate_people(&photos, &options()).unwrap();
        for pair in &found {
            let [a, b] = [pair.people.0, pair.people.1].map(|at| &people[at].name);
            println!(
                "{}: probably one person: {a} and {b}, {:.2}",
                self.name, pair.score
            );
        }
        let twice = |at: usize| found.iter().any(|pair| pair.people.1 == at);
        let people = people.into_iter().enumerate();
        people
            .filter(|(at, _)| !twice(*at))
            .map(|(_, person)| person)
            .collect()
    }
}

/// The comparisons that a recognizer makes by default.
fn options() -> ImpostorOptions {
    let mirror = MirrorOptions::default();
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    ImpostorOptions::default()
        .with_band(mirror.below, mirror.above)
        .with_threads(threads)
}

fn photos(people: &[&Person]) -> Vec<PersonPhotos> {
    let photos =
        |person: &&Person| PersonPhotos::new(person.plain()).with_mirrored(person.mirrored());
    people.iter().map(photos).collect()
}

/// Measures the calibrations of both sets, and writes them beside the kept embeddings.
#[test]
fn calibrations_are_measured() {
    for set in sets("rates::calibrations_are_measured") {
        let people = set.distinct();
        let data = format!("{} people of Labeled Faces in the Wild", people.len());
        let calibration =
            Calibration::measure(&set.people.space, &photos(&people), &options(), data).unwrap();
        let file = faces::cache().join(format!("{}.calibration.toml", set.name));
        calibration.save(&file).unwrap();
        for (kind, curve) in calibration.curves() {
            let score = |fmr: f64| curve.score_at(fmr).map_or(f32::NAN, |score| score);
            println!(
                "{} {kind:?}: 1e-3 {:.4} 1e-4 {:.4} 1e-5 {:.4}, counted to {:e}, to {:e}",
                set.name,
                score(1e-3),
                score(1e-4),
                score(1e-5),
                curve.lowest_counted(),
                curve.lowest()
            );
        }
        let mirrored = Comparison::default()
            .with_mirrored_template(true)
            .with_mirrored_probe(true);
        let capacity = Threshold::default()
            .capacity(Some(&calibration), &mirrored)
            .unwrap();
        println!("{}: {capacity:?}, {}", set.name, file.display());
        // 3,534 people, or 845 of whom few have many photos.
        let least = if set.name == "standard" { 500 } else { 50 };
        assert!(capacity.counted >= least, "{capacity:?}");
    }
}
