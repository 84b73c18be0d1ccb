//! The challenges that go on, and the attempts of each visitor.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use facekit::{
    Challenge, ChallengeOptions, ChallengeOutcome, ChallengePrompt, ChallengeReason, Digest,
    Recognizer,
    image::{self, DecodeLimits},
    jiff::{SignedDuration, Timestamp},
};
use serde::Serialize;

/// A person has three attempts in ten minutes.
const ATTEMPTS: usize = 3;
const PERIOD: SignedDuration = SignedDuration::from_mins(10);
/// The most challenges at the same time, and the time after which one is forgotten: a nonce lives for 30 s, and the next frame gets
/// the verdict.
const MOST: usize = 64;
const FORGOTTEN: SignedDuration = SignedDuration::from_secs(31);
/// The most pixels of a frame. The page sends 640 × 480.
const MOST_PIXELS: usize = 1 << 21;

/// A clock: the time of now.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Issues challenges, and judges their frames.
///
/// It counts the attempts of a network address. A program that knows its users counts those of a person.
pub struct Desk {
    recognizer: Recognizer,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The challenges that go on, by their identifiers.
    open: HashMap<String, Open>,
    attempts: HashMap<IpAddr, Vec<Timestamp>>,
}

struct Open {
    issued: Timestamp,
    /// The serialized challenge, as a server keeps it in a database; `None` while a frame is judged.
    kept: Option<Vec<u8>>,
}

/// A new challenge.
#[derive(Debug, Serialize)]
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) attempt: u8,
    pub(crate) attempts: usize,
}

/// The answer to a frame. It has nothing that is not due.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) outcome: ChallengeOutcome,
    pub(crate) prompt: Shown,
    /// The reasons against a pass, once, with the decision. Depth and similarity stay here: with them, an attacker would see which
    /// picture is nearer to a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasons: Option<Vec<ChallengeReason>>,
}

/// The prompt that is due.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    key: &'static str,
    dot: &'static str,
    number: usize,
    moves: usize,
    /// False as long as no face looks ahead and keeps still.
    begun: bool,
}

/// A request that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The visitor has no attempt left.
    Attempts,
    /// There are too many challenges.
    Busy,
    /// There is no such challenge: it was never issued, or it is decided.
    Over,
    /// The frame before is not judged yet.
    Early,
    /// The request is for another computer, or a page of another site sends it.
    Foreign,
    /// The frame is no picture that can be read, or it has too many pixels.
    Picture,
    /// A model or the random numbers of the system failed.
    Failed,
}

