"""Candidates for the people of the demo: numbered blends, and the embedder's comparison of them."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..common.align import align
from ..common.teacher import MobileFaceNet, YuNet
from . import render
from .blend import Head, blend
from .sources import Sources

#: The greatest cosine to a photo of LFW, and between two composites: facekit's thresholds at false-match rates of 1e-4 and
#: 1e-3.
TO_PHOTOS, TO_EACH_OTHER = 0.401, 0.334
#: The least cosine between two pictures of the same composite.
TO_ITSELF = 0.6


@dataclass(frozen=True)
class Candidate:
    number: int
    head: Head
    portrait: np.ndarray
    score: float
    embedding: np.ndarray
    nearest: float


def head(sources: Sources, seed: int, number: int) -> Head:
    """The blend with this number. It depends only on the seed and the photos."""
    random = np.random.default_rng([seed, number])
    return blend(sources, sources.group(random), random)


def dressed(blended: Head, seed: int, number: int) -> render.Person:
    random = np.random.default_rng([seed, number, 1])
    shirts = [(92, 66, 52), (70, 68, 128), (72, 96, 70), (150, 148, 146), (48, 46, 46), (128, 108, 78), (84, 118, 148),
              (98, 70, 96), (186, 184, 180), (100, 104, 62), (62, 82, 108), (158, 140, 118)]  # fmt: skip
    shirt = np.array(shirts[random.integers(len(shirts))]) * random.uniform(0.85, 1.1, 3)
    neckline = ["crew", "v", "collar"][random.integers(3)]
    return render.Person(blended, tuple(float(v) for v in shirt), neckline, int(random.integers(2**31)))


def candidate(sources: Sources, seed: int, number: int, detector: YuNet, embedder: MobileFaceNet) -> Candidate | None:
    """The blend and the results for a simple portrait of it. None if the detector does not find exactly one face."""
    blended = head(sources, seed, number)
    random = np.random.default_rng([seed, number, 2])
    scene = render.backdrop(300, 360, np.array([185, 180, 175]), random)
    light = render.Light()
    render.put(scene, dressed(blended, seed, number), render.Place(150, 150, 48), light)
    portrait = render.photographed(scene, light, 2.0, random)
    faces = detector.detect(portrait)
    if len(faces) != 1:
        return None
    embedding = embedder.embed(align(portrait, faces[0, 4:14])[None, ..., ::-1])[0]
    nearest = float((sources.embeddings @ embedding).max())
    return Candidate(number, blended, portrait, float(faces[0, 14]), embedding, nearest)


def sheet(pictures: list[np.ndarray], labels: list[str], columns: int, side: int = 200) -> np.ndarray:
    """A contact sheet: all pictures with their labels in one image."""
    cells = []
    for picture, label in zip(pictures, labels, strict=True):
        scale = side / max(picture.shape[:2])
        cell = np.full((side + 16, side, 3), 255, np.uint8)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell[: small.shape[0], : small.shape[1]] = small
        cv2.putText(cell, label, (2, side + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
        cells.append(cell)
    while len(cells) % columns:
        cells.append(np.full_like(cells[0], 255))
    return np.vstack([np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)])
