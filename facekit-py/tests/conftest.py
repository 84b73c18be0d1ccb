"""Fixtures. FACEKIT_TEST_DATA is a folder with photos and weights, FACEKIT_TEST_COMMAND the command `facekit`, and
FACEKIT_TEST_QUICKSTART the quickstart. If one of them is not set, the tests that need it are skipped, and `cargo xtask test` counts
them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import facekit


# The models of other sets, also for programs that tests start.
if os.environ.get("FACEKIT_TEST_DATA"):
    os.environ["FACEKIT_MODELS"] = str(Path(os.environ["FACEKIT_TEST_DATA"]) / "models")


def _skip(request, reason):
    """Skips a test visibly."""
    if log := os.environ.get("FACEKIT_SKIP_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"SKIP python::{request.node.name}: {reason}\n")
    pytest.skip(reason)


@pytest.fixture
def data(request):
    """The folder with weights and photos."""
    folder = os.environ.get("FACEKIT_TEST_DATA")
    if not folder:
        _skip(request, "no data: FACEKIT_TEST_DATA is not set")
    return Path(folder)


@pytest.fixture
def people():
    """Pictures of synthetic people: `people/NAME/1.jpg` and so on, `frames`, and the people of each frame in `frames.csv`."""
    return Path(__file__).resolve().parents[2] / "examples" / "data"


@pytest.fixture
def photos(data):
    return data / "data" / "photos"


@pytest.fixture
def golden(data):
    return json.loads((data / "golden" / "photos.json").read_text())


@pytest.fixture
def command(request):
    """The command `facekit`."""
    path = os.environ.get("FACEKIT_TEST_COMMAND")
    if not path:
        _skip(request, "no command: FACEKIT_TEST_COMMAND is not set")
    return Path(path)


@pytest.fixture
def quickstart(request):
    """The program `quickstart`."""
    path = os.environ.get("FACEKIT_TEST_QUICKSTART")
    if not path:
        _skip(request, "no quickstart: FACEKIT_TEST_QUICKSTART is not set")
    return Path(path)


_STANDARD = {}


@pytest.fixture
def standard(data):
    """Makes recognizers with the models of the reference. Those without a gallery are made once for each set of options."""

    def make(**options):
        options = {"models_folder": data / "models", **options}
        if "gallery" in options:
            return facekit.Recognizer("standard", **options)
        key = repr(sorted(options.items()))
        if key not in _STANDARD:
            _STANDARD[key] = facekit.Recognizer("standard", **options)
        return _STANDARD[key]

    return make


@pytest.fixture(scope="session")
def recognizer():
    """A recognizer with the default options."""
    return facekit.Recognizer()


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def space():
    return facekit.EmbeddingSpace("example", "ab" * 32, 8)


@pytest.fixture
def embedding(space, rng):
    """Makes random embeddings."""
    return lambda: facekit.Embedding(space, rng.normal(size=8).astype("float32"))
