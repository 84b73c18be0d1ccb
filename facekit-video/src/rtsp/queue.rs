//! The encoded pictures between the thread that receives them and the source that decodes them.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use facekit::Clock;
use jiff::Timestamp;

use crate::units::Coding;

/// The most pictures that wait: 20 s at 30 pictures a second.
const MOST: usize = 600;

/// An encoded picture.
pub(super) struct Picture {
    pub(super) coding: Coding,
    /// NAL units with start codes.
    pub(super) units: Vec<u8>,
    pub(super) is_key: bool,
    pub(super) at: Timestamp,
    pub(super) clock: Clock,
    pub(super) sequence: u64,
    /// The number of the connection over which it came.
    pub(super) connection: u64,
    /// Pictures before this one are not decoded, and it is a key frame.
    #[cfg_attr(
        not(feature = "h265"),
        allow(dead_code, reason = "key frames of H.264 need nothing before them")
    )]
    pub(super) is_after_gap: bool,
}

/// The pictures since the newest key frame, from which decoding can begin.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// The most bytes of all pictures.
    most_bytes: usize,
}

struct State {
    pictures: VecDeque<Picture>,
    bytes: usize,
    /// Pictures are left out until a key frame comes.
    waits_for_key: bool,
    lost: Option<(String, Timestamp)>,
    /// The number of pictures that were left out because those before them are missing, and of those that were not whole.
    left_out: u64,
}

/// The content of a queue.
pub(super) enum Taken {
    Picture(Picture),
    Nothing,
    Lost { reason: String, retry_at: Timestamp },
}

impl Queue {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                pictures: VecDeque::new(),
                bytes: 0,
                waits_for_key: true,
                lost: None,
                left_out: 0,
            }),
            changed: Condvar::new(),
            most_bytes,
        }
    }

    /// Adds a picture. A key frame replaces the pictures before it, which nobody needs any more. If there are too many, all of them are
    /// dropped, and those up to the next key frame, too. False for a picture that is left out, as it cannot be decoded.
    pub(super) fn put(&self, mut picture: Picture) -> bool {
        let mut state = self.state();
        if picture.is_key {
            picture.is_after_gap = state.waits_for_key || !state.pictures.is_empty();
            state.clear();
            state.waits_for_key = false;
        }
        if state.waits_for_key {
            state.left_out += 1;
            return false;
        }
        state.lost = None;
        state.bytes += picture.units.len();
        state.pictures.push_back(picture);
        if state.bytes > self.most_bytes || state.pictures.len() > MOST {
            state.clear();
            state.waits_for_key = true;
        }
        drop(state);
        self.changed.notify_all();
        true
    }

    /// A picture is not whole, so those after it cannot be decoded.
    pub(super) fn leave_out(&self) {
        let mut state = self.state();
        state.waits_for_key = true;
        state.left_out += 1;
    }

    /// The number of pictures that could not be decoded because they are not whole, or because others before them are missing.
    pub(super) fn left_out(&self) -> u64 {
        self.state().left_out
    }

    /// A picture was lost, so those after it cannot be decoded.
    pub(super) fn gap(&self) {
        self.state().waits_for_key = true;
    }

    /// The connection is lost. Nobody needs the pictures that came before.
    pub(super) fn lose(&self, reason: String, retry_at: Timestamp) {
        let mut state = self.state();
        state.clear();
        state.waits_for_key = true;
        state.lost = Some((reason, retry_at));
        drop(state);
        self.changed.notify_all();
    }

    /// Takes the oldest picture, or what comes within the time.
    pub(super) fn take(&self, wait: Duration) -> Taken {
        let is_empty = |state: &mut State| state.pictures.is_empty() && state.lost.is_none();
        let waited = self
            .changed
            .wait_timeout_while(self.state(), wait, is_empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(picture) = state.pictures.pop_front() {
            state.bytes -= picture.units.len();
            return Taken::Picture(picture);
        }
        match state.lost.take() {
            Some((reason, retry_at)) => Taken::Lost { reason, retry_at },
            None => Taken::Nothing,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn clear(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(sequence: u64, is_key: bool) -> Picture {
        Picture {
            coding: Coding::H264,
            units: vec![0; 100],
            is_key,
            at: Timestamp::UNIX_EPOCH,
            clock: Clock::Arrival,
            sequence,
            connection: 0,
            is_after_gap: false,
        }
    }

    /// The numbers of the pictures that wait.
    fn waiting(queue: &Queue) -> Vec<u64> {
        let taken = std::iter::from_fn(|| match queue.take(Duration::ZERO) {
            Taken::Picture(picture) => Some(picture.sequence),
            _ => None,
        });
        taken.collect()
    }

    #[test]
    fn decoding_begins_with_the_newest_key_frame() {
        let queue = Queue::new(1000);
        for nth in 0..9 {
            queue.put(picture(nth, nth % 3 == 2));
        }
        assert_eq!(waiting(&queue), [8]);
        queue.put(picture(9, false));
        queue.gap();
        assert!(!queue.put(picture(10, false)));
        queue.leave_out();
        assert_eq!(waiting(&queue), [9]);
        assert_eq!(queue.left_out(), 4, "and those before the first key frame");
        assert!(queue.put(picture(11, true)));
        assert!(queue.put(picture(12, false)));
        assert_eq!(waiting(&queue), [11, 12]);
    }

    #[test]
    fn a_key_frame_after_pictures_that_are_not_decoded_is_marked() {
        let queue = Queue::new(1000);
        let is_after_gap = |nth: u64, is_taken: bool| {
            queue.put(picture(nth, true));
            match is_taken.then(|| queue.take(Duration::ZERO)) {
                Some(Taken::Picture(picture)) => picture.is_after_gap,
                _ => false,
            }
        };
        assert!(is_after_gap(0, true), "the first one");
        assert!(!is_after_gap(1, true));
        is_after_gap(2, false);
        assert!(is_after_gap(3, true), "2 was dropped");
        queue.gap();
        assert!(is_after_gap(4, true));
    }

    #[test]
    fn a_queue_has_limits() {
        let queue = Queue::new(1000);
        queue.put(picture(0, true));
        for nth in 1..100 {
            queue.put(picture(nth, false));
        }
        assert!(waiting(&queue).is_empty());
        queue.put(picture(100, true));
        assert_eq!(waiting(&queue), [100]);
        let queue = Queue::new(usize::MAX);
        for nth in 0..=MOST as u64 {
            queue.put(picture(nth, nth == 0));
        }
        assert!(waiting(&queue).is_empty());
    }

    #[test]
    fn a_loss_is_told_once() {
        let queue = Queue::new(1000);
        queue.put(picture(0, true));
        queue.lose("gone".to_owned(), Timestamp::UNIX_EPOCH);
        queue.put(picture(1, false));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Lost { .. }));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Nothing));
        queue.lose("gone".to_owned(), Timestamp::UNIX_EPOCH);
        queue.put(picture(2, true));
        assert_eq!(waiting(&queue), [2], "it is back before anybody asked");
        assert!(matches!(queue.take(Duration::ZERO), Taken::Nothing));
    }
}
