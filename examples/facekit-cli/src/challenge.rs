//! `facekit challenge`: a person follows a dot with the head.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use facekit::{
    Challenge, ChallengeOptions, ChallengeOutcome, ChallengePrompt, ChallengeVerdict, Digest,
    Models, Next, Pace, Recognizer, Subject, image,
};
use jiff::{Timestamp, tz::TimeZone};
use presentations::{Presentation, Species};

use crate::{
    Answer, files::open_image, options::RecognizeArgs, output::count, session::Session,
    watch::source::TimingArgs, zone::open_zone,
};

/// The time for which the command waits for a frame, before it looks whether it was stopped.
const WAIT: Duration = Duration::from_millis(200);
/// The longest time without a frame of a camera. A challenge is lost long before.
const STALLED: Duration = Duration::from_secs(5);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A camera, or a recording of a challenge: a folder of photos with their times, a file, an
    /// address, or `-` for a video on standard input
    ///
    /// A camera shows the person: the command prints each prompt when it is due. The videos are
    /// those of `facekit watch`. A challenge needs at least four frames a second.
    #[arg(
        value_name = "DIR|FILE|URL|-",
        required_unless_present = "simulate",
        verbatim_doc_comment
    )]
    video: Option<String>,

    /// The nonce of the recording, 64 hexadecimal digits [default for cameras: random]
    ///
    /// The moves of the dot follow from it. A nonce serves once.
    #[arg(long, value_name = "HEX", verbatim_doc_comment)]
    nonce: Option<Digest>,

    /// Show a simulated presentation in place of a video: head, tilted, other-replay, …
    #[arg(
        long,
        value_name = "SPECIES",
        conflicts_with = "video",
        requires = "photo"
    )]
    simulate: Option<String>,

    /// With --simulate: the photo of the face
    #[arg(long, value_name = "FILE", requires = "simulate")]
    photo: Option<PathBuf>,

    /// With --simulate: the number from which the presentation is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// With --simulate: save the frames in this folder, named by time in UTC. It must not exist
    #[arg(long, value_name = "DIR", requires = "simulate")]
    save: Option<PathBuf>,

    /// The number of moves of the dot, 4 or 5
    #[arg(long, value_name = "N", default_value_t = 4)]
    moves: u8,

    /// The number of this attempt of the person in ten minutes, 1 to 3
    #[arg(long, value_name = "N", default_value_t = 1)]
    attempt: u8,

    /// The frames are mirrored
    #[arg(long)]
    mirrored: bool,

    #[command(flatten)]
    timing: TimingArgs,

    /// The time zone of frames: Africa/Nairobi, +03:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let zone = open_zone(args.zone.as_deref())?.zone;
    let options = ChallengeOptions::default()
        .with_moves(args.moves)
        .with_attempt(args.attempt)
        .with_mirrored(args.mirrored)
        .with_passive(!args.recognize.liveness.no_liveness);
    let models: Models = args.recognize.open_models()?;
    let recognizer = args.recognize.recognizer(models, None)?.build()?;
    let verdict = match (&args.simulate, &args.video) {
        (Some(species), _) => simulated(session, args, &recognizer, species, &options)?,
        (None, Some(video)) => watched(session, args, &recognizer, video, &zone, &options)?,
        (None, None) => bail!("a video is needed, or --simulate"),
    };
    session.output.answer(&verdict, || text(&verdict))?;
    Ok(Answer::from(verdict.passed()))
}

