use std::{
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use facekit::Error;

/// A place for the newest of a stream of things, which one thread fills and another one empties.
pub(crate) struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    newest: Option<T>,
    is_ended: bool,
    /// The error that ended the stream. It is taken once.
    error: Option<Error>,
}

/// The content of a slot.
pub(crate) enum Taken<T> {
    Newest(T),
    Nothing,
    End(Option<Error>),
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                newest: None,
                is_ended: false,
                error: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Puts something in the place of what is there.
    pub(crate) fn put(&self, new: T) {
        self.state().newest = Some(new);
        self.changed.notify_all();
    }

    /// Puts something there if there is nothing.
    #[cfg(feature = "http")]
    pub(crate) fn offer(&self, new: T) {
        self.state().newest.get_or_insert(new);
        self.changed.notify_all();
    }

    /// Nothing more comes. The content of the slot can still be taken.
    pub(crate) fn end(&self, error: Option<Error>) {
        let mut state = self.state();
        (state.is_ended, state.error) = (true, error);
        drop(state);
        self.changed.notify_all();
    }

    /// Takes what is there, or what comes within the time.
    pub(crate) fn take(&self, wait: Duration) -> Taken<T> {
        let is_empty = |state: &mut State<T>| state.newest.is_none() && !state.is_ended;
        let waited = self
            .changed
            .wait_timeout_while(self.state(), wait, is_empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.newest.take() {
            Some(newest) => Taken::Newest(newest),
            None if state.is_ended => Taken::End(state.error.take()),
            None => Taken::Nothing,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
