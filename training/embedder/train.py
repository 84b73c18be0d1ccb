"""Distillation: the student learns the teacher's embeddings, the similarities between them, and its last feature map."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from ..common import checkpoint, people
from ..common.log import Log
from ..common.teacher import MobileFaceNet
from .faces import aligned, without_margin
from .network import Embedder, scaled
from .optimizer import Muon
from .pool import Pool

#: The numbers of steps between checkpoints, and between lines of the log.
KEEP, SAY = 250, 50
WARM_UP = 200


def losses(embedding, hint, batch, spread) -> dict[str, torch.Tensor]:
    """The parts of the loss. Each is about 1 for an untrained student."""
    student = normalize(embedding.float())
    taught = batch["embeddings"]
    difference = student @ student.T - taught @ taught.T
    return {
        "cosine": 1 - (student * taught).sum(1).mean(),
        "similarity": 20 * difference.square().mean(),
        "hint": ((hint.float() - batch["features"].float().permute(0, 3, 1, 2)) / spread).square().mean(),
    }


def rate(step: int, steps: int, constant: float) -> float:
    """The fraction of the full learning rate: it rises for a short time, is constant, then falls linearly to 0."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return min(1.0, (steps - step) / (steps * (1 - constant)))


def side(step: int, steps: int) -> int:
    """The side of faces in pixels. The first half of the training is on small faces, which take a third of the time."""
    return next(pixels for until, pixels in ((0.5, 64), (0.7, 96), (1, 112)) if step < until * steps)


def monitor_photos(which: str) -> list[people.Photo]:
    return people.held_out_photos({"rehearsal": (3,), "split": people.HELD_OUT, "all": (1, 2, 3, 4, 5)}[which])


class Monitor:
    """The mean cosine to the teacher over photos that are not used for training (with --people all they are). It is only
    logged."""

    def __init__(self, which: str, work: Path, device: torch.device):
        faces, found = aligned(work)
        wanted = set(monitor_photos(which))
        chosen = np.array([photo in wanted for photo in people.photos()]) & found
        sample = without_margin(faces[chosen])[::2].copy()
        self.faces = torch.from_numpy(sample)
        self.taught = torch.from_numpy(MobileFaceNet().embed(sample))
        self.device = device

    def __call__(self, network: Embedder, pixels: int) -> float:
        network.eval()
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16):
            found = torch.cat([
                normalize(network.with_hint(scaled(x.to(self.device), pixels))[0].float()).cpu()
                for x in self.faces.split(128)
            ])  # fmt: skip
        network.train()
        return float((found * self.taught).sum(1).mean())


def train(options: argparse.Namespace, pool: Pool, device: torch.device, log: Log) -> Embedder:
    recipe = {
        name: getattr(options, name)
        for name in ("people", "seed", "steps", "batch", "faces", "rate", "constant", "hint", "similarity")
    }
    kept = options.work / f"embedder-{options.people}-{options.seed}.pt"
    network = Embedder().to(device, memory_format=torch.channels_last)
    convolutions = [p for n, p in network.body.named_parameters() if p.ndim == 4]
    ids = {id(p) for p in convolutions}
    others = [p for p in network.parameters() if id(p) not in ids]
    optimizers = [
        Muon(convolutions, lr=options.rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=options.rate / 20, betas=(0.9, 0.98), weight_decay=0.01),
    ]
    begin = 0
    state = checkpoint.load(kept, recipe)
    if state:
        network.load_state_dict(state["network"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        begin = state["step"]
        log(f"embedder: continues at step {begin}")
    spread = torch.from_numpy(pool.arrays["features"][0][:1024].astype(np.float32).std((0, 1, 2)))
    spread = spread.view(1, -1, 1, 1).to(device)
    full = [group["lr"] if not state else options.rate * share for group, share in
            zip((g for o in optimizers for g in o.param_groups), (1, 1 / 20), strict=True)]  # fmt: skip
    monitor = Monitor(options.people, options.work, device)
    network.train()
    sums: dict[str, float] = {}
    for step in range(begin, options.steps):
        share = rate(step, options.steps, options.constant)
        for group, lr in zip((g for o in optimizers for g in o.param_groups), full, strict=True):
            group["lr"] = lr * share
        batch = {name: x.to(device, non_blocking=True) for name, x in pool.batch(step, options.batch).items()}
        pixels = side(step, options.steps)
        faces = scaled(batch["faces"], pixels)
        with torch.autocast(device.type, torch.bfloat16):
            embedding, hint = network.with_hint(faces)
        parts = losses(embedding, hint, batch, spread)
        loss = parts["cosine"] + options.similarity * parts["similarity"] + options.hint * parts["hint"]
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        for name, value in parts.items():
            sums[name] = sums.get(name, 0) + float(value.detach()) / SAY
        if (step + 1) % SAY == 0:
            said = ", ".join(f"{name} {value:.4f}" for name, value in sums.items())
            log(f"embedder: step {step + 1} of {options.steps}: {said}")
            sums = {}
        if (step + 1) % KEEP == 0 or step + 1 == options.steps:
            checkpoint.save(kept, {
                "recipe": recipe, "step": step + 1, "network": network.state_dict(),
                "optimizers": [o.state_dict() for o in optimizers],
            })  # fmt: skip
            log(f"embedder: cosine to the teacher on photos outside the training {monitor(network, pixels):.4f}")
    return network
