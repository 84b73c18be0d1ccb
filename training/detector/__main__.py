"""Trains the detector and writes facekit-nano/models/detector.onnx.

$ python -m training.detector [--work DIR] [--people split|all] [--seed N] [--threads N]
"""

import argparse
import dataclasses
import functools
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common import checkpoint, options, paths
from ..common.export import export
from ..common.log import Log
from . import cells
from .lessons import Lessons, cached_photos, teach
from .loss import Loss
from .network import Student, YuNetOutputs
from .scenes import SIDE


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that the weights depend on, apart from the code and the photos."""

    people: str
    seed: int
    steps: int
    #: The number of pixels of all scenes of a step.
    pixels: int = 8 * 320 * 320
    rate: float = 2.5e-3
    decay: float = 0.05
    #: The number of steps at the start over which the rate rises.
    warm: int = 300
    #: The decay of the moving average of the weights at each step.
    average: float = 0.999


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--steps", type=int, default=40000)
    parser.add_argument("--output", type=Path, default=None, help="file to write (facekit-nano/models/detector.onnx)")
    chosen = parser.parse_args()
    device = options.begin(chosen)
    cv2.setNumThreads(1)
    recipe = Recipe(chosen.people, chosen.seed, chosen.steps)
    network = train(recipe, chosen, device)
    out = chosen.output or paths.shipped("detector.onnx")
    write(network, out, cached_photos(chosen.work, chosen.people)[0])


def train(recipe: Recipe, chosen: argparse.Namespace, device: torch.device) -> Student:
    """The averaged student after all steps. Training continues from the last checkpoint of the same recipe."""
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
        log(f"continues from step {start}")

    losses: dict[tuple[int, int], Loss] = {}
    sums: dict[str, float] = {}
    lessons = functools.partial(Lessons, chosen.work, recipe.people, recipe.seed, recipe.pixels)
    for step, (images, lesson) in enumerate(teach(lessons, start, recipe.steps), start):
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
    """Parameter groups: the weights of convolutions decay, biases and normalizations do not."""
    weights = [p for p in student.parameters() if p.ndim > 1]
    others = [p for p in student.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def rate(recipe: Recipe, step: int) -> float:
    """The learning rate. It rises over the first steps, then falls along half a cosine to a hundredth."""
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


def write(network: Student, path: Path, photo: np.ndarray) -> None:
    """Writes the ONNX file. The file and the network are compared on `photo`."""
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
