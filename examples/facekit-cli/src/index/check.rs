//! `facekit index check`: compares an index with the gallery that it was built from.

use anyhow::Result;
use facekit::{Embedding, EntryId, EntrySet, Error, SearchOptions};
use serde::Serialize;

use super::file::{Index, IndexArgs, Indexed};
use crate::{
    Answer,
    options::SelectionArgs,
    output::{chain, count, plain},
    session::Session,
};

/// The number of searches for which the recall is measured.
const SEARCHES: usize = 1000;
/// The number of the nearest that each of them asks for.
const NEAREST: usize = 10;
/// The least share of the nearest that the searches of a sound index find.
const LEAST_RECALL: f64 = 0.9;
/// The least similarity of an embedding to itself, in single precision.
const SAME: f32 = 1.0 - 1e-5;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    models: SelectionArgs,
}

#[derive(Serialize)]
struct Report {
    clean: bool,
    /// The number of templates in the index; `None` if it does not load.
    templates: Option<usize>,
    /// Templates of the gallery that the index does not have, or with other values.
    different: Vec<EntryId>,
    /// The share of the nearest templates that searches find; `None` without any search.
    recall: Option<f64>,
    searches: usize,
    /// The reason why the index does not load.
    damage: Option<String>,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let gallery = args.index.read(session, args.models.space()?)?;
    let report = match gallery.load() {
        Ok(index) => Report::of(session, &gallery, &index)?,
        // A file that cannot be read is an error. The others are answers.
        Err(error) if matches!(error.downcast_ref(), Some(Error::Io { .. })) => return Err(error),
        Err(error) => Report {
            clean: false,
            templates: None,
            different: Vec::new(),
            recall: None,
            searches: 0,
            damage: Some(chain(&error)),
        },
    };
    session.output.answer(&report, || report.text())?;
    Ok(Answer::from(report.clean))
}

impl Report {
    fn of(session: &Session, gallery: &Indexed, index: &Index) -> Result<Self> {
        let index = index.get();
        let bar = session.output.bar("checking");
        let mut different = Vec::new();
        for (nth, (id, embedding)) in gallery.entries.iter().enumerate() {
            session.token.check()?;
            let itself = EntrySet::from([*id]);
            let options = SearchOptions::new(1).with_entries(&itself);
            let found = index.search(embedding, &options.with_exact(true))?;
            if found.first().is_none_or(|found| found.score < SAME) {
                different.push(*id);
            }
            bar.set(nth as u64 + 1, gallery.entries.len() as u64);
        }
        drop(bar);

        let step = gallery.entries.len().div_ceil(SEARCHES).max(1);
        let probes = gallery.entries.iter().step_by(step);
        let probes: Vec<Embedding> = probes.map(|(_, embedding)| embedding.clone()).collect();
        let options = SearchOptions::new(NEAREST);
        let (mut found, mut nearest) = (0, 0);
        for probe in &probes {
            session.token.check()?;
            let exact = index.search(probe, &options.with_exact(true))?;
            let usual = index.search(probe, &options)?;
            // Of equal scores any will do.
            let least = exact.last().map_or(1.0, |last| last.score);
            found += usual.iter().filter(|one| one.score >= least).count();
            nearest += exact.len();
        }
        let templates = index.len();
        let recall = (nearest > 0).then(|| found as f64 / nearest as f64);
        let finds_enough = recall.is_none_or(|recall| recall >= LEAST_RECALL);
        Ok(Self {
            clean: different.is_empty() && templates == gallery.entries.len() && finds_enough,
            templates: Some(templates),
            different,
            recall,
            searches: probes.len(),
            damage: None,
        })
    }

    fn text(&self) -> String {
        if let Some(damage) = &self.damage {
            return plain(damage).into_owned();
        }
        let templates = self.templates.unwrap_or(0);
        let mut text = count(templates, "template", "templates");
        if let Some(recall) = self.recall {
            let searches = count(self.searches, "search", "searches");
            text += &format!(
                "\n{searches} found {:.2} % of the {NEAREST} nearest",
                recall * 100.0
            );
        }
        for id in &self.different {
            text += &format!("\ntemplate {id}: it is not in the index, or differs");
        }
        if self.recall.is_some_and(|recall| recall < LEAST_RECALL) {
            text += "\nthat is too few: `facekit index build` builds the index again, and --kind flat finds all";
        }
        if self.clean {
            text += "\nthe index has the templates of the gallery";
        }
        text
    }
}
