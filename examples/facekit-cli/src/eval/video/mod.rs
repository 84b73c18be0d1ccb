//! Tracks in videos that are computed from photos, so that the truth is known.

mod cast;
mod detections;
mod figures;
mod play;

use std::{fs::File, io::Write as _, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use facekit::{FlatIndex, Gallery, MemoryStore, Metric, Recognizer, TrackerOptions, work};
use scenes::{Actor, Crowd, Scene};
use serde::Serialize;

use self::{
    cast::Cast,
    figures::{AN_HOUR, Alone, Crowds, Gate, Strangers},
    play::{Play, Played},
};
use super::model_names;
use crate::{
    options::{RecognizeArgs, registry},
    output::table,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder that holds a folder of photos for each person: examples/data/people, or
    /// Labeled Faces in the Wild
    ///
    /// Up to three photos of a person are enrolled, and the videos show others. People with one
    /// photo are enrolled up to the size of the gallery, or are strangers. If all people have
    /// several photos, every third one is a stranger. Photos that the recognizer does not match
    /// are not shown: the figures are those of tracks, not of the models.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    people: PathBuf,

    /// The number of videos of each kind
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    scenes: u64,

    /// The seed of the videos and of the choice of people
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// The frame rates of the videos
    #[arg(long, value_name = "FPS,…", value_delimiter = ',', default_values_t = [5.0, 15.0], value_parser = rate)]
    fps: Vec<f64>,

    /// The most people in the gallery
    #[arg(long, value_name = "N", default_value_t = 1000)]
    gallery: usize,

    /// The most people in a video
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=12))]
    crowd: u64,

    /// Write the detections of every frame of the videos with several people, and the truth, to
    /// this file, a line of JSON for each frame; measure nothing else
    ///
    /// The tracker then searches every frame, too. Other trackers can be compared on the same
    /// detections.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    detections: Option<PathBuf>,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (1.0..=100.0).contains(&rate) => Ok(rate),
        _ => Err("a number from 1 to 100 is needed".to_owned()),
    }
}

/// The speed of a person who walks past, in meters a second, and the time for which the face is in view.
const PAST: (f32, f32) = (1.4, 1.2);
/// Somebody who walks through an empty scene enters it at this time, in seconds.
const ENTERS: f32 = 2.5;
/// The lengths of the videos, in seconds.
const CROWD_SECONDS: f64 = 6.0;
const EMPTY_SECONDS: f64 = 20.0;

#[derive(Debug, Serialize)]
struct Report {
    models: serde_json::Value,
    runtime: &'static str,
    seed: u64,
    people: People,
    liveness: bool,
    crowds: Vec<Crowds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alone: Option<OneByOne>,
}

/// The people of the folder.
#[derive(Debug, Serialize)]
struct People {
    gallery: usize,
    shown: usize,
    strangers: usize,
    left_out: usize,
}

/// The figures of videos with one person or none.
#[derive(Debug, Serialize)]
struct OneByOne {
    visitors: Vec<Alone>,
    walkers_past: Vec<Alone>,
    motion_gate: Gate,
    strangers: Strangers,
}

/// The videos of a measurement and the recognizer that plays them.
struct Bench<'a> {
    session: &'a Session,
    args: &'a Args,
    cast: Cast,
    /// Without the liveness check: the people of a crowd are cut out of photos.
    recognizer: Arc<Recognizer>,
    with_liveness: Arc<Recognizer>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let bench = Bench::new(session, args)?;
    let crowds = bench.crowds()?;
    let alone = match args.detections {
        Some(_) => None,
        None => Some(bench.one_by_one()?),
    };
    let cast = &bench.cast;
    let report = Report {
        models: model_names(&args.recognize.models.set(&registry()?)?),
        runtime: args.recognize.models.runtime_name(),
        seed: args.seed,
        people: People {
            gallery: cast.enrolled,
            shown: cast.known.len(),
            strangers: cast.strangers.len(),
            left_out: cast.left_out,
        },
        liveness: bench.with_liveness.liveness().is_some(),
        crowds,
        alone,
    };
    session.output.answer(&report, || report.text())
}

impl<'a> Bench<'a> {
    fn new(session: &'a Session, args: &'a Args) -> Result<Self> {
        let mut models = args.recognize.open_models()?;
        models.liveness = None;
        let index = FlatIndex::new(models.embedder.space().clone(), Metric::Cosine);
        let gallery = Arc::new(Gallery::open(MemoryStore::new(), index)?);
        let build = |models| -> Result<Arc<Recognizer>> {
            let builder = args.recognize.recognizer(models, None)?;
            Ok(Arc::new(builder.gallery(Arc::clone(&gallery)).build()?))
        };
        let recognizer = build(models)?;
        let with_liveness = build(args.recognize.open_models()?)?;
        let cast = Cast::prepare(session, args, &recognizer)?;
        Ok(Self {
            session,
            args,
            cast,
            recognizer,
            with_liveness,
        })
    }

