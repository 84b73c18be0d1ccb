"""Checkpoints that are complete even if the training is killed: they are written to a temporary file, which is then renamed."""

import os
from pathlib import Path
from typing import Any

import torch


def save(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".partial")
    torch.save(state, beside)
    os.replace(beside, path)


def load(path: Path, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The state, or None if there is no checkpoint. A checkpoint of another recipe is an error."""
    if not path.is_file():
        return None
    state = torch.load(path, map_location="cpu", weights_only=False)
    if state["recipe"] != recipe:
        raise SystemExit(
            f"{path} belongs to another recipe:\n  its recipe  {state['recipe']}\n  this recipe {recipe}\n"
            "Remove it or choose another --work."
        )
    return state
