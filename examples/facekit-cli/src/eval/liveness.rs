//! Presentation attack detection, with the figures of ISO/IEC 30107-3.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{Error, Image, Models, Subject, find_faces, work};
use serde::Serialize;
use serde_json::json;

use super::{error_rate::ErrorRate, open_set};
use crate::{
    files::{Unreadable, images_in, open_image, require_readable, unreadable_text},
    options::{DetectArgs, ModelArgs, share},
    output::{count, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folders of photos of live people
    #[arg(long, value_name = "DIR", required = true)]
    live: Vec<PathBuf>,

    /// Folders of photos of attacks, or of folders of such photos, one for each species
    #[arg(long, value_name = "DIR", required = true)]
    attack: Vec<PathBuf>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,

    /// The lowest liveness score of a live face, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = share)]
    liveness_threshold: f32,

    /// Also move each photo as a hand does in so many short videos, and judge single frames, and
    /// the medians of three and of five, as a tracker does
    #[arg(long, value_name = "N", default_value_t = 0, verbatim_doc_comment)]
    moved: u64,
}

/// The frames of a moved photo, and the seconds between them.
const FRAMES: usize = 5;
const INTERVAL: f64 = 0.2;

/// The result of a folder.
#[derive(Serialize)]
struct Measured {
    folder: PathBuf,
    live: bool,
    faces: u64,
    no_face: u64,
    errors: u64,
    error_rate: ErrorRate,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<Moved>,
    scores: Vec<Scored>,
}

/// The scores of the frames of each video; `None` without a face.
type Videos = Vec<Vec<Option<f32>>>;

/// The shares of wrong decisions in videos of moved photos; `None` without videos.
#[derive(Default, Serialize)]
struct Moved {
    /// The videos in which every frame has a face.
    videos: usize,
    without_face: usize,
    single_frame: Option<f64>,
    median_of_3: Option<f64>,
    median_of_5: Option<f64>,
}

/// The liveness of the largest face in a photo; `None` without a face.
#[derive(Serialize)]
struct Scored {
    photo: PathBuf,
    liveness: Option<f32>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (models, set) = open_set(&args.models)?;
    let (mut measured, mut unreadable) = (Vec::new(), Vec::new());
    for (folders, live) in [(&args.live, true), (&args.attack, false)] {
        for folder in folders {
            for folder in species(folder)? {
                measured.push(measure(
                    session,
                    args,
                    &models,
                    folder,
                    live,
                    &mut unreadable,
                )?);
            }
        }
    }
    let faces: u64 = measured.iter().map(|one| one.faces).sum();
    let without: u64 = measured.iter().map(|one| one.no_face).sum();
    require_readable((faces + without) as usize, &unreadable)?;
    if faces == 0 {
        bail!(
            "nothing can be measured: no face in {}",
            count(without as usize, "photo", "photos")
        );
    }
    let (live, attacks): (Vec<_>, Vec<_>) = measured.iter().partition(|one| one.live);
    let report = json!({
        "detector": set.detector.name,
        "runtime": args.models.runtime_name(),
        "threshold": args.liveness_threshold,
        "live": live,
        "attacks": attacks,
        "unreadable": unreadable,
    });
    session.output.answer(&report, || {
        let headings = [
            "folder",
            "rate",
            "share and 95 % interval",
            "faces",
            "no face",
        ];
        let moved = measured
            .iter()
            .filter_map(|one| Some((one, one.moved.as_ref()?)));
        let rows: Vec<_> = moved.map(|(one, moved)| moved.row(one)).collect();
        let text = table(headings, measured.iter().map(row));
        let moved = if rows.is_empty() {
            String::new()
        } else {
            format!("\n\n{}", table(Moved::HEADINGS, rows))
        };
        text + &moved + &unreadable_text(&unreadable)
    })
}

fn row(measured: &Measured) -> [String; 5] {
    let rate = if measured.live { "BPCER" } else { "APCER" };
    [
        shown(&measured.folder),
        rate.to_owned(),
        measured.error_rate.to_string(),
        measured.faces.to_string(),
        measured.no_face.to_string(),
    ]
}

impl Moved {
    const HEADINGS: [&'static str; 6] = [
        "moved photos",
        "rate",
        "single frame",
        "median of 3",
        "median of 5",
        "videos",
    ];

    /// The rates of videos, each with the scores of its frames.
    fn of(videos: &[Vec<Option<f32>>], threshold: f32, live: bool) -> Self {
        let whole = |video: &Vec<Option<f32>>| video.iter().copied().collect::<Option<Vec<f32>>>();
        let scored: Vec<Vec<f32>> = videos.iter().filter_map(whole).collect();
        let rate = |wrong: usize, of: usize| (of > 0).then(|| wrong as f64 / of as f64);
        let is_wrong = |score: f32| (score >= threshold) != live;
        let frames = scored.iter().flatten();
        let wrong_frames = frames.clone().filter(|&&score| is_wrong(score)).count();
        let of_medians = |count: usize| {
            let median = |video: &Vec<f32>| {
                let mut first = video[..count].to_vec();
                first.sort_by(f32::total_cmp);
                first[(count - 1) / 2]
            };
            let wrong = scored.iter().filter(|video| is_wrong(median(video)));
            rate(wrong.count(), scored.len())
        };
        Self {
            videos: scored.len(),
            without_face: videos.len() - scored.len(),
            single_frame: rate(wrong_frames, frames.count()),
            median_of_3: of_medians(3),
            median_of_5: of_medians(FRAMES),
        }
    }

    fn row(&self, measured: &Measured) -> [String; 6] {
        let percent = |share: Option<f64>| {
            share.map_or_else(
                || "n/a".to_owned(),
                |share| format!("{:.1} %", 100.0 * share),
            )
        };
        let [folder, rate, ..] = row(measured);
        [
            folder,
            rate,
            percent(self.single_frame),
            percent(self.median_of_3),
            percent(self.median_of_5),
            self.videos.to_string(),
        ]
    }
}

/// The folders with photos: `folder` itself, or else those directly in it.
fn species(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut below = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("reading", folder))? {
        let path = entry.map_err(Error::io("reading", folder))?.path();
        if path.is_dir() && images_in(&path).is_ok() {
            below.push(path);
        }
    }
    below.sort();
    if below.is_empty() || images_in(folder).is_ok() {
        below.insert(0, folder.to_owned());
    }
    Ok(below)
}

