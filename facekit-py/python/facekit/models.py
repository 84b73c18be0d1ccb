"""Which models there are, and fetching them.

Recognisers take models by name: `facekit.Recognizer("standard,scrfd_500m")`. The set "nano" is part of the package. Others are
fetched once, by `pull`, which is the only thing in facekit that reaches for the network, and checks every file against its
SHA-256 digest.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Optional, Union

from facekit._facekit import ModelInfo, SetInfo, _models_folder, _models_list, _models_pull, _models_sets
from facekit.errors import InvalidArgumentError

__all__ = ["ModelInfo", "SetInfo", "folder", "list", "pull", "sets"]

_Folder = Union[str, "os.PathLike[str]", None]


def list(models_folder: _Folder = None) -> builtins.list[ModelInfo]:
    """Every model that is known by name, with its licence and whether its file is here.

    Files are looked for in `models_folder`, or where `folder()` says.

    >>> import facekit
    >>> names = [model.name for model in facekit.models.list()]
    >>> "mobilefacenet" in names
    True
    """
    return _models_list(models_folder)


def sets(models_folder: _Folder = None) -> builtins.list[SetInfo]:
    """The sets of models that make a recogniser together.

    >>> import facekit
    >>> {found.name for found in facekit.models.sets()} >= {"nano", "standard"}
    True
    """
    return _models_sets(models_folder)


def folder() -> Path:
    """Where files of models are: the folder FACEKIT_MODELS, or `facekit/models` in the platform's cache folder.

    >>> import facekit
    >>> facekit.models.folder().is_absolute()
    True
    """
    return Path(_models_folder())


def pull(
    names: Union[str, Iterable[str]],
    *,
    models_folder: _Folder = None,
    accept_non_commercial: bool = False,
    mirror: Optional[str] = None,
    progress: Optional[Callable[[int, Optional[int]], object]] = None,
) -> builtins.list[Path]:
    """Fetches models, unless they are here, and returns their files.

    `names` are sets and models, as a list or joined by commas. `accept_non_commercial` is for those whose licence forbids
    commercial use. `mirror` is an http or https folder to fetch from, in the place of each model's own address.
    `progress(done, total)` is called with bytes, anew for each model.

    Raises UnknownModelError, NonCommercialError, NetworkError, HashMismatchError for a file that is not the model, InvalidArgumentError
    where no model is named, and an OSError where the folder cannot be written.

    >>> facekit.models.pull("standard")                                      # doctest: +SKIP
    """
    if not isinstance(names, str):
        if not isinstance(names, Iterable):
            raise TypeError(f"names: {names!r} given, a str or several needed")
        several = builtins.list(names)
        for name in several:
            if not isinstance(name, str):
                raise TypeError(f"names: {name!r} given among them, a str needed")
        names = ",".join(several)
    if not names.strip():
        raise InvalidArgumentError("names: none given; facekit.models.list() and sets() say which there are", argument="names")
    return [Path(path) for path in _models_pull(names, models_folder, accept_non_commercial, mirror, progress)]
