"""python -m training.liveness: makes `facekit-nano/models/liveness.onnx`."""

import copy
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from ..common import checkpoint, options, paths
from ..common.export import export
from ..common.liveness import LIVE, SIDE
from ..common.log import Log
from . import data
from .network import LivenessNet

RECIPE = dict(steps=8000, batch=64, rate=2e-3, decay=0.02, taught=0.85, hints=0.3, average=0.998, warm_up=200)


def targets(samples: data.Samples, taught: float) -> np.ndarray:
    """What the teachers say, moved towards the truth where that is known; among the attacks the teachers decide which it
    is. The teachers outweigh the truth, since they have seen attacks and the truth here is of simulated ones: a network
    that learns the simulation's traces takes every attack without them for alive."""
    said = samples.said.astype(np.float64)
    others = said.copy()
    others[:, LIVE] = 0
    truth = others / np.maximum(others.sum(1, keepdims=True), 1e-9)
    alive = samples.kinds == data.KINDS.index(data.attacks.LIVE)
    truth[alive] = np.eye(3)[LIVE]
    known = (samples.kinds != data.UNKNOWN)[:, None]
    return np.where(known, taught * said + (1 - taught) * truth, said).astype(np.float32)


def augmented(crops: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Mirrored or not, moved by up to two pixels, a little darker or brighter. (n, 3, 80, 80)."""
    if random.random() < 0.5:
        crops = crops.flip(3)
    dx, dy = (int(v) for v in random.integers(0, 5, 2))
    moved = functional.pad(crops, (2, 2, 2, 2), mode="replicate")[:, :, dy : dy + SIDE, dx : dx + SIDE]
    gain = torch.from_numpy(random.normal(1, 0.04, (len(crops), 3, 1, 1)).astype(np.float32)).to(crops.device)
    return (moved * gain).clamp(0, 255).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def strictness(network: LivenessNet, crops: np.ndarray, said: np.ndarray) -> float:
    """What to add to the logit for a living face, so that as many of these crops are refused as the teachers refuse."""
    logits = torch.cat([
        network(torch.from_numpy(crops[i : i + 100]).permute(0, 3, 1, 2).float()) for i in range(0, len(crops), 100)
    ])  # fmt: skip
    others = torch.cat([logits[:, :LIVE], logits[:, LIVE + 1 :]], 1).logsumexp(1)
    margin = (logits[:, LIVE] - others).numpy()
    return -float(np.quantile(margin, (said[:, LIVE] < 0.5).mean()))


def main() -> None:
    parser = options.parser("Liveness distilled from MiniFASNet's pair.")
    parser.add_argument("--out", type=Path, default=None, help="the model; by default where it is shipped from")
    given = parser.parse_args()
    if given.people == "rehearsal":
        raise SystemExit("--people rehearsal: liveness has split and all alone")
    device = options.begin(given)
    cv2.setNumThreads(1)
    name = f"liveness-{given.people}-{given.seed}"
    log = Log(given.work / "liveness" / f"{name}.log")
    samples = data.load(given.work, given.seed, log, given.threads)
    used = np.nonzero(samples.trainable)[0] if given.people == "split" else np.arange(len(samples.kinds))
    wanted = targets(samples, RECIPE["taught"])
    features = samples.features.astype(np.float32)
    features = (features - features.mean(0)) / (features.std(0) + 1e-3)

    network = LivenessNet(features.shape[1]).to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RECIPE["rate"], weight_decay=RECIPE["decay"])
    state_path = given.work / "liveness" / f"{name}.pt"
    recipe = dict(RECIPE, people=given.people, seed=given.seed, samples=(data.COUNT, data.VARIATIONS))
    state, start = checkpoint.load(state_path, recipe), 0
    if state:
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
    losses = []
    for step in range(start, RECIPE["steps"]):
        warm, left = min(1, (step + 1) / RECIPE["warm_up"]), step / RECIPE["steps"]
        for group in optimizer.param_groups:
            group["lr"] = RECIPE["rate"] * warm * 0.5 * (1 + math.cos(math.pi * left))
        # Every step has a seed of its own, so that a training that was killed goes on as it would have.
        random = np.random.default_rng([given.seed, 1, step])
        chosen = random.choice(used, RECIPE["batch"], replace=False)
        crops = torch.from_numpy(samples.crops[chosen]).to(device).permute(0, 3, 1, 2).float()
        target = torch.from_numpy(wanted[chosen]).to(device)
        hints = torch.from_numpy(features[chosen]).to(device)
        network.train()
        with torch.autocast(device.type, torch.bfloat16):
            logits, guessed = network.with_hints(augmented(crops, random))
        loss = functional.cross_entropy(logits.float(), target)
        loss = loss + RECIPE["hints"] * functional.mse_loss(guessed.float(), hints)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        with torch.no_grad():
            keep = min(RECIPE["average"], (step + 1) / (step + 10))
            for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
                else:
                    mean.copy_(now)
        losses.append(loss.item())
        if (step + 1) % 200 == 0 or step + 1 == RECIPE["steps"]:
            log(f"step {step + 1}: loss {np.mean(losses):.4f}")
            losses = []
        if (step + 1) % 200 == 0 or step + 1 == RECIPE["steps"]:
            checkpoint.save(state_path, dict(
                recipe=recipe, step=step + 1, network=network.state_dict(), average=average.state_dict(),
                optimizer=optimizer.state_dict(),
            ))  # fmt: skip
    average = average.cpu().float().eval()
    crops, said = data.untouched(given.work, given.people, given.seed, given.threads)
    shift = strictness(average, crops, said)
    with torch.no_grad():
        average.head.bias[LIVE] += shift
    log(f"as strict as the teachers on photos as they are: {shift:+.3f}")
    path = given.out or paths.shipped("liveness.onnx")
    example = torch.from_numpy(samples.crops[:4]).permute(0, 3, 1, 2).float()
    export(average.fold_scale(), path, example, ["logits"])
    log(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
