//! `facekit index stats`: the size of an index, and the time that it takes.

use std::{fs, time::Instant};

use anyhow::Result;
use facekit::SearchOptions;
use serde_json::json;

use super::file::IndexArgs;
use crate::{
    Answer,
    options::SelectionArgs,
    output::{shown, table, word},
    session::Session,
};

/// The number of searches that are timed.
const SEARCHES: usize = 1000;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    models: SelectionArgs,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let gallery = args.index.read(session, args.models.space()?)?;
    let begun = Instant::now();
    let index = gallery.load()?;
    let load_s = begun.elapsed().as_secs_f64();

    let step = gallery.entries.len().div_ceil(SEARCHES).max(1);
    let options = SearchOptions::new(1);
    let mut times = Vec::new();
    for (_, probe) in gallery.entries.iter().step_by(step) {
        session.token.check()?;
        let begun = Instant::now();
        index.get().search(probe, &options)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let search_us = times.get(times.len() / 2).copied();

    let path = args.index.path();
    let bytes = fs::metadata(path).map_or(0, |found| found.len());
    let (searched, embeddings) = index.memory();
    let document = json!({
        "index": shown(path),
        "kind": args.index.kind(),
        "model": gallery.space.model(),
        "dimension": gallery.space.dimension(),
        "templates": index.get().len(),
        "bytes": bytes,
        "bytes_searched": searched,
        "bytes_of_embeddings": embeddings,
        "load_s": load_s,
        "search_us": search_us,
    });
    session.output.answer(&document, || {
        let megabytes = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
        let rows = [
            ("kind", word(&args.index.kind())),
            ("embedder", gallery.space.model().to_owned()),
            (
                "values of a template",
                gallery.space.dimension().to_string(),
            ),
            ("templates", index.get().len().to_string()),
            ("file", megabytes(bytes as f64)),
            ("memory that searches read", megabytes(searched as f64)),
            ("memory of the embeddings", megabytes(embeddings as f64)),
            ("time to load", format!("{load_s:.2} s")),
            (
                "median time of a search",
                search_us.map_or_else(|| "-".to_owned(), |time| format!("{time:.0} µs")),
            ),
        ];
        table(["", ""], rows.map(|(name, value)| [name.to_owned(), value]))
    })?;
    Ok(Answer::Yes)
}
