use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A place for the newest of a stream of things, which one thread fills and another one empties.
pub(crate) struct Slot<T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
}

struct State<T, E> {
    newest: Option<T>,
    end: Option<E>,
}

/// The content of a slot.
pub(crate) enum Taken<T, E> {
    Newest(T),
    Nothing,
    End(E),
}

impl<T, E: Clone> Slot<T, E> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                newest: None,
                end: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Puts something in the place of what is there.
    pub(crate) fn put(&self, new: T) {
        self.state().newest = Some(new);
        self.changed.notify_all();
    }

    /// Nothing more comes. What is in the slot can still be taken.
    pub(crate) fn end(&self, end: E) {
        self.state().end = Some(end);
        self.changed.notify_all();
    }

    /// Takes what is there, or what comes within the time.
    pub(crate) fn take(&self, wait: Duration) -> Taken<T, E> {
        let is_empty = |state: &mut State<T, E>| state.newest.is_none() && state.end.is_none();
        let waited = self
            .changed
            .wait_timeout_while(self.state(), wait, is_empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (state.newest.take(), &state.end) {
            (Some(newest), _) => Taken::Newest(newest),
            (None, Some(end)) => Taken::End(end.clone()),
            (None, None) => Taken::Nothing,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
