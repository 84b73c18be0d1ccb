"""Compares a detector with its teacher, YuNet-n, on people who are not used by the training with --people split.

$ python -m training.detector.evaluate [--model FILE] [--folds 4 5] [--only faces sizes photos empty embeddings speed]
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ..common import paths, people
from ..common.align import align
from ..common.teacher import MobileFaceNet, central_face
from . import cells
from .scenes import SIDE, placed, warp
from .teacher import Detector
from .textures import texture

#: From this overlap on, boxes of two detectors are the same face.
SAME = 0.5
#: The heights of faces in pixels, and the rotations in degrees, of the test by size.
HEIGHTS = (12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 320)
TURNS = (-30, -15, 0, 15, 30)


def match(expected: np.ndarray, found: np.ndarray, overlap: float = SAME) -> list[tuple[int, int]]:
    """Pairs of indices of the same face, in descending order of overlap. Each face is in one pair at most."""
    if not len(expected) or not len(found):
        return []
    table = cells.overlaps(expected, found)
    pairs = []
    while table.max() >= overlap:
        i, j = np.unravel_index(table.argmax(), table.shape)
        pairs.append((int(i), int(j)))
        table[i], table[:, j] = -1, -1
    return pairs


def distance(expected: np.ndarray, found: np.ndarray) -> float:
    """The mean distance of the five points, as a fraction of the distance of the expected eyes."""
    a, b = expected[4:14].reshape(5, 2), found[4:14].reshape(5, 2)
    return float(np.linalg.norm(a - b, axis=1).mean() / np.linalg.norm(a[0] - a[1]))


@dataclass
class Tally:
    """The results for faces that are expected."""

    expected: int = 0
    found: int = 0
    extra: int = 0
    distances: list[float] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)

    def add(self, expected: np.ndarray, found: np.ndarray, lenient: np.ndarray | None = None) -> None:
        """Adds the results of one image. Faces in `lenient` are neither expected nor counted as extra."""
        pairs = match(expected, found)
        self.expected += len(expected)
        self.found += len(pairs)
        others = np.delete(found, [j for _, j in pairs], 0)
        self.extra += len(others) - (0 if lenient is None else len(match(lenient, others)))
        for i, j in pairs:
            self.distances.append(distance(expected[i], found[j]))
            self.overlaps.append(float(cells.overlaps(expected[i : i + 1], found[j : j + 1])[0, 0]))

    def __str__(self) -> str:
        share = 100 / max(self.expected, 1)
        apart = 100 * np.array(self.distances or [np.nan])
        return (
            f"{self.expected:6} faces, found {self.found * share:6.2f} %, extra {self.extra * share:5.2f} %, "
            f"overlap {np.mean(self.overlaps or [np.nan]):.3f}, points mean {apart.mean():.2f}, "
            f"median {np.median(apart):.2f}, 95th percentile {np.percentile(apart, 95):.2f} % of the eye distance"
        )


def read(listed: Iterable[people.Photo]) -> list[np.ndarray]:
    return [cv2.imread(str(photo.path)) for photo in listed]


def measure_faces(student: Detector, teacher: Detector, images: list[np.ndarray]) -> None:
    """Whole photos without changes. If the teacher's score is near the threshold, the student's may be on either side of it. So
    the faces that the teacher finds well above the threshold are counted, too, and extra boxes where it finds none well below
    it."""
    print(f"Held-out photos: {len(images)}, native size")
    rows = [(teacher.rows(image[None])[0], student.rows(image[None])[0]) for image in images]
    for score in (0.5, 0.6):
        same, sure, centre = Tally(), Tally(), Tally()
        for image, (taught, learnt) in zip(images, rows, strict=True):
            expected, found = cells.faces(taught, score), cells.faces(learnt, score)
            same.add(expected, found)
            sure.add(cells.faces(taught, score + 0.1), found, cells.faces(taught, score - 0.1))
            middle = central_face(expected, image.shape[1], image.shape[0])
            if middle is not None:
                centre.add(middle[None], found, expected)
        print(f"  student from {score}, teacher from {score}                   {same}")
        print(f"  student from {score}, teacher from {score + 0.1:.1f}, extra: under {score - 0.1:.1f}  {sure}")
        print(f"  student from {score}, teacher's face nearest the middle {centre}")
    print("  of the teacher's faces from 0.5, by the student's threshold")
    for score in (0.35, 0.4, 0.45, 0.5, 0.55, 0.6):
        tally = Tally()
        for taught, learnt in rows:
            tally.add(cells.faces(taught, 0.5), cells.faces(learnt, score))
        print(f"    {score:.2f}  {tally}")
    print("  against the teacher's median over several views, the face nearest the middle")
    surest = [teacher.surest(image) for image in images]
    for number, name in enumerate(("teacher", "student")):
        tally = Tally()
        for truth, found in zip(surest, rows, strict=True):
            if truth is not None:
                faces = cells.faces(found[number], 0.5)
                tally.add(truth[None], faces, faces)
        print(f"    {name}  {tally}")


def measure_sizes(student: Detector, teacher: Detector, images: list[np.ndarray], score: float = 0.5) -> None:
    """Scenes of several photos whose faces have the same height. The truth is the teacher's median over views of the photo at
    its own size, mapped into the scene. Other people in the photos are neither expected nor counted as extra."""
    print("By height of the face and by its rotation: tiles of photos, score 0.5")
    known = []
    for image in images:
        if (truth := teacher.surest(image)) is not None:
            known.append((image, truth, teacher.detect(image, 0.25)))
    by_turn = {(turn, name): Tally() for turn in TURNS for name in ("teacher", "student")}
    for height in HEIGHTS:
        rng = np.random.default_rng([7, height])
        by_height = {"teacher": Tally(), "student": Tally()}
        cell = int(height * 1.9)
        # About two hundred faces for each height, several in each frame, one rotation for each frame.
        across = max(1, min(6, 640 // cell))
        for number in range(max(len(TURNS), 200 // across**2)):
            turn = TURNS[number % len(TURNS)]
            side = -(-across * cell // 32) * 32
            scene, expected, others = texture(rng, side, side), [], []
            for place in range(across**2):
                photo, truth, all_faces = known[rng.integers(len(known))]
                row, column = divmod(place, across)
                centre = tuple(truth[:2] + truth[2:4] / 2)
                matrix = placed(height / truth[3], turn, centre, (cell / 2, cell / 2))
                tile = warp(photo, matrix, cell, cell, cv2.BORDER_CONSTANT, [0, 0, 0])
                scene[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = tile
                matrix[:, 2] += [column * cell, row * cell]
                expected.append(cells.carried(truth, matrix))
                others += [cells.carried(face, matrix) for face in all_faces]
            for name, detector in (("teacher", teacher), ("student", student)):
                found = detector.detect(scene, score)
                for tally in (by_height[name], by_turn[turn, name]):
                    tally.add(np.array(expected), found, np.array(others))
        for name, tally in by_height.items():
            print(f"  {height:4} px  {name}  {tally}")
    for (turn, name), tally in by_turn.items():
        print(f"  {turn:3} degrees  {name}  {tally}")


def measure_photos(student: Detector, teacher: Detector) -> None:
    print("data/photos, whole and shrunk, score 0.6")
    for path in sorted((paths.test_data() / "data" / "photos").glob("*.jpg")):
        image = cv2.imread(str(path))
        for longest in sorted({max(image.shape[:2]), 640, 320}, reverse=True):
            scale = min(1.0, longest / max(image.shape[:2]))
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
            expected, found = teacher.detect(small, 0.6), student.detect(small, 0.6)
            tally = Tally()
            tally.add(expected, found)
            scores = [" ".join(f"{score:.2f}" for score in rows[:, -1]) for rows in (expected, found)]
            print(f"  {path.name:13} {small.shape[1]:4} × {small.shape[0]:4}  {tally}")
            print(f"      scores: teacher {scores[0]}; student {scores[1]}")


def measure_empty(student: Detector, teacher: Detector, frames: int = 1000) -> None:
    print("Frames without faces: how many have a face")
    rng = np.random.default_rng(11)
    kinds = {
        "one colour": [np.full((320, 320, 3), level, np.uint8) for level in range(0, 256, 5)],
        "textures": [texture(rng, 320, 320) for _ in range(frames)],
        "large textures": [texture(rng, 480, 640) for _ in range(frames // 10)],
    }
    for kind, empty in kinds.items():
        for name, detector in (("teacher", teacher), ("student", student)):
            best = np.array([detector.rows(frame[None])[..., -1].max() for frame in empty])
            counts = ", ".join(f"{(best >= score).sum()} from {score}" for score in (0.3, 0.4, 0.5, 0.6))
            print(f"  {kind:15} {len(empty):5} frames  {name}  {counts}; greatest score {best.max():.2f}")


def measure_embeddings(student: Detector, teacher: Detector, folds: tuple[int, ...]) -> None:
    """The effect of the points: MobileFaceNet on faces that are aligned with the points of each detector."""
    network = MobileFaceNet()
    listed = people.held_out_photos(folds)
    vectors = {}
    for name, detector in (("teacher", teacher), ("student", student)):
        crops = []
        for image in read(listed):
            face = central_face(detector.detect(image, 0.5), image.shape[1], image.shape[0])
            crop = np.zeros((112, 112, 3), np.uint8) if face is None else align(image, face[4:14])
            crops.append(crop[..., ::-1])
        vectors[name] = network.embed(np.array(crops))
    cosine = (vectors["teacher"] * vectors["student"]).sum(1)
    print(f"MobileFaceNet: cosine between faces aligned by teacher and student {cosine.mean():.4f}, ", end="")
    print(f"1st percentile {np.percentile(cosine, 1):.4f}")
    number = {photo: i for i, photo in enumerate(listed)}
    pairs = [pair for pair in people.pairs() if pair.fold in folds]
    same = np.array([pair.same for pair in pairs])
    for name, vector in vectors.items():
        score = np.array([vector[number[pair.first]] @ vector[number[pair.second]] for pair in pairs])
        right = [((score >= threshold) == same).mean() for threshold in np.unique(score)]
        print(f"  {name}: {len(pairs)} pairs, {100 * max(right):.2f} % decided correctly at the best threshold")


def measure_speed(student: Detector, teacher: Detector, rounds: int = 60) -> None:
    """Measures both in turn, so that other work of the machine affects both in the same way."""
    x = np.random.default_rng(0).uniform(0, 255, (1, 3, 320, 320)).astype(np.float32)
    times: dict[str, list[float]] = {"teacher": [], "student": []}
    for _ in range(rounds):
        for name, detector in (("teacher", teacher), ("student", student)):
            for part in range(5):
                start = time.perf_counter()
                detector.session.run(None, {"input": x})
                if part:
                    times[name].append(1e3 * (time.perf_counter() - start))
    median = {name: np.median(values) for name, values in times.items()}
    best = {name: min(values) for name, values in times.items()}
    print("ONNX Runtime, one thread, 320 × 320, milliseconds")
    print(f"  median: teacher {median['teacher']:.2f}, student {median['student']:.2f}")
    print(f"  best: teacher {best['teacher']:.2f}, student {best['student']:.2f}")


def main() -> None:
    parts = ["faces", "sizes", "photos", "empty", "embeddings", "speed"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None, help="facekit-nano/models/detector.onnx by default")
    parser.add_argument("--folds", type=int, nargs="+", choices=people.HELD_OUT, default=list(people.HELD_OUT))
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    student = Detector(chosen.model or paths.shipped("detector.onnx"))
    teacher = Detector()
    images = read(people.held_out_photos(tuple(chosen.folds)))
    if "faces" in chosen.only:
        measure_faces(student, teacher, images)
    if "sizes" in chosen.only:
        measure_sizes(student, teacher, images)
    if "photos" in chosen.only:
        measure_photos(student, teacher)
    if "empty" in chosen.only:
        measure_empty(student, teacher)
    if "embeddings" in chosen.only:
        measure_embeddings(student, teacher, tuple(chosen.folds))
    if "speed" in chosen.only:
        measure_speed(student, teacher)


if __name__ == "__main__":
    main()
