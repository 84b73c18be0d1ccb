//! The `facekit` command: models, galleries and face recognition from the shell.
//!
//! ```text
//! cargo install --profile dist --path examples/facekit-cli
//! facekit models pull standard
//! facekit detect class.jpg --draw drawn.jpg
//! facekit enroll --gallery class.gallery --new-key-file class.key --people photos/
//! facekit attend --gallery class.gallery --key-file class.key --frames camera/2026-03-02/
//! facekit timesheet --policy policy.toml --punches punches.csv
//! ```
//!
//! Each command is a file or folder. `options` has the options that commands share.

mod against;
mod attend;
mod attendance_input;
mod challenge;
mod detect;
mod draw;
mod enroll;
mod eval;
mod files;
mod gallery;
mod holiday_files;
mod identify;
mod index;
mod models;
mod notes;
mod options;
mod output;
mod payroll;
mod people;
mod policy;
mod quantize;
mod recognition;
mod records;
mod session;
mod session_sheets;
mod timesheet;
mod verify;
mod watch;
mod zone;

use std::{ffi::OsStr, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand, error::ErrorKind};
use facekit::image::DecodeLimits;

use crate::{output::Output, session::Session};

const AFTER_HELP: &str = "\
Exit codes:
  0  success
  1  a negative answer: different or unusable photos (verify), a missing or wrong model
     (models verify), damage (gallery check, gallery backup --salvage), conflicts (gallery
     import), no known person (identify), no accepted photo (enroll), a challenge that is not
     passed (challenge), an index file that does not load (index check), nobody found (index
     search)
  2  an error, or no image could be read. One unreadable image among others is reported and
     does not stop the command.

JSON:
  With --json, standard output has exactly one JSON document, also for a negative answer.
  After an error it is empty, except for the people who were enrolled (enroll) and the
  figures that were measured (eval lfw) before the error. The last line of standard error
  is then {\"error\": \"…\", \"causes\": [\"…\", …]}. Notes are plain lines on standard error.

Environment:
  FACEKIT_MODELS       the models folder [default: a folder in the user's cache]
  FACEKIT_SELECTION    the default of --models
  FACEKIT_MIRROR       the default of models pull --mirror
  ORT_DYLIB_PATH       the default of --onnxruntime
  FACEKIT_KEY_FILE     the default of --key-file
  FACEKIT_GALLERY_KEY  the key of the gallery: 64 hexadecimal digits, or a passphrase";

/// Face recognition: finds and identifies people in photos, and makes attendance sheets.
#[derive(Debug, Parser)]
#[command(name = "facekit", version, after_help = AFTER_HELP)]
struct Cli {
    /// Print one JSON document instead of tables
    #[arg(long, global = true, display_order = 100)]
    json: bool,

    /// Print each step on standard error; -vv prints more
    #[arg(short, long, global = true, display_order = 101, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Memory in MiB for an image; larger JPEGs are reduced
    #[arg(long, global = true, display_order = 102, value_name = "MIB", default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(1..))]
    image_memory: u32,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, download and check models
    #[command(subcommand)]
    Models(models::Command),
    /// Find faces in photos: position, quality and liveness
    Detect(detect::Args),
    /// Add people to a gallery
    Enroll(enroll::Args),
    /// Remove people from a gallery, with everything about them
    Remove(people::RemoveArgs),
    /// List the people in a gallery
    People(people::PeopleArgs),
    /// Find the people of a gallery in photos
    Identify(identify::Args),
    /// Check whether two photos show the same person
    Verify(verify::Args),
    /// Back up, merge, check and re-key gallery files
    #[command(subcommand)]
    Gallery(gallery::Command),
    /// Build, check and search the index of a gallery
    #[command(subcommand)]
    Index(index::Command),
    /// Measure models on your own photos
    #[command(subcommand)]
    Eval(eval::Command),
    /// Make an attendance sheet, or day records by a policy, from camera frames
    Attend(attend::Args),
    /// Follow the people in a video, and say once who each of them is
    Watch(watch::Args),
    /// Check that a person follows a dot with the head, and that the face has depth
    Challenge(challenge::Args),
    /// Make day records by a policy from punches
    Timesheet(timesheet::Args),
}

/// The result of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

impl Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.json);
    match run(cli, output) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) => {
            output.error(&error);
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli, output: Output) -> Result<Answer> {
    output::log(cli.verbose);
    facekit::silence_caught_panics();
    let limits = DecodeLimits::default().with_max_memory((cli.image_memory as usize) << 20);
    let session = Session::new(output, limits)?;
    match cli.command {
        Command::Models(command) => models::run(&session, command),
        Command::Detect(args) => detect::run(&session, &args),
        Command::Enroll(args) => enroll::run(&session, &args),
        Command::Remove(args) => people::remove(&session, &args),
        Command::People(args) => people::list(&session, &args),
        Command::Identify(args) => identify::run(&session, &args),
        Command::Verify(args) => verify::run(&session, &args),
        Command::Gallery(command) => gallery::run(&session, command),
        Command::Index(command) => index::run(&session, &command),
        Command::Eval(command) => eval::run(&session, &command),
        Command::Attend(args) => attend::run(&session, &args),
        Command::Watch(args) => watch::run(&session, &args),
        Command::Challenge(args) => challenge::run(&session, &args),
        Command::Timesheet(args) => timesheet::run(&session, &args),
    }
}

/// Prints a message of clap. Help and version are answers; other messages are errors, in JSON if `--json` was given.
fn usage(error: &clap::Error) -> ExitCode {
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !is_answer && std::env::args_os().any(|argument| argument == OsStr::new("--json")) {
        let text = error.render().to_string();
        let text = text.split("\n\nFor more information").next();
        let text = text.unwrap_or_default().trim();
        let text = text.trim_start_matches("error: ");
        Output::new(true).error(&anyhow::anyhow!(text.to_owned()));
    } else {
        // A closed pipe does not change the exit code.
        let _ = error.print();
    }
    ExitCode::from(if is_answer { 0 } else { 2 })
}
