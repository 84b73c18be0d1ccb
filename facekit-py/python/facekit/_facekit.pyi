import datetime
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, SupportsIndex, Union, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self, TypeAlias, TypedDict, TypeVar

from facekit._faces import Faces
from facekit.attendance import Sighting

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

class _Options(TypedDict, total=False):
    roster: Iterable[str]
    subject: _Subject
    fmr: float
    fpir: float
    score: float

_Result = TypeVar("_Result", covariant=True, default=Faces[Recognition])

@final
class Box:
    """An upright box in an image, in pixels. The origin is the top left corner of the image, and y grows downward. The box may extend
    beyond the image.

    A box can be unpacked and indexed as `x, y, width, height`.

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
        """The width, never negative."""
    @property
    def height(self) -> float:
        """The height, never negative."""
    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge: the form of OpenCV's drawing functions and of insightface."""
    @property
    def area(self) -> float:
        """The area in square pixels."""
    @property
    def center(self) -> tuple[float, float]:
        """The center, x and y."""
    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1.

        >>> from facekit import Box
        >>> Box(0, 0, 10, 10).iou(Box(0, 0, 10, 5))
        0.5"""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[float]: ...
    def __getitem__(self, key: SupportsIndex, /) -> float: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Detection:
    """A face that a detector found.

    The constructor is for faces of another detector:

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
        """The box around the face, in pixels of the image."""
    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Five points as a float32 array of shape (5, 2), x and y in pixels of the image. The order is: the eye on the left of the image,
        the eye on the right, the tip of the nose, the corner of the mouth on the left, the corner on the right."""
    @property
    def score(self) -> float:
        """The score of the detector, 0 to 1. Only scores of the same detector can be compared."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HeadPose:
    """The direction of a head, in degrees, estimated from five landmarks.

    >>> import facekit
    >>> pose = facekit.Recognizer().recognize("anna.jpg").largest.quality.pose
    >>> abs(pose.yaw) < 30
    True"""

    @property
    def yaw(self) -> float:
        """Rotation to the side. Positive if the face looks to the right of the image."""
    @property
    def pitch(self) -> float:
        """Rotation up or down. Positive if the face looks up."""
    @property
    def roll(self) -> float:
        """Rotation in the plane of the image. Positive if the head is turned clockwise."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Quality:
    """The quality of a face for comparisons.

    >>> import facekit
    >>> quality = facekit.Recognizer().recognize("anna.jpg").largest.quality
    >>> 0 < quality.score <= 1 and quality.eye_distance > 20
    True"""

    @property
    def score(self) -> float:
        """The quality as one number, 0 to 1: that of the worst property."""
    @property
    def eye_distance(self) -> float:
        """The distance between the eyes in pixels."""
    @property
    def sharpness(self) -> float:
        """The share of fine detail. 0 is featureless; sharp faces have 0.15 and more."""
    @property
    def brightness(self) -> float:
        """The mean luma of the face, 0 (black) to 1 (white)."""
    @property
    def contrast(self) -> float:
        """The standard deviation of the face's luma, 0 to 0.5."""
    @property
    def pose(self) -> HeadPose | None:
        """The direction of the head. None if the landmarks do not determine it."""
    @property
    def visible(self) -> float:
        """The share of the face box that is inside the image, 0 to 1."""
    @property
    def recognizability(self) -> float | None:
        """The distance of the embedding from those of faces that cannot be recognized, 0 to 1. A face may be compared from 0.5 on, and
        enrolled from 0.75 on. None before the face is embedded, and if it was not measured for the embedder."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class QualityIssue:
    """A quality issue of a face: a code for programs, and a text (`str`) for people.

    >>> import facekit
    >>> picky = facekit.Recognizer(quality={"min_eye_distance": 1000})
    >>> [issue.code for issue in picky.recognize("anna.jpg").largest.issues]
    ['too_small']"""

    @property
    def code(self) -> str:
        """`too_small`, `blurred`, `too_dark`, `too_bright`, `low_contrast`, `turned_away`, `cut_off`, `no_shape` or
        `unrecognizable`."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Identity:
    """A person who matches a face.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg", name="Anna Weiß")
    >>> identity = recognizer.recognize("door.jpg").largest.identity
    >>> identity.person, identity.name, identity.score > recognizer.threshold()
    ('anna', 'Anna Weiß', True)"""

    @property
    def person(self) -> str:
        """The person's id."""
    @property
    def name(self) -> str | None:
        """The person's name, if the gallery has one."""
    @property
    def score(self) -> float:
        """The cosine to the nearest of the person's templates, -1 to 1. Greater is closer."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate of single comparisons if this score is the threshold. It is rounded up if the score is outside the
        calibrated range, and None if the embedding space is not calibrated."""
    @property
    def extrapolated(self) -> bool:
        """True if `fmr` is below the rates that were counted, so that it is extrapolated."""
    @property
    def basis(self) -> Literal["counted", "extrapolated", "not_met", "none"]:
        """How well the wanted rate of the search is known: "counted", "extrapolated", "not_met" if the gallery has more people, or
        more photos of the person, than the calibration answers for at this rate, or "none" if the threshold is a score."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Candidate:
    """A person near to a probe, from `Recognizer.identify`.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg")]
    [('anna', True)]"""

    @property
    def person(self) -> str:
        """The person's id."""
    @property
    def name(self) -> str | None:
        """The person's name, if the gallery has one."""
    @property
    def score(self) -> float:
        """The cosine to the nearest of the person's templates, -1 to 1. Greater is closer."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate of single comparisons if this score is the threshold. None if the embedding space is not calibrated."""
    @property
    def matches(self) -> bool:
        """True if the score passes the recognizer's threshold."""
    @property
    def extrapolated(self) -> bool:
        """True if `fmr` is below the rates that were counted, so that it is extrapolated."""
    @property
    def basis(self) -> Literal["counted", "extrapolated", "not_met", "none"]:
        """How well the wanted rate of the search is known. See `Identity.basis`."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Recognition:
    """A face in an image, and its outcome.

    `outcome` is `"known"` (see `identity`), `"unknown"` (see `nearest`), `"spoof"` (see `liveness`), `"tight_crop"` (the liveness check
    refused the face, but sees too little around it) or `"poor_quality"` (see `issues`). All of these are results, not errors.

    >>> import facekit
    >>> face = facekit.Recognizer().recognize("anna.jpg").largest
    >>> face.outcome, face.embedding.values.shape
    ('unknown', (128,))"""

    @property
    def detection(self) -> Detection:
        """The face as the detector found it."""
    @property
    def box(self) -> Box:
        """The box around the face, in pixels of the image."""
    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Five points as a float32 array of shape (5, 2), in pixels. See `Detection.landmarks`."""
    @property
    def quality(self) -> Quality:
        """The quality of the face."""
    @property
    def liveness(self) -> float | None:
        """The liveness of the face, 0 (attack) to 1 (bona fide). None if the quality gate refused the face, or if there is no check."""
    @property
    def embedding(self) -> Embedding | None:
        """The face as a vector. None if the quality gate or the liveness check refused the face."""
    @property
    def outcome(self) -> Literal["known", "unknown", "spoof", "tight_crop", "poor_quality"]:
        """"known", "unknown", "spoof", "tight_crop" or "poor_quality"."""
    @property
    def identity(self) -> Identity | None:
        """The person, if the face is known; otherwise None."""
    @property
    def nearest(self) -> Identity | None:
        """The nearest person to an unknown face, although below the threshold. It helps to set thresholds."""
    @property
    def person(self) -> str | None:
        """The person's id, if the face is known; otherwise None."""
    @property
    def name(self) -> str | None:
        """The person's name, if the face is known and the gallery has a name; otherwise None."""
    @property
    def issues(self) -> list[QualityIssue]:
        """The reasons of "poor_quality"; empty for other outcomes."""
    def to_dict(self, *, embedding: bool = False) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`. With `embedding=True` it has the embedding's numbers too."""
    def _repr_html_(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class EmbeddingSpace:
    """A space of embeddings that can be compared: those of one model and one preprocessing.

    Two spaces are equal if fingerprint and dimension are equal. The model's name is for people.

    >>> from facekit import EmbeddingSpace
    >>> EmbeddingSpace("example", "00" * 32, 512).dimension
    512"""

    def __new__(cls, model: str, fingerprint: str, dimension: int) -> Self: ...
    @property
    def model(self) -> str:
        """The model's name."""
    @property
    def fingerprint(self) -> str:
        """The digest of weights and preprocessing, as hexadecimal digits."""
    @property
    def dimension(self) -> int:
        """The number of values of an embedding."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Embedding:
    """A face as a vector of length one.

    `embedding.values` and `numpy.asarray(embedding)` are the values without a copy, as a read-only float32 array of shape
    (dimension,). The repr does not show the values, because they are personal data.

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
        """The embedding's space."""
    @property
    def values(self) -> NDArray[np.float32]:
        """The values, as a read-only float32 array of shape (dimension,) in the embedding's own memory."""
    @property
    def is_mirrored(self) -> bool:
        """True if it is the normalized sum of the embeddings of a face and of its mirror image. This is not kept when the embedding is
        pickled."""
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def cosine(self, other: Embedding) -> float:
        """The cosine of the angle to another embedding of the same space, -1 to 1. Greater is closer.

        Raises SpaceMismatchError if the spaces differ.

        >>> import facekit
        >>> recognizer = facekit.Recognizer()
        >>> a, b = (recognizer.embed(photo)[0] for photo in ("anna.jpg", "door.jpg"))
        >>> a.cosine(b) > recognizer.threshold()
        True"""
    def to_dict(self) -> dict[str, Any]:
        """Space and values as Python's own types."""
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
        """The name, if it differs from the id."""
    @property
    def enrolled(self) -> datetime.datetime:
        """The time of the first enrollment: a datetime in UTC."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Template:
    """A template in a gallery.

    >>> import facekit
    >>> gallery = facekit.Gallery()
    >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg")
    >>> gallery.templates_of("anna")
    [<Template 0 of "anna">]"""

    @property
    def number(self) -> int:
        """The number, which is never given again."""
    @property
    def person(self) -> str:
        """The id of the person."""
    @property
    def space(self) -> str:
        """The name of the model's embedding space."""
    @property
    def quality(self) -> float:
        """The quality of the face, 0 to 1."""
    @property
    def origin(self) -> str | None:
        """The id of the photo or the request that it comes from. None if none was given."""
    @property
    def mirrored(self) -> bool:
        """True if it was made from the photo and its mirror image."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Challenge:
    """A challenge: a person follows a dot with the head, to the left, to the right and back to the middle.

    It stops a still picture on a screen, a card or a board, however it is moved or curved, and most recordings made for another
    challenge. It does not stop a folded or ridged picture reliably, a mask, recordings chosen by somebody who follows the prompts, a
    live face swap, or video that is fed in instead of the camera. No conformance to ISO/IEC 30107-3 is claimed.

    `nonce` is 32 random bytes, from `secrets.token_bytes(32)`, and `issued` the time at which it was made, a datetime with a time zone.
    A nonce lives for 30 seconds, and the caller accepts it once. The moves of the dot and their times follow from it. `moves` is 4 or
    5. `attempt` is the number of this attempt of the person in ten minutes, 1 to 3; the caller counts. With `passive`, the median of the
    liveness scores must also count as live, if the recognizer has a liveness check. `mirrored` is for frames that are mirrored.

    Frames are at most 250 ms apart. A challenge has no clock: the same frames with the same times give the same verdict.

    Raises InvalidArgumentError for an option that is out of range, and for a recognizer whose detector has no limits.

    >>> import facekit, secrets
    >>> from datetime import datetime, timezone
    >>> recognizer = facekit.Recognizer()
    >>> issued = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> challenge = facekit.Challenge(recognizer, secrets.token_bytes(32), issued)
    >>> challenge.push("anna.jpg", issued)
    'undecided'
    >>> challenge.prompt(issued).text
    'Look straight ahead.'"""

    def __new__(
        cls,
        recognizer: Recognizer,
        nonce: bytes,
        issued: datetime.datetime,
        *,
        moves: int = 4,
        attempt: int = 1,
        passive: bool = True,
        mirrored: bool = False,
    ) -> Self: ...
    @staticmethod
    def restore(recognizer: Recognizer, state: bytes) -> Challenge:
        """Goes on with a challenge whose `state` was kept, with a recognizer of the same models.

        Raises InvalidArgumentError for bytes that are no state.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> recognizer = facekit.Recognizer()
        >>> challenge = facekit.Challenge(recognizer, bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        >>> facekit.Challenge.restore(recognizer, challenge.state()).verdict().outcome
        'undecided'"""
    def state(self) -> bytes:
        """The state as bytes, so that a server can keep it between two requests. It knows the moves that are not due yet: it must not be
        sent to the person.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        >>> len(challenge.state()) < 500_000
        True"""
    def prompt(self, at: datetime.datetime) -> ChallengePrompt:
        """The prompt at the time `at`, a datetime with a time zone. Nothing that comes later is in it.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> prompt = facekit.Challenge(facekit.Recognizer(), bytes(32), at).prompt(at)
        >>> prompt.dot, prompt.key, prompt.number, prompt.moves
        ('middle', 'challenge-look-middle', 0, 4)"""
    def push(
        self, image: _Image, at: datetime.datetime, *, color: _Color = "rgb"
    ) -> Literal["undecided", "passed", "failed"]:
        """Takes the next frame, which was taken at the time `at`, a datetime with a time zone. Returns `"undecided"`, `"passed"` or
        `"failed"`. Frames after the decision are left out. For images, see `Recognizer.recognize`.

        A bad frame raises no exception but is a reason in the verdict. Raises ValueError for a time without a time zone.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), at)
        >>> [challenge.push("anna.jpg", at) for _ in range(2)], challenge.verdict().reasons
        (['undecided', 'failed'], ['frames_out_of_order'])"""
    def verdict(self) -> ChallengeVerdict:
        """The result at this moment.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        >>> challenge.verdict().passed
        False"""
    def embedding(self) -> Embedding | None:
        """The mean of the embeddings of the person who passed; None unless the challenge is passed. To sign somebody in, compare this
        embedding and no other one: the person before the camera can change before and after the challenge.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> challenge = facekit.Challenge(facekit.Recognizer(), bytes(32), datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        >>> challenge.embedding() is None
        True"""

@final
class ChallengePrompt:
    """The instruction for the person at a moment of a challenge, from `Challenge.prompt`.

    `dot` is `"left"`, `"middle"` or `"right"`, as the person sees it. `number` is 0 before the first of the `moves`. `key` is the key of
    the text for translation; `text` is the text in English. For people who cannot turn their head, offer another way: a PIN, a QR code
    or a manager. The key of that text is `challenge-cannot-turn`.

    >>> import facekit
    >>> from datetime import datetime, timezone
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> facekit.Challenge(facekit.Recognizer(), bytes(32), at).prompt(at)
    <ChallengePrompt 0 of 4: middle>"""

    @property
    def dot(self) -> Literal["left", "middle", "right"]:
        """The place of the dot: "left", "middle" or "right"."""
    @property
    def number(self) -> int:
        """The number of the move, 0 before the first one."""
    @property
    def moves(self) -> int:
        """The number of moves of the challenge."""
    @property
    def key(self) -> str:
        """The key of the text, for translation."""
    @property
    def text(self) -> str:
        """The text in English."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ChallengeVerdict:
    """The result of a challenge, from `Challenge.verdict`.

    `outcome` is `"undecided"`, `"passed"` or `"failed"`; only `passed` counts. `to_dict` has the steps, the depths and the continuity,
    with the keys of `facekit challenge --json`.

    >>> import facekit
    >>> from datetime import datetime, timezone
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> verdict = facekit.Challenge(facekit.Recognizer(), bytes(32), at, attempt=2).verdict()
    >>> verdict, verdict.attempt, verdict.depth, verdict.nonce[:8]
    (<ChallengeVerdict undecided>, 2, None, '66687aad')"""

    @property
    def passed(self) -> bool:
        """True if the challenge is passed."""
    @property
    def outcome(self) -> Literal["undecided", "passed", "failed"]:
        """"undecided", "passed" or "failed"."""
    @property
    def reasons(self) -> list[str]:
        """The codes of the reasons against a pass, such as "no_depth"."""
    @property
    def depth(self) -> float | None:
        """The least of the three depths; None if it was not measured."""
    @property
    def answered(self) -> int:
        """The number of moves that were answered."""
    @property
    def liveness(self) -> float | None:
        """The median of the liveness scores; None without a liveness check."""
    @property
    def attempt(self) -> int:
        """The number of the attempt."""
    @property
    def nonce(self) -> str:
        """The SHA-256 digest of the nonce. Keep it, so that a nonce serves once."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class CheckReport:
    """The result of `Gallery.check`.

    >>> import facekit, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    >>> report = gallery.check()
    >>> report.is_clean, report.damage
    (True, [])"""

    @property
    def people(self) -> int:
        """The number of people whose records can be read."""
    @property
    def templates(self) -> dict[str, int]:
        """The number of templates whose records can be read, by the embedding space's name."""
    @property
    def crops(self) -> int:
        """The number of aligned faces whose records can be read."""
    @property
    def damage(self) -> list[str]:
        """One text for each damaged record or part of the file; empty if there is no damage."""
    @property
    def is_clean(self) -> bool:
        """True if there is no damage."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Gallery:
    """People and their templates, in one encrypted file that survives crashes and loss of power. Without a path, in memory.

    `key` opens the file. It is `bytes` of length 32, a `pathlib.Path` to a key file (see `Gallery.new_key_file`), or a `str`, which
    is a passphrase. The default is the key file that FACEKIT_KEY_FILE names, or else the key or passphrase in
    FACEKIT_GALLERY_KEY. If the file does not exist, it is created, except with `read_only`. With `unprotected=True` there is no
    key, and templates are not encrypted. With `keep_crops=True` the aligned faces are stored too, for `Recognizer.embed_again`.

    `fusion` is the way to compare a face with a person who has several templates: with their "mean", or with the "nearest" one.

    Only one process can open a file for changes, and only once. With `read_only=True`, many can read it at the same time. A
    context manager closes the gallery at its end. Recognizers of a closed gallery raise an error.

    Raises GalleryLockedError if the file is already open; KeyRefusedError for a wrong or missing key; GalleryDamagedError;
    GalleryVersionError; an OSError if the file cannot be read.

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
        fusion: Literal["mean", "nearest"] = "mean",
    ) -> Self: ...
    @staticmethod
    def new_key_file(path: _Path) -> None:
        """Makes a random key and writes it to a new file that only its owner can read. Without this file, the gallery is lost.

        Raises an OSError if the file exists or cannot be written.

        >>> import facekit, pathlib, tempfile
        >>> facekit.Gallery.new_key_file(pathlib.Path(tempfile.mkdtemp()) / "people.key")"""
    @property
    def path(self) -> Path | None:
        """The gallery's file. None for a gallery in memory."""
    @property
    def fusion(self) -> Literal["mean", "nearest"]:
        """The way to compare a face with a person who has several templates: "mean" or "nearest".

        >>> import facekit
        >>> facekit.Gallery(fusion="nearest").fusion
        'nearest'"""
    @property
    def closed(self) -> bool:
        """True if the gallery is closed."""
    def people(self) -> list[Person]:
        """All people, in order of id.

        >>> import facekit
        >>> facekit.Gallery().people()
        []"""
    def add(
        self,
        person: str,
        embeddings: Sequence[Embedding],
        *,
        name: str | None = None,
        quality: float = 1.0,
        origins: Sequence[str] | None = None,
    ) -> list[int]:
        """Adds embeddings as templates of a person, who is added if the id is new. For photos, see `Recognizer.enroll`. `quality` is
        the quality of the faces, 0 to 1. Returns the numbers of the templates.

        `origins` has an id of the photo or the request for each embedding, 1 to 128 bytes. An embedding of an origin that the
        person has already is not added, and the earlier number is returned. So a call that is repeated adds nothing twice.

        Raises InvalidPersonIdError; InvalidArgumentError if there is not one origin for each embedding, or an origin is empty or longer
        than 128 bytes; StoreError if the file cannot be written. The gallery is then unchanged.

        >>> import facekit, numpy
        >>> space = facekit.EmbeddingSpace("example", "00" * 32, 3)
        >>> gallery = facekit.Gallery()
        >>> gallery.add("anna", [facekit.Embedding(space, numpy.array([1, 2, 3], dtype="float32"))])
        [0]
        >>> "anna" in gallery
        True"""
    def remove(self, *people: str) -> int:
        """Removes people with all of their data, and returns the number of those who were in the gallery. Afterward, the file has no
        key to their data.

        Raises StoreError if the file cannot be written.

        >>> import facekit
        >>> gallery = facekit.Gallery()
        >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg")
        >>> gallery.remove("anna", "nobody"), len(gallery)
        (1, 0)"""
    def templates_of(self, person: str) -> list[Template]:
        """The templates of a person, of every model, in the order of their numbers. Empty if the person is not in the gallery.

        >>> import facekit
        >>> gallery = facekit.Gallery()
        >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", ["anna.jpg", "door.jpg"])
        >>> [template.number for template in gallery.templates_of("anna")] == report.templates
        True"""
    def remove_templates(self, person: str, templates: Sequence[int]) -> int:
        """Removes templates of a person, by number, and returns how many of them the person had. The person stays in the gallery.
        Afterward, the file has no key to their data.

        Raises StoreError if the file cannot be written.

        >>> import facekit
        >>> gallery = facekit.Gallery()
        >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", ["anna.jpg", "door.jpg"])
        >>> gallery.remove_templates("anna", report.templates[1:]), len(gallery.templates_of("anna"))
        (1, 1)"""
    def check(self, *, progress: _Progress | None = None) -> CheckReport:
        """Reads the whole file and reports damage. Damage does not raise an error. Only for galleries in files.

        `progress(done, total)` is called after each record.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.check().is_clean
        True"""
    def backup(self, to: _Path, *, progress: _Progress | None = None) -> None:
        """Copies the gallery to a new file with the same key, also while the gallery is used. The copy appears under its name when it
        is complete. `progress(done, total)` is called after each record.

        Raises an OSError if the file exists or cannot be written; GalleryDamagedError.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.backup(folder / "backup.facekit")"""
    def rekey(self, key: bytes | bytearray | str | os.PathLike[str]) -> None:
        """Replaces the file's key. Afterward, the old key opens nothing in the file. For `key`, see `Gallery`.

        Raises KeyRefusedError; StoreError if the file cannot be written.

        >>> import facekit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
        >>> gallery.rekey("a new passphrase")"""
    def close(self) -> None:
        """Closes the gallery. Afterward, its methods raise an error. This method waits for work that is under way. If the `progress`
        function of such work calls it, the file closes when the work ends. A second call does nothing.

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
class ComparedPhoto:
    """The faces of a photo in a comparison.

    >>> import facekit
    >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg")
    >>> comparison.reference.box.width > 20, comparison.reference.others
    (True, [])"""

    @property
    def box(self) -> Box:
        """The box of the face that was compared, in pixels of the photo."""
    @property
    def others(self) -> list[Box]:
        """The boxes of the other faces, largest first."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class RefusedPhoto:
    """A photo that was not used, and the reason. Its `str` is the reason as a text.

    >>> import facekit, numpy
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", ["anna.jpg", numpy.zeros((480, 640, 3), dtype="uint8")])
    >>> [(refused.photo, refused.reason, str(refused)) for refused in report.refused]
    [(1, 'no_face', 'no face')]"""

    @property
    def photo(self) -> int:
        """The number of the photo, from 0."""
    @property
    def reason(self) -> str:
        """`no_face`, `several_faces`, `poor_quality`, `spoof`, `tight_crop` (the liveness check sees too little around the face),
        `another_person`, `mismatch` or `resembles`."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Resemblance:
    """A photo that resembles another person of the gallery: the same person with two ids, or a look-alike.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> [found.person for found in recognizer.enroll("anne", "door.jpg").resembles]
    ['anna']"""

    @property
    def photo(self) -> int:
        """The number of the photo, from 0."""
    @property
    def person(self) -> str:
        """The id of the other person."""
    @property
    def score(self) -> float:
        """The similarity, -1 to 1. It passes the recognizer's threshold."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate if this score is the threshold. None if the space is not calibrated."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Mismatch:
    """An accepted photo that matches the person's other photos and templates poorly.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"]).mismatches
    []"""

    @property
    def photo(self) -> int:
        """The number of the photo, from 0."""
    @property
    def other(self) -> int | None:
        """The number of the accepted photo that it matches best, from 0. None for the templates that the person had before."""
    @property
    def score(self) -> float:
        """The similarity, -1 to 1. It is below the score of a false-match rate of 1e-4."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate if this score is the threshold. None if the space is not calibrated."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Analysis:
    """The photos of an enrollment after all checks. Nothing is stored yet. `Recognizer.analyze` makes it, and `Recognizer.add` stores
    its accepted photos.

    >>> import facekit
    >>> gallery = facekit.Gallery()
    >>> recognizer = facekit.Recognizer(gallery=gallery)
    >>> analysis = recognizer.analyze("anna", ["anna.jpg", "door.jpg"])
    >>> analysis.report.accepted, len(gallery)
    ([0, 1], 0)
    >>> recognizer.add(analysis)
    <EnrollReport "anna", 2 accepted, 0 refused>"""

    @property
    def person(self) -> str:
        """The person's id."""
    @property
    def report(self) -> EnrollReport:
        """Accepted and refused photos, with reasons and warnings, by the gallery as it was during the analysis. It has no templates."""
    @property
    def faces(self) -> list[AnalyzedFace]:
        """The faces of all photos that can be used, in the order of the photos. The report can refuse some of them because they show
        another person."""

@final
class AnalyzedFace:
    """The face of a photo that passed the quality gate and the liveness check.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> face = recognizer.analyze("anna", "anna.jpg").faces[0]
    >>> face.photo, face.aligned.shape, face.embedding.is_mirrored
    (0, (112, 112, 3), True)"""

    @property
    def photo(self) -> int:
        """The number of the photo, from 0."""
    @property
    def box(self) -> Box:
        """The box of the face, in pixels of the photo."""
    @property
    def aligned(self) -> NDArray[np.uint8]:
        """The aligned face, as a new array of uint8 with the shape (side, side, 3), RGB."""
    @property
    def quality(self) -> float:
        """The quality of the face, 0 to 1."""
    @property
    def embedding(self) -> Embedding:
        """The embedding of the template: that of the photo and its mirror image, unless `mirror_templates` of the recognizer is False."""
    @property
    def roll(self) -> float:
        """The rotation of the face in the photo, in degrees clockwise, -180 to 180."""

@final
class EnrollReport:
    """The result of an enrollment. As a condition it is true if the person has a new template.

    >>> import facekit
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", ["anna.jpg", "door.jpg"])
    >>> bool(report), report.accepted, report.refused
    (True, [0, 1], [])"""

    @property
    def person(self) -> str:
        """The person's id."""
    @property
    def templates(self) -> list[int]:
        """The numbers of the new templates. Empty if no photo was accepted; the gallery is then unchanged."""
    @property
    def accepted(self) -> list[int]:
        """The numbers of the photos that became templates, from 0, in the order of `templates`."""
    @property
    def refused(self) -> list[RefusedPhoto]:
        """The photos that did not become templates, and the reasons."""
    @property
    def resembles(self) -> list[Resemblance]:
        """The other people that accepted photos resemble."""
    @property
    def mismatches(self) -> list[Mismatch]:
        """The accepted photos that match the person's other photos and templates poorly."""
    @property
    def turned(self) -> dict[int, float]:
        """The accepted photos on which the face lies on its side or upside down, with the rotation of the face in degrees clockwise."""
    @property
    def room(self) -> tuple[int, int] | None:
        """The number of people who can still be added at the wanted rate of searches: while the rate rests on counted comparisons, and
        while it rests on these or on extrapolation. None if the threshold is not a rate of searches."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Tracker:
    """Follows the people in a video, and decides once who each of them is.

    `recognizer` has the models, the gallery and the threshold. Each camera needs a tracker of its own; trackers can share a recognizer.
    A tracker has no clock: `push` takes a frame with its time, and the same frames with the same times give the same events.

    Faces are searched in `searches_per_second` frames of each second, and in `undecided_searches_per_second` while a track is
    undecided; both are from 0.01 to 100. Other frames are left out. With `motion_gate`, frames in which nothing moves are left out, too,
    if there is no track, but not for more than `longest_rest` seconds. A detection of a score of at least `start_score` starts a track,
    and one of at least `continue_score` continues it. A track ends when its face was not seen for `lost_after` seconds. Times are above
    0 and at most an hour.

    `fmr`, `fpir` and `score` are as for `Recognizer`, whose threshold is the default. A rate holds for each track. `roster` has the ids
    of the people to search; None searches everybody.

    Frames are taken to be upright, and are searched in one pass of the detector.

    Raises InvalidArgumentError; UncalibratedError and RateOutOfRangeError for a rate that the calibration does not cover;
    UnknownPersonError for a roster.

    >>> import facekit
    >>> from datetime import datetime, timedelta, timezone
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> tracker = facekit.Tracker(recognizer)
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> for number in range(10):    # ten frames of a camera, 0.2 s apart
    ...     for event in tracker.push("door.jpg", at + timedelta(seconds=0.2 * number)):
    ...         if event.kind == "decided":
    ...             print(event.state.person, event.sighting("door").at.isoformat())
    anna 2026-03-02T08:00:00+00:00"""

    def __new__(
        cls,
        recognizer: Recognizer,
        *,
        searches_per_second: float = 5.0,
        undecided_searches_per_second: float = 10.0,
        motion_gate: bool = True,
        longest_rest: float = 2.0,
        start_score: float = 0.6,
        continue_score: float = 0.3,
        lost_after: float = 2.0,
        fmr: float | None = None,
        fpir: float | None = None,
        score: float | None = None,
        roster: Iterable[str] | None = None,
    ) -> Self: ...
    def push(self, image: _Image, at: datetime.datetime, *, color: _Color = "rgb") -> list[TrackEvent]:
        """Takes the next frame of the video, which was taken at the time `at`, a datetime with a time zone. Returns what happened, a list
        of `TrackEvent` in order.

        For images, see `Recognizer.recognize`. Most frames are left out, and are not decoded: pass every frame that the camera has. The calls
        of several threads come one after the other.

        Raises InvalidArgumentError for a time before the last frame; ValueError for a time without a time zone. After an exception, the
        next call returns the events that happened before.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> tracker = facekit.Tracker(facekit.Recognizer())
        >>> tracker.push("door.jpg", datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        []"""
    def finish(self, at: datetime.datetime) -> list[TrackEvent]:
        """Ends all tracks at the time `at`: the video ends, or there is a cut. Returns what happened, a list of `TrackEvent` in order. The
        tracker can go on after that.

        Raises InvalidArgumentError for a time before the last frame; ValueError for a time without a time zone.

        >>> import facekit
        >>> from datetime import datetime, timedelta, timezone
        >>> tracker = facekit.Tracker(facekit.Recognizer())
        >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> started = [event.kind for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
        >>> started[:1], [event.kind for event in tracker.finish(at + timedelta(seconds=1))][-1:]
        (['started'], ['ended'])"""
    @property
    def faces(self) -> dict[int, Detection]:
        """The faces of all tracks that were seen in the last frame that was searched, each by the number of its track."""

@final
class TrackEvent:
    """An event in a video, from `Tracker.push` and `Tracker.finish`.

    `kind` is `"started"` (a face was seen for the second time, so it is a track), `"shot"` (the face passed the quality gate in this
    frame), `"decided"` (the track has an outcome, which never changes) or `"ended"` (the face is no longer seen; the track can be
    undecided).

    >>> import facekit
    >>> from datetime import datetime, timedelta, timezone
    >>> tracker = facekit.Tracker(facekit.Recognizer())
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
    >>> [event.kind for event in events], events[0].track, events[0].first.score > 0.6
    (['started', 'shot'], 1, True)"""

    @property
    def kind(self) -> Literal["started", "shot", "decided", "ended"]:
        """"started", "shot", "decided" or "ended"."""
    @property
    def track(self) -> int:
        """The number of the track. A tracker counts its tracks from 1 and gives no number twice."""
    @property
    def at(self) -> datetime.datetime:
        """The time: that of the first frame for "started", that of the shot, and that at which the face was last seen for "decided" and
        "ended". A datetime in UTC."""
    @property
    def first(self) -> Detection | None:
        """The face in its first frame, for "started"; otherwise None."""
    @property
    def shot(self) -> Shot | None:
        """The shot, for "shot"; otherwise None."""
    @property
    def state(self) -> Track | None:
        """The track, for "decided" and "ended"; otherwise None."""
    def sighting(self, device: str | None = None) -> Sighting | None:
        """The `facekit.attendance.Sighting` of a known person, seen by `device` at the time at which the track began. Only "decided" has
        one, so that a track gives one sighting at most; otherwise None.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> tracker = facekit.Tracker(facekit.Recognizer())
        >>> events = tracker.finish(datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
        >>> [event.sighting("door") for event in events if event.sighting()]
        []"""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types. The keys of a track are those of `facekit watch --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Track:
    """A face from its first to its last frame, from `TrackEvent.state`.

    `outcome` is `"known"` (see `identity`), `"unknown"` (see `nearest`), `"spoof"` or `"tight_crop"` (see `liveness`), or None while the
    track is undecided and if it ended with too few shots.

    >>> import facekit
    >>> from datetime import datetime, timedelta, timezone
    >>> tracker = facekit.Tracker(facekit.Recognizer())
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
    >>> track = tracker.finish(at + timedelta(seconds=1))[-1].state
    >>> track.id, track.shots, str(track.last_seen - track.first_seen), track.best.aligned.shape
    (1, 1, '0:00:00.200000', (112, 112, 3))"""

    @property
    def id(self) -> int:
        """The number of the track."""
    @property
    def first_seen(self) -> datetime.datetime:
        """The time at which the face was first seen: a datetime in UTC."""
    @property
    def last_seen(self) -> datetime.datetime:
        """The time at which the face was last seen: a datetime in UTC."""
    @property
    def outcome(self) -> Literal["known", "unknown", "spoof", "tight_crop"] | None:
        """"known", "unknown", "spoof", "tight_crop", or None for an undecided track."""
    @property
    def identity(self) -> Identity | None:
        """The person, if the track is known; otherwise None."""
    @property
    def nearest(self) -> Identity | None:
        """The nearest person to an unknown track, although below the threshold."""
    @property
    def person(self) -> str | None:
        """The person's id, if the track is known; otherwise None."""
    @property
    def name(self) -> str | None:
        """The person's name, if the track is known and the gallery has a name; otherwise None."""
    @property
    def shots(self) -> int:
        """The number of shots that are kept, 0 to 6."""
    @property
    def best(self) -> Shot | None:
        """The shot of the greatest quality; None before the first shot."""
    @property
    def liveness(self) -> float | None:
        """The median of the liveness of the shots, 0 (attack) to 1 (bona fide). None with fewer than three shots, and if there is no check."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit watch --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Shot:
    """A frame of a track in which the face passed the quality gate, from `TrackEvent.shot` and `Track.best`.

    >>> import facekit
    >>> from datetime import datetime, timedelta, timezone
    >>> tracker = facekit.Tracker(facekit.Recognizer())
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
    >>> shot = events[-1].shot
    >>> shot.at.microsecond, shot.aligned.shape, shot.embedding.values.shape
    (200000, (112, 112, 3), (128,))"""

    @property
    def at(self) -> datetime.datetime:
        """The time of the frame: a datetime in UTC."""
    @property
    def aligned(self) -> NDArray[np.uint8]:
        """The aligned face, as a new array of uint8 with the shape (side, side, 3), RGB."""
    @property
    def quality(self) -> Quality:
        """The quality of the face."""
    @property
    def liveness(self) -> float | None:
        """The liveness of the face, 0 (attack) to 1 (bona fide). None if there is no check."""
    @property
    def embedding(self) -> Embedding:
        """The face as a vector."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types: time, quality and liveness."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Verification:
    """The result of the comparison of two photos. As a condition it is true if they show the same person.

    >>> import facekit
    >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg")
    >>> comparison.same, comparison.score >= comparison.threshold
    (True, True)"""

    @property
    def same(self) -> bool | None:
        """True if the score passes the threshold, so that it is the same person. None if a photo cannot be compared."""
    @property
    def score(self) -> float | None:
        """The similarity, -1 to 1. Greater is closer. None if a photo cannot be compared."""
    @property
    def threshold(self) -> float | None:
        """The lowest score of the same person (inclusive). None if a photo cannot be compared."""
    @property
    def fmr(self) -> float | None:
        """The false-match rate if this score is the threshold. None if the space is not calibrated or a photo cannot be compared."""
    @property
    def reference(self) -> ComparedPhoto | None:
        """The faces of the reference. None if a photo cannot be compared."""
    @property
    def probe(self) -> ComparedPhoto | None:
        """The faces of the probe. None if a photo cannot be compared."""
    @property
    def unusable(self) -> RefusedPhoto | None:
        """The photo that cannot be compared (0 for the reference, 1 for the probe), and the reason. None if both can be compared."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Recognizer:
    """Recognizes and enrolls people with a detector, a quality gate, a liveness check, an embedder and a gallery.

    `models` selects models: names of sets and models, separated by commas. Each name overrides its part of those before it.
    Examples are `"nano"`, whose weights are part of facekit, `"standard"`, and `"standard,scrfd_500m"`. See
    `facekit.models.list()`. `models_folder` is the folder of their files. The default is FACEKIT_MODELS, or else the platform's
    cache folder.

    `runtime` is the inference runtime. `"tract"` needs nothing else. `"ort"` is ONNX Runtime and needs
    `pip install onnxruntime`. `"candle"` needs nothing else and is slower than tract. For "ort", `provider` is the device
    (`"cpu"`, `"cuda"`, `"cuda:1"`, `"tensorrt"`, `"openvino"`, `"coreml"`), and `onnxruntime` the file of the library. The
    default library is that of the installed package.

    One of three options sets the threshold. `fmr` is the false-match rate, the share of comparisons of different people that
    pass. `fpir` is the false-positive identification rate, the share of searches by strangers that name a person; comparisons of
    two photos then have an `fmr` of 1e-4. `score` is a similarity from -1 to 1. By default, searches have the stricter one of
    an `fpir` of 1 % and an `fmr` of 1e-4, and comparisons an `fmr` of 1e-4. A rate needs the embedder's calibration: the file `calibration`, or the file
    beside the gallery (`people.<model>.calibration.toml`), or the calibration of the model.

    The detector first runs on a copy of the image whose longer side has at most `max_side` pixels. With None it runs on the
    image itself. `passes` limits the passes after the first one. With "auto", the default, an image without a face, or with one
    of less than 20 pixels in the first pass, is searched again at its full size, and a face that fills the image is searched
    for in a smaller copy. A number is the most megapixels of these passes together, 16.8 by default. With "one" there are none,
    so that every image takes the same time: for video. `image_memory` is the memory in bytes that reading a file may take, 256
    MiB by default. A JPEG that takes more is read at a reduced scale. `equalize` equalizes the contrast first, also to judge
    brightness and contrast of a face. `detector_score` is the lowest score of a face. `detector_overlap` is the overlap of two
    boxes above which the one with the lower score is dropped. Both are from 0 to 1; with None the detector's own values apply.
    `quality` is the quality that a face needs to be compared: "recognition" (the default), "enrollment", "anything", or a dict
    of differences from "recognition", such as `{"max_yaw": 30}`, with any of `min_eye_distance`, `min_sharpness`,
    `min_brightness`, `max_brightness`, `min_contrast`, `max_yaw`, `max_pitch`, `min_visible` and `min_recognizability`; the
    properties of `Quality` have their units. `liveness_threshold` is the lowest liveness of a face, 0 to 1. With
    `liveness=False`, and with models that have no liveness check, prints and screens pass as people; see `checks_liveness`.
    `subject` selects the faces to examine: "all", "largest" or "central".

    The models of a set may include a second look at each face, which gives better landmarks and leaves out what is no face.
    Templates that were made with a second look cannot be compared with others; `second_look=False` turns it off. With it, faces
    that lie on their side or upside down are found too. `turned_faces=False` turns off this search, for cameras that are known to
    be upright.

    Each enrolled photo is embedded together with its mirror image; `mirror_templates=False` turns that off. A recognized face is also
    embedded mirrored if its score is at most `mirror_below` below the threshold and less than `mirror_above` above it. With 0 for both, it
    never is.

    `threads` is the number of images that `recognize_many` works on at a time. The default is the number of cores. Every other
    call runs on the calling thread, without the GIL. Any number of threads may share a recognizer.

    For images, see `recognize`. Every method that takes an image raises TypeError or ValueError for an object that is not an image,
    and ImageError for a file that cannot be decoded. Every method raises ForkedError in a process that was forked off the one
    that made the recognizer.

    Raises UnknownModelError; ModelMissingError for a model whose file is not there; LibraryUnavailableError if there is no ONNX
    Runtime; UncalibratedError and RateOutOfRangeError for a rate that the calibration does not cover; InvalidArgumentError.

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
        passes: Literal["auto", "one"] | float | None = None,
        equalize: bool = False,
        second_look: bool = True,
        turned_faces: bool = True,
        mirror_templates: bool = True,
        mirror_below: float = 0.06,
        mirror_above: float = 0.03,
        detector_score: float | None = None,
        detector_overlap: float | None = None,
        quality: _Quality | None = None,
        subject: _Subject = "all",
        image_memory: int | None = None,
        threads: int | None = None,
        provider: str | None = None,
        onnxruntime: _Path | None = None,
        models_folder: _Path | None = None,
    ) -> Self: ...
    def detect(self, image: _Image, *, color: _Color = "rgb") -> Faces[Detection]:
        """Detects the faces in an image: `Faces` of `Detection`, best score first.

        For images, see `recognize`. Neither the quality gate nor the liveness check applies.

        >>> import facekit, numpy
        >>> gray = numpy.full((480, 640, 3), 128, dtype="uint8")
        >>> len(facekit.Recognizer().detect(gray))
        0"""
    def embed(
        self, image: _Image, detections: Sequence[Detection] | None = None, *, color: _Color = "rgb"
    ) -> list[Embedding]:
        """Embeds faces of an image: one `Embedding` for each of `detections`, which `detect` has returned, in order. Without
        `detections`, one for each face that `detect` finds.

        Neither the quality gate nor the liveness check applies. `recognize` embeds only the faces that pass them.

        Raises InvalidArgumentError for a detection whose five landmarks are at the same point.

        >>> import facekit
        >>> recognizer = facekit.Recognizer()
        >>> faces = recognizer.detect("anna.jpg")
        >>> [embedding.values.shape for embedding in recognizer.embed("anna.jpg", faces)]
        [(128,)]"""
    def embed_aligned(self, crops: Iterable[_Image], *, color: _Color = "rgb") -> list[Embedding]:
        """Embeds faces that are already aligned in the way of facekit and insightface: square crops with the eyes, the nose and the
        mouth where the embedder expects them. Crops of another size than the embedder's are resized.

        Raises InvalidArgumentError for a crop that is not square.

        >>> import facekit, numpy
        >>> crops = [numpy.full((112, 112, 3), gray, dtype="uint8") for gray in (50, 200)]
        >>> len(facekit.Recognizer().embed_aligned(crops))
        2"""
    def verify(
        self, reference: _Image, probe: _Image, *, best_pair: bool = False, color: _Color = "rgb"
    ) -> Verification:
        """Verifies whether two photos show the same person (1:1). The largest face of each photo counts. The result has the boxes of
        the faces that were compared and of the others.

        A photo with several faces of similar size is unusable. The liveness check applies to the probe only: the reference may be a
        print, such as the photo of a document.

        With `best_pair`, each face of the reference is compared with each face of the probe, and the pair of the greatest similarity
        counts. A false match is then more likely: an `fmr` holds for each pair, and an `fpir` also for all pairs together.

        >>> import facekit
        >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg", best_pair=True)
        >>> bool(comparison), comparison.probe.others
        (True, [])"""
    def enroll(
        self,
        person: str,
        photos: _Image | Iterable[_Image],
        *,
        name: str | None = None,
        request: str | None = None,
        liveness: bool = True,
        augment: bool = False,
        refuse_resemblance: bool = False,
        allow_mismatch: bool = False,
        ambiguity: float = 0.7,
        quality: _Quality | None = None,
        color: _Color = "rgb",
        progress: _Progress | None = None,
    ) -> EnrollReport:
        """Enrolls a person from photos. The largest face of each photo becomes a template if it passes the quality gate and the
        liveness check. When this method returns, the templates are in the gallery's file.

        A refused photo is not an error: the report has the reason. If all photos are refused, the person is not enrolled. If there
        are three or more photos, those that do not match the others are refused.

        A photo is also refused if its similarity to the person's other photos and templates is below the score of a false-match
        rate of 1e-2. Between 1e-2 and 1e-4 it is accepted, and `mismatches` of the report lists it. `allow_mismatch=True` accepts
        such photos, for people who have changed much. Without a calibration, nothing is refused for this reason, and photos below
        the recognizer's threshold are listed.

        `liveness=False` skips the liveness check, for passport photos, which are prints. With `augment`, a template is the mean
        over small changes of its photo. With `refuse_resemblance`, photos that match another person of the gallery are
        refused; otherwise the report has a warning. `ambiguity` is a share from 0 to 1: a second face of at least this share of the
        largest face's area makes a photo unusable. `quality` is the quality that a face needs, as for `Recognizer`; the default is
        "enrollment", and a dict has differences from it. `progress(done, total)` is called after each photo.

        `request` is an id of the call, 1 to 120 bytes. A call that is repeated with the same id adds no photo twice.

        Raises InvalidPersonIdError; InvalidArgumentError if there is no gallery or no photo; StoreError if the file cannot be
        written. The gallery is then unchanged.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"], name="Anna Weiß")
        <EnrollReport "anna", 2 accepted, 0 refused>"""
    def analyze(
        self,
        person: str,
        photos: _Image | Iterable[_Image],
        *,
        name: str | None = None,
        request: str | None = None,
        liveness: bool = True,
        augment: bool = False,
        refuse_resemblance: bool = False,
        allow_mismatch: bool = False,
        ambiguity: float = 0.7,
        quality: _Quality | None = None,
        color: _Color = "rgb",
        progress: _Progress | None = None,
    ) -> Analysis:
        """The first step of an enrollment: checks the photos of a person, and compares them with each other and with the gallery.
        Nothing is stored. Arguments, rules and errors are those of `enroll`.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> analysis = recognizer.analyze("anna", ["anna.jpg", "door.jpg"])
        >>> [face.photo for face in analysis.faces], analysis.report.refused, analysis.report.resembles
        ([0, 1], [], [])"""
    def add(self, analysis: Analysis) -> EnrollReport:
        """The second step of an enrollment: stores the accepted photos of an analysis. The photos are compared with the gallery once
        more, because it may have changed, so the report can differ from that of the analysis. When this method returns, the
        templates are in the gallery's file.

        Raises InvalidArgumentError if there is no gallery; SpaceMismatchError if another embedder made the analysis; StoreError if
        the file cannot be written. The gallery is then unchanged.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> recognizer.add(recognizer.analyze("anna", "anna.jpg"))
        <EnrollReport "anna", 1 accepted, 0 refused>"""
    def recognize(
        self,
        image: _Image,
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        fmr: float | None = None,
        fpir: float | None = None,
        score: float | None = None,
        color: _Color = "rgb",
    ) -> Faces[Recognition]:
        """Recognizes the faces in an image: `Faces` of `Recognition`, one for each face, with its outcome. Empty if there is no face.

        `image` is one of these: a NumPy array of uint8 in any memory layout, with shape (height, width), (height, width, 3) or
        (height, width, 4), whose alpha is ignored; the path of a JPEG, PNG or WebP file; the bytes of such a file; a PIL image.
        `color` is the order of an array's channels: "rgb", or "bgr" as in OpenCV. An array is read in place if the pixels of each
        row follow each other in memory. Until the call returns, no other thread may write to it or change its shape. `roster`
        limits the search to people with these ids. For `subject`, `fmr`, `fpir` and `score`, see `Recognizer`, whose values apply
        if none is given.

        Raises UnknownPersonError if a person of the roster is not in the gallery; RuntimeFailedError if a model fails.

        >>> import facekit, numpy
        >>> recognizer = facekit.Recognizer()
        >>> frame = numpy.zeros((480, 640, 3), dtype="uint8")
        >>> for face in recognizer.recognize(frame[..., ::-1], color="bgr"):
        ...     print(face.person or face.outcome, face.box)"""
    @overload
    def recognize_many(
        self,
        images: Iterable[_Image | tuple[_Image, _Options]],
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        color: _Color = "rgb",
        threads: int | None = None,
        ahead: int | None = None,
        errors: Literal["raise"] = "raise",
    ) -> RecognizeMany[Faces[Recognition]]:
        """Recognizes the faces in many images on `threads` threads: an iterator over the results of `recognize`, in order.

        `images` is any iterable, also a generator. An item is an image, or a tuple of an image and a dict with options of its own:
        `roster`, `subject`, `fmr`, `fpir` and `score`, as for `recognize`. Images are taken on the thread that asks for a result. `ahead` is the number of
        images that are taken before their own results are asked for. The default is two for each thread and a few more. With
        `ahead=0`, each result is given before the next image is taken, and images are worked on one by one. This is for cameras
        and queues, whose next image can be long in coming. Do not write to an array before its result is given.

        With `errors="raise"`, an image that cannot be used raises an exception, and the next call continues with the image after
        it. With `errors="return"`, the exception is returned as the image's result. An exception of the iterable itself is raised
        after the results of the images before it. KeyboardInterrupt and SystemExit are raised at once and end the work.

        >>> import facekit, numpy
        >>> frames = (numpy.full((240, 320, 3), gray, dtype="uint8") for gray in range(0, 250, 50))
        >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
        [0, 0, 0, 0, 0]"""
    @overload
    def recognize_many(
        self,
        images: Iterable[_Image | tuple[_Image, _Options]],
        *,
        roster: Iterable[str] | None = None,
        subject: _Subject | None = None,
        color: _Color = "rgb",
        threads: int | None = None,
        ahead: int | None = None,
        errors: Literal["return"],
    ) -> RecognizeMany[Faces[Recognition] | Exception]:
        """Recognizes the faces in many images on `threads` threads: an iterator over the results of `recognize`, in order.

        `images` is any iterable, also a generator. An item is an image, or a tuple of an image and a dict with options of its own:
        `roster`, `subject`, `fmr`, `fpir` and `score`, as for `recognize`. Images are taken on the thread that asks for a result. `ahead` is the number of
        images that are taken before their own results are asked for. The default is two for each thread and a few more. With
        `ahead=0`, each result is given before the next image is taken, and images are worked on one by one. This is for cameras
        and queues, whose next image can be long in coming. Do not write to an array before its result is given.

        With `errors="raise"`, an image that cannot be used raises an exception, and the next call continues with the image after
        it. With `errors="return"`, the exception is returned as the image's result. An exception of the iterable itself is raised
        after the results of the images before it. KeyboardInterrupt and SystemExit are raised at once and end the work.

        >>> import facekit, numpy
        >>> frames = (numpy.full((240, 320, 3), gray, dtype="uint8") for gray in range(0, 250, 50))
        >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
        [0, 0, 0, 0, 0]"""
    def identify(
        self, probe: Embedding | _Image, k: int = 5, *, roster: Iterable[str] | None = None, color: _Color = "rgb"
    ) -> list[Candidate]:
        """Identifies a face (1:N): the `k` nearest people, nearest first, also those below the threshold.

        `probe` is an `Embedding` or an image. In an image the largest face counts. If there is no face, or it is refused by the
        quality gate or the liveness check, the list is empty; `recognize` gives the reason. `roster` limits the search to people
        with these ids.

        Raises InvalidArgumentError if there is no gallery; SpaceMismatchError for an embedding of another model;
        UnknownPersonError if a person of the roster is not in the gallery.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> report = recognizer.enroll("anna", "anna.jpg")
        >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg", k=3)]
        [('anna', True)]"""
    def embed_again(self, *, progress: _OpenProgress | None = None) -> tuple[list[str], list[str]]:
        """Embeds stored crops after a change of models: makes templates of this embedder for the people who have none but whose crops
        were kept. Returns two lists of ids: the people who were embedded, and the people who have no crops and must be enrolled
        again. `progress(done, None)` is called after each crop.

        >>> import facekit
        >>> facekit.Recognizer(gallery=facekit.Gallery()).embed_again()
        ([], [])"""
    def calibrate_gallery(
        self,
        path: _Path,
        *,
        different: Iterable[tuple[str, str]] = ...,
        progress: _OpenProgress | None = None,
    ) -> dict[str, Any]:
        """Measures the false-match rates of the gallery's own people, and writes the calibration to `path`. Each photo is compared
        with all other people. Returns a dict: `people`, `comparisons`; `duplicates`, the pairs of ids that are probably one person,
        which are left out; and `spoiled`, the checks with blurred, dark and small copies of the crops, if the gallery keeps crops.
        `different` has pairs of ids that look alike and are two people. A recognizer uses the calibration if `path` is
        `people.<model>.calibration.toml` beside the gallery file, or is given to it as `calibration`. `progress(done, total)` is
        called after each of four steps.

        Raises InvalidArgumentError for a gallery of too few people: 6 million comparisons are needed, those of 2,450 people with one
        photo each or of 1,415 people with three. UnknownPersonError for a person of `different` who is not in the gallery.

        >>> import facekit
        >>> try:
        ...     facekit.Recognizer(gallery=facekit.Gallery()).calibrate_gallery("people.nano_embedder.calibration.toml")
        ... except facekit.errors.InvalidArgumentError as error:
        ...     print(error)
        gallery: 0 people with 0 templates make 0 comparisons, and a calibration needs 6000000: about 2450 people with as many templates each"""
    def capacity(self) -> tuple[int, int] | None:
        """The number of people whom a search may cover at the wanted rate: up to which the rate rests on counted comparisons, and up
        to which it rests on these or on extrapolation. None if the threshold is not a rate of searches. With more people, matches
        have the `basis` "not_met".

        >>> import facekit
        >>> counted, extrapolated = facekit.Recognizer(fpir=1e-2).capacity()
        >>> 0 < counted <= extrapolated
        True
        >>> facekit.Recognizer(fmr=1e-4).capacity() is None
        True"""
    def threshold(self, people: int | None = None) -> float:
        """The lowest score that passes. Without `people`, it is that of a comparison of two faces; with it, that of a search
        among so many people.

        >>> import facekit
        >>> facekit.Recognizer(fmr=1e-3).threshold() < facekit.Recognizer(fmr=1e-4).threshold()
        True
        >>> recognizer = facekit.Recognizer()
        >>> recognizer.threshold() == recognizer.threshold(100) < recognizer.threshold(400)
        True"""
    def fmr_of(self, score: float) -> float | None:
        """The false-match rate of single comparisons if this score is the threshold. None if the space is not calibrated.

        >>> import facekit
        >>> recognizer = facekit.Recognizer(fmr=1e-3)
        >>> 0.5e-3 < recognizer.fmr_of(recognizer.threshold()) < 2e-3
        True"""
    @property
    def space(self) -> EmbeddingSpace:
        """The space of its embeddings."""
    @property
    def models(self) -> str:
        """The models, as they were selected."""
    @property
    def runtime(self) -> str:
        """The name of the inference runtime."""
    @property
    def checks_liveness(self) -> bool:
        """True if prints and screens are refused: the models have a liveness check, and it is enabled."""
    @property
    def threads(self) -> int:
        """The number of images that `recognize_many` works on at a time."""

