//! facekit's program for the search in `cargo xtask bench peers`. It answers each line `go K` on standard input with a line of
//! JSON: the K nearest templates of each probe, and the median time of a search.

use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    time::Instant,
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, FlatIndex, Metric, SearchOptions, VectorIndex,
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
        let options = SearchOptions::new(line.trim_start_matches("go ").parse()?);
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for probe in &probes {
            let begun = Instant::now();
            let nearest = index.search(probe, &options)?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            found.push(nearest.iter().map(|one| one.entry.0).collect::<Vec<_>>());
        }
        times.sort_by(f64::total_cmp);
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{}",
            json!({ "us": times[times.len() / 2], "found": found })
        )?;
        out.flush()?;
    }
    Ok(())
}
