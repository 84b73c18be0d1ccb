//! The moves of the dot, drawn from a nonce.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::prompt::ChallengeDot;

/// The times between two moves, in milliseconds. A time is short or long with the same probability. In this way a recording of
/// another challenge fits less often than with times that are spread evenly: the answers must begin in a window of 1.05 s. The rules
/// allow 1.0 to 2.5 s. A short time leaves a moment at the side for views of it.
const SHORT: [u64; 2] = [1200, 1350];
const LONG: [u64; 2] = [2350, 2500];

/// The moves of the dot and the times between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    dots: Vec<ChallengeDot>,
    /// The time from the beginning to the first move, and from each move to the next one.
    milliseconds: Vec<u64>,
}

impl Plan {
    /// Draws a plan. All plans of admissible dots have the same probability.
    pub(super) fn draw(nonce: &[u8; 32], moves: usize) -> Self {
        let mut draws = Draws::new(nonce);
        let mut all = Vec::new();
        admissible(&mut Vec::new(), moves, &mut all);
        let dots = all.swap_remove(draws.below(all.len() as u64) as usize);
        let milliseconds = dots.iter().map(|_| {
            let [least, most] = if draws.below(2) == 0 { SHORT } else { LONG };
            least + draws.below(most - least + 1)
        });
        Self {
            milliseconds: milliseconds.collect(),
            dots,
        }
    }

    /// The moves of a challenge that began at `start`, each with its time.
    pub(super) fn moves(
        &self,
        start: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, ChallengeDot)> {
        let mut at = start;
        self.dots
            .iter()
            .zip(&self.milliseconds)
            .map(move |(&dot, &milliseconds)| {
                at += SignedDuration::from_millis(milliseconds as i64);
                (at, dot)
            })
    }

    pub(super) fn len(&self) -> usize {
        self.dots.len()
    }
}

/// Appends all sequences of dots that begin with `begun`: neighbors differ, the first one is not the middle, and both sides occur.
fn admissible(begun: &mut Vec<ChallengeDot>, moves: usize, all: &mut Vec<Vec<ChallengeDot>>) {
    if begun.len() == moves {
        if begun.contains(&ChallengeDot::Left) && begun.contains(&ChallengeDot::Right) {
            all.push(begun.clone());
        }
        return;
    }
    let last = begun.last().copied().unwrap_or(ChallengeDot::Middle);
    for dot in [
        ChallengeDot::Left,
        ChallengeDot::Middle,
        ChallengeDot::Right,
    ] {
        if dot != last {
            begun.push(dot);
            admissible(begun, moves, all);
            begun.pop();
        }
    }
}

/// Numbers that nobody can predict without the nonce: HMAC-SHA-256 of a counter, with the nonce as the key.
struct Draws {
    mac: Hmac<Sha256>,
    counter: u64,
}

impl Draws {
    fn new(nonce: &[u8; 32]) -> Self {
        let mut mac = Hmac::new_from_slice(nonce).expect("HMAC takes keys of every length");
        mac.update(b"facekit challenge 1");
        Self { mac, counter: 0 }
    }

    /// A number below `limit`. The difference of the probabilities is below 2⁻⁵⁰ for small limits.
    fn below(&mut self, limit: u64) -> u64 {
        let mut mac = self.mac.clone();
        mac.update(&self.counter.to_be_bytes());
        self.counter += 1;
        let bytes = mac.finalize().into_bytes();
        let (head, _) = bytes
            .split_first_chunk::<8>()
            .expect("a digest has 32 bytes");
        u64::from_be_bytes(*head) % limit
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn nonce(number: u32) -> [u8; 32] {
        let mut nonce = [7; 32];
        nonce[..4].copy_from_slice(&number.to_le_bytes());
        nonce
    }

    #[test]
    fn plans_follow_the_rules_and_have_the_same_probability() {
        for (moves, kinds) in [(4, 14), (5, 30)] {
            let mut counts = BTreeMap::new();
            for number in 0..6000 {
                let plan = Plan::draw(&nonce(number), moves);
                assert_eq!((plan.len(), plan.milliseconds.len()), (moves, moves));
                assert_ne!(plan.dots[0], ChallengeDot::Middle);
                assert!(plan.dots.windows(2).all(|pair| pair[0] != pair[1]));
                assert!(
                    plan.milliseconds
                        .iter()
                        .all(|time| (1000..=2500).contains(time))
                );
                *counts.entry(plan.dots).or_insert(0) += 1;
            }
            assert_eq!(counts.len(), kinds);
            let expected = 6000 / kinds;
            assert!(
                counts.values().all(|&count| count > expected * 7 / 10),
                "{counts:?}"
            );
        }
    }

    #[test]
    fn a_nonce_gives_the_same_plan_each_time() {
        assert_eq!(Plan::draw(&nonce(5), 4), Plan::draw(&nonce(5), 4));
        assert_ne!(Plan::draw(&nonce(5), 4), Plan::draw(&nonce(6), 4));
    }
}