    /// Does the work of each number of a scene, and takes the results in order.
    fn each<T: Send>(
        &self,
        name: &'static str,
        work: impl Fn(u64) -> Result<T> + Sync,
        mut take: impl FnMut(u64, T) -> Result<()>,
    ) -> Result<()> {
        let bar = self.session.output.bar(name);
        let (count, jobs) = (self.args.scenes, self.args.recognize.models.jobs());
        work::ordered(
            0..count,
            jobs,
            &self.session.token,
            work,
            |nth, result: Result<T>| {
                bar.set(nth as u64 + 1, count);
                take(nth as u64, result?)
            },
        )
    }

    fn seed(&self, nth: u64) -> u64 {
        self.args.seed.wrapping_mul(1_000_003).wrapping_add(nth)
    }

    fn crowd(&self, nth: u64) -> Scene {
        let people = 1 + nth % self.args.crowd;
        let crowd = Crowd::of(people as usize).with_one_portrait(self.cast.one_portrait);
        Scene::random(self.seed(nth), &self.cast.known, crowd)
    }

    fn crowds(&self) -> Result<Vec<Crowds>> {
        let mut file = match &self.args.detections {
            Some(path) => Some(File::create(path).with_context(|| path.display().to_string())?),
            None => None,
        };
        let mut all = Vec::new();
        for &fps in &self.args.fps {
            let mut figures = Crowds::new(fps);
            let options = TrackerOptions::default();
            let options = match &self.args.detections {
                Some(_) => options
                    .with_searches_per_second(fps)
                    .with_undecided_searches_per_second(fps)
                    .with_motion_gate(false),
                None => options,
            };
            let work = |nth| -> Result<(Scene, Played, Vec<u8>)> {
                let scene = self.crowd(nth);
                let play = Play {
                    recognizer: &self.recognizer,
                    scene: &scene,
                    options: options.clone(),
                    frames_per_second: fps,
                    seconds: CROWD_SECONDS,
                    finds_fit: false,
                };
                let played = play.run()?;
                let lines = match &self.args.detections {
                    Some(_) => detections::lines(
                        &self.recognizer,
                        &self.args.recognize.detect,
                        (nth, &scene),
                        fps,
                        CROWD_SECONDS,
                    )?,
                    None => Vec::new(),
                };
                Ok((scene, played, lines))
            };
            self.each(
                "videos with several people",
                work,
                |_, (scene, played, lines)| {
                    figures.add(&scene, played);
                    match &mut file {
                        Some(file) => file.write_all(&lines).context("the detections"),
                        None => Ok(()),
                    }
                },
            )?;
            figures.finish();
            all.push(figures);
        }
        Ok(all)
    }

    fn one_by_one(&self) -> Result<OneByOne> {
        let mut gate = Gate::default();
        let (mut visitors, mut walkers_past) = (Vec::new(), Vec::new());
        for &fps in &self.args.fps {
            let visitor = |nth, actor: &Arc<Actor>| Scene::visitor(self.seed(nth), actor, ENTERS);
            visitors.push(self.alone("visitors", fps, true, visitor, &mut gate)?);
            let past = |nth, actor: &Arc<Actor>| {
                Scene::walk_past(self.seed(nth), actor, PAST.0, PAST.1, ENTERS)
            };
            walkers_past.push(self.alone("walkers past", fps, false, past, &mut gate)?);
        }
        self.empty(&mut gate)?;
        Ok(OneByOne {
            visitors,
            walkers_past,
            motion_gate: gate,
            strangers: self.strangers()?,
        })
    }

