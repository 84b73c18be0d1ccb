//! The tracker beside ByteTrack, on the same detections.

use std::{env, fs};

use anyhow::{Context, Result};

use crate::{
    python,
    runner::{cargo, command, root, succeed},
};

/// ByteTrack for faces (MIT), with what it imports.
const PACKAGES: [&str; 3] = ["uniface==4.2.1", "onnxruntime==1.31.1", "scipy"];

/// Follows the people of computed videos: synthetic people, or those of Labeled Faces in the Wild if they are there.
pub(crate) fn run() -> Result<()> {
    let folder = root().join("target/peers");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let (detections, mut people) = (
        folder.join("tracks.jsonl"),
        root().join("examples/data/people"),
    );
    let data = env::var_os("FACEKIT_TEST_DATA").map(|data| root().join(data));
    let mut eval = cargo(&[
        "run",
        "--release",
        "-p",
        "facekit-cli",
        "--",
        "eval",
        "video",
    ]);
    if let Some(data) = data {
        people = data.join("data/lfw/images");
        eval.env("FACEKIT_MODELS", data.join("models"));
        eval.args(["--models", "standard"]);
    }
    eval.args(["--scenes", "40", "--fps", "5,15,30", "--gallery", "200"]);
    eval.arg("--people").arg(people);
    succeed(eval.arg("--detections").arg(&detections))?;
    let python = python::environment("tracks", &PACKAGES)?;
    let script = root().join("benches/peers/tracks.py");
    succeed(command(python, &[]).arg(script).arg(detections))
}
