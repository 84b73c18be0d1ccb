//! The detections of every frame as lines of JSON, for a comparison with other trackers.

use std::io::Write;

use anyhow::{Context, Result};
use facekit::{Passes, Recognizer, Rect};
use scenes::Scene;
use serde::Serialize;

use super::play::time;
use crate::options::DetectArgs;

/// Detections of a lower score are left out.
const LEAST_SCORE: f32 = 0.1;

#[derive(Serialize)]
struct Line {
    fps: f64,
    scene: u64,
    milliseconds: i64,
    /// Left, top, width and height in pixels, then the number of the person.
    truth: Vec<(f32, f32, f32, f32, usize)>,
    /// The same of faces that are partly hidden.
    partial: Vec<(f32, f32, f32, f32, usize)>,
    /// Left, top, width, height and score.
    detections: Vec<(f32, f32, f32, f32, f32)>,
}

/// Returns the lines of a scene.
pub(super) fn lines(
    recognizer: &Recognizer,
    detect: &DetectArgs,
    (number, scene): (u64, &Scene),
    fps: f64,
    seconds: f64,
) -> Result<Vec<u8>> {
    let options = detect
        .options()
        .with_passes(Passes::One)
        .with_score(LEAST_SCORE);
    let mut lines = Vec::new();
    for nth in 0..(seconds * fps).round() as usize {
        let seconds = nth as f64 / fps;
        let frame = scene.frame(seconds);
        let found = recognizer.detector().detect(frame.image.view(), &options)?;
        let corners = |rect: &Rect| (rect.x, rect.y, rect.width, rect.height);
        let person = |face: &scenes::TrueFace| {
            let (x, y, width, height) = corners(&face.rect);
            (x, y, width, height, face.walker)
        };
        let detection = |found: &facekit::Detection| {
            let (x, y, width, height) = corners(&found.rect);
            (x, y, width, height, found.score)
        };
        let line = Line {
            fps,
            scene: number,
            milliseconds: time(seconds)?.as_millisecond(),
            truth: frame.faces.iter().map(person).collect(),
            partial: frame.partial.iter().map(person).collect(),
            detections: found.iter().map(detection).collect(),
        };
        serde_json::to_writer(&mut lines, &line).context("a line of detections")?;
        lines.write_all(b"\n")?;
    }
    Ok(lines)
}
