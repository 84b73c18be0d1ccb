//! Races of the time from the start of a process to its first faces.

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use serde_json::Map;

use super::{Setup, report::Report};

/// Races facekit on each runtime against the bare runtime, which loads its library and the models and runs each model once.
pub(super) fn race(setup: &Setup, photos: &[PathBuf], report: &mut Report) -> Result<()> {
    let photo = photos.iter().find(|photo| photo.ends_with("image_T1.jpg"));
    let list = setup.list("start", photo.map_or(photos, std::slice::from_ref))?;
    for runtime in ["ort", "tract", "candle"] {
        let mut contenders = Vec::new();
        for (name, way) in [("facekit", "facekit"), ("bare runtime", "bare")] {
            let program = setup
                .facekit("race")?
                .option("--runtime", runtime)
                // Every runtime can run these.
                .option("--selection", "standard")
                .option("--models", setup.models())
                .option("--photos", &list)
                .option("--start", way);
            contenders.push((name, program, Vec::new()));
        }
        for _ in 0..setup.rounds {
            for (_, program, times) in &mut contenders {
                let begun = Instant::now();
                program.start()?.answer()?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
        let contenders = contenders
            .into_iter()
            .map(|(name, _, times)| (name.to_owned(), times, Map::new()))
            .collect();
        report.add(&format!("start, {runtime}"), "ms", contenders);
    }
    Ok(())
}
