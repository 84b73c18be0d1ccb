//! Recordings of other challenges, measured on the moves and the times alone: the yaw of a recorded head, frame by frame, against the
//! moves of another nonce. Moves are drawn and answers are judged by the code of a challenge, which also judges the rest.

use jiff::{SignedDuration, Timestamp};

use super::{plan::Plan, prompt::ChallengeDot, steps::Steps};
use crate::evaluate::RandomSequence;

/// The time between two frames, from a prompt to the beginning of a turn, and the duration of a turn, in milliseconds.
const FRAME: [f32; 2] = [75.0, 105.0];
const REACTION: [f32; 2] = [220.0, 550.0];
const DURATION: [f32; 2] = [420.0, 650.0];
/// A turn to a side, in degrees.
const TURN: [f32; 2] = [20.0, 30.0];
/// The times at which the first move of a recording is shown, in milliseconds after the first prompt.
const STARTS: [i64; 9] = [-200, -100, 0, 100, 200, 300, 400, 500, 600];

struct Random(RandomSequence);

impl Random {
    fn within(&mut self, [low, high]: [f32; 2]) -> f32 {
        const FINE: usize = 1 << 20;
        low + (high - low) * self.0.below(FINE) as f32 / FINE as f32
    }

    /// The error of a measured yaw: nearly normal, with a standard deviation of 2°.
    fn error(&mut self) -> f32 {
        let sum: f32 = (0..3).map(|_| self.within([-1.0, 1.0])).sum();
        2.0 * sum
    }
}

/// A turn of a recorded head.
struct Turn {
    begin: Timestamp,
    milliseconds: f32,
    to: f32,
}

/// The moves of a challenge of a random nonce that begins at `begun`.
fn challenge(
    random: &mut Random,
    moves: usize,
    begun: Timestamp,
) -> Vec<(Timestamp, ChallengeDot)> {
    let nonce = std::array::from_fn(|_| random.0.below(256) as u8);
    Plan::draw(&nonce, moves).moves(begun).collect()
}

/// The turns of a head that answers these moves.
fn answers(random: &mut Random, asked: &[(Timestamp, ChallengeDot)]) -> Vec<Turn> {
    let turns = asked.iter().map(|&(prompted, dot)| Turn {
        begin: prompted + SignedDuration::from_millis(random.within(REACTION) as i64),
        milliseconds: random.within(DURATION),
        to: random.within(TURN)
            * match dot {
                ChallengeDot::Left => 1.0,
                ChallengeDot::Middle => 0.0,
                ChallengeDot::Right => -1.0,
            },
    });
    turns.collect()
}

fn yaw(turns: &[Turn], at: Timestamp) -> f32 {
    turns.iter().fold(0.0, |yaw, turn| {
        let time = at.duration_since(turn.begin).as_secs_f32() * 1000.0;
        let share = (time / turn.milliseconds).clamp(0.0, 1.0);
        yaw + (turn.to - yaw) * share * share * (3.0 - 2.0 * share)
    })
}

/// True if the turns answer all moves in time.
fn fit(random: &mut Random, turns: &[Turn], asked: &[(Timestamp, ChallengeDot)]) -> bool {
    let mut steps = Steps::default();
    let mut at = Timestamp::UNIX_EPOCH;
    while !steps.are_complete(at, asked.len()) {
        at += SignedDuration::from_millis(random.within(FRAME) as i64);
        let seen = yaw(turns, at) + random.error();
        if steps.push(at, seen, asked).is_err() {
            return false;
        }
    }
    true
}

/// True if the recording of another challenge fits, shown so that its first prompt comes `start` milliseconds after that of this
/// challenge.
fn recording_fits(random: &mut Random, moves: usize, start: i64) -> bool {
    let asked = challenge(random, moves, Timestamp::UNIX_EPOCH);
    let other = challenge(random, moves, Timestamp::UNIX_EPOCH);
    let later = asked[0].0.duration_since(other[0].0) + SignedDuration::from_millis(start);
    let shown: Vec<_> = other
        .iter()
        .map(|&(prompted, dot)| (prompted + later, dot))
        .collect();
    let turns = answers(random, &shown);
    fit(random, &turns, &asked)
}

/// The greatest share of challenges in which a recording of another one fits, over the times of its start.
fn greatest_share(moves: usize, challenges: u64) -> f64 {
    let shares = STARTS.map(|start| {
        let mut random = Random(RandomSequence::new(
            moves as u64 * 1000 + start.unsigned_abs(),
        ));
        let fitting = (0..challenges)
            .filter(|_| recording_fits(&mut random, moves, start))
            .count();
        let share = fitting as f64 / challenges as f64;
        println!(
            "{moves} moves, start {start} ms: {fitting} of {challenges}, one in {:.0}",
            1.0 / share
        );
        share
    });
    shares.into_iter().fold(0.0, f64::max)
}

#[test]
fn recordings_of_other_challenges_fit_seldom() {
    let times = if std::env::var_os("FACEKIT_SOAK").is_some() {
        20
    } else {
        1
    };
    for (moves, challenges, most) in [(4, 20_000, 1.0 / 90.0), (5, 40_000, 1.0 / 400.0)] {
        let share = greatest_share(moves, times * challenges);
        assert!(share <= most, "{moves} moves: {share}");
        // A measurement in which nothing fits would show nothing.
        assert!(share >= most / 2.0, "{moves} moves: {share}");
    }
}

/// The head that answers its own challenge passes.
#[test]
fn own_answers_fit() {
    let mut random = Random(RandomSequence::new(1));
    let passed = (0..2000).filter(|_| {
        let asked = challenge(&mut random, 4, Timestamp::UNIX_EPOCH);
        let turns = answers(&mut random, &asked);
        fit(&mut random, &turns, &asked)
    });
    let passed = passed.count();
    assert!(passed >= 1900, "{passed} of 2000");
}
