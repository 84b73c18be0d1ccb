//! Verification by the protocol of Labeled Faces in the Wild (Huang et al. 2007), and over all pairs of its photos.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, bail};
use facekit::{
    Calibration, Embedding, EmbeddingSpace, ImpostorOptions, MirrorOptions, ModelSet,
    ScoreHistogram, duplicate_people, equal_error_rate, fold_accuracies,
};
use serde::Serialize;
use serde_json::json;

use super::{Embedded, RATES, by_rate, embed_people, evaluator, model_names, open_set};
use crate::{
    files::{check_output, people_in, unreadable_text},
    options::{DetectArgs, ModelArgs},
    output::{plain, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder that holds a folder for each person, with photos named NAME_0001.jpg and so on
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// The pairs, in the format of LFW's pairs.txt
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,

    /// Write a calibration to this file, for --calibration or for a place beside a gallery
    #[arg(long, value_name = "OUT")]
    calibrate: Option<PathBuf>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let folds = open_pairs(&args.pairs)?;
    if let Some(out) = &args.calibrate {
        let (people, _) = people_in(&args.images)?;
        let photos = people.iter().flat_map(|person| &person.photos);
        check_output(out, photos.chain([&args.pairs]).map(PathBuf::as_path))?;
    }
    let (models, set) = open_set(&args.models)?;
    let recognizer = evaluator(models, &args.detect, !args.detect.upright)?;
    let jobs = args.models.jobs();
    let embedded = embed_people(
        session,
        &recognizer,
        jobs,
        &args.images,
        args.calibrate.is_some(),
    )?;
    let figures = Figures::of(&embedded, &folds, &args.images, jobs.get())?;
    let calibrated = args.calibrate.as_deref().map(|path| {
        let data = calibration_data(&embedded, &set);
        save_calibration(path, &embedded, recognizer.embedder().space(), &data, jobs)
    });
    // The figures are reported even if there is no calibration.
    let (calibration, failed) = match calibrated.transpose() {
        Ok(_) => (args.calibrate.as_deref(), None),
        Err(error) => (None, Some(error)),
    };

    let Figures { accuracy, all, .. } = &figures;
    let threshold = |rate: f64| all.impostors.score_at(rate);
    let lookalikes = all.lookalikes.pairs(&embedded);
    let missing = embedded
        .photos
        .iter()
        .filter(|photo| photo.embedding.is_none());
    let report = json!({
        "models": model_names(&set),
        "runtime": args.models.runtime_name(),
        "jobs": jobs,
        "images": embedded.photos.len(),
        "people": embedded.people.len(),
        "faces_missing": embedded.missing(),
        "missing": missing.map(|photo| &photo.path).collect::<Vec<_>>(),
        "pairs": folds.iter().map(Vec::len).sum::<usize>(),
        "unreadable": embedded.unreadable,
        "accuracy": accuracy.map(|(mean, _)| mean),
        "accuracy_std": accuracy.map(|(_, deviation)| deviation),
        "accuracy_by_fold": figures.accuracies,
        "genuine_comparisons": all.genuine.count() + all.genuine_missing,
        "impostor_comparisons": all.impostors.count(),
        "eer": equal_error_rate(&all.genuine, &all.impostors),
        "thresholds": by_rate(|rate| threshold(rate).map(f64::from)),
        "tmr_at_fmr": by_rate(|rate| threshold(rate).map(|score| all.tmr(score))),
        "tmr_at_fmr_balanced": by_rate(|rate| threshold(rate).map(|score| all.balanced_tmr(score))),
        "people_with_lookalike_at_fmr": by_rate(|rate| threshold(rate).map(|score| all.with_lookalike(score))),
        "lookalikes": lookalikes,
        "images_per_s": embedded.photos.len() as f64 / embedded.seconds,
        "calibration": calibration,
    });
    session.output.answer(&report, || {
        let mut text = report_text(&embedded, &figures, folds.len());
        text += "\n\nmost similar photos of different people:";
        for Lookalike {
            score,
            photos: [a, b],
        } in lookalikes.iter().take(5)
        {
            text += &format!("\n{score:.3} {} and {}", plain(a), plain(b));
        }
        if let Some(path) = calibration {
            text += &format!("\ncalibration written to {}\n", plain(&shown(path)));
        }
        text + &unreadable_text(&embedded.unreadable)
    })?;
    failed.map_or(Ok(()), Err)
}

/// The description of the data of a calibration.
pub(crate) fn calibration_data(embedded: &Embedded, set: &ModelSet) -> String {
    format!(
        "{} photos of {} people, the face nearest to the center of each; detector {}{}",
        embedded.photos.len(),
        embedded.people.len(),
        set.detector.name,
        second_look_words(set),
    )
}

/// The second look of a set, for the description of a measurement.
pub(super) fn second_look_words(set: &ModelSet) -> String {
    set.landmarks
        .as_ref()
        .map_or_else(String::new, |landmarks| {
            let mirrored = if landmarks.mirrored {
                ", mean with the mirror image"
            } else {
                ""
            };
            format!(", second look by {}{mirrored}", landmarks.model.name)
        })
}

fn save_calibration(
    path: &Path,
    embedded: &Embedded,
    space: &EmbeddingSpace,
    data: &str,
    threads: NonZeroUsize,
) -> Result<()> {
    let photos = embedded.by_person();
    let faces: Vec<Vec<Embedding>> = photos.iter().map(|person| person.plain.clone()).collect();
    let MirrorOptions { below, above, .. } = MirrorOptions::default();
    let options = ImpostorOptions::default()
        .with_threads(threads)
        .with_band(below, above);
    let few = || {
        format!(
            "{}: not written, since {} people are too few for a calibration",
            path.display(),
            photos.len()
        )
    };
    let duplicates = duplicate_people(&faces, &options).with_context(few)?;
    let data = format!(
        "{data}; without {} pairs that are probably one person",
        duplicates.len()
    );
    let options = options.with_same(duplicates.iter().map(|pair| pair.people).collect());
    let calibration = Calibration::measure(space, &photos, &options, data).with_context(few)?;
    Ok(calibration.save(path)?)
}

fn report_text(embedded: &Embedded, figures: &Figures, folds: usize) -> String {
    let Figures { accuracy, all, .. } = figures;
    let accuracy = match accuracy {
        Some((mean, deviation)) => format!(
            "accuracy {:.2} % ± {:.2} over {folds} folds of the pairs file",
            100.0 * mean,
            100.0 * deviation,
        ),
        None => "accuracy n/a: the pairs file has one fold, and the threshold of a fold comes from other folds"
            .to_owned(),
    };
    let rows = RATES.iter().map(|&(key, rate)| {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let [score, tmr, balanced, lookalike] = match all.impostors.score_at(rate) {
            None => [
                "too few comparisons".to_owned(),
                String::new(),
                String::new(),
                String::new(),
            ],
            Some(score) => [
                format!("{score:.3}"),
                percent(all.tmr(score)),
                percent(all.balanced_tmr(score)),
                percent(all.with_lookalike(score)),
            ],
        };
        [key.to_owned(), score, tmr, balanced, lookalike]
    });
    format!(
        "{} photos of {} people, {} without a face; {:.1} photos a second\n\
         {accuracy}\n\
         equal error rate {:.2} % over {} comparisons of the same person and {} of different people\n\n{}",
        embedded.photos.len(),
        embedded.people.len(),
        embedded.missing(),
        embedded.photos.len() as f64 / embedded.seconds,
        100.0 * equal_error_rate(&all.genuine, &all.impostors),
        all.genuine.count() + all.genuine_missing,
        all.impostors.count(),
        table(
            [
                "false-match rate",
                "score",
                "true matches",
                "mean over people",
                "people with a look-alike"
            ],
            rows,
        ),
    )
}

/// The accuracy and the scores of an embedder.
pub(crate) struct Figures {
    /// The mean of `accuracies` and their standard deviation.
    pub(crate) accuracy: Option<(f64, f64)>,
    /// The share of right decisions in each fold; `None` if there is one fold, which leaves no folds for a threshold.
    accuracies: Option<Vec<f64>>,
    pub(crate) all: AllPairs,
}

impl Figures {
    /// Measures the embeddings of the photos in `folder`, and the accuracies on `folds`.
    pub(crate) fn of(
        embedded: &Embedded,
        folds: &[Vec<Pair>],
        folder: &Path,
        threads: usize,
    ) -> Result<Self> {
        let scored = score_folds(folds, embedded, folder)?;
        let accuracies = (scored.len() > 1).then(|| fold_accuracies(&scored));
        let accuracy = accuracies.as_ref().map(|accuracies| {
            let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
            let squares: f64 = accuracies
                .iter()
                .map(|accuracy| (accuracy - mean).powi(2))
                .sum();
            let deviation = (squares / (accuracies.len() - 1) as f64).sqrt();
            (mean, deviation)
        });
        Ok(Self {
            accuracy,
            accuracies,
            all: compare_all(embedded, threads)?,
        })
    }
}

/// Reads a pairs file.
pub(crate) fn open_pairs(path: &Path) -> Result<Vec<Vec<Pair>>> {
    let pairs =
        fs::read_to_string(path).with_context(|| format!("{}: reading failed", path.display()))?;
    parse_pairs(&pairs).with_context(|| path.display().to_string())
}

/// A pair of photos: the name of each person and the number of the photo.
pub(crate) type Pair = [(String, u32); 2];

/// The folds of a pairs file. Its first line gives the number of folds and of pairs of each kind in a fold; a line of three
/// fields is two photos of one person, a line of four is one photo of each of two.
fn parse_pairs(text: &str) -> Result<Vec<Vec<Pair>>> {
    let mut lines = text.lines().enumerate();
    let header: Vec<usize> = lines
        .next()
        .map(|(_, line)| {
            line.split_whitespace()
                .map_while(|field| field.parse().ok())
                .collect()
        })
        .unwrap_or_default();
    let (folds, each) = match header[..] {
        [each] => (1, each),
        [folds, each] => (folds, each),
        _ => bail!(
            "line 1: it needs the number of folds and the number of pairs of each kind in a fold"
        ),
    };
    let mut pairs = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let photo = |name: &str, number: &str| Some((name.to_owned(), number.parse().ok()?));
        let pair = match fields[..] {
            [name, a, b] => photo(name, a).zip(photo(name, b)),
            [name, a, other, b] => photo(name, a).zip(photo(other, b)),
            _ => None,
        };
        let (a, b) = pair.with_context(|| format!("line {}: not a pair: {line:?}", number + 1))?;
        pairs.push([a, b]);
    }
    if each == 0 || pairs.len() != folds * 2 * each {
        bail!(
            "{} pairs found, but line 1 announces {folds} folds of {each} of each kind",
            pairs.len()
        );
    }
    Ok(pairs.chunks(2 * each).map(<[Pair]>::to_vec).collect())
}

