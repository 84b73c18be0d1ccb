import datetime
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, SupportsIndex, Union, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self, TypeAlias, TypeVar

from facekit._faces import Faces

__version__: Final[str]

class _ArrayInterface(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

_Path: TypeAlias = Union[str, os.PathLike[str]]
_Image: TypeAlias = Union[NDArray[np.uint8], _Path, bytes, bytearray, memoryview, _ArrayInterface]
_Color: TypeAlias = Literal["rgb", "bgr"]
_Subject: TypeAlias = Literal["all", "largest", "central"]
_Quality: TypeAlias = Union[Literal["recognition", "enrollment", "anything"], Mapping[str, float]]
_Progress: TypeAlias = Callable[[int, int], object]
# The total can be unknown.
_OpenProgress: TypeAlias = Callable[[int, Union[int, None]], object]
_Result = TypeVar("_Result", covariant=True, default=Faces[Recognition])

@final
class Box:
    """An upright box in an image, in pixels; the origin is the top left corner of the image, and y grows downwards. It may reach
    beyond the image.

    A box can be unpacked, and is indexed, as `x, y, width, height`.

    >>> from facekit import Box
    >>> box = Box(10, 20, 30, 40)
    >>> x, y, width, height = box
    >>> box.xyxy
    (10.0, 20.0, 40.0, 60.0)"""

    def __new__(cls, x: float, y: float, width: float, height: float) -> Self: ...
    @property
    def x(self) -> float:
        """The left edge."""
    @property
    def y(self) -> float:
        """The top edge."""
    @property
    def width(self) -> float:
        """To the right edge, never negative."""
    @property
    def height(self) -> float:
        """To the bottom edge, never negative."""
    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom: the form that OpenCV's drawing functions and insightface use."""
    @property
    def area(self) -> float:
        """Square pixels."""
    @property
    def center(self) -> tuple[float, float]:
        """The centre, x and y."""
    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1.

        >>> from facekit import Box
        >>> Box(0, 0, 10, 10).iou(Box(0, 0, 10, 5))
        0.5"""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[float]: ...
    def __getitem__(self, key: SupportsIndex, /) -> float: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Detection:
    """A face that was found.

    Made by hand, it stands for the face of another detector:

    >>> from facekit import Detection
    >>> points = [(30, 45), (60, 45), (45, 60), (33, 80), (58, 80)]
    >>> face = Detection((10, 20, 70, 90), points, score=0.9)
    >>> face.box.width
    70.0
    >>> face.landmarks.shape
    (5, 2)"""

    def __new__(cls, box: Box | Sequence[float], landmarks: ArrayLike, score: float = 1.0) -> Self: ...
    @property
    def box(self) -> Box:
        """The box around the face, in pixels of the image given."""
    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Five points as a float32 array of shape (5, 2), x and y in pixels of the image given: the eye on the left of the image, the
        eye on the right, the tip of the nose, the corners of the mouth on the left and on the right."""
    @property
    def score(self) -> float:
        """How sure the detector is, 0 to 1. Comparable between faces of one detector only."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HeadPose:
    """Where a head is turned to, in degrees, estimated from five landmarks.

    >>> import facekit
    >>> pose = facekit.Recognizer().recognize("anna.jpg").largest.quality.pose
    >>> abs(pose.yaw) < 30
    True"""

    @property
    def yaw(self) -> float:
        """To the side; positive where the face looks to the right of the image."""
    @property
    def pitch(self) -> float:
        """Up or down; positive where the face looks up."""
    @property
    def roll(self) -> float:
        """In the plane of the image; positive where the head is turned clockwise."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Quality:
    """How good a face is for being compared.

    >>> import facekit
    >>> quality = facekit.Recognizer().recognize("anna.jpg").largest.quality
    >>> 0 < quality.score <= 1 and quality.eye_distance > 20
    True"""

    @property
    def score(self) -> float:
        """All in one number, 0 to 1: that of the worst property."""
    @property
    def eye_distance(self) -> float:
        """Pixels between the eyes."""
    @property
    def sharpness(self) -> float:
        """Fine detail against coarse: 0 is featureless, sharp faces have 0.15 and more."""
    @property
    def brightness(self) -> float:
        """The mean luma of the face, 0 (black) to 1 (white)."""
    @property
    def contrast(self) -> float:
        """The standard deviation of the face's luma, 0 to 0.5."""
    @property
    def pose(self) -> HeadPose | None:
        """Where the head is turned to; None where the landmarks do not say."""
    @property
    def visible(self) -> float:
        """The share of the face box that lies inside the image, 0 to 1."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class QualityIssue:
    """What is wrong with a face: a code for programs, words for people.

    >>> import facekit
    >>> picky = facekit.Recognizer(quality={"min_eye_distance": 1000})
    >>> [issue.code for issue in picky.recognize("anna.jpg").largest.issues]
    ['too_small']"""

    @property
    def code(self) -> str:
        """`too_small`, `blurred`, `too_dark`, `too_bright`, `low_contrast`, `turned_away`, `cut_off` or `no_shape`."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Identity:
    """A person as a match.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg", name="Anna Weiß")
    >>> identity = recognizer.recognize("door.jpg").largest.identity
    >>> identity.person, identity.name, identity.score > recognizer.threshold()
    ('anna', 'Anna Weiß', True)"""

    @property
    def person(self) -> str:
        """The id."""
    @property
    def name(self) -> str | None:
        """The name, where the gallery has one."""
    @property
    def score(self) -> float:
        """The cosine to the nearest of the person's templates, -1 to 1; greater is closer."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate of a single comparison that the score stands for, rounded up where the score lies outside the
        calibrated range; None where the embedding space is not calibrated."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Candidate:
    """A person near to a probe, as `Recognizer.identify` lists them.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg")]
    [('anna', True)]"""

    @property
    def person(self) -> str:
        """The id."""
    @property
    def name(self) -> str | None:
        """The name, where the gallery has one."""
    @property
    def score(self) -> float:
        """The cosine to the nearest of the person's templates, -1 to 1; greater is closer."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate of a single comparison that the score stands for; None where the embedding space is not calibrated."""
    @property
    def matches(self) -> bool:
        """Whether the score passes the recogniser's threshold."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Recognition:
    """A face in an image, and what became of it.

    `outcome` says what: `"known"` (see `identity`), `"unknown"` (see `nearest`), `"spoof"` (see `liveness`) or `"poor_quality"`
    (see `issues`). All of them are results, not errors.

    >>> import facekit
    >>> face = facekit.Recognizer().recognize("anna.jpg").largest
    >>> face.outcome, face.embedding.values.shape
    ('unknown', (128,))"""

    @property
    def detection(self) -> Detection:
        """Where the face is."""
    @property
    def box(self) -> Box:
        """The box around the face, in pixels of the image given."""
    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Five points as a float32 array of shape (5, 2), in pixels; see `Detection.landmarks`."""
    @property
    def quality(self) -> Quality:
        """How good the face is."""
    @property
    def liveness(self) -> float | None:
        """How live the face is, 0 (an attack) to 1 (bona fide); None where the quality gate refused it before, or nothing checks."""
    @property
    def embedding(self) -> Embedding | None:
        """The face as a vector; None where it was refused before."""
    @property
    def outcome(self) -> Literal["known", "unknown", "spoof", "poor_quality"]:
        """What became of the face: "known", "unknown", "spoof" or "poor_quality"."""
    @property
    def identity(self) -> Identity | None:
        """Who it is; None where that is not known."""
    @property
    def nearest(self) -> Identity | None:
        """For an unknown face, the nearest person all the same, for those who set thresholds."""
    @property
    def person(self) -> str | None:
        """The id of who it is; None where that is not known."""
    @property
    def name(self) -> str | None:
        """The name of who it is; None where that is not known, or the gallery has none."""
    @property
    def issues(self) -> list[QualityIssue]:
        """What keeps the face from being compared; empty but for "poor_quality"."""
    def to_dict(self, *, embedding: bool = False) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`; the embedding's numbers only if they are asked for."""
    def _repr_html_(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class EmbeddingSpace:
    """Which embeddings can be compared: those of one model, fed in one way.

    Two spaces are equal where fingerprint and dimension are; the model's name is for people.

    >>> from facekit import EmbeddingSpace
    >>> EmbeddingSpace("example", "00" * 32, 512).dimension
    512"""

    def __new__(cls, model: str, fingerprint: str, dimension: int) -> Self: ...
    @property
    def model(self) -> str:
        """The model's name."""
    @property
    def fingerprint(self) -> str:
        """The digest of weights and preprocessing, in hexadecimal."""
    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Embedding:
    """A face as a vector of length one.

    NumPy sees its numbers without a copy, as a read-only float32 array of shape (dimension,): `embedding.values`, or
    `numpy.asarray(embedding)`. Its repr does not show them, since they are personal data.

    >>> import numpy as np
    >>> from facekit import Embedding, EmbeddingSpace
    >>> space = EmbeddingSpace("example", "00" * 32, 2)
    >>> a = Embedding(space, np.array([3, 4], dtype="float32"))
    >>> [round(float(value), 2) for value in a.values]
    [0.6, 0.8]
    >>> round(a.cosine(a), 5)
    1.0"""

    def __new__(cls, space: EmbeddingSpace, values: NDArray[np.float32]) -> Self: ...
    @property
    def space(self) -> EmbeddingSpace:
        """The space it can be compared in."""
    @property
    def values(self) -> NDArray[np.float32]:
        """The numbers, as a read-only float32 array of shape (dimension,) over the embedding's own memory."""
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def cosine(self, other: Embedding) -> float:
        """The cosine of the angle to another embedding of the same space: -1 to 1, greater is closer.

        Raises SpaceMismatchError where they are of different spaces.

        >>> import facekit
        >>> recognizer = facekit.Recognizer()
        >>> a, b = (recognizer.embed(photo)[0] for photo in ("anna.jpg", "door.jpg"))
        >>> a.cosine(b) > recognizer.threshold()
        True"""
    def to_dict(self) -> dict[str, Any]:
        """Space and numbers as Python's own types."""
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Person:
    """A person in a gallery.

    >>> import facekit
    >>> gallery = facekit.Gallery()
    >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg", name="Anna Weiß")
    >>> gallery.people()
    [<Person "anna", Anna Weiß>]"""

    @property
    def id(self) -> str:
        """The id, unique in the gallery."""
    @property
    def name(self) -> str | None:
        """A name for people to read, where it differs from the id."""
    @property
    def enrolled(self) -> datetime.datetime:
        """When the person was first enrolled: a datetime in UTC."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class CheckReport:
    """What `Gallery.check` found.

    >>> import facekit, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    >>> report = gallery.check()
    >>> report.is_clean, report.damage
    (True, [])"""

    @property
    def people(self) -> int:
        """People whose records open."""
    @property
    def templates(self) -> dict[str, int]:
        """Templates whose records open, by the embedding space's name."""
    @property
    def crops(self) -> int:
        """Aligned faces whose records open."""
    @property
    def damage(self) -> list[str]:
        """What is wrong, a line for each; empty where nothing is."""
    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Gallery:
    """People and their templates: in one encrypted file that survives a crash and a loss of power, or, without a path, in memory.

    `key` is what opens the file: `bytes` of length 32; a `pathlib.Path` to a key file, which `Gallery.new_key_file` makes; or a
    `str`, which is a passphrase. Without it, the key file that FACEKIT_KEY_FILE names, or the key or passphrase in
    FACEKIT_GALLERY_KEY. A file that is not there is created, unless `read_only`. Leaving people's templates open is for you to
    say: `unprotected=True`.

    A file that can be changed is open once, in one process; many may read it at once with `read_only=True`. As a context manager
    it is closed at the end, and its recognisers refuse to work from then on.

    Raises GalleryLockedError where the file is open already, KeyRefusedError for a wrong or missing key, GalleryDamagedError,
    GalleryVersionError, and an OSError where the file cannot be read.

    >>> import facekit, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> facekit.Gallery.new_key_file(folder / "people.key")
    >>> with facekit.Gallery(folder / "people.facekit", key=folder / "people.key") as gallery:
    ...     len(gallery)
    0"""

    def __new__(
        cls,
        path: _Path | None = None,
        key: bytes | bytearray | str | os.PathLike[str] | None = None,
        *,
        read_only: bool = False,
        unprotected: bool = False,
        keep_crops: bool = False,
    ) -> Self: ...
    @staticmethod
    def new_key_file(path: _Path) -> None:
        """Makes a random key and writes it to a new file that only its owner can read. Whoever loses it loses the gallery.

        Raises an OSError where the file exists or cannot be written.

        >>> import facekit, pathlib, tempfile
        >>> facekit.Gallery.new_key_file(pathlib.Path(tempfile.mkdtemp()) / "people.key")"""
    @property
    def path(self) -> Path | None:
        """The file; None for a gallery in memory."""
    @property
    def closed(self) -> bool:
        """Whether the gallery was closed."""
    def people(self) -> list[Person]:
        """Everyone, in order of id.

        >>> import facekit
        >>> facekit.Gallery().people()
        []"""
    def add(
        self, person: str, embeddings: Sequence[Embedding], *, name: str | None = None, quality: float = 1.0
    ) -> list[int]:
        """Adds embeddings to a person, who becomes known if that is new: for vectors that come from elsewhere.
        `Recognizer.enroll` takes photos. `quality` is that of the faces, 0 to 1. Returns the numbers of the new templates.

        Raises InvalidPersonIdError, and StoreError where the file cannot be written; nothing has changed then.

        >>> import facekit, numpy
        >>> space = facekit.EmbeddingSpace("example", "00" * 32, 3)
        >>> gallery = facekit.Gallery()
        >>> gallery.add("anna", [facekit.Embedding(space, numpy.array([1, 2, 3], dtype="float32"))])
        [0]
        >>> "anna" in gallery
        True"""
    def remove(self, *people: str) -> int:
        """Removes people with everything about them, and returns how many were there. The file holds no key to anything of theirs
        afterwards.

        Raises StoreError where the file cannot be written.

        >>> import facekit
        >>> gallery = facekit.Gallery()
        >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg")
        >>> gallery.remove("anna", "nobody"), len(gallery)
        (1, 0)"""
    def check(self, *, progress: _Progress | None = None) -> CheckReport:
        """Reads everything and says what is wrong. Damage is no error but in the report. For galleries in files.

        `progress(done, total)` is called after each record.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.check().is_clean
        True"""
    def backup(self, to: _Path, *, progress: _Progress | None = None) -> None:
        """Copies the gallery to a new file under the same key, while it is in use. The copy appears under its name once it is
        complete.

        Raises an OSError where the file exists or cannot be written, and GalleryDamagedError.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.backup(folder / "backup.facekit")"""
    def rekey(self, key: bytes | bytearray | str | os.PathLike[str]) -> None:
        """Protects the file anew; the old key opens nothing in it from then on. `key` is as for `Gallery`.

        Raises KeyRefusedError, and StoreError where the file cannot be written.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.rekey("a new passphrase")"""
    def close(self) -> None:
        """Closes the file. What comes after it is an error; work that is under way is waited for, unless it is this work's own
        `progress` that closes: then the file closes when it ends. Closing twice does nothing.

        >>> import facekit
        >>> gallery = facekit.Gallery()
        >>> gallery.close()
        >>> gallery.closed
        True"""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: type[BaseException] | BaseException | TracebackType | None) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: str, /) -> bool: ...

@final
class RefusedPhoto:
    """A photo that was not used, and why. Its str is the reason in words.

    >>> import facekit, numpy
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", ["anna.jpg", numpy.zeros((480, 640, 3), dtype="uint8")])
    >>> [(refused.photo, refused.reason, str(refused)) for refused in report.refused]
    [(1, 'no_face', 'no face')]"""

    @property
    def photo(self) -> int:
        """Which of the photos given, from 0."""
    @property
    def reason(self) -> str:
        """`no_face`, `several_faces`, `poor_quality`, `spoof`, `another_person` or `resembles`."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Resemblance:
    """A photo of one person that looks like somebody else in the gallery: the same person under two ids, or a look-alike.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> [found.person for found in recognizer.enroll("anne", "door.jpg").resembles]
    ['anna']"""

    @property
    def photo(self) -> int:
        """Which of the photos given, from 0."""
    @property
    def person(self) -> str:
        """The id of whom it looks like."""
    @property
    def score(self) -> float:
        """How similar, -1 to 1; it passes the recogniser's threshold."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate that the score stands for; None where the space is not calibrated."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class EnrollReport:
    """What became of an enrolment. As a condition it is true where the person has a new template.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", ["anna.jpg", "door.jpg"])
    >>> bool(report), report.accepted, report.refused
    (True, [0, 1], [])"""

    @property
    def person(self) -> str:
        """The id of who was to be enrolled."""
    @property
    def templates(self) -> list[int]:
        """The numbers of the new templates; empty where no photo was good enough, and then nothing has changed."""
    @property
    def accepted(self) -> list[int]:
        """The photos that became templates, from 0, in the order of `templates`."""
    @property
    def refused(self) -> list[RefusedPhoto]:
        """The photos that did not, and why."""
    @property
    def resembles(self) -> list[Resemblance]:
        """Whom accepted photos look like, other than the person."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Verification:
    """What a comparison of two photos says. As a condition it is true where they show the same person.

    >>> import facekit
    >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg")
    >>> comparison.same, comparison.score >= comparison.threshold
    (True, True)"""

    @property
    def same(self) -> bool | None:
        """Whether the threshold takes them for the same person; None where a photo cannot be compared."""
    @property
    def score(self) -> float | None:
        """Their similarity, -1 to 1, greater is closer; None where a photo cannot be compared."""
    @property
    def threshold(self) -> float | None:
        """The score from which on they are the same (inclusive); None where a photo cannot be compared."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate that the score stands for; None where the space is not calibrated, or a photo cannot be compared."""
    @property
    def unusable(self) -> RefusedPhoto | None:
        """The photo that cannot be compared, 0 for the reference or 1 for the probe, and why; None where both can."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Recognizer:
    """Recognises and enrols people: a detector, a quality gate, a liveness check, an embedder and a gallery, one after the other.

    `models` is a selection of sets and models joined by commas, each overriding its part: `"nano"`, whose weights are part of
    facekit, `"standard"`, `"standard,scrfd_500m"`; see `facekit.models.list()`. `models_folder` is where their files are, unless
    FACEKIT_MODELS or the platform's cache folder is meant.

    `runtime` computes: `"tract"` needs nothing, `"ort"` is ONNX Runtime and needs `pip install onnxruntime`, `"candle"` needs nothing
    and is slower than tract. With "ort", `provider` names what computes (`"cpu"`, `"cuda"`, `"cuda:1"`, `"tensorrt"`,
    `"openvino"`, `"coreml"`), and `onnxruntime` the library, unless the installed package's is meant.

    When two faces are the same person's: `fmr`, the share of comparisons of different people that may pass (1e-4 unless something
    is said); or `fpir`, the share of searches by strangers that may name somebody; or `score`, a raw similarity from -1 to 1. A
    rate needs the embedder's calibration: the file `calibration`, or the one beside the gallery
    (`people.<model>.calibration.toml`), or what comes with the model.

    Faces are looked for on a copy whose longer side is at most `max_side` pixels (None: the image as it is), after equalising the
    contrast where `equalize` is set. `detector_score` is the lowest score of a face and `detector_overlap` the overlap above which
    the weaker of two boxes is dropped, 0 to 1, the detector's own where they are None. `quality` is what a face needs to be
    compared: "recognition", "enrollment", "anything", or a dict of what differs from the first, such as `{"max_yaw": 30}`.
    Where the models have a liveness check, a face needs a score of `liveness_threshold`, 0 to 1; with `liveness=False`, and with
    models that have none, prints and screens are taken for people. The property `checks_liveness` says which it is. `subject`
    says which faces are looked at: "all", "largest" or "central".

    `threads` is how many images `recognize_many` works on at a time, one for each core unless it is given. Every other call
    computes on the thread that makes it, with the GIL released, and a recogniser may be called from any number of threads at
    once.

    Images are what `recognize` says. Every method that takes one raises TypeError or ValueError for what is not an image,
    ImageError for a file that cannot be decoded, and ForkedError in a process that was forked off the one that made the
    recogniser.

    Raises UnknownModelError, ModelMissingError for a model that was not fetched, LibraryUnavailableError where there is no ONNX
    Runtime, UncalibratedError and RateOutOfRangeError for a rate that nobody has measured, InvalidArgumentError.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> recognizer.space.dimension
    128"""

    def __new__(
        cls,
        models: str = "nano",
        *,
        runtime: Literal["tract", "ort", "candle"] = "tract",
        gallery: Gallery | None = None,
        fmr: float | None = None,
        fpir: float | None = None,
        score: float | None = None,
        calibration: _Path | None = None,
        liveness: bool = True,
        liveness_threshold: float = 0.5,
        max_side: int | None = 640,
        equalize: bool = False,
        detector_score: float | None = None,
        detector_overlap: float | None = None,
        quality: _Quality | None = None,
        subject: _Subject = "all",
        threads: int | None = None,
        provider: str | None = None,
        onnxruntime: _Path | None = None,
        models_folder: _Path | None = None,
    ) -> Self: ...
    def detect(self, image: _Image, *, color: _Color = "rgb") -> Faces[Detection]:
        """Finds the faces in an image: `Faces` of `Detection`, in falling order of score.

        Images are as for `recognize`. Neither quality gate nor liveness check applies.

        >>> import facekit, numpy
        >>> grey = numpy.full((480, 640, 3), 128, dtype="uint8")
        >>> len(facekit.Recognizer().detect(grey))
        0"""
    def embed(
        self, image: _Image, detections: Sequence[Detection] | None = None, *, color: _Color = "rgb"
    ) -> list[Embedding]:
        """Embeds faces of an image: one `Embedding` for each of `detections`, in order, or for each face that is found where they
        are not given.

        Neither quality gate nor liveness check applies; `recognize` embeds what passes them.

        Raises InvalidArgumentError for a given detection whose five landmarks lie on one spot.

        >>> import facekit
        >>> recognizer = facekit.Recognizer()
        >>> faces = recognizer.detect("anna.jpg")
        >>> [embedding.values.shape for embedding in recognizer.embed("anna.jpg", faces)]
        [(128,)]"""
    def embed_aligned(self, crops: Iterable[_Image], *, color: _Color = "rgb") -> list[Embedding]:
        """Embeds faces that are aligned already, as `facekit` and insightface align them: square crops with the eyes, the nose and
        the mouth where the embedder expects them. Crops of another size than the embedder's are resized.

        Raises InvalidArgumentError for a crop that is not square.

        >>> import facekit, numpy
        >>> crops = [numpy.full((112, 112, 3), grey, dtype="uint8") for grey in (50, 200)]
        >>> len(facekit.Recognizer().embed_aligned(crops))
        2"""
    def verify(self, reference: _Image, probe: _Image, *, color: _Color = "rgb") -> Verification:
        """Whether two photos show the same person (1:1), by the largest face of each.

        A photo with several faces of similar size is unusable. The liveness check applies to the probe: the reference is the
        document, which may be a print.

        >>> import facekit
        >>> bool(facekit.Recognizer().verify("anna.jpg", "door.jpg"))
        True"""
    def enroll(
        self,
        person: str,
        photos: _Image | Iterable[_Image],
        *,
        name: str | None = None,
        liveness: bool = True,
        augment: bool = False,
        refuse_resemblance: bool = False,
        ambiguity: float = 0.7,
        quality: _Quality | None = None,
        color: _Color = "rgb",
        progress: _Progress | None = None,
    ) -> EnrollReport:
        """Enrols a person from photos: the largest face of each becomes a template, if it passes the quality gate and the liveness
        check. When this returns, the gallery's file has the templates.

        Refused photos are no error: the report gives a reason for each. Where all are refused, nobody is enrolled. Of three photos
        and more, those that do not match the others are refused.

        `liveness=False` is for passport photos, which are prints. `augment` makes each template the mean over small changes of its
        photo. `refuse_resemblance` enrols nobody whose face belongs to somebody else already; otherwise the report warns. A second
        face of at least `ambiguity` times the area of the largest, 0 to 1, makes a photo unusable. `progress(done, total)` is
        called after each photo.

        Raises InvalidPersonIdError; InvalidArgumentError where there is no gallery or no photo; StoreError where the file cannot
        be written. Nothing has changed then.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"], name="Anna Weiß")
        <EnrollReport "anna", 2 accepted, 0 refused>"""
    def recognize(
        self,
        image: _Image,
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        color: _Color = "rgb",
    ) -> Faces[Recognition]:
        """Recognises the faces in an image: `Faces` of `Recognition`, one for each face with what became of it; empty where there is
        none.

        `image` is a NumPy array of uint8 with shape (height, width, 3), (height, width, 4), whose alpha is ignored, or
        (height, width), in any memory layout; the path of a JPEG, PNG or WebP file, or its bytes; or a PIL image. `color` is the
        order of an array's channels: "rgb", or "bgr", which OpenCV has. An array whose rows lie in memory as usual is not
        copied, so it must not be written to or reshaped in place meanwhile. `roster` limits the search to people with these ids,
        `subject` is as for `Recognizer`.

        Raises UnknownPersonError for a roster with somebody who is not in the gallery, RuntimeFailedError where a model fails,
        RateOutOfRangeError where `fpir` was asked for and the gallery has outgrown what the calibration can answer for.

        >>> import facekit, numpy
        >>> recognizer = facekit.Recognizer()
        >>> frame = numpy.zeros((480, 640, 3), dtype="uint8")
        >>> for face in recognizer.recognize(frame[..., ::-1], color="bgr"):
        ...     print(face.person or face.outcome, face.box)"""
    @overload
    def recognize_many(
        self,
        images: Iterable[_Image],
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        color: _Color = "rgb",
        threads: int | None = None,
        ahead: int | None = None,
        errors: Literal["raise"] = "raise",
    ) -> RecognizeMany[Faces[Recognition]]:
        """Recognises the faces in many images on `threads` threads: an iterator over what `recognize` would return, in order.

        `images` is any iterable, a generator too. Images are taken on the thread that asks for a result, up to `ahead` of them
        before their own results are asked for: two for each thread and a few more where it is None. With `ahead=0` each result is
        given before the next image is taken, which is for cameras and queues, where that one may be long in coming; images are
        worked on one after the other then. Arrays must not be written to before their result has come.

        `errors="raise"` raises for an image that cannot be used, and the next call goes on with the one after it;
        `errors="return"` gives the exception in the place of the result. An exception of the iterable itself comes after the
        results of the images before it, except KeyboardInterrupt and the like, which end everything at once.

        >>> import facekit, numpy
        >>> frames = (numpy.full((240, 320, 3), grey, dtype="uint8") for grey in range(0, 250, 50))
        >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
        [0, 0, 0, 0, 0]"""
    @overload
    def recognize_many(
        self,
        images: Iterable[_Image],
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        color: _Color = "rgb",
        threads: int | None = None,
        ahead: int | None = None,
        errors: Literal["return"],
    ) -> RecognizeMany[Faces[Recognition] | Exception]:
        """Recognises the faces in many images on `threads` threads: an iterator over what `recognize` would return, in order.

        `images` is any iterable, a generator too. Images are taken on the thread that asks for a result, up to `ahead` of them
        before their own results are asked for: two for each thread and a few more where it is None. With `ahead=0` each result is
        given before the next image is taken, which is for cameras and queues, where that one may be long in coming; images are
        worked on one after the other then. Arrays must not be written to before their result has come.

        `errors="raise"` raises for an image that cannot be used, and the next call goes on with the one after it;
        `errors="return"` gives the exception in the place of the result. An exception of the iterable itself comes after the
        results of the images before it, except KeyboardInterrupt and the like, which end everything at once.

        >>> import facekit, numpy
        >>> frames = (numpy.full((240, 320, 3), grey, dtype="uint8") for grey in range(0, 250, 50))
        >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
        [0, 0, 0, 0, 0]"""
    def identify(
        self, probe: Embedding | _Image, k: int = 5, *, roster: Iterable[str] | None = None, color: _Color = "rgb"
    ) -> list[Candidate]:
        """The `k` people nearest to a face (1:N), nearest first, whether or not they pass the threshold.

        `probe` is an `Embedding`, or an image, of which the largest face counts; where that face is missing, not good enough or not
        live, the list is empty, and `recognize` says why. `roster` limits the search to people with these ids.

        Raises InvalidArgumentError where there is no gallery, SpaceMismatchError for an embedding of another model,
        UnknownPersonError for a roster with somebody who is not in the gallery.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> report = recognizer.enroll("anna", "anna.jpg")
        >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg", k=3)]
        [('anna', True)]"""
    def embed_again(self, *, progress: _OpenProgress | None = None) -> tuple[list[str], list[str]]:
        """Makes templates of this embedder for everyone who has none but whose crops were kept, after a change of model: the ids of
        who was embedded, and of who has no crops and must be enrolled again. `progress(done, None)` is called after each crop.

        >>> import facekit
        >>> facekit.Recognizer(gallery=facekit.Gallery()).embed_again()
        ([], [])"""
    def threshold(self, templates: int = 1) -> float:
        """The lowest score that passes in a search among `templates` templates; 1 is a comparison of two faces.

        >>> import facekit
        >>> facekit.Recognizer(fmr=1e-3).threshold() < facekit.Recognizer(fmr=1e-4).threshold()
        True
        >>> recognizer = facekit.Recognizer(fpir=1e-2)
        >>> recognizer.threshold(1) < recognizer.threshold(100)
        True"""
    def fmr_of(self, score: float) -> float | None:
        """The false-match rate of a single comparison that a score stands for; None where the space is not calibrated.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(fmr=1e-3)
        >>> 0.5e-3 < recognizer.fmr_of(recognizer.threshold()) < 2e-3
        True"""
    @property
    def space(self) -> EmbeddingSpace:
        """The space of its embeddings."""
    @property
    def models(self) -> str:
        """The selection of models."""
    @property
    def runtime(self) -> str:
        """What runs the models."""
    @property
    def checks_liveness(self) -> bool:
        """Whether prints and screens are told from people: the models have a liveness check, and it is on."""
    @property
    def threads(self) -> int:
        """How many images `recognize_many` works on at a time."""

@final
class RecognizeMany(Generic[_Result]):
    """The results of `Recognizer.recognize_many`, in order.

    `close()`, leaving a `with` block, or dropping it ends the work, and lets go of the images. `close()` may be called from any
    thread; results are for one at a time, as with a generator.

    >>> import facekit
    >>> with facekit.Recognizer().recognize_many(["anna.jpg", "door.jpg"]) as results:
    ...     [len(faces) for faces in results]
    [1, 1]"""

    @classmethod
    def __class_getitem__(cls, _result: Any) -> type[Self]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Result: ...
    def close(self) -> None:
        """Ends the work: what has begun is finished, and no more is begun.

        >>> import facekit
        >>> results = facekit.Recognizer().recognize_many(["anna.jpg"] * 100)
        >>> first = next(results)
        >>> results.close()"""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: type[BaseException] | BaseException | TracebackType | None) -> None: ...

@final
class Index:
    """Exact nearest neighbours among vectors, wherever they come from: every search compares with each, at about the speed of memory.

    `matrix` is a float32 array of shape (n, dimension). Rows are copied, and scaled to length one, so what is compared is their
    direction. `ids` is an array of n integers from 0 on, unique; 0 to n - 1 unless they are given. By `metric`, scores are cosines,
    -1 to 1 ("cosine"), or negated distances, -2 to 0 ("euclidean"); greater is closer by both.

    Raises InvalidEmbeddingError for a row that is zero or not finite.

    >>> import numpy as np
    >>> from facekit import Index
    >>> index = Index(np.eye(3, dtype="float32"), ids=[10, 20, 30])
    >>> ids, scores = index.search(np.array([[0.9, 0.1, 0]], dtype="float32"), k=2)
    >>> ids.tolist()
    [[10, 20]]"""

    def __new__(
        cls, matrix: NDArray[np.float32], ids: ArrayLike | Iterable[int] | None = None, *, metric: Literal["cosine", "euclidean"] = "cosine"
    ) -> Self: ...
    def search(
        self, probes: NDArray[np.float32], k: int = 10, *, roster: ArrayLike | Iterable[int] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` nearest of each probe: two arrays of shape (probes, min(k, vectors searched)), the ids (int64) and the scores
        (float32), each row in falling order of score.

        `probes` is a float32 array of shape (probes, dimension), or (dimension,) for a single one. `roster` limits the search to
        these ids; those that are not there are ignored. Many probes are shared out to the cores.

        Raises InvalidEmbeddingError for a probe that is zero or not finite, and TypeError for what is not float32.

        >>> import numpy as np
        >>> from facekit import Index
        >>> index = Index(np.eye(4, dtype="float32"))
        >>> ids, scores = index.search(np.eye(4, dtype="float32")[2], k=2, roster=[1, 2])
        >>> ids.tolist(), scores.tolist()
        ([[2, 1]], [[1.0, 0.0]])"""
    def add(self, matrix: NDArray[np.float32], ids: ArrayLike | Iterable[int]) -> None:
        """Adds rows; those whose id is there are replaced.

        Raises InvalidEmbeddingError for a row that is zero or not finite; nothing has changed then.

        >>> import numpy as np
        >>> from facekit import Index
        >>> index = Index(np.eye(3, dtype="float32"))
        >>> index.add(np.ones((1, 3), dtype="float32"), ids=[7])
        >>> len(index)
        4"""
    def remove(self, ids: ArrayLike | Iterable[int]) -> int:
        """Takes vectors out, and returns how many were there.

        >>> import numpy as np
        >>> from facekit import Index
        >>> Index(np.eye(3, dtype="float32")).remove([0, 1, 9])
        2"""
    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
    def __len__(self) -> int: ...

@final
class ModelInfo:
    """A model that is known by name.

    >>> import facekit
    >>> nano = next(model for model in facekit.models.list() if model.name == "nano_embedder")
    >>> nano.task, nano.bundled, nano.commercial_use
    ('embedder', True, True)"""

    @property
    def name(self) -> str:
        """What it is selected by."""
    @property
    def task(self) -> str:
        """What it does: "detector", "embedder" or "liveness"."""
    @property
    def file(self) -> str:
        """The name of its file in the models folder."""
    @property
    def available(self) -> bool:
        """Whether its file is here and the right one, or part of facekit."""
    @property
    def bundled(self) -> bool:
        """Whether it is part of facekit, so that it needs no file."""
    @property
    def license(self) -> str:
        """The licence of the weights, as an SPDX expression or in words."""
    @property
    def commercial_use(self) -> bool:
        """Whether the licence allows commercial use."""
    @property
    def source(self) -> str:
        """Who made the weights, and from what."""
    @property
    def accuracy(self) -> str | None:
        """What is known of its accuracy, in words."""
    @property
    def tested(self) -> bool:
        """Whether facekit's own tests run it."""
    @property
    def bytes(self) -> int | None:
        """The length of its file in bytes, where that is known."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class SetInfo:
    """Models that make a recogniser together.

    >>> import facekit
    >>> nano = next(found for found in facekit.models.sets() if found.name == "nano")
    >>> nano.detector, nano.embedder
    ('nano_detector', 'nano_embedder')"""

    @property
    def name(self) -> str:
        """What it is selected by."""
    @property
    def detector(self) -> str:
        """Finds faces."""
    @property
    def embedder(self) -> str:
        """Turns faces into embeddings."""
    @property
    def liveness(self) -> list[str]:
        """Tell living faces from prints and screens; empty where nothing does."""
    def to_dict(self) -> dict[str, Any]:
        """The same as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class _Rules:
    """A policy made ready, with holidays and members. See facekit.attendance.Policy."""

    def __new__(
        cls,
        policy: str,
        format: str,
        holidays: str | None,
        holidays_between: tuple[int, int],
        members: str,
    ) -> Self: ...
    @property
    def time_zone(self) -> str:
        """The site's zone."""
    def to_toml(self) -> str:
        """None"""
    def decide(self, past: str, sighting: str) -> str:
        """None"""
    def evaluate(
        self, person: str, punches: str, corrections: str, from_: str, to: str, as_of: str
    ) -> str:
        """None"""
    def presence(self, person: str, punches: str, corrections: str, at: str) -> str:
        """None"""

def _encode_jpeg(image: _Image, color: str, max_side: int) -> tuple[bytes, int, int]: ...
def _models_folder() -> str: ...
def _models_list(folder: _Path | None = None) -> list[ModelInfo]: ...
def _models_pull(
    names: str,
    folder: _Path | None,
    accept_non_commercial: bool,
    mirror: str | None,
    progress: _OpenProgress | None,
) -> list[str]: ...
def _models_sets(folder: _Path | None = None) -> list[SetInfo]: ...
def _restore(class_: str, json: str) -> Any: ...
def _sightings(faces: Sequence[Recognition], at: str) -> list[tuple[str, float | None, float | None]]: ...
