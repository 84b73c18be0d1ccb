"""The training data: crops of living faces and of simulated attacks, and variations, which are crops of any content that need
not be either. The targets are the teacher's results.

Everything is made once and stored in the work folder, in shards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx

from ..common import found, paths, people
from ..common.liveness import SIDE, STANDARD, Networks, crop, crop_box, softmax
from ..common.log import Log
from ..common.teacher import free_batch, session
from . import attacks

#: The network of MiniFASNet's pair that is the teacher. It is surer of attacks than the other one. A student can learn only
#: from a teacher with the same crop, and the other network of the pair has a wider one.
TEACHER = "minifasnet_v2.onnx"
#: The context of the student and of its teacher.
CONTEXT = STANDARD[TEACHER]
#: The names of its last maps of 20 × 20, 10 × 10 and 5 × 5 places.
STAGES = [f"/conv_{stage}/Add_output_0" for stage in ("3/model/model.3", "4/model/model.5", "5/model/model.1")]
#: The numbers of all samples, and of samples in a shard.
COUNT, SHARD = 26_000, 1_000
VARIATIONS = 100_000
#: The fraction of samples that show living faces.
ALIVE = 0.42
KINDS = (attacks.LIVE, *attacks.KINDS)
#: The kind of a variation.
UNKNOWN = -1


class Teacher:
    """MiniFASNet: its probabilities and its feature maps."""

    def __init__(self, threads: int = 1):
        model = onnx.load_from_string(free_batch(paths.weights(TEACHER)))
        for value in (*STAGES, model.graph.node[-1].input[0]):
            model.graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
        self.session = session(model.SerializeToString(), threads)

    def ask(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """The results for crops (n, 80, 80, 3): `said`, the probabilities (n, 3); the maps of the stages, with sides above 5
        halved: `fine` (n, 64, 10, 10), `middle` (n, 128, 5, 5) and `coarse` (n, 128, 5, 5); and `features` before the last
        layer (n, 128)."""
        parts: dict[str, list] = {name: [] for name in ("said", "fine", "middle", "coarse", "features")}
        for start in range(0, len(crops), 50):
            x = np.ascontiguousarray(crops[start : start + 50].transpose(0, 3, 1, 2), np.float32)
            logits, fine, middle, coarse, features = self.session.run(None, {self.session.get_inputs()[0].name: x})
            seen = (softmax(logits), halved(fine), halved(middle), coarse, features)
            for part, value in zip(parts.values(), seen, strict=True):
                part.append(value)
        found = {name: np.concatenate(part).astype(np.float16) for name, part in parts.items()}
        return found | dict(said=np.concatenate(parts["said"]))


def halved(maps: np.ndarray) -> np.ndarray:
    """The means of blocks of 2 × 2 values: from (n, channels, 2a, 2b) to (n, channels, a, b)."""
    n, channels, height, width = maps.shape
    return maps.reshape(n, channels, height // 2, 2, width // 2, 2).mean((3, 5))


@dataclass(frozen=True)
class Samples:
    #: BGR, uint8 (n, 80, 80, 3).
    crops: np.ndarray
    #: Index into KINDS, or UNKNOWN.
    kinds: np.ndarray
    #: The results of `Teacher.ask`.
    said: np.ndarray
    fine: np.ndarray
    middle: np.ndarray
    coarse: np.ndarray
    features: np.ndarray
    #: True if all people in the crop are outside folds 4 and 5.
    trainable: np.ndarray


def sample(index: int, seed: int, photos: list[people.Photo], boxes: np.ndarray, halves: np.ndarray):
    """The view of the sample, its kind, and whether all people in it are outside folds 4 and 5."""
    random = np.random.default_rng([seed, index])
    while True:
        i = int(random.integers(len(photos)))
        if not np.isnan(boxes[i, 0]):
            break
    # The background of an attack is from the same half of the people, so that no sample mixes both halves.
    others = np.nonzero(halves == halves[i])[0]
    room = int(others[random.integers(len(others))])
    kind = attacks.LIVE if random.random() < ALIVE else attacks.KINDS[random.integers(len(attacks.KINDS))]
    view = attacks.View(cv2.imread(str(photos[i].path)), boxes[i, :4])
    if kind == attacks.LIVE:
        view = attacks.live(view, random)
    else:
        view = attacks.attack(kind, view, cv2.imread(str(photos[room].path)), random)
    # Boxes of a detector vary.
    jitter = random.normal(0, 0.02, 4) * view.box[[2, 3, 2, 3]]
    return attacks.View(view.image, view.box + jitter), KINDS.index(kind), bool(halves[i])


def load(work: Path, seed: int, log: Log, threads: int = 1) -> Samples:
    """All samples and variations."""
    photos, boxes = list(people.photos()), found.faces(work, threads)
    allowed = {photo.person for photo in people.training_photos("split")}
    halves = np.array([photo.person in allowed for photo in photos])
    teacher = Teacher(threads)

    def make(first: int) -> dict[str, np.ndarray]:
        made = [sample(i, seed, photos, boxes, halves) for i in range(first, first + SHARD)]
        crops = np.stack([crop(view.image, view.box, CONTEXT) for view, _, _ in made])
        return dict(
            crops=crops, kinds=np.array([k for _, k, _ in made], np.int8), trainable=np.array([t for _, _, t in made]),
            **teacher.ask(crops),
        )  # fmt: skip

    samples = shards(work / "liveness" / f"samples-{seed}", COUNT, make, log)

    def vary(first: int) -> dict[str, np.ndarray]:
        made = [variation(i, seed, samples, photos, boxes, halves) for i in range(first, first + SHARD)]
        crops = np.stack([c for c, _ in made])
        return dict(
            crops=crops, kinds=np.full(SHARD, UNKNOWN, np.int8), trainable=np.array([t for _, t in made]),
            **teacher.ask(crops),
        )  # fmt: skip

    varied = shards(work / "liveness" / f"variations-{seed}", VARIATIONS, vary, log)
    return Samples(**{name: np.concatenate([samples[name], varied[name]]) for name in samples})


def untouched(work: Path, which: str, seed: int, threads: int = 1, count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Crops of unchanged photos of people of the training, and the scores of the standard pair."""
    photos, boxes, pair = list(people.photos()), found.faces(work, threads), Networks.standard(threads)
    allowed = {photo.person for photo in people.training_photos(which)}
    usable = [i for i, photo in enumerate(photos) if photo.person in allowed and not np.isnan(boxes[i, 0])]
    chosen = np.random.default_rng([seed, 3]).permutation(usable)[:count]
    crops, said = [], []
    for i in chosen:
        image = cv2.imread(str(photos[i].path))
        crops.append(crop(image, boxes[i], CONTEXT))
        said.append(pair.live(image, boxes[i : i + 1])[0])
    return np.stack(crops), np.array(said)