fn measure(
    session: &Session,
    args: &Args,
    models: &Models,
    folder: PathBuf,
    live: bool,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Measured> {
    let liveness = models
        .liveness
        .as_ref()
        .context("the selected models have no liveness check")?;
    let photos = images_in(&folder)?;
    let options = args.detect.options();
    let bar = session.output.bar(folder.display().to_string());
    let score = |image: &Image| -> Result<Option<f32>> {
        let faces = find_faces(&*models.detector, image.view(), &options)?.faces;
        let largest = Subject::Largest.choose(faces, (image.width(), image.height()));
        let scores = liveness.assess(image.view(), &largest)?;
        Ok(scores.first().map(|score| score.value()))
    };
    // The score of a photo, and those of the frames of its videos. The inner error is a photo that cannot be read; the outer error
    // ends the command.
    let scores_of = |path: &PathBuf| -> Result<Result<(Option<f32>, Videos)>> {
        let image = match open_image(path, &session.limits) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let frame = |video, nth| score(&scenes::moved(&image, video, INTERVAL * nth as f64));
        let video = |video| {
            (0..FRAMES)
                .map(|nth| frame(video, nth))
                .collect::<Result<_>>()
        };
        let videos = (0..args.moved).map(video).collect::<Result<_>>()?;
        Ok(Ok((score(&image)?, videos)))
    };
    let (mut scores, mut videos) = (Vec::new(), Vec::new());
    let each = |index: usize, found: Result<Result<(Option<f32>, Videos)>>| -> Result<()> {
        bar.set(index as u64 + 1, photos.len() as u64);
        let photo = photos[index].clone();
        match found? {
            Ok((liveness, moved)) => {
                scores.push(Scored { photo, liveness });
                videos.extend(moved);
            }
            Err(error) => unreadable.push(Unreadable::new(&photo, &error)),
        }
        Ok(())
    };
    work::ordered(&photos, args.models.jobs(), &session.token, scores_of, each)?;

    let found = || scores.iter().filter_map(|scored| scored.liveness);
    let wrong = found().filter(|&score| (score >= args.liveness_threshold) != live);
    let (errors, faces) = (wrong.count() as u64, found().count() as u64);
    Ok(Measured {
        folder,
        live,
        faces,
        no_face: scores.len() as u64 - faces,
        errors,
        error_rate: ErrorRate::of(errors, faces),
        moved: (args.moved > 0).then(|| Moved::of(&videos, args.liveness_threshold, live)),
        scores,
    })
}
