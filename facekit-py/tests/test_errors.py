"""Exceptions: one class for each kind of error, in Python's own hierarchy."""

import copy
import pickle
import re
import sys
from pathlib import Path

import pytest

import facekit
from facekit import errors
from facekit._onnxruntime import OLDEST

ROOT = Path(__file__).resolve().parents[2]
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.FacekitError)
]


def test_every_error_of_the_core_has_a_class():
    core = (ROOT / "facekit/src/error.rs").read_text()
    declared = core[core.index("pub enum Error {") : core.index("impl Error {")]
    variants = set(re.findall(r"^    ([A-Z]\w+)(?:,| \{)$", declared, re.MULTILINE))
    assert {"Cancelled", "UnknownPerson"} <= variants
    mapping = (ROOT / "facekit-py/src/errors.rs").read_text()
    mapped = set(re.findall(r"^        Error::(\w+)", mapping, re.MULTILINE))
    assert mapped == variants
    for name in re.findall(r'"(\w+Error)"', mapping):
        assert issubclass(getattr(errors, name), errors.FacekitError), name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_can_be_pickled(kind):
    error = kind("what happened", about="a/b")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind and str(twin) == "what happened" and twin.about == "a/b"
    assert kind.__doc__


def test_base_classes_of_python():
    for kind, python in [
        (errors.InvalidArgumentError, ValueError),
        (errors.ImageError, ValueError),
        (errors.FileMissingError, FileNotFoundError),
        (errors.FileAlreadyExistsError, FileExistsError),
        (errors.FilePermissionError, PermissionError),
        (errors.UnknownPersonError, LookupError),
        (errors.LibraryUnavailableError, ImportError),
        (errors.NetworkError, ConnectionError),
    ]:
        assert issubclass(kind, python) and issubclass(kind, facekit.FacekitError)


def test_attributes_of_errors(tmp_path):
    with pytest.raises(errors.UnknownModelError) as unknown:
        facekit.Recognizer("yunet_nn")
    assert (unknown.value.name, unknown.value.closest) == ("yunet_nn", "yunet_n")
    with pytest.raises(errors.ModelMissingError) as missing:
        facekit.Recognizer("yunet_s,mobilefacenet,minifasnet_v2", models_folder=tmp_path)
    assert missing.value.model == "yunet_s" and missing.value.path.parent == tmp_path
    with pytest.raises(FileNotFoundError) as file:
        facekit.Gallery(tmp_path / "none", read_only=True)
    # The same attributes as Python's own error, also after pickling.
    with pytest.raises(FileNotFoundError) as own:
        open(tmp_path / "none")
    for error in (file.value, pickle.loads(pickle.dumps(file.value)), copy.copy(file.value)):
        assert error.path == tmp_path / "none" and str(error) == str(file.value)
        assert [error.errno, error.strerror, error.filename] == [2, own.value.strerror, str(tmp_path / "none")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"runtime": "tensorflow"}, 'runtime: "tensorflow" is none of tract, ort, candle'),
        ({"provider": "cuda"}, 'provider: is an option of the runtime ort, and tract was chosen'),
        ({"onnxruntime": "x.so"}, 'onnxruntime: is an option of the runtime ort, and tract was chosen'),
        ({"threads": 0}, "threads: 0 given, at least 1 needed"),
        ({"max_side": 0}, "max_side: 0 given"),
        ({"fmr": 1e-4, "score": 0.4}, "several of fmr, fpir and score given"),
        ({"fmr": 0}, "a rate of 0 is not between 0 and 1"),
        ({"fmr": 1e-30}, "outside the calibrated range"),
        ({"score": float("nan")}, "threshold: is not a number"),
        ({"liveness_threshold": 2}, "2 is not between 0 and 1"),
        ({"detector_score": 1.5}, "detector_score: 1.5 given"),
        ({"subject": "best"}, 'subject: "best" given, "all"'),
        ({"quality": "good"}, "quality: 'good' given"),
        ({"quality": {"yaw": 3}}, "quality: unknown field `yaw`"),
        ({"calibration": "no/such.toml"}, "no/such.toml"),
    ],
    ids=str,
)
def test_arguments_out_of_range(options, words):
    with pytest.raises((ValueError, facekit.FacekitError)) as raised:
        facekit.Recognizer(**options)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "options", [{"threads": "2"}, {"fmr": "x"}, {"gallery": "people.facekit"}, {"models": 3}, {"subject": 1}], ids=str
)
def test_arguments_of_the_wrong_type(options):
    with pytest.raises(TypeError):
        facekit.Recognizer(**options)


@pytest.mark.parametrize("version", ["1.19.2", "1.9.0"])
def test_a_too_old_onnxruntime(tmp_path, monkeypatch, version):
    """For example the newest version for Python 3.9."""
    package = tmp_path / "onnxruntime"
    (package / "capi").mkdir(parents=True)
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (package / "capi" / f"libonnxruntime.so.{version}").write_bytes(b"not read")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.delenv("ORT_DYLIB_PATH", raising=False)
    advice = "Python 3.11 or newer" if sys.version_info < (3, 11) else 'pip install "onnxruntime>=1.24"'
    with pytest.raises(errors.LibraryUnavailableError, match=f"version {version} is installed") as old:
        facekit.Recognizer(runtime="ort")
    assert advice in str(old.value) and str(package) in str(old.value)
    extra = re.search(r"^ort = (.*)$", (ROOT / "facekit-py/pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f"onnxruntime>={'.'.join(map(str, OLDEST))};" in extra
