//! facekit's program for the search in `cargo xtask bench peers`. It answers each line `go K` on standard input with a line of
//! JSON: the K nearest templates of each probe, the median time of a search, and its mean processor time.
//!
//! Words after `go K` change the searches: `exact`, `recall=0.99`, `min=0.4` (the least score), `together=64` (the number of probes of a
//! search), and `roster=1000` (the number of templates that are searched, evenly chosen).

use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    time::Instant,
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, EntrySet, FlatIndex, Metric, ScoredEntry,
    SearchOptions, VectorIndex,
};
use serde_json::json;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let (mut folder, mut size, mut dimension) = (PathBuf::new(), 0, 0);
    let mut words = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name.as_str() {
            "--vectors" => folder = value.into(),
            "--size" => size = value.parse()?,
            "--dimension" => dimension = value.parse()?,
            _ => return Err(format!("no option {name}").into()),
        }
    }
    let space = EmbeddingSpace::new("noise", Digest::from_bytes([0; 32]), dimension);
    let read = |file: &str| -> Result<Vec<Embedding>> {
        let bytes = fs::read(folder.join(file))?;
        let (numbers, _) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = numbers
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect();
        let rows = numbers.chunks_exact(dimension);
        Ok(rows
            .map(|row| Embedding::new(&space, row.to_vec()))
            .collect::<facekit::Result<_>>()?)
    };
    let index = FlatIndex::new(space.clone(), Metric::Cosine);
    let templates: Vec<_> = (0..).map(EntryId).zip(read("templates.f32")?).collect();
    assert_eq!(templates.len(), size, "the templates that were asked for");
    index.insert(&templates)?;
    drop(templates);
    let probes = read("probes.f32")?;

    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.trim_start_matches("go ").split_whitespace();
        let mut options = SearchOptions::new(words.next().unwrap_or_default().parse()?);
        let (mut together, mut roster) = (1, None);
        for word in words {
            match word.split_once('=') {
                None if word == "exact" => options = options.with_exact(true),
                Some(("recall", recall)) => options = options.with_recall(recall.parse()?),
                Some(("min", score)) => options = options.with_min_score(score.parse()?),
                Some(("together", count)) => together = count.parse()?,
                Some(("roster", count)) => {
                    let count: usize = count.parse()?;
                    let nth = |nth| EntryId((nth * size / count) as u64);
                    roster = Some((0..count).map(nth).collect::<EntrySet>());
                }
                _ => return Err(format!("no word {word}").into()),
            }
        }
        options.entries = roster.as_ref();
        // The index measures its costs, and prepares the roster, in the first search.
        index.search(&probes[0], &options)?;
        let (mut times, mut found) = (Vec::new(), Vec::new());
        let processor = processor_time()?;
        for probes in probes.chunks(together) {
            let begun = Instant::now();
            let nearest = match probes {
                [probe] => vec![index.search(probe, &options)?],
                _ => index.search_many(probes, &options)?,
            };
            times.push(begun.elapsed().as_secs_f64() * 1e6 / probes.len() as f64);
            found.extend(nearest);
        }
        let processor = (processor_time()? - processor) / 1e3 / probes.len() as f64;
        let ids = |nearest: &Vec<ScoredEntry>| -> Vec<u64> {
            nearest.iter().map(|one| one.entry.0).collect()
        };
        let found: Vec<_> = found.iter().map(ids).collect();
        times.sort_by(f64::total_cmp);
        let us = times[times.len() / 2];
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{}",
            json!({ "us": us, "processor_us": processor, "found": found })
        )?;
        out.flush()?;
    }
    Ok(())
}

/// The time that this thread has run, in nanoseconds. Zero where the system does not say it.
fn processor_time() -> Result<f64> {
    match fs::read_to_string("/proc/thread-self/schedstat") {
        Ok(text) => Ok(text.split(' ').next().unwrap_or_default().parse()?),
        Err(_) => Ok(0.0),
    }
}
