"""A program that uses every part with its types. It is type-checked and never run. Each ignored line must be an error."""

from collections.abc import Hashable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import facekit


def main(frames: list[NDArray[np.uint8]]) -> None:
    gallery = facekit.Gallery("people.facekit", key=bytes(32))
    recognizer = facekit.Recognizer("standard", gallery=gallery, fmr=1e-4, threads=2, runtime="ort", quality={"max_yaw": 30})
    report = recognizer.enroll("anna", ["anna.jpg", frames[0]], name="Anna", progress=lambda done, total: print(done / total))
    recognizer.embed_again(progress=lambda done, total: print(done / total))  # type: ignore[operator]
    refused: list[str] = [str(photo) for photo in report.refused]
    with recognizer.recognize_many(frames, color="bgr") as results:
        for faces in results:
            for face in faces:
                person: str | None = face.person
                if face.embedding is not None:
                    values: NDArray[np.float32] = face.embedding.values
                    print(person, values.sum(), face.box.xyxy, face.landmarks.mean())
            largest = faces.largest
            if largest is not None:
                print(largest.outcome, faces.draw(frames[0]).html)
            part: facekit.Faces[facekit.Recognition] = faces[:3]
            faces.width = part.height  # type: ignore[misc]
    for outcome in recognizer.recognize_many(frames, errors="return"):
        if isinstance(outcome, Exception):
            print("unreadable", outcome)
        else:
            print(outcome.largest)
    for outcome in recognizer.recognize_many(frames, errors="return"):
        print(outcome.largest)  # type: ignore[union-attr]
    recognizer.recognize_many(frames, errors="ignore")  # type: ignore[call-overload]
    found: facekit.Faces[facekit.Detection] = recognizer.detect(b"...")
    embeddings: list[facekit.Embedding] = recognizer.embed("photo.jpg", found)
    ids, scores = facekit.Index(np.stack([embedding.values for embedding in embeddings])).search(embeddings[0].values, k=1)
    same: bool | None = recognizer.verify("a.jpg", "b.jpg").same
    candidates: list[facekit.Candidate] = recognizer.identify(embeddings[0], k=3)
    licenses: list[str] = [model.license for model in facekit.models.list()]
    try:
        facekit.models.pull(["standard"])
    except facekit.errors.NonCommercialError as error:
        print(error.license)
    path: Path | None = gallery.path
    key: Hashable = found[0].box  # type: ignore[assignment]
    days = facekit.attendance.Policy(holidays_between=[2020, 2030]).evaluate("anna", [], date(2026, 3, 2), date(2026, 3, 2)).days
    facekit.attendance.Punch("1", "anna", datetime.now(timezone.utc), score=np.float64(0.5))
    seen: list[facekit.attendance.Sighting] = facekit.sightings(recognizer.recognize(frames[0]), datetime.now(timezone.utc))
    facekit.sightings(found, datetime.now(timezone.utc))  # type: ignore[arg-type]
    challenge = facekit.Challenge(recognizer, bytes(32), datetime.now(timezone.utc), moves=5)
    outcome_now: Literal["undecided", "passed", "failed"] = challenge.push(frames[0], datetime.now(timezone.utc))
    depth: float | None = facekit.Challenge.restore(recognizer, challenge.state()).verdict().depth
    challenge.prompt(datetime.now(timezone.utc)).dot = "left"  # type: ignore[misc]
    tracker = facekit.Tracker(recognizer, searches_per_second=3, roster=["anna"])
    for event in tracker.push(frames[0], datetime.now(timezone.utc), color="bgr") + tracker.finish(datetime.now(timezone.utc)):
        track: facekit.Track | None = event.state
        if event.shot is not None and track is not None and track.outcome == "known":
            crop: NDArray[np.uint8] = event.shot.aligned
            came: facekit.attendance.Sighting | None = event.sighting("door")
            print(crop, came, track.person, event.kind == "shot")
    tracker.push(frames[0], 1.5)  # type: ignore[arg-type]
    print(path, key, seen, facekit.attendance.columns(days)["status"])
    print(refused, ids.tolist(), scores.tolist(), same, candidates, licenses)


def results(recognizer: facekit.Recognizer, errors: Literal["raise", "return"]) -> facekit.RecognizeMany:
    """Without an argument, the type is that of errors="raise"."""
    return recognizer.recognize_many([], errors=errors)  # type: ignore[return-value]
