"""Tracks of videos that are made from the photos of synthetic people."""

import json
import pickle
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facekit
from facekit import Gallery, errors

PEOPLE = Path(__file__).resolve().parents[2] / "examples" / "data" / "people"
START = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def frames():
    """Two seconds at five frames a second: Ari walks through the picture."""
    photo = Image.open(PEOPLE / "Ari" / "4.jpg").convert("RGB")
    photo = np.asarray(photo.resize((160, 160 * photo.height // photo.width)))
    made = []
    for number in range(10):
        frame = np.full((360, 640, 3), (150, 148, 142), "uint8")
        frame[80 : 80 + photo.shape[0], 40 * number : 40 * number + 160] = photo
        made.append((frame, START + timedelta(seconds=0.2 * number)))
    return made


@pytest.fixture(scope="module")
def known():
    """A recognizer that knows Ari and has no liveness check."""
    recognizer = facekit.Recognizer(gallery=Gallery(), liveness=False)
    for person in ("Ari", "Chi"):
        assert recognizer.enroll(person, [PEOPLE / person / f"{number}.jpg" for number in (1, 2, 3)], name=person.upper())
    return recognizer


def events_of(tracker, frames, **options):
    events = [event for frame, at in frames for event in tracker.push(frame, at, **options)]
    return events + tracker.finish(frames[-1][1])


def test_a_person_is_one_track(known, frames):
    tracker = facekit.Tracker(known)
    events = events_of(tracker, frames)
    kinds = [event.kind for event in events]
    assert kinds[0] == "started" and kinds.count("decided") == kinds.count("ended") == 1 and kinds[-1] == "ended"
    assert {event.track for event in events} == {1}
    started, decided, ended = events[0], events[kinds.index("decided")], events[-1]
    assert started.at == START and started.first.box.width > 20 and started.state is started.shot is None
    shots = [event.shot for event in events if event.kind == "shot"]
    assert [shot.at for shot in shots] == [event.at for event in events if event.kind == "shot"]
    assert 1 <= len(shots) and shots[0].liveness is None and shots[0].quality.sharpness > 0
    assert shots[0].aligned.shape == (112, 112, 3) and shots[0].aligned.dtype == np.uint8
    assert known.identify(shots[0].embedding)[0].person == "Ari"
    track = ended.state
    assert (track.id, track.outcome, track.person, track.name) == (1, "known", "Ari", "ARI")
    assert track.identity.score > 0.3 and track.nearest is None and track.liveness is None
    assert (track.first_seen, track.last_seen) == (START, frames[-1][1]) and 1 <= track.shots <= 6
    assert track.best in shots and track.best.quality.sharpness > 0
    (sighting,) = [seen for seen in (event.sighting("door") for event in events) if seen]
    assert decided.sighting() == facekit.attendance.Sighting("Ari", START, None, decided.state.identity.score, None)
    assert (sighting.device, ended.sighting()) == ("door", None)
    assert tracker.faces == {}


def test_the_same_frames_give_the_same_events(known, frames):
    first = events_of(facekit.Tracker(known), frames)
    assert events_of(facekit.Tracker(known), frames) == first
    # OpenCV's order of the channels.
    swapped = [(frame[..., ::-1].copy(), at) for frame, at in frames]
    assert events_of(facekit.Tracker(known), swapped, color="bgr") == first


def test_values(known, frames):
    events = events_of(facekit.Tracker(known), frames)
    by_kind = {event.kind: event for event in events}
    for event in events:
        for value in (event, event.state, event.shot):
            assert pickle.loads(pickle.dumps(value)) == value and repr(value)
    started = by_kind["started"].to_dict()
    assert (started["event"], started["track"], started["from"]) == ("started", 1, "2026-03-02T08:00:00Z")
    assert started["first"] == by_kind["started"].first.to_dict()
    shot = by_kind["shot"].to_dict()
    assert shot["shot"] == by_kind["shot"].shot.to_dict() and sorted(shot["shot"]) == ["at", "liveness", "quality"]
    ended = by_kind["ended"].to_dict()
    assert ended.pop("event") == "ended" and ended == by_kind["ended"].state.to_dict()
    assert ended["decision"]["person"] == "Ari" and ended["to"] == "2026-03-02T08:00:01.8Z"
    assert '"Ari"' in repr(by_kind["ended"])


def test_tracks_agree_with_the_command(known, frames, command, tmp_path):
    for person in ("Ari", "Chi"):
        folder = tmp_path / "people" / person
        folder.mkdir(parents=True)
        for number in (1, 2, 3):
            (folder / f"{number}.jpg").write_bytes((PEOPLE / person / f"{number}.jpg").read_bytes())
    (tmp_path / "door").mkdir()
    files = []
    for frame, at in frames:
        files.append(tmp_path / "door" / f"{at:%Y-%m-%dT%H-%M-%S}.{at.microsecond // 1000:03}.png")
        Image.fromarray(frame).save(files[-1])

    def run(*arguments):
        done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    gallery = ("--gallery", "a.gallery")
    run("enroll", *gallery, "--no-encryption", "--people", "people")
    theirs = json.loads(run("watch", *gallery, "--no-liveness", "--zone", "UTC", "--json", "door"))["tracks"]
    tracker = facekit.Tracker(known)
    events = [event for file, (_, at) in zip(files, frames) for event in tracker.push(file, at)]
    events += tracker.finish(frames[-1][1])
    mine = [event.state.to_dict() for event in events if event.kind == "ended"]
    assert [track.keys() for track in mine] == [track.keys() for track in theirs]
    for ours, other in zip(mine, theirs):
        assert (ours["track"], ours["shots"]) == (other["track"], other["shots"])
        assert ours["decision"]["person"] == other["decision"]["person"]
        assert ours["decision"]["score"] == pytest.approx(other["decision"]["score"], abs=1e-4)


def test_frames_that_are_not_due_are_not_decoded(known, tmp_path):
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no image")
    tracker = facekit.Tracker(known)
    assert tracker.push(np.zeros((360, 640, 3), "uint8"), START) == []
    assert tracker.push(damaged, START + timedelta(seconds=0.05)) == []
    with pytest.raises(errors.ImageError):
        tracker.push(damaged, START + timedelta(seconds=1))


def test_faces_of_the_last_frame(known, frames):
    tracker = facekit.Tracker(known, searches_per_second=10, motion_gate=False)
    assert tracker.faces == {}
    for frame, at in frames:
        tracker.push(frame, at)
    (face,) = tracker.faces.values()
    assert list(tracker.faces) == [1] and 360 < face.box.center[0] < 520


def test_a_roster_and_a_threshold(known, frames):
    strangers = events_of(facekit.Tracker(known, roster=["Chi"]), frames)
    track = strangers[-1].state
    assert (track.outcome, track.person, track.identity) == ("unknown", None, None) and track.nearest.person == "Chi"
    assert [event for event in strangers if event.sighting()] == []
    assert events_of(facekit.Tracker(known, score=0.99), frames)[-1].state.outcome == "unknown"
    with pytest.raises(errors.UnknownPersonError):
        facekit.Tracker(known, roster=["nobody"])


def test_a_track_without_enough_shots_is_undecided(frames):
    checked = facekit.Recognizer(liveness=True)
    if not checked.checks_liveness:
        pytest.skip("the set nano has no liveness check")
    events = events_of(facekit.Tracker(checked), frames[:2])
    assert events[-1].kind == "ended" and events[-1].state.outcome is None and "undecided" in repr(events[-1])


def test_wrong_arguments_are_named(known, frames):
    for options, words in [
        ({"searches_per_second": 0}, "searches_per_second"),
        ({"longest_rest": float("nan")}, "longest_rest"),
        ({"lost_after": 7200}, "lost_after"),
        ({"start_score": 2}, "start_score"),
        ({"continue_score": 0.9}, "continue_score"),
        ({"fmr": 0.1, "score": 0.4}, "threshold"),
    ]:
        with pytest.raises(errors.InvalidArgumentError, match=words):
            facekit.Tracker(known, **options)
    tracker, (frame, at) = facekit.Tracker(known), frames[0]
    with pytest.raises(ValueError, match="at: .* has no time zone"):
        tracker.push(frame, at.replace(tzinfo=None))
    with pytest.raises(TypeError, match="at: .* datetime"):
        tracker.finish(1.5)
    with pytest.raises(TypeError, match="image: an array of dtype float64"):
        tracker.push(frame / 255, at)
    tracker.push(frame, at)
    with pytest.raises(errors.InvalidArgumentError, match="before the last frame"):
        tracker.push(frame, at - timedelta(seconds=1))


def test_a_closed_gallery_ends_the_tracker(frames):
    gallery = Gallery()
    tracker = facekit.Tracker(facekit.Recognizer(gallery=gallery))
    gallery.close()
    with pytest.raises(ValueError, match="closed"):
        tracker.push(*frames[0])
