"""Face recognition: images in, people out.

>>> import facekit
>>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
>>> report = recognizer.enroll("anna", ["anna.jpg"])
>>> for face in recognizer.recognize("door.jpg"):
...     print(face.person or face.outcome)
anna

- `Recognizer` detects faces, checks their quality and liveness, embeds them and identifies the people.
- `Gallery` stores people and their templates, in an encrypted file or in memory.
- `Tracker` follows the people in a video, and decides once who each of them is.
- `Challenge` asks a person to follow a dot with the head, and checks that the face has depth.
- `Index` searches vectors of any source.
- `sightings` makes attendance sightings from the faces of a frame.
- `facekit.attendance` has attendance policies: decisions about sightings, and day records.
- `facekit.models` lists and downloads models. The set "nano" is part of the package.
- `facekit.errors` has the exceptions. All of them are subclasses of `FacekitError`.

No face, an unknown person, a spoof and a photo of poor quality are results, not errors.
"""

from facekit import attendance, errors, models
from facekit._facekit import (
    Analysis,
    AnalyzedFace,
    Box,
    Candidate,
    Challenge,
    ChallengePrompt,
    ChallengeVerdict,
    CheckReport,
    ComparedPhoto,
    Detection,
    Embedding,
    EmbeddingSpace,
    EnrollReport,
    Gallery,
    HeadPose,
    Identity,
    Index,
    Mismatch,
    ModelInfo,
    Person,
    Quality,
    QualityIssue,
    RecognizeMany,
    Recognition,
    Recognizer,
    RefusedPhoto,
    Resemblance,
    SetInfo,
    Shot,
    Template,
    Track,
    TrackEvent,
    Tracker,
    Verification,
    __version__,
)
from facekit._faces import Drawing, Faces
from facekit.attendance import sightings
from facekit.errors import FacekitError

__all__ = [
    "Analysis",
    "AnalyzedFace",
    "Box",
    "Candidate",
    "Challenge",
    "ChallengePrompt",
    "ChallengeVerdict",
    "CheckReport",
    "ComparedPhoto",
    "Detection",
    "Drawing",
    "Embedding",
    "EmbeddingSpace",
    "EnrollReport",
    "FacekitError",
    "Faces",
    "Gallery",
    "HeadPose",
    "Identity",
    "Index",
    "Mismatch",
    "ModelInfo",
    "Person",
    "Quality",
    "QualityIssue",
    "RecognizeMany",
    "Recognition",
    "Recognizer",
    "RefusedPhoto",
    "Resemblance",
    "SetInfo",
    "Shot",
    "Template",
    "Track",
    "TrackEvent",
    "Tracker",
    "Verification",
    "__version__",
    "attendance",
    "errors",
    "models",
    "sightings",
]