impl Desk {
    /// A desk with a recognizer that offers challenges.
    #[must_use]
    pub fn new(recognizer: Recognizer, clock: Clock) -> Self {
        Self {
            recognizer,
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets challenges whose time is over. The program calls it each second, so that no picture of a face is kept longer.
    pub fn forget(&self) {
        let mut state = self.state();
        state.forget((self.clock)());
    }

    /// The number of challenges that go on.
    #[must_use]
    pub fn open(&self) -> usize {
        self.state().open.len()
    }

    /// Ends a challenge that is not decided. Its data are gone; the attempt counts.
    pub(crate) fn stop(&self, id: &str) -> Result<(), Refusal> {
        let mut state = self.state();
        state.open.remove(id).map(drop).ok_or(Refusal::Over)
    }

    /// Issues a challenge to a visitor.
    pub(crate) fn issue(&self, visitor: IpAddr) -> Result<Issued, Refusal> {
        let [nonce, id] = [random()?, random()?];
        let mut state = self.state();
        let now = (self.clock)();
        state.forget(now);
        if state.open.len() >= MOST {
            return Err(Refusal::Busy);
        }
        let attempts = state.attempts.entry(network(visitor)).or_default();
        if attempts.len() >= ATTEMPTS {
            return Err(Refusal::Attempts);
        }
        let attempt = attempts.len() as u8 + 1;
        let options = ChallengeOptions::default().with_attempt(attempt);
        let challenge = Challenge::new(nonce, now, &self.recognizer, &options);
        let kept = kept(&challenge.map_err(|_| Refusal::Failed)?)?;
        attempts.push(now);
        // The nonce is the secret of the moves, so the identifier is another number.
        let id = Digest::of(id).to_string();
        let open = Open {
            issued: now,
            kept: Some(kept),
        };
        state.open.insert(id.clone(), open);
        Ok(Issued {
            id,
            attempt,
            attempts: ATTEMPTS,
        })
    }

    /// Judges the next frame of a challenge. Its time is that of its arrival.
    pub(crate) fn judge(&self, id: &str, frame: &[u8]) -> Result<Answer, Refusal> {
        let (at, kept) = {
            let mut state = self.state();
            // The time is read with the state in hand: frames that arrive together are in the order of their times.
            let at = (self.clock)();
            state.forget(at);
            let open = state.open.get_mut(id).ok_or(Refusal::Over)?;
            (at, open.kept.take().ok_or(Refusal::Early)?)
        };
        let _end = EndAfterPanic { desk: self, id };
        let (kept, answer) = self.push(kept, frame, at);
        let mut state = self.state();
        match &answer {
            // A nonce serves once: a challenge that is decided, or that failed on the way, is over.
            Ok(answer) if answer.reasons.is_some() => _ = state.open.remove(id),
            Err(Refusal::Failed) => _ = state.open.remove(id),
            _ => {
                if let Some(open) = state.open.get_mut(id) {
                    open.kept = Some(kept);
                }
            }
        }
        answer
    }

    /// The challenge after a frame, and the answer. After a frame that cannot be read, the challenge is as before.
    fn push(
        &self,
        kept: Vec<u8>,
        frame: &[u8],
        at: Timestamp,
    ) -> (Vec<u8>, Result<Answer, Refusal>) {
        let limits = DecodeLimits::default().with_max_pixels(MOST_PIXELS);
        let Ok(frame) = image::decode(frame, &limits) else {
            return (kept, Err(Refusal::Picture));
        };
        let judged = (|| {
            let mut challenge: Challenge =
                serde_json::from_slice(&kept).map_err(|_| Refusal::Failed)?;
            let pushed = challenge.push(&self.recognizer, frame.view(), at);
            pushed.map_err(|_| Refusal::Failed)?;
            let outcome = challenge.outcome();
            let is_decided = outcome != ChallengeOutcome::Undecided;
            let answer = Answer {
                outcome,
                prompt: Shown::new(&challenge.prompt((self.clock)().max(at))),
                reasons: is_decided.then(|| challenge.verdict().reasons),
            };
            Ok((self::kept(&challenge)?, answer))
        })();
        match judged {
            Ok((kept, answer)) => (kept, Ok(answer)),
            Err(refusal) => (kept, Err(refusal)),
        }
    }
}

/// Removes the challenge if its frame makes the program panic. Its state is lost, and no frame can follow.
struct EndAfterPanic<'a> {
    desk: &'a Desk,
    id: &'a str,
}

impl Drop for EndAfterPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.desk.state().open.remove(self.id);
        }
    }
}

impl State {
    /// Forgets challenges that nobody finished, and attempts that no longer count.
    fn forget(&mut self, now: Timestamp) {
        self.open
            .retain(|_, open| now.duration_since(open.issued) < FORGOTTEN);
        self.attempts.retain(|_, attempts| {
            attempts.retain(|&attempt| now.duration_since(attempt) < PERIOD);
            !attempts.is_empty()
        });
    }
}

impl Shown {
    fn new(prompt: &ChallengePrompt) -> Self {
        Self {
            key: prompt.key(),
            dot: prompt.dot.code(),
            number: prompt.number,
            moves: prompt.moves,
            begun: prompt.since.is_some(),
        }
    }
}

/// The addresses whose attempts count together: one of IPv4, or the 2⁶⁴ of IPv6 that a visitor can choose from.
fn network(visitor: IpAddr) -> IpAddr {
    match visitor.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

fn kept(challenge: &Challenge) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(challenge).map_err(|_| Refusal::Failed)
}

fn random() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::Failed)?;
    Ok(bytes)
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
