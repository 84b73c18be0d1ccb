//! The pauses between attempts to make a lost connection again.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// Doubles the pause after each failure, up to the longest one. It begins again after a connection that works for longer than the last
/// pause. Otherwise a camera that sends one picture and hangs up would be called each second. Pauses differ by up to 20 %, so that the
/// cameras of a network that comes back do not all connect at the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    /// The last pause.
    last: Duration,
    /// The time since which the connection works.
    works_since: Option<Instant>,
    /// The user or the password was refused.
    is_refused: bool,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
            last: Duration::ZERO,
            works_since: None,
            is_refused: false,
        }
    }

    /// The connection works: a picture has come.
    pub(crate) fn works(&mut self) {
        self.works_since.get_or_insert_with(Instant::now);
    }

    /// The user or the password was refused. The next pause is the longest one: many cameras lock an account after a few attempts.
    pub(crate) fn refused(&mut self) {
        self.is_refused = true;
    }

    /// The pause after one more failure, and its end.
    pub(crate) fn pause(&mut self) -> (Duration, Timestamp) {
        // Each hasher of the standard library has its own random keys.
        let number = RandomState::new().build_hasher().finish();
        let worked = self.works_since.take().map(|since| since.elapsed());
        let pause = self.pause_with(worked, number as f64 / u64::MAX as f64);
        let wait = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        let end = Timestamp::now().checked_add(wait);
        (pause, end.unwrap_or(Timestamp::MAX))
    }

    /// `worked` is the time for which the connection worked, and `random` is from 0 to 1.
    fn pause_with(&mut self, worked: Option<Duration>, random: f64) -> Duration {
        if worked.is_some_and(|worked| worked > self.last) {
            self.failures = 0;
        }
        let doubled = self.first.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        let pause = if std::mem::take(&mut self.is_refused) {
            self.longest
        } else {
            doubled.min(self.longest)
        };
        self.last = pause.mul_f64(0.8 + 0.4 * random);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let mut seconds = || backoff.pause_with(None, 0.5).as_secs_f64().round();
        let pauses: Vec<f64> = (0..8).map(|_| seconds()).collect();
        assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        for _ in 0..100 {
            assert!(seconds() <= 72.0);
        }
        let worked = Some(Duration::from_secs(73));
        assert_eq!(backoff.pause_with(worked, 0.0), Duration::from_millis(800));
        assert_eq!(backoff.pause_with(None, 1.0), Duration::from_millis(2400));
    }

    #[test]
    fn a_connection_that_works_for_a_moment_is_a_failure() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        // The first pause is the same as after any connection.
        let mut pause = |worked| backoff.pause_with(Some(Duration::from_millis(worked)), 0.5);
        let pauses: Vec<u64> = (0..4).map(|_| pause(500).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8]);
        assert_eq!(pause(8001), Duration::from_secs(1));
    }

    #[test]
    fn after_a_refusal_the_pause_is_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        backoff.refused();
        assert_eq!(backoff.pause_with(None, 0.5), Duration::from_secs(60));
        let worked = Some(Duration::from_secs(100));
        assert_eq!(backoff.pause_with(worked, 0.5), Duration::from_secs(1));
    }

    #[test]
    fn pauses_differ() {
        let pause = || {
            Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
                .pause()
                .0
        };
        let pauses: Vec<Duration> = (0..100).map(|_| pause()).collect();
        let range = Duration::from_millis(800)..=Duration::from_millis(1200);
        assert!(pauses.iter().all(|pause| range.contains(pause)));
        let [least, most] = [pauses.iter().min().unwrap(), pauses.iter().max().unwrap()];
        assert!(*most - *least > Duration::from_millis(100), "{pauses:?}");
    }
}
