"""The known models, and their downloads.

Recognizers take models by name: `facekit.Recognizer("standard,scrfd_500m")`. The set "nano" is part of the package. `pull` downloads
other models once, and checks every file by its SHA-256 digest. Nothing else in facekit uses the network.
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
    """All known models, with their licenses, and whether their files are in the folder.

    The folder is `models_folder`, or else `folder()`.

    >>> import facekit
    >>> names = [model.name for model in facekit.models.list()]
    >>> "mobilefacenet" in names
    True
    """
    return _models_list(models_folder)


def sets(models_folder: _Folder = None) -> builtins.list[SetInfo]:
    """All known sets of models.

    >>> import facekit
    >>> {found.name for found in facekit.models.sets()} >= {"nano", "standard"}
    True
    """
    return _models_sets(models_folder)


def folder() -> Path:
    """The default folder of model files: FACEKIT_MODELS, or else `facekit/models` in the platform's cache folder.

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
    """Downloads models that are not in the folder, and returns the paths of their files.

    `names` are names of sets and models, as a list or separated by commas. `accept_non_commercial=True` is needed for models whose
    license forbids commercial use. `mirror` is an http or https folder with the files, in place of each model's own address.
    `progress(done, total)` is called with numbers of bytes. It begins again for each model.

    Raises UnknownModelError; NonCommercialError; NetworkError; HashMismatchError for a file that is not the model;
    InvalidArgumentError if no model is named; an OSError if the folder cannot be written.

    >>> facekit.models.pull("standard")                                      # doctest: +SKIP
    """
    if not isinstance(names, str):
        if not isinstance(names, Iterable):
            raise TypeError(f"names: {names!r} given, a str or an iterable of str needed")
        listed = builtins.list(names)
        for name in listed:
            if not isinstance(name, str):
                raise TypeError(f"names: {name!r} given as an element, a str needed")
        names = ",".join(listed)
    if not names.strip():
        raise InvalidArgumentError("names: none given; facekit.models.list() and sets() list the known ones", argument="names")
    return [Path(path) for path in _models_pull(names, models_folder, accept_non_commercial, mirror, progress)]
