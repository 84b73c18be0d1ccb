"""Command-line options that all trainings share."""

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from . import paths


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with --work, --seed, --threads and --people. A training adds its own options."""
    p = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument(
        "--work",
        type=Path,
        default=paths.ROOT / "target" / "training",
        help="folder for caches, logs and checkpoints",
    )
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2, help="processor threads")
    p.add_argument(
        "--people",
        choices=["split", "all", "rehearsal"],
        default="split",
        help="split leaves out the people of folds 4 and 5, rehearsal also those of fold 3; all trains on everybody",
    )
    return p


def begin(options: argparse.Namespace) -> torch.device:
    """Sets seeds and threads. Returns the device: the GPU if there is one."""
    seed_all(options.seed)
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
