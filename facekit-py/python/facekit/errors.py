"""The exceptions: one class for each kind of error, all of them subclasses of `FacekitError`.

If Python has an exception for the kind of error, the class is also a subclass of that exception: a missing file is a
`FileNotFoundError`, an argument out of range is a `ValueError`. An object that is not an image raises a plain `TypeError` or
`ValueError`.

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
    """The base class of facekit's errors. The attributes are the details; the text has everything, also the causes.

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
            # OSError does not keep these in the dict.
            state.update({name: getattr(self, name, None) for name in ("errno", "strerror", "filename", "winerror")})
            if sys.platform != "win32":
                del state["winerror"]
        return (type(self), self.args, state)


class AttendanceError(FacekitError, ValueError):
    """A policy, a calendar or the records of a person are invalid. The text names the key or the record."""


class CancelledError(FacekitError):
    """The work was cancelled."""


class DeviceUnavailableError(FacekitError):
    """The chosen accelerator is not available. There is no silent fallback."""

    device: str


class ForkedError(FacekitError):
    """The object belongs to another process, from which this one was forked off without its threads and locks."""


class GalleryDamagedError(FacekitError):
    """A gallery file is damaged, or it is not a gallery."""

    path: Path


class GalleryLockedError(FacekitError):
    """A gallery file is already open, in this or another process."""

    path: Path


class GalleryVersionError(FacekitError):
    """A later version of facekit wrote the gallery file."""

    path: Path


class HashMismatchError(FacekitError):
    """The digest of a file is not that of the manifest."""

    what: str
    expected: str
    actual: str


class ImageError(FacekitError, ValueError):
    """An image cannot be decoded: it is damaged, truncated, or not an image."""

    name: str


class ImageTooLargeError(FacekitError, ValueError):
    """An image has more than 2^26 pixels or 32,768 pixels per side, or its file has more than 64 MiB."""

    name: str


class InternalError(FacekitError):
    """A defect in facekit or in a library that it uses. Please report it."""


class InvalidArgumentError(FacekitError, ValueError):
    """An argument is not accepted."""

    argument: str


class InvalidEmbeddingError(FacekitError, ValueError):
    """A vector cannot be an embedding: not finite, zero, or of the wrong length."""


class InvalidPersonIdError(FacekitError, ValueError):
    """A text cannot be a person's id."""

    id: str


class IoError(FacekitError, OSError):
    """Reading or writing a file failed. Beside `path` it has the attributes of OSError: `filename`, a str, and, for an error of the
    operating system, `errno` and `strerror`.

    >>> import facekit
    >>> try:
    ...     facekit.Gallery("no/such.facekit", read_only=True)
    ... except OSError as error:
    ...     print(error.errno, error.filename)
    2 no/such.facekit
    """

    path: Path

    def __init__(self, message: str = "", *, errno: Optional[int] = None, **fields: Any) -> None:
        """`errno` is the code of the operating system. On Windows this is not an errno."""
        super().__init__(message, **fields)
        if errno is not None and sys.platform == "win32":
            self.errno, self.strerror, self.winerror = OSError(0, "", None, errno).errno, ctypes.FormatError(errno), errno
        elif errno is not None:
            self.errno, self.strerror = errno, os.strerror(errno)
        if "path" in fields:
            self.filename = os.fspath(fields["path"])


class FileMissingError(IoError, FileNotFoundError):
    """A file or folder does not exist."""


class FileAlreadyExistsError(IoError, FileExistsError):
    """A file already exists and is not overwritten."""


class FilePermissionError(IoError, PermissionError):
    """The operating system refuses access to a file."""


class KeyRefusedError(FacekitError):
    """A key is wrong, missing, or not a key."""

    what: str


class LibraryUnavailableError(FacekitError, ImportError):
    """The library of ONNX Runtime is not available. The text lists every place that was searched."""

    library: str


class ManifestError(FacekitError):
    """A manifest of models is invalid."""

    origin: str


class ModelError(FacekitError):
    """A model file is invalid or not supported."""

    model: str


class ModelMissingError(FacekitError):
    """A model is known, but its file is missing. `facekit.models.pull` downloads it."""

    model: str
    path: Path


class NetworkError(FacekitError, ConnectionError):
    """The download of a file failed."""

    url: str


class NonCommercialError(FacekitError):
    """The license of a model forbids commercial use and was not accepted."""

    model: str
    license: str


class RateOutOfRangeError(FacekitError, ValueError):
    """A rate is outside the range of the calibration, `low` to `high`."""

    asked: float
    low: float
    high: float


class RuntimeFailedError(FacekitError):
    """A runtime failed while running a model."""

    runtime: str
    model: str


class SpaceMismatchError(FacekitError, ValueError):
    """Embeddings of different spaces cannot be compared."""

    expected: str
    found: str


class StoreError(FacekitError):
    """Reading or writing a gallery failed."""

    store: str


class TensorError(FacekitError):
    """A tensor does not have the shape or type that the model needs."""

    model: str


class UncalibratedError(FacekitError):
    """A rate needs a calibration, and the embedding space has none."""

    space: str


class UnknownModelError(FacekitError, LookupError):
    """No model or set has this name. `closest` is the known name with the most similar spelling, or None."""

    name: str
    closest: str | None


class UnknownPersonError(FacekitError, LookupError):
    """No person with this id is in the gallery."""

    id: str
