"""Batches of scenes and the teacher's results for them. A separate process makes them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from ..common import people
from . import cells
from .cells import Lesson
from .scenes import SIDE, Scene, Scenes
from .teacher import Detector

#: Height and width of scenes, and the probability of each.
SIZES = {(256, 256): 0.33, (320, 320): 0.3, (256, 384): 0.1, (384, 288): 0.1, (448, 448): 0.1, (640, 640): 0.07}

#: The number of times that a batch is used, the second time mirrored, and the number of batches between two uses.
USES, APART = 3, 24

#: The number of batches that are made in advance.
AHEAD = 8

#: Scenes (batch, height, width, 3) and their lesson.
Batch = tuple[np.ndarray, Lesson]


class Lessons:
    """Draws batches and runs the teacher on them. A batch depends only on the seed and its number.

    `work` is the folder for caches, `whose` selects the people whose photos are used, and `pixels` is the number of pixels of
    all scenes of a batch.
    """

    def __init__(self, work: Path, whose: str, seed: int, pixels: int):
        cv2.setNumThreads(1)
        photos = cached_photos(work, whose)
        self.surest, bystanders = cached_faces(work, whose, photos)
        self.scenes, self.teacher = Scenes(photos, bystanders), Detector()
        self.seed, self.pixels = seed, pixels

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng([self.seed, number])
        height, width = list(SIZES)[rng.choice(len(SIZES), p=np.array(list(SIZES.values())))]
        drawn = [self.scenes.draw(rng, height, width) for _ in range(self.pixels // (height * width))]
        images = np.stack([scene.image for scene in drawn])
        rows = self.teacher.rows(images)
        rows[[scene.empty for scene in drawn], :, -1] = 0
        return images, cells.lesson(rows, [known(scene, self.surest) for scene in drawn])


#: The lessons of the process that makes batches.
lessons: Lessons


def begin(make: Callable[[], Lessons]) -> None:
    global lessons
    lessons = make()


def fresh(number: int) -> Batch:
    return lessons[number]


def teach(make: Callable[[], Lessons], start: int, steps: int) -> Iterator[Batch]:
    """A batch for each step from `start` on.

    Making a batch takes as long as learning from it. So each batch is used several times, and another process makes the next
    ones meanwhile.
    """
    if start >= steps:
        return
    kept: dict[int, Future[Batch]] = {}
    following = max(0, start // USES - APART * (USES - 1))
    with ProcessPoolExecutor(1, get_context("spawn"), begin, (make,)) as school:
        for step in range(start, steps):
            newest, use = divmod(step, USES)
            while following <= min(newest + AHEAD, (steps - 1) // USES):
                kept[following] = school.submit(fresh, following)
                following += 1
            kept.pop(newest - APART * (USES - 1) - 1, None)
            images, lesson = kept[max(0, newest - APART * use)].result()
            if use == 1:
                images, lesson = np.ascontiguousarray(images[:, :, ::-1]), cells.mirrored(lesson, *images.shape[1:3])
            yield images, lesson


def known(scene: Scene, surest: np.ndarray) -> np.ndarray:
    """The known faces of a scene's photos, at their places in the scene."""
    faces = [cells.carried(surest[number], matrix) for number, matrix in scene.photos if surest[number, 2] > 0]
    return np.array(faces, np.float32).reshape(-1, surest.shape[1])


def cached_photos(work: Path, whose: str) -> np.ndarray:
    """The photos for training, decoded once and stored in a file: (n, 250, 250, 3), BGR."""
    path = work / "detector" / f"photos-{whose}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = people.training_photos(whose)
        beside = path.with_suffix(".partial")
        decoded = np.lib.format.open_memmap(beside, "w+", np.uint8, (len(listed), SIDE, SIDE, 3))
        for i, photo in enumerate(listed):
            decoded[i] = cv2.imread(str(photo.path))
        decoded.flush()
        beside.rename(path)
    return np.load(path, mmap_mode="r")


def cached_faces(work: Path, whose: str, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's surest face of each photo (n, 15), or zeros if there is none, and its other faces (n, 5): number of the
    photo, and box. They are stored in a file."""
    path = work / "detector" / f"faces-{whose}.npz"
    if not path.is_file():
        teacher = Detector()
        surest, bystanders = np.zeros((len(photos), 15)), []
        for number, photo in enumerate(photos):
            if (face := teacher.surest(photo)) is not None:
                surest[number] = face
            others = teacher.detect(photo, 0.5)[:, :4]
            if len(others):
                others = others[cells.overlaps(others, surest[number : number + 1])[:, 0] < 0.5]
            bystanders += [[number, *box] for box in others]
        with path.with_suffix(".partial").open("wb") as file:
            np.savez(file, surest=surest, bystanders=np.array(bystanders).reshape(-1, 5))
        path.with_suffix(".partial").rename(path)
    cached = np.load(path)
    return cached["surest"], cached["bystanders"]
