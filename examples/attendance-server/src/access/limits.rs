//! Limits of attempts, by principal. They are kept in memory: a restart forgets them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, ErrorKind, Result};

/// At most a number of attempts in a window of time, for each key. An attempt counts before its outcome is known, so that
/// attempts at the same time cannot exceed the limit; a success takes it back.
#[derive(Debug)]
pub struct Limit {
    most: usize,
    window: SignedDuration,
    attempts: Mutex<HashMap<String, Vec<Timestamp>>>,
}

/// The keys that are kept. Beyond them, those without a recent attempt are dropped.
const KEYS: usize = 10_000;

impl Limit {
    /// At most `most` attempts in `window`.
    #[must_use]
    pub fn new(most: usize, window: SignedDuration) -> Self {
        Self {
            most,
            window,
            attempts: Mutex::default(),
        }
    }

    /// Counts an attempt before it is made. Returns `true` if the next one will be refused.
    ///
    /// # Errors
    ///
    /// 429 with the seconds until the next attempt, if the key had too many.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<bool> {
        let mut all = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEYS {
            all.retain(|_, attempts| {
                attempts
                    .last()
                    .is_some_and(|&at| now.duration_since(at) < self.window)
            });
        }
        let attempts = all.entry(key.to_owned()).or_default();
        attempts.retain(|&at| now.duration_since(at) < self.window);
        if attempts.len() >= self.most {
            let wait = self.window - now.duration_since(attempts[0]);
            let seconds = u64::try_from(wait.as_secs()).unwrap_or(0) + 1;
            let detail = format!("Too many attempts. Try again in {seconds} s.");
            return Err(Error::new(ErrorKind::TooMany, "too_many_attempts", detail).after(seconds));
        }
        attempts.push(now);
        Ok(attempts.len() >= self.most)
    }

    /// Takes back an attempt that was counted at a time, because it did not fail.
    pub fn give_back(&self, key: &str, at: Timestamp) {
        let mut all = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(attempts) = all.get_mut(key) else {
            return;
        };
        if let Some(position) = attempts.iter().position(|&counted| counted == at) {
            attempts.remove(position);
        }
        if attempts.is_empty() {
            all.remove(key);
        }
    }

    /// Forgets the attempts of a key, after a success.
    pub fn forget(&self, key: &str) {
        self.attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

/// The limits of the server.
#[derive(Debug)]
pub struct Limits {
    /// Wrong passwords, by mail address.
    pub passwords: Limit,
    /// Wrong codes of two-step sign-in, by account. Somebody who guesses them has the password already, so they have a longer
    /// window.
    pub codes: Limit,
    /// Wrong PINs, by staff number.
    pub pins: Limit,
    /// Wrong PINs and codes, by device.
    pub device_codes: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        let minute = SignedDuration::from_secs(60);
        Self {
            passwords: Limit::new(10, minute),
            codes: Limit::new(10, SignedDuration::from_mins(15)),
            pins: Limit::new(10, minute),
            device_codes: Limit::new(30, minute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_waits_for_the_first_to_age() {
        let limit = Limit::new(10, SignedDuration::from_secs(60));
        let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        for second in 0..10 {
            assert_eq!(limit.take("anna", after(second)).unwrap(), second == 9);
        }
        let error = limit.take("anna", after(10)).unwrap_err();
        assert_eq!(
            (error.kind, error.retry_after),
            (ErrorKind::TooMany, Some(51))
        );
        assert!(
            limit.take("bela", after(10)).is_ok(),
            "others are not limited"
        );
        assert!(limit.take("anna", after(60)).is_ok());
        limit.forget("anna");
        assert!(limit.take("anna", after(10)).is_ok());
    }

    #[test]
    fn an_attempt_that_is_given_back_is_free_again() {
        let limit = Limit::new(2, SignedDuration::from_secs(60));
        let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        assert!(!limit.take("door", start).unwrap());
        assert!(limit.take("door", start).unwrap());
        limit.give_back("door", start);
        assert!(limit.take("door", start).unwrap());
        assert!(limit.take("door", start).is_err());
        limit.give_back("window", start);
    }
}
