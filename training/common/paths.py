"""Paths of data and results."""

import os
from pathlib import Path

#: The checkout: the folder above `training/`.
ROOT = Path(__file__).resolve().parents[2]


def test_data() -> Path:
    """The folder that FACEKIT_TEST_DATA names. A relative path starts at the root of the checkout."""
    named = os.environ.get("FACEKIT_TEST_DATA")
    if not named:
        raise SystemExit("FACEKIT_TEST_DATA must name the folder with models/ and data/")
    folder = ROOT / named
    if not folder.is_dir():
        raise SystemExit(f"FACEKIT_TEST_DATA: {folder} is not a folder")
    return folder


def weights(file: str) -> Path:
    """A file of `models/`, such as "mobilefacenet.onnx"."""
    path = test_data() / "models" / file
    if not path.is_file():
        raise SystemExit(f"{path} is missing")
    return path


def lfw() -> Path:
    """Labeled Faces in the Wild: `images/NAME/NAME_0001.jpg` and `pairs.txt`."""
    folder = test_data() / "data" / "lfw"
    if not (folder / "pairs.txt").is_file():
        raise SystemExit(f"{folder / 'pairs.txt'} is missing")
    return folder


def shipped(file: str) -> Path:
    """The path of a finished model: `facekit-nano/models/FILE`."""
    folder = ROOT / "facekit-nano" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / file
