"""Renders the photos of people and the frames of the camera."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np

from ..common.log import Log
from . import choose, plan, render
from .check import Eyes
from .choose import TO_EACH_OTHER, TO_ITSELF, TO_PHOTOS
from .quality import ENROLLMENT, RECOGNITION
from .sources import Sources

JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
FRAME = (640, 480)
#: The most attempts for one picture.
ATTEMPTS = 400
#: Walls that people were photographed against: BGR.
WALLS = [(188, 184, 178), (150, 160, 165), (175, 165, 145), (140, 150, 140), (205, 205, 203), (165, 175, 190)]


def everybody(sources: Sources, seed: int) -> dict[str, render.Person]:
    people = {}
    for name, number in {**plan.PEOPLE, **plan.STRANGERS}.items():
        people[name] = choose.dressed(choose.head(sources, seed, number), seed, number)
    return people


class Jury:
    """Accepts a picture if `check.py` will accept it. Its limits are a little tighter. The margin for liveness is greater,
    because liveness scores change more with another JPEG decoder."""

    MARGIN, LIVENESS_MARGIN = 0.008, 0.03

    def __init__(self, sources: Sources, threads: int):
        self.sources, self.eyes = sources, Eyes(threads)
        self.people: list[str] = []
        self.embeddings = np.zeros((0, 128), np.float32)

    def against(self, name: str, live: np.ndarray, issues: list[str], embedding: np.ndarray) -> list[str]:
        """The reasons to reject this face for the person `name`."""
        why = list(issues)
        if (live < 0.5 + self.LIVENESS_MARGIN).any():
            why.append("liveness")
        if (self.sources.embeddings @ embedding).max() >= TO_PHOTOS - self.MARGIN:
            why.append("a source")
        cosines, same = self.embeddings @ embedding, np.array(self.people) == name
        if (cosines[~same] >= TO_EACH_OTHER - self.MARGIN).any():
            why.append("another person")
        if (cosines[same] < TO_ITSELF + self.MARGIN).any():
            why.append("unlike itself")
        return why

    def admit(self, name: str, embedding: np.ndarray) -> None:
        self.people.append(name)
        self.embeddings = np.vstack([self.embeddings, embedding])


def portrait(person: render.Person, number: int, seed: int, attempt: int) -> np.ndarray:
    """The person's photo with this number. In the first one the person looks ahead; the others vary in pose, light, size and
    camera."""
    random = np.random.default_rng([seed, person.seed, number, attempt])
    width, height = [(300, 360), (280, 350), (320, 320)][random.integers(3)]
    eyes = random.uniform(44, 54) * width / 300
    calm = number == 0
    place = render.Place(
        width / 2 + random.normal(0, 6), height * random.uniform(0.40, 0.45), eyes,
        yaw=0 if calm else random.uniform(-15, 15), pitch=0 if calm else random.uniform(-6, 6),
        roll=0 if calm else random.uniform(-7, 7),
    )  # fmt: skip
    warm = random.normal(0, 0.035)
    light = render.Light(
        random.uniform(-1, 1), 0.12 if calm else random.uniform(0.1, 0.4), random.uniform(0.86, 1.14),
        (1 - warm, 1.0, 1 + warm),
    )  # fmt: skip
    wall = np.array(WALLS[random.integers(len(WALLS))]) * random.uniform(0.85, 1.08)
    scene = render.backdrop(width, height, wall, random)
    render.put(scene, person, place, light)
    return render.photographed(scene, light, random.uniform(1.2, 3.5), random)


def entrance(seed: int) -> np.ndarray:
    """The hall in front of the camera."""
    random = np.random.default_rng([seed, 99])
    width, height = FRAME
    scene = render.backdrop(width, height, np.array([178, 182, 180]), random)
    floor = render.backdrop(width, height, np.array([105, 118, 130]), random)
    scene[400:] = floor[400:]
    scene[394:400] *= 0.75
    for left, right, top, colour in ((40, 150, 70, (120, 135, 150)), (470, 600, 120, (196, 200, 205))):
        low = 396 if top < 100 else 250
        scene[top:low, left:right] = render.backdrop(right - left, low - top, np.array(colour), random)
        cv2.rectangle(scene, (left, top), (right, low), (120.0, 126.0, 130.0), 4)
    cv2.circle(scene, (136, 240), 5, (70.0, 80.0, 90.0), -1)
    return cv2.GaussianBlur(scene, (0, 0), 2.2)


def places(present: list[str], index: int, seed: int, attempts: list[int]) -> list[render.Place]:
    """The places of the people in the frame, from left to right. Each attempt gives a person another place."""
    width = FRAME[0]
    step = min(width / (len(present) + 0.5), 190) if present else 0
    most = 40 if len(present) < 3 else 36 if len(present) < 5 else 31
    found = []
    for i, attempt in enumerate(attempts):
        random = np.random.default_rng([seed, 8, index, i, attempt])
        eyes = random.uniform(0.8, 1.0) * most
        found.append(render.Place(
            width / 2 + (i - (len(present) - 1) / 2) * step + random.normal(0, 6),
            150 + (40 - eyes) * 3.2 + random.normal(0, 10), eyes,
            random.uniform(-12, 12), random.uniform(-4, 5), random.uniform(-4, 4),
        ))  # fmt: skip
    return found


def frame(
    people: dict[str, render.Person], index: int, hall: np.ndarray, where: list[render.Place], seed: int, weather: int
) -> np.ndarray:
    """A frame of the camera. `weather` changes the light."""
    time, present = plan.FRAMES[index]
    random = np.random.default_rng([seed, 7, index, weather])
    hour = int(time[11:13]) + int(time[14:16]) / 60
    evening = abs(hour - 13) / 5
    light = render.Light(
        random.uniform(-0.7, 0.7), random.uniform(0.1, 0.3), 1.03 - 0.05 * evening,
        (1 - 0.02 * evening, 1.0, 1 + 0.02 * evening),
    )  # fmt: skip
    scene = hall.copy()
    for name, place in sorted(zip(present, where, strict=True), key=lambda p: p[1].eyes):
        render.put(scene, people[name], place, light)
    return render.photographed(scene, light, 2.2, random)


def admitted_frame(people: dict[str, render.Person], index: int, hall: np.ndarray, seed: int, jury: Jury, log: Log):
    """A frame of which the jury accepts every face, and the places of its people."""
    present = plan.FRAMES[index][1]
    attempts = [0] * len(present)
    for _ in range(ATTEMPTS):
        where = places(present, index, seed, attempts)
        image = frame(people, index, hall, where, seed, max(attempts, default=0) // 20)
        found = jury.eyes.see(jpeg(image), RECOGNITION)
        against: dict[int, list[str]] = {}
        embeddings = {}
        for i, (name, place) in enumerate(zip(present, where, strict=True)):
            here = [f for f in found if np.hypot(*(f[0][4:8].reshape(2, 2).mean(0) - [place.x, place.y])) < 20]
            why = ["not found"] if len(here) != 1 else jury.against(name, *here[0][1:])
            if why:
                against[i] = why
            else:
                embeddings[name] = here[0][3]
        if not against and len(found) == len(present):
            for name, embedding in embeddings.items():
                jury.admit(name, embedding)
            return image, where
        for i in against or range(len(present)):
            attempts[i] += 1
    raise SystemExit(f"{plan.FRAMES[index][0]}: no picture is accepted; last: { {present[i]: w for i, w in against.items()} }")


def admitted_portrait(person: render.Person, name: str, number: int, seed: int, jury: Jury, log: Log) -> np.ndarray:
    tally: dict[str, int] = {}
    for attempt in range(ATTEMPTS):
        image = portrait(person, number, seed, attempt)
        found = jury.eyes.see(jpeg(image), ENROLLMENT)
        why = ["not found"] if len(found) != 1 else jury.against(name, *found[0][1:])
        if not why:
            jury.admit(name, found[0][3])
            log(f"{name} {number + 1}: attempt {attempt + 1} {tally or ''}")
            return image
        for reason in why:
            tally[reason] = tally.get(reason, 0) + 1
    raise SystemExit(f"{name}: no picture {number + 1} is accepted: {tally}")


def jpeg(image: np.ndarray) -> np.ndarray:
    """The image after encoding and decoding as JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", image, JPEG)[1], cv2.IMREAD_COLOR)


def write(folder: Path, sources: Sources, seed: int, threads: int, log: Log) -> None:
    people, jury = everybody(sources, seed), Jury(sources, threads)
    for part in ("people", "frames"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for number in range(plan.PHOTOS):
        for name in plan.PEOPLE:
            image = admitted_portrait(people[name], name, number, seed, jury, log)
            (folder / "people" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / "people" / name / f"{number + 1}.jpg"), image, JPEG)
    (folder / "frames").mkdir(parents=True)
    hall = entrance(seed)
    rows = []
    for index, (time, present) in enumerate(plan.FRAMES):
        image, where = admitted_frame(people, index, hall, seed, jury, log)
        cv2.imwrite(str(folder / "frames" / f"{time}.jpg"), image, JPEG)
        rows += [(f"{time}.jpg", name, round(at.x), round(at.y)) for name, at in zip(present, where, strict=True)]
        log(f"{time}")
    with (folder / "frames.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["frame", "person", "x", "y"])
        table.writerows(rows)
