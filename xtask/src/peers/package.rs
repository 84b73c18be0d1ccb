//! The Python package beside the same calls from Rust.

use std::{ffi::OsString, path::PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::{
    Setup, faces,
    pipelines::{Contender, facekit, peers_on_two_cores, rounds},
    racer::Program,
    report::Report,
};

/// The least number of photos in a round of `recognize_many`. A shorter list is repeated.
const MANY: usize = 60;

/// Races `recognize` on decoded frames, and `recognize_many` over files on two threads.
pub(super) fn race(
    setup: &Setup,
    name: &str,
    photos: &[PathBuf],
    report: &mut Report,
) -> Result<()> {
    let all = setup.list(name, photos)?;
    let mut one = vec![
        Contender::new("facekit in Rust", &[facekit(setup, &all, "1")?])?.with_order("frames"),
        Contender::new("facekit from Python", &[package(setup, &all, "1")])?.with_order("frames"),
    ];
    let found = one[0].racers[0].ask("faces")?;
    let theirs = one[1].racers[0].ask("faces")?;
    let agreement = faces::compare(&found, &theirs, "Python")?;
    println!("{name}: the same faces: {}", Value::from(agreement));
    let race = format!("{name}, recognize");
    rounds(setup, &race, photos.len(), one, report)?;

    // Many photos, so that the time to start and end the threads does not matter.
    let photos = vec![photos; MANY.div_ceil(photos.len().max(1))].concat();
    let all = setup.list(&format!("{name}-many"), &photos)?;
    let mut two = vec![
        Contender::new("facekit in Rust, two jobs", &[facekit(setup, &all, "2")?])?,
        Contender::new(
            "facekit from Python, two threads",
            &[package(setup, &all, "2")],
        )?,
    ];
    two.extend(peers_on_two_cores(setup, name, &photos)?);
    let race = format!("{name}, recognize_many");
    rounds(setup, &race, photos.len(), two, report)
}

fn package(setup: &Setup, photos: &OsString, jobs: &str) -> Program {
    setup
        .peer("package.py")
        .option("--models", setup.own_models())
        .option("--runtime", &setup.runtime)
        .option("--selection", &setup.selection)
        .option("--photos", photos)
        .option("--jobs", jobs)
}