def shards(folder: Path, count: int, make: Callable[[int], dict[str, np.ndarray]], log: Log) -> dict[str, np.ndarray]:
    """The results of `make`, which makes the samples from a number on. They are made once and stored."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for shard in range(count // SHARD):
        path = folder / f"{shard:03}.npz"
        if not path.is_file():
            partial = folder / f"{shard:03}.partial.npz"
            np.savez(partial, **make(shard * SHARD))
            partial.rename(path)
            log(f"{folder.name}: shard {shard + 1} of {count // SHARD}")
        with np.load(path) as kept:
            parts.append({name: kept[name] for name in kept.files})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def variation(
    index: int, seed: int, samples: dict[str, np.ndarray], photos: list[people.Photo], boxes: np.ndarray, halves: np.ndarray
) -> tuple[np.ndarray, bool]:
    """A crop with a face or a part of one at any distance, mixed, sharpened or degraded, and whether all people in it are
    outside folds 4 and 5."""
    random = np.random.default_rng([seed, 2, index])

    def photo(half: bool | None) -> tuple[np.ndarray, bool]:
        while True:
            i = int(random.integers(len(photos)))
            if not np.isnan(boxes[i, 0]) and half in (None, bool(halves[i])):
                break
        image = cv2.imread(str(photos[i].path))
        box = boxes[i, :4] + random.normal(0, 0.08, 4) * boxes[i, [2, 3, 2, 3]]
        left, top, right, bottom = crop_box(image.shape[1], image.shape[0], box, random.uniform(1.1, 2.7))
        # Without interpolation, crops keep fine detail as those of large pictures do.
        how = cv2.INTER_NEAREST if random.random() < 0.4 else cv2.INTER_LINEAR
        return cv2.resize(image[top : bottom + 1, left : right + 1], (SIDE, SIDE), interpolation=how), bool(halves[i])

    def known(half: bool | None) -> tuple[np.ndarray, bool]:
        while True:
            i = int(random.integers(len(samples["kinds"])))
            if half in (None, bool(samples["trainable"][i])):
                return samples["crops"][i], bool(samples["trainable"][i])

    image, half = (photo if random.random() < 0.5 else known)(None)
    image = image.astype(np.float32)
    if random.random() < 0.3:
        other = (photo if random.random() < 0.5 else known)(half)[0].astype(np.float32)
        if random.random() < 0.5:
            image = image + np.float32(random.uniform(0.1, 0.9)) * (other - image)
        else:
            x, y = random.integers(0, SIDE - 16, 2)
            w, h = random.integers(16, SIDE, 2)
            image[y : y + h, x : x + w] = other[y : y + h, x : x + w]
    if random.random() < 0.4:
        side = int(SIDE * random.uniform(0.6, 0.98))
        x, y = random.integers(0, SIDE - side + 1, 2)
        image = cv2.resize(image[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.5:
        image = image[:, ::-1]
    if random.random() < 0.6:
        image = (image - 128) * np.float32(random.uniform(0.6, 1.4)) + 128 + np.float32(random.normal(0, 18))
        image = image * random.uniform(0.88, 1.12, 3).astype(np.float32)
    if random.random() < 0.2:
        image = attacks.power(image, float(np.exp(random.normal(0, 0.3))))
    if random.random() < 0.2:
        grey = image @ np.array([0.114, 0.587, 0.299], np.float32)
        image = grey[..., None] + np.float32(random.uniform(0, 1.6)) * (image - grey[..., None])
    image = np.ascontiguousarray(image)
    if random.random() < 0.35:
        image = image + np.float32(random.uniform(0.3, 2.0)) * (image - cv2.GaussianBlur(image, (0, 0), random.uniform(0.6, 1.6)))
    elif random.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.5))
    if random.random() < 0.2:
        image = attacks.moire(image, random)
    if random.random() < 0.4:
        image = image + np.float32(random.uniform(1, 14)) * attacks.noise(SIDE, SIDE, 3, random)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8), half