fn simulated(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    species: &str,
    options: &ChallengeOptions,
) -> Result<ChallengeVerdict> {
    let species = Species::named(species).context("--simulate")?;
    let path = args.photo.as_ref().context("--simulate needs --photo")?;
    let photo = open_image(path, &session.limits)?;
    let found = recognizer.find_faces(photo.view())?.faces;
    let face = Subject::Largest
        .choose(found, (photo.width(), photo.height()))
        .pop();
    let face = face.with_context(|| format!("{}: no face", path.display()))?;
    let nonce = args
        .nonce
        .unwrap_or_else(|| Digest::of(args.seed.to_le_bytes()));
    let mut presentation = Presentation::new(species, &photo, &face.landmarks, args.seed)?;
    if let Some(folder) = &args.save {
        fs::create_dir(folder).with_context(|| folder.display().to_string())?;
    }
    let issued = presentation.at();
    let mut challenge = Challenge::new(*nonce.as_bytes(), issued, recognizer, options)?;
    while challenge.outcome() == ChallengeOutcome::Undecided {
        let at = presentation.at();
        let frame = presentation.frame(&challenge.prompt(at));
        if let Some(folder) = &args.save {
            let name = at.strftime("%Y-%m-%dT%H-%M-%S.%3fZ.png").to_string();
            image::save(&frame, folder.join(name))?;
        }
        challenge.push(recognizer, frame.view(), at)?;
    }
    Ok(challenge.verdict())
}

fn watched(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    video: &str,
    zone: &TimeZone,
    options: &ChallengeOptions,
) -> Result<ChallengeVerdict> {
    args.timing.check(&[video.to_owned()])?;
    let mut source = args.timing.open(video, zone, session)?.source;
    let is_live = source.pace() == Pace::Live;
    let nonce = match args.nonce {
        Some(nonce) => *nonce.as_bytes(),
        None if is_live => random()?,
        None => bail!("--nonce is needed for a recording: the moves of the dot follow from it"),
    };
    let mut challenge = None;
    let mut shown: Option<ChallengePrompt> = None;
    let mut received = Instant::now();
    loop {
        session.token.check()?;
        let frame = match source.next(WAIT)? {
            Next::Frame(frame) => frame,
            Next::End => break,
            Next::Lost { reason, .. } => bail!("the connection was lost: {reason}"),
            _ if is_live && received.elapsed() > STALLED => {
                bail!("the camera sends no frames for {} s", STALLED.as_secs())
            }
            _ => continue,
        };
        received = Instant::now();
        let challenge = match &mut challenge {
            Some(challenge) => challenge,
            none => none.insert(Challenge::new(nonce, frame.at, recognizer, options)?),
        };
        challenge.push(recognizer, frame.image.view(), frame.at)?;
        if challenge.outcome() != ChallengeOutcome::Undecided {
            break;
        }
        let now = if is_live {
            Timestamp::now().max(frame.at)
        } else {
            frame.at
        };
        let prompt = challenge.prompt(now);
        if shown.is_none_or(|shown| shown.number != prompt.number) {
            session.output.note(prompt.text());
            shown = Some(prompt);
        }
    }
    let challenge = challenge.with_context(|| format!("{video}: no frames"))?;
    Ok(challenge.verdict())
}

fn random() -> Result<[u8; 32]> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).context("random numbers of the system")?;
    Ok(nonce)
}

fn text(verdict: &ChallengeVerdict) -> String {
    let mut lines = vec![match verdict.outcome {
        ChallengeOutcome::Passed => "passed".to_owned(),
        ChallengeOutcome::Undecided => {
            "undecided: the frames end before the challenge does".to_owned()
        }
        ChallengeOutcome::Failed => {
            let reasons: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
            format!("failed: {}", reasons.join("; "))
        }
    }];
    for step in &verdict.steps {
        let reaction = step.begun.duration_since(step.prompted).as_secs_f32();
        lines.push(format!(
            "{}: after {reaction:.2} s, yaw {:.0}°",
            step.dot, step.yaw
        ));
    }
    if let Some(depth) = verdict.depth {
        lines.push(format!(
            "depth {:.3}, must be above {:.3}; {:.0} % of the points tracked",
            depth.least(),
            depth.limit,
            100.0 * depth.tracked,
        ));
    }
    if let Some(passive) = verdict.passive {
        lines.push(format!("liveness {:.2}", passive.value()));
    }
    let frames = verdict.continuity.frames;
    lines.push(format!(
        "{}, attempt {}",
        count(frames, "frame", "frames"),
        verdict.attempt
    ));
    lines.join("\n")
}
