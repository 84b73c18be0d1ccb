//! Scans.

use facekit::Direction;

use crate::{punch::PunchKind, time::Instant};

/// A scan: a sighting or a punch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) at: Instant,
    pub(crate) kind: PunchKind,
    pub(crate) device: Option<&'a str>,
    pub(crate) liveness: Option<f32>,
}

/// The last accepted scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastScan {
    pub(super) at: Instant,
    pub(super) direction: Direction,
    /// The index of the device's place in the policy.
    pub(super) place: Option<usize>,
}
