//! Races of the search for the nearest templates.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::{Setup, report::Report};

/// Numbers of templates and dimensions.
const CASES: [(usize, usize); 3] = [(10_000, 128), (100_000, 128), (100_000, 512)];

/// Races facekit's search against exact and approximate search of other libraries, on embeddings that are spread as those of
/// faces. The others are set to a recall of 0.99; facekit keeps its default of 0.9999.
pub(super) fn race(setup: &Setup, report: &mut Report) -> Result<()> {
    for (size, dimension) in CASES {
        let case = [("--size", size), ("--dimension", dimension)];
        let mut peer = setup.peer("search.py").option("--vectors", &setup.folder);
        let mut facekit = setup
            .facekit("search_race")?
            .option("--vectors", &setup.folder);
        for (name, value) in case {
            peer = peer.option(name, value.to_string());
            facekit = facekit.option(name, value.to_string());
        }
        // The peer writes the vectors, and both search them.
        let mut peer = peer.start()?;
        peer.ask("prepare")?;
        let mut facekit = facekit.start()?;
        for k in [1, 10] {
            let mut contenders = vec![("facekit", Vec::new(), None)];
            contenders.extend(
                ["faiss-flat", "faiss-hnsw", "faiss-fastscan", "hnswlib"]
                    .map(|name| (name, Vec::new(), None)),
            );
            for _ in 0..setup.rounds {
                for (name, times, found) in &mut contenders {
                    let answer = if *name == "facekit" {
                        facekit.ask(&format!("go {k}"))?
                    } else {
                        peer.ask(&format!("{name} {k}"))?
                    };
                    times.push(answer["us"].as_f64().unwrap_or(f64::NAN));
                    *found = Some(answer["found"].clone());
                }
            }
            let exact = contenders[1].2.clone().unwrap_or_default();
            let mut results = Vec::new();
            for (name, times, found) in contenders {
                let recall = recall(&found.unwrap_or_default(), &exact);
                if name == "facekit" && recall < 0.999 {
                    bail!("facekit's search and exact search differ: recall {recall}");
                }
                let notes = Map::from_iter([("recall".to_owned(), json!(recall))]);
                results.push((name.to_owned(), times, notes));
            }
            let race = format!("search, {}k x {dimension}, k = {k}", size / 1000);
            report.add(&race, "us", results);
        }
    }
    Ok(())
}

/// The share of the exact answers that was found.
fn recall(found: &Value, exact: &Value) -> f64 {
    let lists = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (mut hits, mut all) = (0, 0);
    for (found, exact) in lists(found).iter().zip(lists(exact)) {
        let found = lists(found);
        for template in lists(&exact) {
            all += 1;
            hits += usize::from(found.contains(&template));
        }
    }
    f64::from(u32::try_from(hits).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(all).unwrap_or(u32::MAX))
}
