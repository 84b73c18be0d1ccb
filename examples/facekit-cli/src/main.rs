//! The `facekit` command: models, galleries and face recognition from the shell.
//!
//! ```text
//! cargo install --path examples/facekit-cli
//! facekit models pull standard
//! facekit detect class.jpg --draw drawn.jpg
//! facekit enroll --gallery class.gallery --new-key-file class.key --people photos/
//! facekit attend --gallery class.gallery --key-file class.key --frames camera/2026-03-02/
//! facekit timesheet --policy policy.toml --punches punches.csv
//! ```
//!
//! Each command is a file; `context` has the options they share.

mod against;
mod attend;
mod attendance_input;
mod context;
mod detect;
mod draw;
mod eval;
mod files;
mod gallery;
mod identify;
mod models;
mod output;
mod payroll;
mod people;
mod quantize;
mod recognition;
mod records;
mod session_sheets;
mod timesheet;
mod verify;

use std::{ffi::OsStr, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{context::Session, output::Output};

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  a negative answer: different or unusable photos (verify), a model that is missing or
     wrong (models verify), damage (gallery check), nobody known (identify), no photo
     accepted (enroll)
  2  an error; also where every image given is unreadable. One unreadable image among
     others is reported and stops nothing.

JSON:
  With --json, standard output holds exactly one JSON document, also for a negative answer.
  After an error it is empty, except for what was enrolled (enroll) or measured (eval lfw)
  before it, and the last line of standard error is
  {\"error\": \"…\", \"causes\": [\"…\", …]}. Notes go to standard error as plain lines.

Environment:
  FACEKIT_MODELS       the models folder, instead of one in the user's cache folder
  FACEKIT_SELECTION    the models that --models would name
  FACEKIT_MIRROR       where models are pulled from, as with --mirror
  ORT_DYLIB_PATH       the library of ONNX Runtime, as with --onnxruntime
  FACEKIT_KEY_FILE     the gallery's key file, as with --key-file
  FACEKIT_GALLERY_KEY  the gallery's key itself: 64 hexadecimal digits, or a passphrase";

/// Face recognition: models, galleries of people, who is on a photo, who was there.
#[derive(Debug, Parser)]
#[command(name = "facekit", version, after_help = AFTER_HELP)]
struct Cli {
    /// One JSON document on standard output instead of tables
    #[arg(long, global = true, display_order = 100)]
    json: bool,

    /// Say on standard error what is being done; twice for more
    #[arg(short, long, global = true, display_order = 101, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the models, fetch and check them
    #[command(subcommand)]
    Models(models::Command),
    /// Find the faces on photos: where they are, how good, how live, and whose
    Detect(detect::Args),
    /// Add people to a gallery
    Enroll(people::EnrollArgs),
    /// Remove people from a gallery, with everything about them
    Remove(people::RemoveArgs),
    /// List the people in a gallery
    People(people::PeopleArgs),
    /// Say who is on photos
    Identify(identify::Args),
    /// Say whether two photos show the same person
    Verify(verify::Args),
    /// Back up, merge, check and protect gallery files
    #[command(subcommand)]
    Gallery(gallery::Command),
    /// Measure models on your own photos
    #[command(subcommand)]
    Eval(eval::Command),
    /// Turn camera frames into a list of who was there, or into day records by a policy
    Attend(attend::Args),
    /// Turn punches into day records by a policy
    Timesheet(timesheet::Args),
}

/// How a command that did its work ends.
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
    let session = Session::new(output)?;
    match cli.command {
        Command::Models(command) => models::run(&session, command),
        Command::Detect(args) => detect::run(&session, &args),
        Command::Enroll(args) => people::enroll(&session, &args),
        Command::Remove(args) => people::remove(&session, &args),
        Command::People(args) => people::list(&session, &args),
        Command::Identify(args) => identify::run(&session, &args),
        Command::Verify(args) => verify::run(&session, &args),
        Command::Gallery(command) => gallery::run(&session, command),
        Command::Eval(command) => eval::run(&session, &command),
        Command::Attend(args) => attend::run(&session, &args),
        Command::Timesheet(args) => timesheet::run(&session, &args),
    }
}

/// Help and version are answers; anything else that clap says is an error, in JSON where that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !asked && std::env::args_os().any(|argument| argument == OsStr::new("--json")) {
        let text = error.render().to_string();
        let text = text.split("\n\nFor more information").next();
        let text = text.unwrap_or_default().trim();
        let text = text.trim_start_matches("error: ");
        Output::new(true).error(&anyhow::anyhow!(text.to_owned()));
    } else {
        // A closed pipe is no reason for another exit code.
        let _ = error.print();
    }
    ExitCode::from(if asked { 0 } else { 2 })
}
