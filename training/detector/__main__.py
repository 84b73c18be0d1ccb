"""Trains the detector and writes facekit-nano/models/detector.onnx.

$ python -m training.detector [--work DIR] [--people split|all] [--seed N] [--threads N]
"""

import argparse
import dataclasses
import functools
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common import checkpoint, options, paths, people
from ..common.export import export
from ..common.log import Log
from . import cells
from .cells import Lesson
from .loss import Loss
from .network import Student, YuNetOutputs
from .scenes import SIDE, Scene, Scenes
from .teacher import Detector

#: Heights and widths of scenes, and how often each is drawn.
SIZES = {(256, 256): 0.33, (320, 320): 0.3, (256, 384): 0.1, (384, 288): 0.1, (448, 448): 0.1, (640, 640): 0.07}

#: How often a batch is learnt, the second time mirrored, and how many others come between.
USES, APART = 3, 24


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on, beside the code and the photos."""

    people: str
    seed: int
    steps: int
    #: Pixels of all scenes of a step.
    pixels: int = 8 * 320 * 320
    rate: float = 2.5e-3
    decay: float = 0.05
    #: Steps over which the rate rises at the start.
    warm: int = 300
    #: How much of the averaged weights stays at each step.
    average: float = 0.999


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--steps", type=int, default=16000)
    parser.add_argument("--output", type=Path, default=None, help="file to write (facekit-nano/models/detector.onnx)")
    chosen = parser.parse_args()
    device = options.begin(chosen)
    cv2.setNumThreads(1)
    recipe = Recipe(chosen.people, chosen.seed, chosen.steps)
    network = train(recipe, chosen, device)
    out = chosen.output or paths.shipped("detector.onnx")
    write(network, out, cached_photos(chosen)[0])


def train(recipe: Recipe, chosen: argparse.Namespace, device: torch.device) -> Student:
    """The averaged student after all steps; goes on from the last checkpoint of the same recipe."""
    name = f"{recipe.people}-{recipe.seed}"
    path = chosen.work / "detector" / f"{name}.pt"
    log = Log(chosen.work / "detector" / f"{name}.log")
    student = Student().to(device, memory_format=torch.channels_last)
    averaged = Student().to(device)
    averaged.load_state_dict(student.state_dict())
    optimizer = torch.optim.AdamW(groups(student, recipe.decay), lr=recipe.rate)
    start = 0
    if state := checkpoint.load(path, dataclasses.asdict(recipe)):
        student.load_state_dict(state["student"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
        log(f"goes on from step {start}")

    losses: dict[tuple[int, int], Loss] = {}
    sums: dict[str, float] = {}
    lessons = teach(recipe, chosen, start) if start < recipe.steps else iter(())
    for step, (images, lesson) in enumerate(lessons, start):
        for group in optimizer.param_groups:
            group["lr"] = rate(recipe, step)
        size = images.shape[1:3]
        if size not in losses:
            losses[size] = Loss(*(torch.from_numpy(part).to(device) for part in cells.grid(*size)))
        x = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255
        with torch.autocast(device.type, torch.bfloat16):
            maps = student(x.contiguous(memory_format=torch.channels_last))
        loss, parts = losses[size](maps, lesson)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 10.0)
        optimizer.step()
        follow(averaged, student, min(recipe.average, (1 + step) / (10 + step)))

        for key, value in parts.items():
            sums[key] = sums.get(key, 0.0) + value
        done = step + 1
        if done % 200 == 0:
            log(f"step {done} " + " ".join(f"{key} {value / 200:.4f}" for key, value in sums.items()))
            sums = {}
        if done % 500 == 0 or done == recipe.steps:
            state = {
                "recipe": dataclasses.asdict(recipe), "step": done, "student": student.state_dict(),
                "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict(),
            }  # fmt: skip
            checkpoint.save(path, state)
    return averaged


def groups(student: Student, decay: float) -> list[dict]:
    """Weights of convolutions decay; biases and normalisations do not."""
    weights = [p for p in student.parameters() if p.ndim > 1]
    others = [p for p in student.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def rate(recipe: Recipe, step: int) -> float:
    """Rises over the first steps, then falls along half a cosine to a hundredth."""
    if step < recipe.warm:
        return recipe.rate * (step + 1) / recipe.warm
    share = (step - recipe.warm) / max(recipe.steps - recipe.warm, 1)
    return recipe.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)


@torch.no_grad()
def follow(averaged: Student, student: Student, keep: float) -> None:
    for mean, value in zip(averaged.state_dict().values(), student.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def teach(recipe: Recipe, chosen: argparse.Namespace, start: int) -> Iterator[tuple[np.ndarray, Lesson]]:
    """Scenes (batch, height, width, 3) and what the teacher sees in them, for each step from `start` on.

    Drawing and teaching cost more than learning, so a batch comes back later.
    """
    photos = cached_photos(chosen)
    surest, bystanders = cached_faces(chosen, photos)
    scenes, teacher = Scenes(photos, bystanders), Detector(threads=chosen.threads)
    sizes, shares = list(SIZES), np.array(list(SIZES.values()))

    @functools.lru_cache(APART * (USES - 1) + 1)
    def fresh(number: int) -> tuple[np.ndarray, Lesson]:
        rng = np.random.default_rng([recipe.seed, number])
        height, width = sizes[rng.choice(len(sizes), p=shares)]
        drawn = [scenes.draw(rng, height, width) for _ in range(recipe.pixels // (height * width))]
        images = np.stack([scene.image for scene in drawn])
        rows = teacher.rows(images)
        rows[[scene.empty for scene in drawn], :, -1] = 0
        return images, cells.lesson(rows, [known(scene, surest) for scene in drawn])

    for step in range(start, recipe.steps):
        number, use = divmod(step, USES)
        images, lesson = fresh(max(0, number - APART * use))
        if use == 1:
            images, lesson = np.ascontiguousarray(images[:, :, ::-1]), cells.mirrored(lesson, *images.shape[1:3])
        yield images, lesson


def known(scene: Scene, surest: np.ndarray) -> np.ndarray:
    """Where the faces of a scene's photos are in the scene."""
    faces = [cells.carried(surest[number], matrix) for number, matrix in scene.photos if surest[number, 2] > 0]
    return np.array(faces, np.float32).reshape(-1, surest.shape[1])


