//! Verification by the protocol of Labeled Faces in the Wild (Huang et al. 2007), and over all pairs of its photos.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, bail};
use facekit::{EmbeddingSpace, ModelSet, ScoreHistogram, equal_error_rate, fold_accuracies};
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
    let embedded = embed_people(session, &recognizer, jobs, &args.images)?;
    let figures = Figures::of(&embedded, &folds, &args.images, jobs.get())?;
    let calibrated = args.calibrate.as_deref().map(|path| {
        let data = calibration_data(&embedded, &set);
        save_calibration(
            path,
            &figures.all.impostors,
            recognizer.embedder().space(),
            data,
        )
    });
    // The figures are reported even if there is no calibration.
    let (calibration, failed) = match calibrated.transpose() {
        Ok(_) => (args.calibrate.as_deref(), None),
        Err(error) => (None, Some(error)),
    };

    let Figures { accuracy, all, .. } = &figures;
    let threshold = |rate: f64| all.impostors.score_at(rate);
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
        "images_per_s": embedded.photos.len() as f64 / embedded.seconds,
        "calibration": calibration,
    });
    session.output.answer(&report, || {
        let mut text = report_text(&embedded, &figures, folds.len());
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
    impostors: &ScoreHistogram,
    space: &EmbeddingSpace,
    data: String,
) -> Result<()> {
    let calibration = impostors.calibration(space, data).with_context(|| {
        format!(
            "{}: not written, since {} comparisons of different people are too few for a calibration",
            path.display(),
            impostors.count()
        )
    })?;
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
        let [score, tmr, balanced] = match all.impostors.score_at(rate) {
            None => [
                "too few comparisons".to_owned(),
                String::new(),
                String::new(),
            ],
            Some(score) => [
                format!("{score:.3}"),
                percent(all.tmr(score)),
                percent(all.balanced_tmr(score)),
            ],
        };
        [key.to_owned(), score, tmr, balanced]
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
                "mean over people"
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
        .filter_map(|(at, photo)| Some((photo.path.file_stem()?.to_str()?.to_owned(), at)))
        .collect();
    let find = |(name, number): &(String, u32)| -> Result<_> {
        let stem = format!("{name}_{number:04}");
        let at = by_name
            .get(&stem)
            .with_context(|| format!("{}: no photo named {stem}", folder.display()))?;
        Ok(&embedded.photos[*at])
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
}

fn compare_all(embedded: &Embedded, threads: usize) -> Result<AllPairs> {
    let photos = &embedded.photos;
    // Row i has photos.len() - i comparisons. Each thread takes every nth row, so all threads have about the same work.
    let compare = |first: usize| -> facekit::Result<(ScoreHistogram, Vec<(usize, f32)>)> {
        let (mut impostors, mut genuine) = (ScoreHistogram::new(), Vec::new());
        for (at, a) in photos.iter().enumerate().skip(first).step_by(threads) {
            for b in &photos[at + 1..] {
                let same = a.person == b.person;
                match (&a.embedding, &b.embedding) {
                    (Some(x), Some(y)) if same => genuine.push((a.person, x.cosine(y)?)),
                    (Some(x), Some(y)) => impostors.add(x.cosine(y)?),
                    _ if same => genuine.push((a.person, f32::NAN)),
                    _ => {}
                }
            }
        }
        Ok((impostors, genuine))
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
    };
    for part in parts {
        let (impostors, genuine) = part?;
        all.impostors.merge(&impostors);
        for (person, score) in genuine {
            if score.is_nan() {
                all.genuine_missing += 1;
            } else {
                all.genuine.add(score);
            }
            all.by_person[person].push(score);
        }
    }
    all.by_person.retain(|scores| !scores.is_empty());
    Ok(all)
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
