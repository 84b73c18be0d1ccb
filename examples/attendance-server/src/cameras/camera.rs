//! The camera of one device.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Outcome, Picture, Screen, View};
use crate::{
    door::{DoorRules, DoorState, Visit},
    recognition::Faces,
};

/// The answer to a badge is given again for this long.
const BADGE_KNOWN: SignedDuration = SignedDuration::from_secs(5);

/// A frame that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) picture: Picture,
    /// The time at which the server got it.
    pub(super) received: Timestamp,
    pub(super) outcomes: mpsc::Sender<Outcome>,
}

/// The frames of a device that were not looked at, since the start of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// A newer frame came before their turn.
    pub replaced: u64,
    /// They waited for more than a second.
    pub old: u64,
    /// Recognition had too much to do.
    pub busy: u64,
}

/// The newest frame of a device, for one who watches. After the last one of them, no picture is kept.
#[derive(Debug)]
pub struct Watching {
    camera: Arc<Camera>,
    views: watch::Receiver<Option<View>>,
}

impl Watching {
    /// The newest frame, if it has not been taken yet.
    pub fn newest(&mut self) -> Option<View> {
        let is_new = self.views.has_changed().unwrap_or(false);
        is_new
            .then(|| self.views.borrow_and_update().clone())
            .flatten()
    }

    /// The newest frame.
    #[must_use]
    pub fn latest(&self) -> Option<View> {
        self.views.borrow().clone()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut slot = self.camera.lock();
        slot.watching -= 1;
        if slot.watching == 0 {
            self.camera.views.send_replace(None);
        }
    }
}

#[derive(Debug)]
pub(super) struct Camera {
    /// The visit. It is locked while a frame is looked at.
    pub(super) visit: tokio::sync::Mutex<Visit>,
    slot: Mutex<Slot>,
    views: watch::Sender<Option<View>>,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Waiting>,
    /// A task looks at frames of this camera.
    is_working: bool,
    /// The latest frame that was looked at.
    last: Option<(String, i64)>,
    drops: Drops,
    /// The faces of the last frame that was looked at.
    faces: Option<Arc<Faces>>,
    /// The result of the present visit.
    result: Option<Screen>,
    /// The latest badge, its answer, and the time at which it was last seen.
    badge: Option<(String, Screen, Timestamp)>,
    /// Those who watch.
    watching: usize,
    /// The end of the present connection.
    connection: Option<oneshot::Sender<()>>,
}

impl Camera {
    pub(super) fn new(has_liveness: bool, liveness: f32) -> Self {
        let rules = DoorRules {
            has_liveness,
            liveness,
        };
        Self {
            visit: tokio::sync::Mutex::new(Visit::new(rules)),
            slot: Mutex::default(),
            views: watch::Sender::new(None),
        }
    }

    /// Makes a frame the one that waits. Returns `true` if nobody looks at frames of this camera yet: the caller has to.
    pub(super) fn put(&self, waiting: Waiting) -> bool {
        let mut slot = self.lock();
        if let Some(older) = slot.waiting.replace(waiting) {
            slot.drops.replaced += 1;
            let _ = older.outcomes.try_send(Outcome::Dropped);
        }
        !std::mem::replace(&mut slot.is_working, true)
    }

    /// The frame that waits. Without one, the work on this camera ends.
    pub(super) fn next(&self) -> Option<Waiting> {
        let mut slot = self.lock();
        let next = slot.waiting.take();
        slot.is_working = next.is_some();
        next
    }

    /// `true` if this frame or a later one was looked at. Otherwise it is the latest from now on.
    pub(super) fn is_repeated(&self, boot: &str, sequence: i64) -> bool {
        let mut slot = self.lock();
        let is_repeated = slot
            .last
            .as_ref()
            .is_some_and(|(known, last)| known == boot && sequence <= *last);
        if !is_repeated {
            slot.last = Some((boot.to_owned(), sequence));
        }
        is_repeated
    }

    pub(super) fn connect(&self) -> oneshot::Receiver<()> {
        let (end, ended) = oneshot::channel();
        if let Some(earlier) = self.lock().connection.replace(end) {
            // It may have ended by itself.
            let _ = earlier.send(());
        }
        ended
    }

    pub(super) fn drops(&self) -> Drops {
        self.lock().drops
    }

    pub(super) fn count_old(&self) {
        self.lock().drops.old += 1;
    }

    pub(super) fn count_busy(&self) {
        self.lock().drops.busy += 1;
    }

    pub(super) fn watch(self: &Arc<Self>) -> Watching {
        self.lock().watching += 1;
        Watching {
            camera: Arc::clone(self),
            views: self.views.subscribe(),
        }
    }

    /// Keeps the faces of a frame for those who watch.
    pub(super) fn saw(&self, faces: Faces) {
        self.lock().faces = Some(Arc::new(faces));
    }

    /// Shows a frame to those who watch. Without them, no picture is kept.
    pub(super) fn show(&self, image: Bytes, received: Timestamp, screen: Screen) {
        let slot = self.lock();
        if slot.watching == 0 {
            return;
        }
        // Faces wait for longer than a result is shown: those of the last frame may have left.
        let faces = match screen {
            Screen::Codes { .. } | Screen::NoFaces => None,
            _ => slot.faces.clone(),
        };
        let view = View {
            image,
            received,
            faces,
            screen,
        };
        self.views.send_replace(Some(view));
    }

    /// The answer to the latest badge, if it is this one and was seen a short time ago.
    pub(super) fn known_badge(&self, code: &str, now: Timestamp) -> Option<Screen> {
        let mut slot = self.lock();
        let (known, screen, seen) = slot.badge.as_mut()?;
        if known != code || now.duration_since(*seen) > BADGE_KNOWN {
            return None;
        }
        *seen = now;
        Some(screen.clone())
    }

    pub(super) fn keep_badge(&self, code: String, screen: Screen, now: Timestamp) {
        self.lock().badge = Some((code, screen, now));
    }

    /// Keeps the result of the present visit, which is shown for a while.
    pub(super) fn keep(&self, result: Screen) {
        self.lock().result = Some(result);
    }

    /// A new person is found: the result of an earlier visit is not theirs.
    pub(super) fn forget_result(&self) {
        self.lock().result = None;
    }

    /// The screen of a state.
    pub(super) fn screen(&self, state: &DoorState, now: Timestamp) -> Screen {
        match state {
            DoorState::Recorded => self.lock().result.clone().unwrap_or(Screen::Idle),
            state => Screen::of_state(state, now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Each change leaves the slot whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
