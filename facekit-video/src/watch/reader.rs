//! The thread that reads a source.

use std::time::{Duration, Instant};

use facekit::{FrameSource, Next, Pace, Result, catch_panic};

use super::{CameraId, CameraState, shared::Shared};
use crate::reason::reason;

/// The time for which a source waits for a frame, before the reader looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);

pub(super) fn run(
    shared: &Shared,
    id: CameraId,
    mut source: impl FrameSource,
    pace: Pace,
    stalled_after: Duration,
) {
    let mut reader = Reader {
        shared,
        id,
        stalled_after,
        quiet_since: Instant::now(),
        damaged: 0,
    };
    while let Some(due) = shared.waits_for_turn(id) {
        let next = || {
            if let Some(due) = due {
                source.skip_before(due);
            }
            let next = source.next(POLL);
            (next, source.damaged())
        };
        let over = match catch_panic(next) {
            Ok((next, damaged)) => {
                reader.count_damaged(damaged);
                reader.take(next, pace)
            }
            Err(message) => Some(CameraState::Failed {
                reason: format!("the source panicked: {message}"),
            }),
        };
        if let Some(over) = over {
            shared.end(id, over);
            break;
        }
    }
    // A source that panicked may do so again.
    let _ = catch_panic(move || drop(source));
}

struct Reader<'a> {
    shared: &'a Shared,
    id: CameraId,
    stalled_after: Duration,
    /// The time of the last sign of life, or of the begin.
    quiet_since: Instant,
    /// The frames that could not be decoded.
    damaged: u64,
}

impl Reader<'_> {
    fn count_damaged(&mut self, damaged: u64) {
        if damaged != self.damaged {
            self.damaged = damaged;
            self.shared.set_damaged(self.id, damaged);
        }
    }

    /// Takes the answer of a source. Returns the last state if the source is over.
    fn take(&mut self, next: Result<Next>, pace: Pace) -> Option<CameraState> {
        match next {
            Ok(Next::Frame(frame)) => {
                self.quiet_since = Instant::now();
                self.shared.put(self.id, frame);
            }
            Ok(Next::Lost { reason, retry_at }) => {
                let lost = CameraState::Lost { reason, retry_at };
                self.shared.pause(self.id, lost);
            }
            Ok(Next::Unchanged) => self.quiet_since = Instant::now(),
            Ok(Next::End) => return Some(CameraState::Ended),
            Err(error) => {
                return Some(CameraState::Failed {
                    reason: reason(&error),
                });
            }
            // Nothing, and answers that later versions of the core may have.
            Ok(_) => {
                let is_quiet =
                    pace == Pace::Live && self.quiet_since.elapsed() > self.stalled_after;
                let is_new =
                    |state| matches!(state, Some(CameraState::Running | CameraState::Connecting));
                if is_quiet && is_new(self.shared.state(self.id)) {
                    self.shared.pause(self.id, CameraState::Stalled);
                }
            }
        }
        None
    }
}
