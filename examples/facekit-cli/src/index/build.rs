//! `facekit index build`: builds the index of a gallery and writes it to a sealed file.

use std::{fs, time::Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::file::IndexArgs;
use crate::{
    Answer,
    options::SelectionArgs,
    output::{count, plain, shown},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    models: SelectionArgs,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let path = args.index.path();
    let gallery = args.index.read(session, args.models.space()?)?;
    gallery
        .file
        .exists()
        .with_context(|| format!("index {}: not overwritten", shown(path)))?;
    let begun = Instant::now();
    let index = gallery.empty();
    gallery.fill(session, index.get())?;
    let build_s = begun.elapsed().as_secs_f64();
    index.get().save(&gallery.file)?;
    let bytes = fs::metadata(path).map_or(0, |found| found.len());
    let document = json!({
        "index": shown(path),
        "kind": args.index.kind(),
        "templates": gallery.entries.len(),
        "build_s": build_s,
        "bytes": bytes,
    });
    session.output.answer(&document, || {
        format!(
            "index written: {}, with {}, {:.1} MB; built in {build_s:.2} s",
            plain(&shown(path)),
            count(gallery.entries.len(), "template", "templates"),
            bytes as f64 / 1e6,
        )
    })?;
    Ok(Answer::Yes)
}
