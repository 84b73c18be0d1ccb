"""The pool: many augmented faces with the teacher's results, stored in the work folder.

It consists of shards of fixed size, each with its own seed. So a run that was killed continues with the next shard, and the
same options give the same pool.
"""

import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common import people
from ..common.log import Log
from . import augment
from .faces import SIDE, aligned
from .network import HINT
from .teacher import compiled, teacher

SHARD = 8192
ARRAYS = {
    "faces": ((SHARD, SIDE, SIDE, 3), np.uint8),
    "embeddings": ((SHARD, 128), np.float32),
    "features": ((SHARD, 7, 7, HINT), np.float16),
}


@dataclass(frozen=True)
class Recipe:
    work: Path
    people: str
    seed: int

    @property
    def folder(self) -> Path:
        return self.work / f"pool-{self.people}-{self.seed}"


class Shard:
    def __init__(self, recipe: Recipe, number: int, mode: str = "r"):
        self.recipe, self.number, self.mode = recipe, number, mode
        self.folder = recipe.folder / f"{number:04}"

    @property
    def finished(self) -> bool:
        return (self.folder / "finished").is_file()

    def array(self, name: str) -> np.ndarray:
        shape, kind = ARRAYS[name]
        return np.memmap(self.folder / name, kind, self.mode, shape=shape)


def fill(recipe: Recipe, numbers: list[int], device: str, threads: int) -> None:
    """Makes these shards in one process."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    taught = set(people.training_photos(recipe.people))
    faces, found = aligned(recipe.work)
    faces = faces[np.array([photo in taught for photo in people.photos()]) & found]
    network = compiled(teacher(torch.device(device)), torch.device(device))
    for number in numbers:
        shard = Shard(recipe, number, "w+")
        shard.folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng([recipe.seed, number])
        made, embeddings, features = (shard.array(name) for name in ARRAYS)
        for start in range(0, SHARD, 128):
            batch = np.stack([augment.make(faces, random) for _ in range(128)])
            made[start : start + 128] = batch
            with torch.inference_mode():
                embedding, feature = network(torch.from_numpy(batch).to(device))
            embeddings[start : start + 128] = embedding.cpu().numpy()
            features[start : start + 128] = feature.permute(0, 2, 3, 1).half().cpu().numpy()
        for array in (made, embeddings, features):
            array.flush()
        (shard.folder / "finished").touch()


def make(recipe: Recipe, count: int, threads: int, log: Log) -> list[Shard]:
    """Shards with at least `count` faces. Each thread makes some of the missing shards, in a process of its own."""
    wanted = [Shard(recipe, number) for number in range(-(-count // SHARD))]
    missing = [shard.number for shard in wanted if not shard.finished]
    if missing:
        log(f"pool: {len(missing)} of {len(wanted)} shards of {SHARD} faces to make")
        aligned(recipe.work)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        spawn = multiprocessing.get_context("spawn")
        workers = [
            spawn.Process(target=fill, args=(recipe, missing[i::threads], device, 1))
            for i in range(min(threads, len(missing)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            raise SystemExit("making the pool failed")
        log("pool: made")
    return wanted


class Pool:
    """Batches of a pool, in an order that depends only on the seed and the step.

    They are read from the files, or from a copy of the whole pool in the memory of the device `copied`: on a GPU, reading a
    batch from the files takes longer than a step.
    """

    def __init__(self, shards: list[Shard], seed: int, copied: torch.device | None = None):
        self.seed, self.size = seed, SHARD * len(shards)
        self.arrays = {name: [shard.array(name) for shard in shards] for name in ARRAYS}
        self.copies: dict[str, torch.Tensor] = {}
        if copied is not None:
            for name, parts in self.arrays.items():
                first = torch.from_numpy(np.array(parts[0]))
                copy = torch.empty((self.size, *first.shape[1:]), dtype=first.dtype, device=copied)
                for target, part in zip(copy.split(SHARD), parts, strict=True):
                    target.copy_(torch.from_numpy(np.array(part)))
                self.copies[name] = copy
        self.epoch, self.order = -1, np.empty(0)

    def indices(self, step: int, batch: int) -> np.ndarray:
        per_epoch = self.size // batch
        epoch, at = divmod(step, per_epoch)
        if epoch != self.epoch:
            self.order = np.random.default_rng([self.seed, 7, epoch]).permutation(self.size)
            self.epoch = epoch
        return self.order[at * batch : (at + 1) * batch]

    def batch(self, step: int, batch: int) -> dict[str, torch.Tensor]:
        chosen = np.sort(self.indices(step, batch))
        if self.copies:
            rows = torch.from_numpy(chosen)
            return {name: copy[rows.to(copy.device)] for name, copy in self.copies.items()}
        found = {}
        for name, shards in self.arrays.items():
            found[name] = torch.from_numpy(
                np.stack([shards[i // SHARD][i % SHARD] for i in chosen])
            )
        return found
