//! `Challenge`: a person follows a dot with the head, and the movement of the face shows whether it has depth.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use facekit::ChallengeOptions;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyTuple},
};
use serde::{Deserialize, Serialize};

use crate::{
    embedding::Embedding,
    errors,
    image::{Color, Photo},
    pipeline::Pipeline,
    process::ProcessLocal,
    recognizer::Recognizer,
    value::{self, value_class},
    work,
};

/// A challenge: a person follows a dot with the head, to the left, to the right and back to the middle.
///
/// It stops a still picture on a screen, a card or a board, however it is moved or curved, and most recordings made for another
/// challenge. It does not stop a folded or ridged picture reliably, a mask, recordings chosen by somebody who follows the prompts, a
/// live face swap, or video that is fed in instead of the camera. No conformance to ISO/IEC 30107-3 is claimed.
///
/// `nonce` is 32 random bytes, from `secrets.token_bytes(32)`, and `issued` the time at which it was made, a datetime with a time zone.
/// A nonce lives for 30 seconds, and the caller accepts it once. The moves of the dot and their times follow from it. `moves` is 4 or
/// 5. `attempt` is the number of this attempt of the person in ten minutes, 1 to 3; the caller counts. With `passive`, the median of the
/// liveness scores must also count as live, if the recognizer has a liveness check. `mirrored` is for frames that are mirrored.
///
/// Frames are at most 250 ms apart. A challenge has no clock: the same frames with the same times give the same verdict.
///
/// Raises InvalidArgumentError for an option that is out of range, and for a recognizer whose detector has no limits.
///
/// >>> import facekit, secrets
/// >>> from datetime import datetime, timezone
/// >>> recognizer = facekit.Recognizer()
/// >>> issued = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> challenge = facekit.Challenge(recognizer, secrets.token_bytes(32), issued)
/// >>> challenge.push("anna.jpg", issued)
/// 'undecided'
/// >>> challenge.prompt(issued).text
/// 'Look straight ahead.'
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Challenge(ProcessLocal<Running>);

struct Running {
    pipeline: Arc<Pipeline>,
    challenge: Mutex<facekit::Challenge>,
}

