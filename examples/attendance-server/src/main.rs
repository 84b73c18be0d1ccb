//! The program: `attendance-server serve`, and what an operator needs.

mod program;

use std::process::ExitCode;

use clap::Parser;

use crate::program::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match program::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
