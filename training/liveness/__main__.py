"""python -m training.liveness: trains `facekit-nano/models/liveness.onnx`."""

import copy
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from ..common import checkpoint, options, paths
from ..common.export import export
from ..common.liveness import LIVE
from ..common.log import Log
from . import data
from .network import LivenessNet

RECIPE = dict(steps=6000, batch=64, rate=2e-3, decay=0.02, hints=0.4, average=0.998, warm_up=200)
#: The additional strictness, compared with the standard pair, as a difference of logits. Without it, a photo of a tablet is
#: accepted as a living face if the box is from facekit-nano's detector.
STRICTER = 0.35


def spread(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel of maps (n, channels, …), in shapes that broadcast over the maps."""
    others = (0, *range(2, maps.ndim))
    return maps.mean(others, keepdims=True), maps.std(others, keepdims=True) + 1e-3


@torch.no_grad()
def strictness(network: LivenessNet, crops: np.ndarray, said: np.ndarray) -> float:
    """The number to add to the logit for a living face, so that as many of these crops are refused as scores in `said` are
    below 0.5."""
    logits = torch.cat([
        network(torch.from_numpy(crops[i : i + 100]).permute(0, 3, 1, 2).float()) for i in range(0, len(crops), 100)
    ])  # fmt: skip
    others = torch.cat([logits[:, :LIVE], logits[:, LIVE + 1 :]], 1).logsumexp(1)
    margin = (logits[:, LIVE] - others).numpy()
    return -float(np.quantile(margin, (said < 0.5).mean()))


def main() -> None:
    parser = options.parser("Trains the liveness check, distilled from MiniFASNet.")
    parser.add_argument("--output", type=Path, default=None, help="file to write (facekit-nano/models/liveness.onnx)")
    given = parser.parse_args()
    if given.people == "rehearsal":
        raise SystemExit("--people rehearsal: liveness supports only split and all")
    device = options.begin(given)
    cv2.setNumThreads(1)
    name = f"liveness-{given.people}-{given.seed}"
    log = Log(given.work / "liveness" / f"{name}.log")
    samples = data.load(given.work, given.seed, log, given.threads)
    used = np.nonzero(samples.trainable)[0] if given.people == "split" else np.arange(len(samples.kinds))
    maps = {name: getattr(samples, name) for name in ("fine", "middle", "coarse", "features")}
    # Mean and spread of each channel.
    scales = {name: spread(some[used[:2000]].astype(np.float32)) for name, some in maps.items()}

    network = LivenessNet().to(device, memory_format=torch.channels_last)
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
        # Every step has its own seed, so a training that was killed continues in the same way.
        random = np.random.default_rng([given.seed, 1, step])
        chosen = random.choice(used, RECIPE["batch"], replace=False)
        # Without augmentation: the teacher's result for a changed crop could be different.
        crops = torch.from_numpy(samples.crops[chosen]).to(device).permute(0, 3, 1, 2).float()
        target = torch.from_numpy(samples.said[chosen]).to(device)
        network.train()
        with torch.autocast(device.type, torch.bfloat16):
            logits, guesses = network.with_hints(crops.contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits.float(), target)
        for name, guess in guesses.items():
            mean, width = scales[name]
            hint = torch.from_numpy((maps[name][chosen].astype(np.float32) - mean) / width).to(device)
            loss = loss + RECIPE["hints"] * functional.mse_loss(guess.float(), hint)
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
    shift = strictness(average, crops, said) - STRICTER
    with torch.no_grad():
        average.head.bias[LIVE] += shift
    log(f"shift of the logit for a living face: {shift:+.3f}")
    path = given.output or paths.shipped("liveness.onnx")
    example = torch.from_numpy(samples.crops[:4]).permute(0, 3, 1, 2).float()
    export(average.fold_scale(), path, example, ["logits"])
    log(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
