"""The photos of LFW that are suitable for blending, and groups of people who are blended into one."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..common import found, people
from ..common.align import align
from ..common.teacher import MobileFaceNet
from . import quality

#: The number of people who are blended into one.
COUNT = 7
#: The others are drawn from this many people whose coloring is most like that of the first.
AROUND = 22


@dataclass(frozen=True)
class Sources:
    """All photos of LFW, with the data for choosing them. Photos without a face have an infinite fault."""

    photos: list[people.Photo]
    faces: np.ndarray
    embeddings: np.ndarray
    #: Colors (Lab) of cheeks, forehead, hair above and beside the face, the places of long hair, and the backdrop.
    colours: np.ndarray
    #: The distance from a portrait that blends well. Lower is better; infinite means unsuitable.
    fault: np.ndarray

    @cached_property
    def usable(self) -> np.ndarray:
        """The best suitable photo of each person."""
        best: dict[str, int] = {}
        for i in np.nonzero(np.isfinite(self.fault))[0]:
            person = self.photos[i].person
            if person not in best or self.fault[i] < self.fault[best[person]]:
                best[person] = int(i)
        return np.array(sorted(best.values()))

    def group(self, random: np.random.Generator) -> np.ndarray:
        """COUNT different people of similar coloring, so that their blend looks natural. No two of them resemble each other."""
        first = int(random.choice(self.usable))
        apart = np.linalg.norm((self.colours[self.usable] - self.colours[first]) / self.spread, axis=1)
        alike = self.embeddings[self.usable] @ self.embeddings[first]
        # Some similarity of embeddings means a similar age and sex. Too much would show in the blend, so it is limited.
        order = self.usable[np.argsort(apart - 3.0 * np.clip(alike, 0, 0.25), kind="stable")]
        chosen = [first]
        for i in random.permutation(order[1 : AROUND + 1]):
            if len(chosen) < COUNT and (self.embeddings[chosen] @ self.embeddings[i]).max() < 0.3:
                chosen.append(int(i))
        return np.array(chosen) if len(chosen) == COUNT else self.group(random)

    @cached_property
    def spread(self) -> np.ndarray:
        return self.colours[self.usable].std(0) + 1e-6


def load(work: Path, threads: int = 1) -> Sources:
    photos, faces = list(people.photos()), found.faces(work, threads)
    path = work / "composites" / "sources.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Sources(photos, faces, kept["embeddings"], kept["colours"], kept["fault"])
    aligned = np.zeros((len(photos), 112, 112, 3), np.uint8)
    colours, fault = np.zeros((len(photos), 21)), np.full(len(photos), np.inf)
    for i, (photo, face) in enumerate(zip(photos, faces, strict=True)):
        if np.isnan(face[0]):
            continue
        image = cv2.imread(str(photo.path))
        aligned[i] = align(image, face[4:14])
        colours[i], fault[i] = judge(image, face, aligned[i])
    embeddings = MobileFaceNet(threads).embed(aligned[..., ::-1])
    embeddings[np.isnan(faces[:, 0])] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, embeddings=embeddings, colours=colours, fault=fault)
    return Sources(photos, faces, embeddings, colours, fault)


def judge(image: np.ndarray, face: np.ndarray, aligned: np.ndarray) -> tuple[np.ndarray, float]:
    """The colors of the parts of the photo, and its fault: how badly it would blend."""
    height, width = image.shape[:2]
    measured = quality.measure(width, height, face, aligned)
    points = face[4:14].reshape(5, 2)
    eyes, unit = points[:2].mean(0), measured["eyes"]
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2Lab).astype(float)

    def patch(x: float, y: float, radius: float = 0.18) -> np.ndarray:
        cx, cy, r = eyes[0] + x * unit, eyes[1] + y * unit, max(1, radius * unit)
        x0, x1 = (int(np.clip(v, 0, width - 1)) for v in (cx - r, cx + r))
        y0, y1 = (int(np.clip(v, 0, height - 1)) for v in (cy - r, cy + r))
        return lab[y0 : y1 + 1, x0 : x1 + 1].reshape(-1, 3)

    def both(x: float, y: float) -> np.ndarray:
        return np.vstack([patch(-x, y), patch(x, y)])

    places = [
        both(0.55, 0.65), patch(0, -0.6), patch(0, -1.45), both(0.9, -1.1), both(1.45, 0.3), both(1.5, 1.5),
    ]  # fmt: skip
    backdrop = np.vstack([patch(-2.4, -1.5, 0.5), patch(2.4, -1.5, 0.5), patch(-2.4, 0.2, 0.5), patch(2.4, 0.2, 0.5)])
    colours = np.concatenate([place.mean(0) for place in [*places, backdrop]])
    # The backdrop is replaced, so its color counts little. Hue counts more than lightness.
    colours = colours * np.array([0.8, 1.2, 1.2] * 6 + [0.15, 0.1, 0.1])
    uneven = backdrop[:, 0].std() + np.abs(patch(-0.55, 0.65)[:, 0].mean() - patch(0.55, 0.65)[:, 0].mean())
    fault = uneven / 20 + abs(measured["yaw"]) / 8 + abs(measured["pitch"]) / 12 + abs(measured["roll"]) / 10
    out = (
        face[14] < 0.8 or abs(measured["yaw"]) > 12 or abs(measured["pitch"]) > 18 or measured["sharpness"] < 0.10
        or not 0.25 < measured["brightness"] < 0.8 or unit < 36 or uneven > 55
    )  # fmt: skip
    return colours, float("inf") if out else fault
