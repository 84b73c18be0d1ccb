"""A program that uses every part with its types; never run, but checked."""

import numpy as np
from numpy.typing import NDArray

import facekit


def main(frames: list[NDArray[np.uint8]]) -> None:
    gallery = facekit.Gallery("people.facekit", key=bytes(32))
    recognizer = facekit.Recognizer("standard", gallery=gallery, fmr=1e-4, threads=2, runtime="ort", quality={"max_yaw": 30})
    report = recognizer.enroll("anna", ["anna.jpg", frames[0]], name="Anna")
    refused: list[str] = [str(photo) for photo in report.refused]
    for faces in recognizer.recognize_many(frames, color="bgr", errors="return"):
        for face in faces:
            person: str | None = face.person
            if face.embedding is not None:
                values: NDArray[np.float32] = face.embedding.values
                print(person, values.sum(), face.box.xyxy, face.landmarks.mean())
        largest = faces.largest
        if largest is not None:
            print(largest.outcome, faces.draw(frames[0]).html)
    found: facekit.Faces[facekit.Detection] = recognizer.detect(b"...")
    embeddings: list[facekit.Embedding] = recognizer.embed("photo.jpg", found)
    ids, scores = facekit.Index(np.stack([embedding.values for embedding in embeddings])).search(embeddings[0].values, k=1)
    same: bool | None = recognizer.verify("a.jpg", "b.jpg").same
    candidates: list[facekit.Candidate] = recognizer.identify(embeddings[0], k=3)
    licences: list[str] = [model.licence for model in facekit.models.list()]
    try:
        facekit.models.pull(["standard"])
    except facekit.errors.NonCommercialError as error:
        print(error.licence)
    print(refused, ids.tolist(), scores.tolist(), same, candidates, licences)
