"""Measures the composites with facekit's models, and compares them with their source photos."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..common import paths
from ..common.align import align
from ..common.liveness import Networks
from ..common.teacher import MobileFaceNet, YuNet
from ..detector.cells import overlaps
from ..detector.teacher import Detector
from ..liveness.data import CONTEXT
from . import plan, quality
from .choose import TO_EACH_OTHER, TO_ITSELF, TO_PHOTOS
from .sources import Sources

#: The greatest size of the demo data in bytes.
MOST = 2_000_000


@dataclass
class Face:
    file: str
    person: str
    score: float
    #: The liveness score of each of `Eyes.CHECKS`.
    live: np.ndarray
    issues: list[str]
    embedding: np.ndarray


class Eyes:
    """facekit's standard set, and the detector and liveness check of facekit-nano, because its demos use the pictures."""

    CHECKS = ("MiniFASNet's pair", "facekit-nano's models")

    def __init__(self, threads: int = 1):
        self.detector = YuNet(threads=threads, score=0.6)
        self.embedder = MobileFaceNet(threads)
        self.standard = Networks.standard(threads)
        self.nano_detector = Detector(paths.shipped("detector.onnx"), threads)
        self.nano = Networks([(paths.shipped("liveness.onnx"), CONTEXT)], threads)

    def see(self, image: np.ndarray, gate: dict) -> list[tuple[np.ndarray, np.ndarray, list[str], np.ndarray]]:
        """For each face: the detection, its liveness scores, its quality issues, its embedding."""
        faces = self.detector.detect(image)
        boxes = faces[:, :4]
        live = np.stack([self.standard.live(image, boxes), self.by_nano(image, boxes)], 1)
        found = []
        for face, alive in zip(faces, live, strict=True):
            aligned = align(image, face[4:14])
            measured = quality.measure(image.shape[1], image.shape[0], face, aligned)
            embedding = self.embedder.embed(aligned[None, ..., ::-1])[0]
            found.append((face, alive, quality.issues(measured, gate), embedding))
        return found

    def by_nano(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """The liveness of the faces with these boxes, by the models of nano only. It is 0 if its detector does not find the
        face."""
        theirs = self.nano_detector.detect(image, 0.6)[:, :4]
        live = np.zeros(len(boxes))
        if len(boxes) and len(theirs):
            table = overlaps(boxes, theirs)
            found = table.max(1) >= 0.5
            live[found] = self.nano.live(image, theirs[table.argmax(1)[found]])
        return live


def look(folder: Path, threads: int = 1) -> tuple[list[Face], list[Face], list[str]]:
    """The faces in the photos of people, the faces in the frames, and a list of faults."""
    eyes, wrong = Eyes(threads), []
    photos, frames = [], []
    for path in sorted((folder / "people").glob("*/*.jpg")):
        file = f"{path.parent.name}/{path.name}"
        found = eyes.see(cv2.imread(str(path)), quality.ENROLLMENT)
        if len(found) != 1:
            wrong.append(f"{file}: {len(found)} faces, not 1")
        for face, live, issues, embedding in found:
            photos.append(Face(file, path.parent.name, face[14], live, issues, embedding))
    with (folder / "frames.csv").open(newline="") as table:
        expected = list(csv.DictReader(table))
    for path in sorted((folder / "frames").glob("*.jpg")):
        here = [row for row in expected if row["frame"] == path.name]
        found = eyes.see(cv2.imread(str(path)), quality.RECOGNITION)
        if len(found) != len(here):
            wrong.append(f"{path.name}: {len(found)} faces, not {len(here)}")
        for face, live, issues, embedding in found:
            middle = face[4:8].reshape(2, 2).mean(0)
            row = min(here, key=lambda r: np.hypot(int(r["x"]) - middle[0], int(r["y"]) - middle[1]), default=None)
            if row is None or np.hypot(int(row["x"]) - middle[0], int(row["y"]) - middle[1]) > 25:
                wrong.append(f"{path.name}: a face at {middle.round()}, where there is no person")
                continue
            frames.append(Face(path.name, row["person"], face[14], live, issues, embedding))
    return photos, frames, wrong


def report(folder: Path, sources: Sources | None, threads: int = 1) -> bool:
    """Prints all figures, and returns whether all limits are kept. Without sources, the composites are not compared with
    LFW."""
    photos, frames, wrong = look(folder, threads)
    both = photos + frames
    people = np.array([face.person for face in both])
    embeddings = np.stack([face.embedding for face in both])
    cosines = embeddings @ embeddings.T
    same = people[:, None] == people[None]
    upper = np.triu(np.ones_like(same), 1)

    def tell(what: str, values: np.ndarray, limit: str, fine: bool) -> None:
        low, middle, high = np.quantile(values, [0, 0.5, 1])
        print(f"{what:<58} {low:6.3f} {middle:6.3f} {high:6.3f}   {limit:<9} {'ok' if fine else 'NOT KEPT'}")
        if not fine:
            wrong.append(what)

    print(f"{'cosines of mobilefacenet':<58} {'least':>6} {'median':>6} {'most':>6}   limit")
    within, between = cosines[same & upper], cosines[~same & upper]
    tell("pictures of one person", within, f">= {TO_ITSELF}", within.min() >= TO_ITSELF)
    tell("pictures of two people, with strangers", between, f"< {TO_EACH_OTHER}", between.max() < TO_EACH_OTHER)
    if sources is not None:
        nearest = (embeddings @ sources.embeddings.T).max(1)
        tell(f"nearest of {len(sources.photos)} photos of LFW", nearest, f"< {TO_PHOTOS}", nearest.max() < TO_PHOTOS)
    print()
    for name, faces in (("photos", photos), ("frames", frames)):
        scores, live = np.array([f.score for f in faces]), np.array([f.live for f in faces])
        issues = [f"{f.file} ({f.person}): {', '.join(f.issues)}" for f in faces if f.issues]
        tell(f"{name}: YuNet-n's score, {len(faces)} faces", scores, ">= 0.6", scores.min() >= 0.6)
        print(f"{name}: {len(faces) - len(issues)} of {len(faces)} pass the quality gate")
        for check, column in zip(Eyes.CHECKS, live.T, strict=True):
            tell(f"{name}: live according to {check}", column, ">= 0.5", column.min() >= 0.5)
        wrong += issues
    weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{weight} bytes")
    if weight > MOST:
        wrong.append(f"more than {MOST} bytes")
    if len(set(people[: len(photos)])) != len(plan.PEOPLE):
        wrong.append(f"{len(set(people[: len(photos)]))} people, not {len(plan.PEOPLE)}")
    for text in wrong:
        print(f"wrong: {text}")
    return not wrong