/// The score of a pair, if both faces were found, and whether both photos show the same person.
type Scored = (Option<f32>, bool);

fn score_folds(
    folds: &[Vec<Pair>],
    embedded: &Embedded,
    folder: &Path,
) -> Result<Vec<Vec<Scored>>> {
    let by_name: HashMap<String, usize> = embedded
        .photos
        .iter()
        .enumerate()
        .filter_map(|(index, photo)| Some((photo.path.file_stem()?.to_str()?.to_owned(), index)))
        .collect();
    let find = |(name, number): &(String, u32)| -> Result<_> {
        let stem = format!("{name}_{number:04}");
        let index = by_name
            .get(&stem)
            .with_context(|| format!("{}: no photo named {stem}", folder.display()))?;
        Ok(&embedded.photos[*index])
    };
    folds
        .iter()
        .map(|fold| {
            fold.iter()
                .map(|[a, b]| {
                    let same = a.0 == b.0;
                    let (a, b) = (find(a)?, find(b)?);
                    let score = match (&a.embedding, &b.embedding) {
                        (Some(a), Some(b)) => Some(a.cosine(b)?),
                        _ => None,
                    };
                    Ok((score, same))
                })
                .collect()
        })
        .collect()
}

/// The scores of all pairs of photos.
pub(crate) struct AllPairs {
    pub(crate) genuine: ScoreHistogram,
    /// Comparisons of the same person with a missing face. They do not match.
    genuine_missing: u64,
    pub(crate) impostors: ScoreHistogram,
    /// The scores between the photos of each person with several photos; NaN if a face was missing.
    by_person: Vec<Vec<f32>>,
    /// For each person, the greatest similarity of a photo to a photo of another person.
    nearest_other: Vec<f32>,
    lookalikes: Lookalikes,
}

