//! Shares of wrong decisions.

use std::fmt;

use facekit::wilson_interval;
use serde::Serialize;

/// The share of wrong decisions and its 95 % interval; `None` without decisions.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct ErrorRate {
    pub(super) share: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl ErrorRate {
    /// The share of `errors` among `decisions`.
    pub(super) fn of(errors: u64, decisions: u64) -> Self {
        let share = (decisions > 0).then(|| errors as f64 / decisions as f64);
        let (low, high) = share.map(|_| wilson_interval(errors, decisions)).unzip();
        Self { share, low, high }
    }
}

impl fmt::Display for ErrorRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.share, self.low, self.high) {
            (Some(share), Some(low), Some(high)) => {
                let [share, low, high] = [share, low, high].map(|share| 100.0 * share);
                write!(f, "{share:.1} % ({low:.1} to {high:.1})")
            }
            _ => f.write_str("n/a"),
        }
    }
}
