//! The session of a command: where its answer goes, and whether the user has stopped it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use facekit::{CancellationToken, image::DecodeLimits};
use signal_hook::{consts, flag};

use crate::output::Output;

/// The output of a command, the token that cancels it, and the limits of the images that it reads.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) output: Output,
    pub(crate) token: CancellationToken,
    pub(crate) limits: DecodeLimits,
}

impl Session {
    /// Makes the first interrupt or termination signal cancel the token. A second one ends the process at once.
    pub(crate) fn new(output: Output, limits: DecodeLimits) -> Result<Self> {
        const INTERRUPTED: i32 = 130;
        let (token, asked) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .context("Ctrl-C cannot be caught")?;
        }
        let cancelled = token.clone();
        thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(50));
            }
            cancelled.cancel();
        });
        Ok(Self {
            output,
            token,
            limits,
        })
    }
}