impl AllPairs {
    /// The true-match rate: the share of comparisons of the same person that reach `score`.
    pub(crate) fn tmr(&self, score: f32) -> f64 {
        let (found, missing) = (self.genuine.count(), self.genuine_missing);
        self.genuine.share_from(score) * found as f64 / (found + missing).max(1) as f64
    }

    /// The mean true-match rate of people, so that people with many photos do not count more.
    fn balanced_tmr(&self, score: f32) -> f64 {
        let share = |scores: &Vec<f32>| {
            scores.iter().filter(|&&other| other >= score).count() as f64 / scores.len() as f64
        };
        self.by_person.iter().map(share).sum::<f64>() / self.by_person.len().max(1) as f64
    }

    /// The share of people for whom a photo of somebody else reaches `score`.
    fn with_lookalike(&self, score: f32) -> f64 {
        let people = self.nearest_other.iter();
        let found = people.filter(|&&nearest| nearest >= score).count();
        found as f64 / self.nearest_other.len().max(1) as f64
    }
}

/// Two photos of different people.
#[derive(Debug, Serialize)]
struct Lookalike {
    score: f32,
    photos: [String; 2],
}

/// The photos of different people with the greatest similarities: scores, and positions of photos.
#[derive(Default)]
struct Lookalikes {
    pairs: Vec<(f32, [usize; 2])>,
    /// Pairs below this score are left out.
    floor: Option<f32>,
}

