//! `facekit index`: the index of a gallery, in a sealed file of its own.

mod build;
mod check;
mod file;
mod search;
mod stats;

use anyhow::Result;
use clap::Subcommand;

use crate::{Answer, session::Session};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the index of a gallery, and write it to a file
    ///
    /// The index has an entry for each template. Its file has the protection of the gallery, and is
    /// valid until the gallery changes. A removal from the gallery does not reach the file: when a
    /// person is removed, build the index again, or delete the file.
    #[command(verbatim_doc_comment)]
    Build(build::Args),
    /// Print the size of an index, and the time that loading and a search take
    Stats(stats::Args),
    /// Compare an index with its gallery; exit code 1 if it does not load or differs
    Check(check::Args),
    /// Find the templates that are nearest to the largest face of photos
    ///
    /// The scores are similarities to single templates, and no threshold applies. `facekit identify`
    /// decides who is known. If the file of the index does not load, the index is built in memory.
    #[command(verbatim_doc_comment)]
    Search(search::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<Answer> {
    match command {
        Command::Build(args) => build::run(session, args),
        Command::Stats(args) => stats::run(session, args),
        Command::Check(args) => check::run(session, args),
        Command::Search(args) => search::run(session, args),
    }
}