    /// One known person after the other, each alone.
    fn alone(
        &self,
        name: &'static str,
        fps: f64,
        finds_fit: bool,
        scene: impl Fn(u64, &Arc<Actor>) -> Scene + Sync,
        gate: &mut Gate,
    ) -> Result<Alone> {
        let mut figures = Alone::new(fps);
        let actor = |nth: u64| &self.cast.known[nth as usize % self.cast.known.len()];
        let work = |nth| -> Result<(Played, bool)> {
            let scene = scene(nth, actor(nth));
            let mut play = Play {
                recognizer: &self.with_liveness,
                options: TrackerOptions::default(),
                frames_per_second: fps,
                seconds: scene.end(),
                scene: &scene,
                finds_fit,
            };
            let played = play.run()?;
            let mut is_missed = false;
            if played.tracks.is_empty() {
                play.options = play.options.with_motion_gate(false);
                is_missed = !play.run()?.tracks.is_empty();
            }
            Ok((played, is_missed))
        };
        self.each(name, work, |nth, (played, is_missed)| {
            figures.add(&actor(nth).name, &played);
            gate.walkers += 1;
            gate.missed += usize::from(is_missed);
            Ok(())
        })?;
        figures.finish();
        Ok(figures)
    }

    fn empty(&self, gate: &mut Gate) -> Result<()> {
        let work = |nth| {
            let scene = Scene::empty(self.seed(nth));
            let play = Play {
                recognizer: &self.recognizer,
                scene: &scene,
                options: TrackerOptions::default(),
                frames_per_second: 15.0,
                seconds: EMPTY_SECONDS,
                finds_fit: false,
            };
            play.run()
        };
        self.each("empty scenes", work, |_, played| {
            gate.add_empty(EMPTY_SECONDS, &played);
            Ok(())
        })
    }

    fn strangers(&self) -> Result<Strangers> {
        let mut figures = Strangers {
            gallery: self.cast.enrolled,
            ..Strangers::default()
        };
        if self.cast.strangers.is_empty() {
            return Ok(figures);
        }
        let work = |nth| {
            let strangers = &self.cast.strangers;
            let scene = Scene::visitor(
                self.seed(nth),
                &strangers[nth as usize % strangers.len()],
                0.5,
            );
            let play = Play {
                recognizer: &self.recognizer,
                options: TrackerOptions::default(),
                frames_per_second: 15.0,
                seconds: scene.end(),
                scene: &scene,
                finds_fit: false,
            };
            play.run()
        };
        self.each("strangers", work, |_, played| {
            figures.add(&played);
            Ok(())
        })?;
        figures.finish();
        Ok(figures)
    }
}

impl Report {
    fn text(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let crowds = self.crowds.iter().map(|crowd| {
            [
                crowd.fps.to_string(),
                format!("{:.3}", crowd.idf1),
                format!("{} in {}", crowd.switches, crowd.tracks),
                format!("{} of {}", crowd.one_sighting, crowd.people)
                    + &format!(" ({})", percent(crowd.share_of_one_sighting())),
                crowd.wrong_names.to_string(),
            ]
        });
        let headings = [
            "fps",
            "IDF1",
            "switches in tracks",
            "one sighting",
            "wrong names",
        ];
        let mut text = format!(
            "{} people in the gallery, {} of them in the videos; {} strangers\n\n{}",
            self.people.gallery,
            self.people.shown,
            self.people.strangers,
            table(headings, crowds),
        );
        if let Some(alone) = &self.alone {
            text += &alone.text(self.liveness);
        }
        text
    }
}

impl OneByOne {
    fn text(&self, liveness: bool) -> String {
        let kinds = [
            ("visitor", &self.visitors),
            ("walks past", &self.walkers_past),
        ];
        let rows = kinds.into_iter().flat_map(|(kind, rows)| {
            rows.iter().map(move |row| {
                let percent = |count| format!("{:.1} %", 100.0 * row.share(count));
                let seconds = row.seconds_to_identity;
                [
                    kind.to_owned(),
                    row.fps.to_string(),
                    percent(row.decided),
                    percent(row.identified),
                    percent(row.refused_by_liveness),
                    seconds
                        .map_or_else(String::new, |it| format!("{:.2}, {:.2}", it.median, it.p95)),
                ]
            })
        });
        let headings = [
            "one person",
            "fps",
            "decided",
            "identified",
            "not live",
            "seconds to the identity: median, 95 %",
        ];
        let (gate, strangers) = (&self.motion_gate, &self.strangers);
        let note = if liveness { "" } else { " (no liveness check)" };
        format!(
            "\n\n{}{note}\n\nempty scenes: {:.2} searches a second ({:.2} at the most); walkers missed by the motion gate: {} of {}\n\
             strangers named: {} of {}, in a gallery of {} people; {:.2} an hour at {AN_HOUR} strangers an hour ({:.2} to {:.2})",
            table(headings, rows),
            gate.searches_per_second,
            gate.most_per_second,
            gate.missed,
            gate.walkers,
            strangers.named,
            strangers.people,
            strangers.gallery,
            strangers.named_per_hour,
            strangers.low,
            strangers.high,
        )
    }
}