impl Lookalikes {
    /// The number of pairs of photos to keep. Two people can have many similar pairs.
    const KEPT: usize = 1000;
    /// The number of pairs of people to list.
    const LISTED: usize = 20;

    fn add(&mut self, score: f32, photos: [usize; 2]) {
        if self.floor.is_none_or(|floor| score > floor) {
            self.pairs.push((score, photos));
            if self.pairs.len() == 2 * Self::KEPT {
                self.sort();
                self.pairs.truncate(Self::KEPT);
                self.floor = self.pairs.last().map(|(score, _)| *score);
            }
        }
    }

    fn sort(&mut self) {
        self.pairs
            .sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    }

    /// The most similar photos of each of the most similar pairs of people.
    fn pairs(&self, embedded: &Embedded) -> Vec<Lookalike> {
        let mut people = BTreeSet::new();
        let pairs = self.pairs.iter();
        let pairs = pairs
            .filter(|(_, photos)| people.insert(photos.map(|photo| embedded.photos[photo].person)));
        pairs
            .take(Self::LISTED)
            .map(|&(score, photos)| Lookalike {
                score,
                photos: photos.map(|photo| shown(&embedded.photos[photo].path)),
            })
            .collect()
    }
}

fn compare_all(embedded: &Embedded, threads: usize) -> Result<AllPairs> {
    let photos = &embedded.photos;
    // Row i has photos.len() - i comparisons. Each thread takes every nth row, so all threads have about the same work.
    let compare = |first: usize| -> facekit::Result<Part> {
        let mut part = Part {
            genuine: Vec::new(),
            impostors: ScoreHistogram::new(),
            nearest_other: vec![f32::NEG_INFINITY; embedded.people.len()],
            lookalikes: Lookalikes::default(),
        };
        for (index, a) in photos.iter().enumerate().skip(first).step_by(threads) {
            for (other, b) in photos.iter().enumerate().skip(index + 1) {
                let same = a.person == b.person;
                match (&a.embedding, &b.embedding) {
                    (Some(x), Some(y)) if same => part.genuine.push((a.person, x.cosine(y)?)),
                    (Some(x), Some(y)) => {
                        let score = x.cosine(y)?;
                        part.impostors.add(score);
                        part.lookalikes.add(score, [index, other]);
                        for person in [a.person, b.person] {
                            let nearest = &mut part.nearest_other[person];
                            *nearest = nearest.max(score);
                        }
                    }
                    _ if same => part.genuine.push((a.person, f32::NAN)),
                    _ => {}
                }
            }
        }
        Ok(part)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || compare(first)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("comparisons do not panic"))
            .collect()
    });
    let mut all = AllPairs {
        genuine: ScoreHistogram::new(),
        genuine_missing: 0,
        impostors: ScoreHistogram::new(),
        by_person: vec![Vec::new(); embedded.people.len()],
        nearest_other: vec![f32::NEG_INFINITY; embedded.people.len()],
        lookalikes: Lookalikes::default(),
    };
    for part in parts {
        let part = part?;
        all.impostors.merge(&part.impostors);
        for (nearest, other) in all.nearest_other.iter_mut().zip(part.nearest_other) {
            *nearest = nearest.max(other);
        }
        for (score, photos) in part.lookalikes.pairs {
            all.lookalikes.add(score, photos);
        }
        for (person, score) in part.genuine {
            if score.is_nan() {
                all.genuine_missing += 1;
            } else {
                all.genuine.add(score);
            }
            all.by_person[person].push(score);
        }
    }
    all.by_person.retain(|scores| !scores.is_empty());
    all.lookalikes.sort();
    Ok(all)
}

/// The comparisons of one thread.
struct Part {
    /// The person and the score of each comparison of the same person; NaN if a face was missing.
    genuine: Vec<(usize, f32)>,
    impostors: ScoreHistogram,
    nearest_other: Vec<f32>,
    lookalikes: Lookalikes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairs_file_is_read() {
        let text = "2\t1\nAnna\t1\t2\nAnna\t1\tBen\t3\nBen\t1\t2\nBen\t1\tAnna\t1\n";
        let folds = parse_pairs(text).unwrap();
        assert_eq!(folds.len(), 2);
        assert_eq!(folds[0][1], [("Anna".to_owned(), 1), ("Ben".to_owned(), 3)]);
    }

    #[test]
    fn a_broken_pairs_file_is_named() {
        for (text, expected) in [
            ("", "line 1"),
            ("1\t1\nAnna\t1\n", "line 2: not a pair"),
            ("1\t1\nAnna\t1\t2\n", "1 pairs found"),
            ("1\t1\nAnna\tone\t2\nAnna\t1\tBen\t1\n", "line 2"),
        ] {
            let error = parse_pairs(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