#[pymethods]
impl Challenge {
    #[new]
    #[pyo3(signature = (recognizer, nonce, issued, *, moves = 4, attempt = 1, passive = true, mirrored = false))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        recognizer: &Recognizer,
        nonce: &[u8],
        issued: &Bound<'_, PyAny>,
        moves: u8,
        attempt: u8,
        passive: bool,
        mirrored: bool,
    ) -> PyResult<Self> {
        let nonce: [u8; 32] = nonce.try_into().map_err(|_| {
            let reason = format!("has {} bytes, 32 are needed", nonce.len());
            errors::argument(py, "nonce", reason)
        })?;
        let issued = value::timestamp("issued", issued)?;
        let pipeline = Arc::clone(recognizer.pipeline(py)?);
        let options = ChallengeOptions::default()
            .with_moves(moves)
            .with_attempt(attempt)
            .with_passive(passive)
            .with_mirrored(mirrored);
        let challenge = work::detached(py, || {
            facekit::Challenge::new(nonce, issued, &pipeline.recognizer, &options)
        })?;
        Ok(Self::running(pipeline, challenge))
    }

    /// Goes on with a challenge whose `state` was kept, with a recognizer of the same models.
    ///
    /// Raises InvalidArgumentError for bytes that are no state.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> recognizer = facekit.Recognizer()
    /// >>> challenge = facekit.Challenge(recognizer, bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// >>> facekit.Challenge.restore(recognizer, challenge.state()).verdict().outcome
    /// 'undecided'
    #[staticmethod]
    fn restore(py: Python<'_>, recognizer: &Recognizer, state: &[u8]) -> PyResult<Self> {
        let pipeline = Arc::clone(recognizer.pipeline(py)?);
        let challenge = serde_json::from_slice(state)
            .map_err(|error| errors::argument(py, "state", format!("is not valid: {error}")))?;
        Ok(Self::running(pipeline, challenge))
    }

    /// The state as bytes, so that a server can keep it between two requests. It knows the moves that are not due yet: it must not be
    /// sent to the person.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// >>> len(challenge.state()) < 500_000
    /// True
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let running = self.0.require(py, "Challenge")?;
        let json = value::to_json(py, &*running.locked())?;
        Ok(PyBytes::new(py, json.as_bytes()))
    }

    /// The prompt at the time `at`, a datetime with a time zone. Nothing that comes later is in it.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    /// >>> prompt = facekit.Challenge(facekit.Recognizer(), bytes(32), at).prompt(at)
    /// >>> prompt.dot, prompt.key, prompt.number, prompt.moves
    /// ('middle', 'challenge-look-middle', 0, 4)
    fn prompt(&self, py: Python<'_>, at: &Bound<'_, PyAny>) -> PyResult<ChallengePrompt> {
        let at = value::timestamp("at", at)?;
        let running = self.0.require(py, "Challenge")?;
        Ok(ChallengePrompt(running.locked().prompt(at)))
    }

    /// Takes the next frame, which was taken at the time `at`, a datetime with a time zone. Returns `"undecided"`, `"passed"` or
    /// `"failed"`. Frames after the decision are left out. For images, see `Recognizer.recognize`.
    ///
    /// A bad frame raises no exception but is a reason in the verdict. Raises ValueError for a time without a time zone.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    /// >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), at)
    /// >>> [challenge.push("anna.jpg", at) for _ in range(2)], challenge.verdict().reasons
    /// (['undecided', 'failed'], ['frames_out_of_order'])
    #[pyo3(signature = (image, at, *, color = "rgb"))]
    fn push(
        &self,
        py: Python<'_>,
        image: &Bound<'_, PyAny>,
        at: &Bound<'_, PyAny>,
        color: &str,
    ) -> PyResult<&'static str> {
        let at = value::timestamp("at", at)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let running = self.0.require(py, "Challenge")?;
        let outcome = work::detached(py, || {
            let image = photo.open(&running.pipeline.limits)?;
            let mut challenge = running.locked();
            challenge.push(&running.pipeline.recognizer, image.view(), at)?;
            Ok(challenge.outcome())
        })?;
        Ok(outcome.code())
    }

    /// The result at this moment.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// >>> challenge.verdict().passed
    /// False
    fn verdict(&self, py: Python<'_>) -> PyResult<ChallengeVerdict> {
        let running = self.0.require(py, "Challenge")?;
        Ok(ChallengeVerdict(running.locked().verdict()))
    }

    /// The mean of the embeddings of the person who passed; None unless the challenge is passed. To sign somebody in, compare this
    /// embedding and no other one: the person before the camera can change before and after the challenge.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// >>> challenge.embedding() is None
    /// True
    fn embedding(&self, py: Python<'_>) -> PyResult<Option<Embedding>> {
        let running = self.0.require(py, "Challenge")?;
        let embedding = work::detached(py, || {
            running.locked().embedding(&running.pipeline.recognizer)
        })?;
        Ok(embedding.map(Embedding::from))
    }

    fn __repr__(&self) -> String {
        match self.0.value() {
            Some(running) => format!("<Challenge {}>", running.locked().outcome().code()),
            None => "<Challenge of another process>".to_owned(),
        }
    }
}

impl Challenge {
    fn running(pipeline: Arc<Pipeline>, challenge: facekit::Challenge) -> Self {
        Self(ProcessLocal::new(Running {
            pipeline,
            challenge: Mutex::new(challenge),
        }))
    }
}

