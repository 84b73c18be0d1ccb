"""Challenges: prompts, reasons, states, and a simulated head whose frames the command saved."""

import json
import pickle
import subprocess
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

import facekit
from facekit import errors

ISSUED = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def recognizer():
    return facekit.Recognizer(liveness=False)


def test_a_simulated_head_passes(recognizer, people, command, tmp_path):
    """The frames of the command give its verdict, also if the state is stored between them."""
    nonce = bytes(range(32))
    frames = tmp_path / "frames"
    line = [command, "challenge", "--simulate", "head", "--photo", people / "people" / "Ari" / "1.jpg", "--save", frames]
    ran = subprocess.run([*line, "--nonce", nonce.hex(), "--no-liveness", "--json"], stdout=subprocess.PIPE, check=False)
    expected = json.loads(ran.stdout)
    files = sorted(frames.glob("*.png"))
    begun = datetime.strptime(files[0].stem, "%Y-%m-%dT%H-%M-%S.%fZ").replace(tzinfo=timezone.utc)
    challenge = facekit.Challenge(recognizer, nonce, begun)
    shown = []
    for number, file in enumerate(files):
        at = datetime.strptime(file.stem, "%Y-%m-%dT%H-%M-%S.%fZ").replace(tzinfo=timezone.utc)
        outcome = challenge.push(file, at)
        shown.append(challenge.prompt(at).dot)
        if number % 10 == 9:
            challenge = facekit.Challenge.restore(recognizer, challenge.state())
    verdict = challenge.verdict()
    assert ran.returncode == 0 and outcome == verdict.outcome == "passed" and verdict.passed, verdict
    assert verdict.to_dict() == expected
    assert verdict.answered == 4 and verdict.depth > 0.12 and verdict.reasons == [] and verdict.liveness is None
    assert {"left", "middle", "right"} == set(shown)
    photo = recognizer.recognize(people / "people" / "Ari" / "1.jpg")[0]
    assert challenge.embedding().cosine(photo.embedding) > 0.4


def test_a_still_photo_fails(recognizer, people):
    """A photo that is held still is late for the first prompt. Noise makes the frames differ."""
    photo = np.asarray(Image.open(people / "people" / "Ari" / "1.jpg").convert("RGB"))
    random = np.random.default_rng(1)
    challenge = facekit.Challenge(recognizer, bytes(32), ISSUED)
    at = ISSUED
    outcome = "undecided"
    while outcome == "undecided":
        frame = (photo + random.integers(-2, 3, photo.shape)).clip(0, 255).astype("uint8")
        outcome = challenge.push(frame[..., ::-1], at, color="bgr")
        at += timedelta(seconds=0.2)
    verdict = challenge.verdict()
    assert outcome == "failed" and verdict.reasons == ["answered_too_late"] and not verdict.passed
    assert repr(verdict) == "<ChallengeVerdict failed: answered_too_late>"
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert challenge.push(photo, at) == "failed"


def test_a_repeated_photo_fails(recognizer, people):
    challenge = facekit.Challenge(recognizer, bytes(32), ISSUED)
    photo = people / "people" / "Ari" / "1.jpg"
    assert challenge.push(photo, ISSUED) == "undecided"
    assert challenge.push(photo, ISSUED + timedelta(seconds=0.1)) == "failed"
    assert challenge.verdict().reasons == ["frame_repeated"]


def test_prompts_have_texts_and_no_future(recognizer):
    challenge = facekit.Challenge(recognizer, bytes(32), ISSUED, moves=5)
    prompt = challenge.prompt(ISSUED + timedelta(seconds=20))
    assert (prompt.number, prompt.moves, prompt.dot, prompt.key) == (0, 5, "middle", "challenge-look-middle")
    assert prompt.to_dict() == {"number": 0, "moves": 5, "dot": "middle", "since": None}
    assert pickle.loads(pickle.dumps(prompt)) == prompt


def test_bad_arguments_are_named(recognizer):
    with pytest.raises(errors.InvalidArgumentError, match="nonce: has 5 bytes, 32 are needed"):
        facekit.Challenge(recognizer, b"short", ISSUED)
    with pytest.raises(errors.InvalidArgumentError, match="moves is 6"):
        facekit.Challenge(recognizer, bytes(32), ISSUED, moves=6)
    with pytest.raises(errors.InvalidArgumentError, match="attempt is 4"):
        facekit.Challenge(recognizer, bytes(32), ISSUED, attempt=4)
    with pytest.raises(errors.InvalidArgumentError, match="state: is not valid"):
        facekit.Challenge.restore(recognizer, b"{}")
    with pytest.raises(ValueError, match="time zone"):
        facekit.Challenge(recognizer, bytes(32), datetime(2026, 3, 2, 8, 0))
