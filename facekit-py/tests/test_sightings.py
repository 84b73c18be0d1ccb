"""Sightings: one for each person in a frame, and the same ones from Python, the command and the quickstart."""

import csv
import os
import subprocess
from datetime import datetime, timezone

import pytest

import facekit
from facekit.attendance import Punch, Sighting

AT = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)


def by_frame(file):
    """The rows of a sightings file: for each frame, the time, score and liveness of each person."""
    frames = {}
    with open(file, newline="", encoding="utf-8") as rows:
        reader = csv.DictReader(rows)
        assert reader.fieldnames == ["frame", "time", "person", "score", "liveness"]
        for row in reader:
            people = frames.setdefault(row["frame"], {})
            assert row["person"] not in people, "one sighting for each person in a frame"
            liveness = float(row["liveness"]) if row["liveness"] else None
            at = datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
            people[row["person"]] = (at, float(row["score"]), liveness)
    return frames


def run(program, *arguments):
    # In this zone, the time in the name of a frame is the same in all programs.
    environment = {**os.environ, "TZ": "UTC"}
    environment.pop("FACEKIT_SELECTION", None)
    done = subprocess.run([program, *map(str, arguments)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def sightings_of_python(people, frames):
    recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    for folder in sorted(people.iterdir()):
        recognizer.enroll(folder.name, sorted(folder.iterdir()))
    seen = {}
    for frame in sorted(frames.iterdir()):
        at = datetime.strptime(frame.stem, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=timezone.utc)
        sightings = facekit.sightings(recognizer.recognize(frame), at)
        seen[frame.name] = {one.person: (one.at, one.score, one.liveness) for one in sightings}
    return seen


def sightings_of_command(command, people, frames, folder):
    gallery = ["--gallery", folder / "people.facekit"]
    run(command, "enroll", *gallery, "--new-key-file", folder / "people.key", "--people", people)
    opened = [*gallery, "--key-file", folder / "people.key"]
    run(command, "attend", *opened, "--frames", frames, "--zone", "UTC", "--sightings", folder / "command.csv")
    return by_frame(folder / "command.csv")


def sightings_of_quickstart(quickstart, people, frames, folder):
    run(quickstart, "--people", people, "--frames", frames, "--out", folder)
    return by_frame(folder / "sightings.csv")


def test_command_quickstart_and_python_give_the_same_sightings(people, command, quickstart, tmp_path):
    folders = people / "people", people / "frames"
    python = sightings_of_python(*folders)
    assert len(python) == len(list(folders[1].iterdir())) and sum(map(len, python.values())) > len(python)
    for others in (
        sightings_of_command(command, *folders, tmp_path),
        sightings_of_quickstart(quickstart, *folders, tmp_path),
    ):
        assert others.keys() <= python.keys()
        for frame, expected in python.items():
            found = others.get(frame, {})
            assert found.keys() == expected.keys(), frame
            for person, (at, score, liveness) in expected.items():
                assert found[person][0] == at, (frame, person)
                assert found[person][1] == pytest.approx(score, abs=1e-5), (frame, person)
                assert found[person][2] == (None if liveness is None else pytest.approx(liveness, abs=1e-5)), (frame, person)


def test_a_person_is_seen_once_in_a_frame(people):
    recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    photos = [people / "people" / "Ari" / f"{number}.jpg" for number in (1, 2)]
    recognizer.enroll("ari", photos[0])
    faces = [*recognizer.recognize(photos[0]), *recognizer.recognize(photos[1])]
    assert [face.person for face in faces] == ["ari", "ari"]
    best = max(faces, key=lambda face: face.identity.score)
    expected = [Sighting("ari", AT, "door", best.identity.score, best.liveness)]
    assert facekit.sightings(faces, AT, "door") == facekit.sightings(iter(faces[::-1]), AT, "door") == expected
    assert Punch.of("1", expected[0]).score == best.identity.score


def test_unknown_faces_are_no_sightings(people):
    faces = facekit.Recognizer().recognize(people / "people" / "Ari" / "1.jpg")
    assert [face.outcome for face in faces] == ["unknown"] and facekit.sightings(faces, AT) == []


def test_arguments_of_sightings(recognizer, people):
    photo = people / "people" / "Ari" / "1.jpg"
    with pytest.raises(TypeError, match=r"^faces\[0\]: Detection given, Recognition needed"):
        facekit.sightings(recognizer.detect(photo), AT)
    with pytest.raises(ValueError, match="^at: 2026-03-02T08:00:00 has no time zone"):
        facekit.sightings([], AT.replace(tzinfo=None))
    with pytest.raises(TypeError, match="^at: '2026-03-02' given, a datetime.datetime needed"):
        facekit.sightings([], "2026-03-02")