impl Running {
    fn locked(&self) -> MutexGuard<'_, facekit::Challenge> {
        self.challenge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The instruction for the person at a moment of a challenge, from `Challenge.prompt`.
///
/// `dot` is `"left"`, `"middle"` or `"right"`, as the person sees it. `number` is 0 before the first of the `moves`. `key` is the key of
/// the text for translation; `text` is the text in English. For people who cannot turn their head, offer another way: a PIN, a QR code
/// or a manager. The key of that text is `challenge-cannot-turn`.
///
/// >>> import facekit
/// >>> from datetime import datetime, timezone
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> facekit.Challenge(facekit.Recognizer(), bytes(32), at).prompt(at)
/// <ChallengePrompt 0 of 4: middle>
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ChallengePrompt(facekit::ChallengePrompt);

value_class!(ChallengePrompt {
    /// The place of the dot: "left", "middle" or "right".
    #[getter]
    fn dot(&self) -> &'static str {
        self.0.dot.code()
    }

    /// The number of the move, 0 before the first one.
    #[getter]
    fn number(&self) -> usize {
        self.0.number
    }

    /// The number of moves of the challenge.
    #[getter]
    fn moves(&self) -> usize {
        self.0.moves
    }

    /// The key of the text, for translation.
    #[getter]
    fn key(&self) -> &'static str {
        self.0.key()
    }

    /// The text in English.
    #[getter]
    fn text(&self) -> &'static str {
        self.0.text()
    }

    fn __repr__(&self) -> String {
        let facekit::ChallengePrompt { number, moves, dot, .. } = self.0;
        format!("<ChallengePrompt {number} of {moves}: {dot}>")
    }
});

/// The result of a challenge, from `Challenge.verdict`.
///
/// `outcome` is `"undecided"`, `"passed"` or `"failed"`; only `passed` counts. `to_dict` has the steps, the depths and the continuity,
/// with the keys of `facekit challenge --json`.
///
/// >>> import facekit
/// >>> from datetime import datetime, timezone
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> verdict = facekit.Challenge(facekit.Recognizer(), bytes(32), at, attempt=2).verdict()
/// >>> verdict, verdict.attempt, verdict.depth, verdict.nonce[:8]
/// (<ChallengeVerdict undecided>, 2, None, '66687aad')
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ChallengeVerdict(facekit::ChallengeVerdict);

value_class!(ChallengeVerdict {
    /// True if the challenge is passed.
    #[getter]
    fn passed(&self) -> bool {
        self.0.passed()
    }

    /// "undecided", "passed" or "failed".
    #[getter]
    fn outcome(&self) -> &'static str {
        self.0.outcome.code()
    }

    /// The codes of the reasons against a pass, such as "no_depth".
    #[getter]
    fn reasons(&self) -> Vec<&'static str> {
        self.0.reasons.iter().map(|reason| reason.code()).collect()
    }

    /// The least of the three depths; None if it was not measured.
    #[getter]
    fn depth(&self) -> Option<f32> {
        self.0.depth.map(|depth| depth.least())
    }

    /// The number of moves that were answered.
    #[getter]
    fn answered(&self) -> usize {
        self.0.steps.len()
    }

    /// The median of the liveness scores; None without a liveness check.
    #[getter]
    fn liveness(&self) -> Option<f32> {
        self.0.passive.map(facekit::LivenessScore::value)
    }

    /// The number of the attempt.
    #[getter]
    fn attempt(&self) -> u8 {
        self.0.attempt
    }

    /// The SHA-256 digest of the nonce. Keep it, so that a nonce serves once.
    #[getter]
    fn nonce(&self) -> String {
        self.0.nonce.to_string()
    }

    fn __repr__(&self) -> String {
        let reasons: Vec<&str> = self.0.reasons.iter().map(|reason| reason.code()).collect();
        let because = if reasons.is_empty() {
            String::new()
        } else {
            format!(": {}", reasons.join(", "))
        };
        format!("<ChallengeVerdict {}{because}>", self.0.outcome.code())
    }
});