def cached_photos(chosen: argparse.Namespace) -> np.ndarray:
    """The photos that may be trained on, decoded once: (n, 250, 250, 3), BGR, in a file."""
    path = chosen.work / "detector" / f"photos-{chosen.people}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = people.training_photos(chosen.people)
        beside = path.with_suffix(".partial")
        decoded = np.lib.format.open_memmap(beside, "w+", np.uint8, (len(listed), SIDE, SIDE, 3))
        for i, photo in enumerate(listed):
            decoded[i] = cv2.imread(str(photo.path))
        decoded.flush()
        beside.rename(path)
    return np.load(path, mmap_mode="r")


def cached_faces(chosen: argparse.Namespace, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's surest face of each photo (n, 15), zeros where it has none, and its further faces (n, 5): number
    of the photo, and box. In a file."""
    path = chosen.work / "detector" / f"faces-{chosen.people}.npz"
    if not path.is_file():
        teacher = Detector(threads=chosen.threads)
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


def write(network: Student, path: Path, photo: np.ndarray) -> None:
    """The ONNX file; `photo` is what file and network are compared on."""
    example = np.zeros((2, 256, 288, 3), np.float32)
    example[0, :SIDE, :SIDE] = photo
    example[1, 6:, -SIDE:] = photo
    names = YuNetOutputs.NAMES
    dynamic = {name: {0: "batch", 1: f"cells_{name.split('_')[1]}"} for name in names}
    dynamic["input"] = {0: "batch", 2: "height", 3: "width"}
    x = torch.from_numpy(example).permute(0, 3, 1, 2).contiguous()
    export(YuNetOutputs(network), path, x, names, dynamic=dynamic)


if __name__ == "__main__":
    main()
