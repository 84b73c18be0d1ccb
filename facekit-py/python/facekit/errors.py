"""What can go wrong: one class for each kind of error, all of them subclasses of `FacekitError`.

Where Python has an exception for the kind of thing, the class is a subclass of that as well: a file that is missing is a
`FileNotFoundError`, an argument out of range is a `ValueError`. What is no image at all is a plain `TypeError` or `ValueError`.

>>> import facekit
>>> try:
...     facekit.Recognizer("yunet")
... except facekit.errors.UnknownModelError as error:
...     print(error.closest)
yunet_n
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Optional

if sys.platform == "win32":
    import ctypes


class FacekitError(Exception):
    """Any error of facekit's own. Its attributes say what it is about; its text says everything, causes included.

    >>> import facekit
    >>> try:
    ...     facekit.Recognizer().recognize("no/such.jpg")
    ... except facekit.FacekitError as error:
    ...     print(type(error).__name__, error.path)
    FileMissingError no/such.jpg
    """

    def __init__(self, message: str = "", **fields: Any) -> None:
        super().__init__(message)
        for name, value in fields.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        if isinstance(self, OSError):
            # Python keeps these outside the dict.
            state.update({name: getattr(self, name, None) for name in ("errno", "strerror", "filename", "winerror")})
            if sys.platform != "win32":
                del state["winerror"]
        return (type(self), self.args, state)


class AttendanceError(FacekitError, ValueError):
    """A policy, a calendar or the records of a person contradict themselves; the text names the key or the record."""


class CancelledError(FacekitError):
    """The work was stopped."""


class DeviceUnavailableError(FacekitError):
    """An accelerator that was asked for cannot be had. There is no silent fallback."""

    device: str


class ForkedError(FacekitError):
    """An object of another process, from which this one was forked off without its threads and locks."""


class GalleryDamagedError(FacekitError):
    """A gallery file is damaged, or no gallery at all."""

    path: Path


class GalleryLockedError(FacekitError):
    """A gallery file is open already, here or in another process."""

    path: Path


class GalleryVersionError(FacekitError):
    """A later version of facekit wrote the gallery file."""

    path: Path


class HashMismatchError(FacekitError):
    """A file is not the one that the manifest vouches for."""

    what: str
    expected: str
    actual: str


class ImageError(FacekitError, ValueError):
    """An image cannot be decoded: damaged, cut short, or no image."""

    name: str


class ImageTooLargeError(FacekitError, ValueError):
    """An image is larger than 2^26 pixels in all, 32,768 a side, or 64 MiB of file."""

    name: str


class InternalError(FacekitError):
    """A defect in facekit or a library below it. Please report it."""


class InvalidArgumentError(FacekitError, ValueError):
    """An argument is outside what is accepted."""

    argument: str


class InvalidEmbeddingError(FacekitError, ValueError):
    """A vector cannot be an embedding: not finite, zero, or of the wrong length."""


class InvalidPersonIdError(FacekitError, ValueError):
    """A text cannot be a person's id."""

    id: str


class IoError(FacekitError, OSError):
    """Reading or writing a file failed. Beside `path` it has OSError's own attributes: `filename`, a str, and, where the system
    refused something, `errno` and `strerror`.

    >>> import facekit
    >>> try:
    ...     facekit.Gallery("no/such.facekit", read_only=True)
    ... except OSError as error:
    ...     print(error.errno, error.filename)
    2 no/such.facekit
    """

    path: Path

    def __init__(self, message: str = "", *, errno: Optional[int] = None, **fields: Any) -> None:
        """`errno` is the system's code, which on Windows is not yet an errno."""
        super().__init__(message, **fields)
        if errno is not None and sys.platform == "win32":
            self.errno, self.strerror, self.winerror = OSError(0, "", None, errno).errno, ctypes.FormatError(errno), errno
        elif errno is not None:
            self.errno, self.strerror = errno, os.strerror(errno)
        if "path" in fields:
            self.filename = os.fspath(fields["path"])


class FileMissingError(IoError, FileNotFoundError):
    """A file or folder is not there."""


class FileThereError(IoError, FileExistsError):
    """A file is there already and is not written over."""


class FileRefusedError(IoError, PermissionError):
    """The system refuses a file."""


class KeyRefusedError(FacekitError):
    """A key opens nothing, is missing, or is not a key."""

    what: str


class LibraryUnavailableError(FacekitError, ImportError):
    """The library of ONNX Runtime cannot be had; the text lists every place that was tried."""

    library: str


class ManifestError(FacekitError):
    """A manifest of models does not parse, or contradicts itself."""

    origin: str


class ModelError(FacekitError):
    """A model file cannot be understood."""

    model: str


class ModelMissingError(FacekitError):
    """A model is known, but its file is not here: `facekit.models.pull` fetches it."""

    model: str
    path: Path


class NetworkError(FacekitError, ConnectionError):
    """Fetching a file failed."""

    url: str


class NonCommercialError(FacekitError):
    """A licence forbids commercial use and was not accepted."""

    model: str
    licence: str


class RateOutOfRangeError(FacekitError, ValueError):
    """A rate is outside what the calibration has measured, from `low` to `high`."""

    asked: float
    low: float
    high: float


class RuntimeFailedError(FacekitError):
    """A runtime failed while running a model."""

    runtime: str
    model: str


class SpaceMismatchError(FacekitError, ValueError):
    """Embeddings of different models cannot be compared."""

    expected: str
    found: str


class StoreError(FacekitError):
    """Reading or writing a gallery failed."""

    store: str


class TensorError(FacekitError):
    """A tensor does not have the shape or type that a model takes."""

    model: str


class UncalibratedError(FacekitError):
    """A rate was asked of an embedding space that nobody has calibrated."""

    space: str


class UnknownModelError(FacekitError, LookupError):
    """No model or set of this name is known. `closest` is the known name that is spelled most like it, or None."""

    name: str
    closest: str | None


class UnknownPersonError(FacekitError, LookupError):
    """No person of this id is in the gallery."""

    id: str
