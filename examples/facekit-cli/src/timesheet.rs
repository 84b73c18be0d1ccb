//! `facekit timesheet`: makes day records from punches and a policy, without photos, models or a gallery.

use std::path::PathBuf;

use anyhow::{Result, bail};
use attendance_rules::{Correction, Member, Policy};
use clap::ValueEnum;

use crate::{
    Answer, against::Earlier, attendance_input::PunchArgs, files::check_output, policy::PolicyArgs,
    records::Format, session::Session, session_sheets,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The policy, TOML or JSON; --schema prints its keys
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    policy: Option<PathBuf>,

    /// The punches: CSV, attlog.dat of ZKTeco, .xlsx or a JSON list
    ///
    /// Columns are found by common names, such as Employee ID, Time and State; --columns
    /// states others. There must be a person and a date with a time; kind, device, id,
    /// source (face, manual, code, import), score and liveness are optional. Times have an
    /// offset, or are local times of the policy's zone.
    #[arg(
        long,
        value_name = "FILE",
        verbatim_doc_comment,
        required_unless_present = "schema"
    )]
    punches: Option<PathBuf>,

    #[command(flatten)]
    layout: PunchArgs,

    /// The sessions, a JSON list: the answer is who attended each session, without day records
    #[arg(long, value_name = "FILE", conflicts_with_all = ["against", "corrections", "from", "to"])]
    sessions: Option<PathBuf>,

    /// Earlier records, written with --format json: the answer is what has changed since
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// The format of the records
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Write the records to this file, and print a summary
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Print only the JSON Schema of files of this kind
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "policy",
          conflicts_with_all = ["policy", "punches", "out"])]
    schema: Option<SchemaOf>,

    #[command(flatten)]
    days: PolicyArgs,
}

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    Policy,
    Members,
    Corrections,
    Sessions,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    if let Some(kind) = args.schema {
        let schema = match kind {
            SchemaOf::Policy => Policy::json_schema(),
            SchemaOf::Members => Member::json_schema(),
            SchemaOf::Corrections => Correction::json_schema(),
            SchemaOf::Sessions => attendance_rules::Session::json_schema(),
        };
        session.output.answer(&schema, || format!("{schema:#}"))?;
        return Ok(Answer::Yes);
    }
    let (Some(policy), Some(punches)) = (&args.policy, &args.punches) else {
        bail!("--policy and --punches are needed");
    };
    if let Some(out) = &args.out {
        let read = [policy, punches].into_iter().chain(args.days.files());
        let read = read.chain(&args.sessions).chain(&args.against);
        check_output(out, read.map(PathBuf::as_path))?;
    }
    let mut loaded = args.days.load(policy)?;
    let files = &loaded.policy().files;
    let given = args.layout.read(punches, files, loaded.zone())?;
    let warnings = given.warnings.iter().map(ToString::to_string);
    let out = args.out.as_deref();
    if let Some(sessions) = &args.sessions {
        let as_of = args.days.as_of(loaded.zone())?;
        let notes = warnings.collect();
        let sheets = session_sheets::evaluate(sessions, &loaded, &given.punches, as_of, notes)?;
        sheets.answer(session, args.format, out)?;
        return Ok(Answer::Yes);
    }
    let earlier = args.against.as_deref().map(Earlier::read).transpose()?;
    loaded.note(warnings);
    let records = args.days.evaluate(loaded, given.punches)?;
    match earlier {
        Some(earlier) => earlier.answer(session, &records, args.format, out)?,
        None => records.answer(session, args.format, out, None)?,
    }
    Ok(Answer::Yes)
}