@final
class RecognizeMany(Generic[_Result]):
    """The results of `Recognizer.recognize_many`, in order.

    `close()`, the end of a `with` block, and garbage collection end the work and release the images. Any thread may call
    `close()`. One thread at a time may ask for a result, as with a generator.

    >>> import facekit
    >>> with facekit.Recognizer().recognize_many(["anna.jpg", "door.jpg"]) as results:
    ...     [len(faces) for faces in results]
    [1, 1]"""

    @classmethod
    def __class_getitem__(cls, _result: Any) -> type[Self]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Result: ...
    def close(self) -> None:
        """Ends the work: images that are being worked on are finished, and no more are begun.

        >>> import facekit
        >>> results = facekit.Recognizer().recognize_many(["anna.jpg"] * 100)
        >>> first = next(results)
        >>> results.close()"""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: type[BaseException] | BaseException | TracebackType | None) -> None: ...

@final
class Index:
    """Nearest neighbors among vectors of any source.

    `matrix` is a float32 array of shape (n, dimension). Rows are copied and scaled to length one, so only their direction counts.
    `ids` is an array of n unique integers from 0 on; the default is 0 to n - 1. With the metric "cosine", scores are cosines, -1 to
    1. With "euclidean", they are negated distances, -2 to 0. Greater is closer in both.

    `kind` is how the index searches. "auto" compares with every vector, in bytes, and takes the way that is fastest on this
    machine; after `optimize`, that may be a graph. "deterministic" makes the same choice on every machine. "exact" compares with
    every vector and finds exactly the nearest. "graph" follows links between neighbors (HNSW): it suits vectors of few effective
    dimensions, and is slower than "auto" for faces.

    Raises InvalidEmbeddingError for a row that is zero or not finite.

    >>> import numpy as np
    >>> from facekit import Index
    >>> index = Index(np.eye(3, dtype="float32"), ids=[10, 20, 30])
    >>> ids, scores = index.search(np.array([[0.9, 0.1, 0]], dtype="float32"), k=2)
    >>> ids.tolist()
    [[10, 20]]"""

    def __new__(
        cls,
        matrix: NDArray[np.float32],
        ids: ArrayLike | Iterable[int] | None = None,
        *,
        metric: Literal["cosine", "euclidean"] = "cosine",
        kind: Literal["auto", "deterministic", "exact", "graph"] = "auto",
    ) -> Self: ...
    @staticmethod
    def load(
        path: _Path,
        *,
        key: bytes | bytearray | str | os.PathLike[str],
        dimension: int,
        metric: Literal["cosine", "euclidean"] = "cosine",
        kind: Literal["auto", "deterministic", "exact", "graph"] = "auto",
        state: int = 0,
    ) -> Index:
        """Loads an index that `save` wrote. `dimension`, `metric`, `state` and the kind of index ("graph" or one of the others) must be
        those of the saved index.

        Raises GalleryDamagedError for a damaged file, KeyRefusedError for another key, SpaceMismatchError for another dimension, and
        InvalidArgumentError for another state, metric or kind of index.

        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from facekit import Index
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.index"
        >>> Index(np.eye(3, dtype="float32")).save(path, key=b"k" * 32)
        >>> len(Index.load(path, key=b"k" * 32, dimension=3))
        3"""
    def save(self, path: _Path, *, key: bytes | bytearray | str | os.PathLike[str], state: int = 0) -> None:
        """Writes the index to an encrypted file, which is replaced in one step. `key` is 32 bytes, a pathlib.Path to a key file, or a
        str (a passphrase). `state` is a number that `load` must name, such as the number of changes of what the index was built from.

        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from facekit import Index
        >>> Index(np.eye(3, dtype="float32")).save(pathlib.Path(tempfile.mkdtemp()) / "people.index", key="correct horse")"""
    def search(
        self,
        probes: NDArray[np.float32],
        k: int = 10,
        *,
        roster: ArrayLike | Iterable[int] | None = None,
        min_score: float | None = None,
        recall: float = 0.9999,
        exact: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` nearest vectors of each probe: two arrays of shape (probes, min(k, vectors searched)), the ids (int64) and the scores
        (float32). Each row begins with the best score.

        `probes` is a float32 array of shape (probes, dimension), or (dimension,) for a single probe. `roster` limits the search to
        these ids; unknown ids are ignored. Many probes are searched on all cores.

        With `min_score`, vectors with a lower score are left out. The arrays then have as many columns as the longest row; the id -1
        and the score -inf fill the others. `recall` is the least probability with which each of the nearest is found; 1 is exact. A
        graph ignores values below 1. `exact` compares with every vector, also of a graph.

        Raises InvalidEmbeddingError for a probe that is zero or not finite; TypeError for an array that is not float32.

        >>> import numpy as np
        >>> from facekit import Index
        >>> index = Index(np.eye(4, dtype="float32"))
        >>> ids, scores = index.search(np.eye(4, dtype="float32")[2], k=2, roster=[1, 2])
        >>> ids.tolist(), scores.tolist()
        ([[2, 1]], [[1.0, 0.0]])
        >>> index.search(np.eye(4, dtype="float32")[2], k=2, min_score=0.5)[0].tolist()
        [[2]]"""
    def optimize(self, probes: NDArray[np.float32]) -> bool:
        """Builds a graph of the vectors (HNSW), measures its recall and its time with `probes`, and keeps it if it is faster for some
        searches. Returns True if it is kept. A search goes through it only if it was measured to have the `recall` of the search and to
        take less time. That is possible for vectors of few effective dimensions, and not for faces.

        `probes` are such as later searches have, as in `search`. A high recall needs many: 3,000 for 0.999 of the nearest vector,
        and 30,000 for the default of `search`. It takes about 20 seconds for 100,000 vectors of 128 values. The graph is dropped when a tenth of
        the vectors has changed, and is not saved.

        Raises InvalidArgumentError for another kind than "auto"; InvalidEmbeddingError for a probe that is zero or not finite.

        >>> import numpy as np
        >>> from facekit import Index
        >>> index = Index(np.eye(4, dtype="float32"))
        >>> kept = index.optimize(np.eye(4, dtype="float32"))   # as fast as this machine finds it
        >>> isinstance(kept, bool)
        True"""
    def add(self, matrix: NDArray[np.float32], ids: ArrayLike | Iterable[int]) -> None:
        """Adds rows. A vector whose id is already there is replaced.

        Raises InvalidEmbeddingError for a row that is zero or not finite. The index is then unchanged.

        >>> import numpy as np
        >>> from facekit import Index
        >>> index = Index(np.eye(3, dtype="float32"))
        >>> index.add(np.ones((1, 3), dtype="float32"), ids=[7])
        >>> len(index)
        4"""
    def remove(self, ids: ArrayLike | Iterable[int]) -> int:
        """Removes vectors, and returns the number of those that were there.

        >>> import numpy as np
        >>> from facekit import Index
        >>> Index(np.eye(3, dtype="float32")).remove([0, 1, 9])
        2"""
    @property
    def dimension(self) -> int:
        """The number of values of a vector."""
    def __len__(self) -> int: ...

@final
class ModelInfo:
    """A known model.

    >>> import facekit
    >>> nano = next(model for model in facekit.models.list() if model.name == "nano_embedder")
    >>> nano.task, nano.bundled, nano.commercial_use
    ('embedder', True, True)"""

    @property
    def name(self) -> str:
        """The name that selects it."""
    @property
    def task(self) -> str:
        """The task: "detector", "embedder" or "liveness"."""
    @property
    def file(self) -> str:
        """The name of its file in the models folder."""
    @property
    def available(self) -> bool:
        """True if the model can be loaded: its file is in the folder and has the right digest, or it is part of facekit."""
    @property
    def bundled(self) -> bool:
        """True if it is part of facekit and needs no file."""
    @property
    def license(self) -> str:
        """The license of the weights, as an SPDX expression or a text."""
    @property
    def commercial_use(self) -> bool:
        """True if the license allows commercial use."""
    @property
    def source(self) -> str:
        """The origin of the weights."""
    @property
    def accuracy(self) -> str | None:
        """The known accuracy, as a text."""
    @property
    def tested(self) -> bool:
        """True if facekit's tests run it."""
    @property
    def bytes(self) -> int | None:
        """The size of its file in bytes, if it is known."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class SetInfo:
    """A set of models for a recognizer.

    >>> import facekit
    >>> nano = next(found for found in facekit.models.sets() if found.name == "nano")
    >>> nano.detector, nano.embedder
    ('nano_detector', 'nano_embedder')"""

    @property
    def name(self) -> str:
        """The name that selects it."""
    @property
    def detector(self) -> str:
        """The model that detects faces."""
    @property
    def landmarks(self) -> str | None:
        """The model of the second look at each face; None if the set has no second look."""
    @property
    def embedder(self) -> str:
        """The model that embeds faces."""
    @property
    def liveness(self) -> list[str]:
        """The models that check liveness; empty if the set has none."""
    def to_dict(self) -> dict[str, Any]:
        """The value as Python's own types, with the keys of `facekit --json`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class _Rules:
    """A checked policy with holidays and members. See facekit.attendance.Policy."""

    def __new__(
        cls,
        policy: str,
        format: str,
        holidays: str | None,
        regional: dict[str, str],
        holidays_between: tuple[int, int],
        members: str,
    ) -> Self: ...
    @property
    def time_zone(self) -> str:
        """The site's time zone."""
    def to_toml(self) -> str:
        """The complete policy as TOML."""
    def decide(self, past: str, sighting: str) -> str:
        """`past` is a list of marks and `sighting` a sighting, in JSON. Returns the decision and its mark."""
    def evaluate(
        self, person: str, punches: str, corrections: str, from_: str, to: str, as_of: str
    ) -> str:
        """`punches` and `corrections` are lists in JSON, `from_` and `to` dates, `as_of` a time. Returns the ledger and the statistics."""
    def presence(self, person: str, punches: str, corrections: str, at: str) -> str:
        """`punches` and `corrections` are lists in JSON, `at` is a time. Returns the presence."""

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
