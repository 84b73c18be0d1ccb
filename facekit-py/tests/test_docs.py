"""Every documented example runs, and the type stubs are right."""

import csv
import dataclasses
import doctest
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facekit

PACKAGE = Path(__file__).resolve().parents[1]
MODULES = ["facekit", "facekit._facekit", "facekit._faces", "facekit.attendance", "facekit.errors", "facekit.models"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def folder(people, tmp_path, monkeypatch):
    """The working folder of the examples, with anna.jpg and door.jpg."""
    for name, photo in [("anna.jpg", "1.jpg"), ("door.jpg", "2.jpg")]:
        shutil.copy(people / "people" / "Ari" / photo, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module, folder):
    module = importlib.import_module(module)
    failed = run = 0
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS)
    objects = [(module.__name__, module)]
    if module.__name__ == "facekit._facekit":
        # The module of compiled classes is `facekit`, so the finder would skip them.
        for name, class_ in inspect.getmembers(module, inspect.isclass):
            objects += [(name, class_)] + [
                (f"{name}.{method}", getattr(class_, method)) for method in vars(class_) if not method.startswith("_")
            ]
    for name, value in objects:
        documented = (
            finder.find(value, name)
            if inspect.ismodule(value)
            else [doctest.DocTestParser().get_doctest(inspect.getdoc(value) or "", {}, name, None, None)]
        )
        for test in documented:
            result = runner.run(test)
            failed, run = failed + result.failed, run + result.attempted
    assert not failed
    assert run or module.__name__ == "facekit._faces"


def test_readme(folder):
    result = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False, optionflags=FLAGS)
    assert result.attempted > 5 and not result.failed


def test_readme_of_the_project(folder):
    """The Python program of the project's README runs on other frames."""
    text = (PACKAGE.parent / "README.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    printed = []
    names = {"frames": ["door.jpg"], "print": printed.append}
    exec(program, names)
    assert printed == [["anna"]]


def _public():
    for name in facekit.__all__:
        value = getattr(facekit, name)
        if inspect.isclass(value):
            yield name, value
            for method, member in vars(value).items():
                if not method.startswith("_") and (callable(member) or inspect.isdatadescriptor(member)):
                    yield f"{name}.{method}", getattr(value, method)
    for name in facekit.attendance.__all__:
        value = getattr(facekit.attendance, name)
        yield f"attendance.{name}", value
        for method, member in vars(value).items() if inspect.isclass(value) else ():
            if not method.startswith("_") and (inspect.isfunction(member) or isinstance(member, classmethod)):
                yield f"attendance.{name}.{method}", getattr(value, method)
    for name in facekit.models.__all__:
        yield f"models.{name}", getattr(facekit.models, name)


@pytest.mark.parametrize(("name", "value"), list(_public()), ids=lambda value: value if isinstance(value, str) else "")
def test_everything_is_documented(name, value):
    doc = inspect.getdoc(value)
    assert doc, name
    # Examples of dataclasses are at the methods that return them. `to_dict` has an example in one class.
    exempt = dataclasses.is_dataclass(value) or name.endswith(".to_dict") or not (inspect.isclass(value) or callable(value))
    assert exempt or ">>> " in doc, f"{name} has no example"


def test_stubs_have_the_docstrings():
    sys.path.insert(0, str(PACKAGE / "tests"))
    import stubs

    text = stubs.PATH.read_text()
    assert stubs.documented(text) == text, "run python facekit-py/tests/stubs.py"


def test_a_missing_numpy_is_an_import_error():
    program = "import sys; sys.modules['numpy'] = None\ntry: import facekit\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "numpy" in done.stdout and not done.stderr, done.stdout + done.stderr


def test_types(tmp_path):
    """The stubs agree with the package, and a program that uses them type-checks."""
    allowed = PACKAGE / "tests" / "stubtest-allowed.txt"
    # Not every Python has all of the allowed differences.
    check = [sys.executable, "-m", "mypy.stubtest", "facekit", "--allowlist", str(allowed), "--ignore-unused-allowlist"]
    done = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    check = [sys.executable, "-m", "mypy", "--strict", "--warn-unreachable", str(PACKAGE / "tests" / "typed.py")]
    done = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def run(example, *arguments):
    script = PACKAGE.parent / "examples" / "python" / example
    done = subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_five_minutes(folder):
    printed = run("five_minutes.py", "anna.jpg", "door.jpg")
    assert "Anna: score" in printed and "same" in printed and "(128,) float32" in printed


def test_insightface_replacement(folder):
    assert run("insightface_replacement.py", "anna.jpg", "door.jpg").count("(128,)") == 2


def test_insightface_replacement_with_usual_arguments(folder, monkeypatch):
    """The name of a pack, an accelerator before the CPU, and no call of `prepare`."""
    monkeypatch.syspath_prepend(PACKAGE.parent / "examples" / "python")
    from insightface_replacement import FaceAnalysis
    from PIL import Image

    bgr = np.asarray(Image.open("anna.jpg").convert("RGB"))[..., ::-1]
    with pytest.warns(UserWarning, match="buffalo_l is a pack of insightface"):
        app = FaceAnalysis(name="buffalo_l", root="~/.insightface", providers=["CPUExecutionProvider"])
    (face,) = app.get(bgr)
    expected = facekit.Recognizer().recognize(bgr, color="bgr").largest
    assert face.bbox.tolist() == list(expected.box.xyxy) and face["det_score"] == expected.detection.score
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5) and face.age is None
    with pytest.raises(AttributeError):
        face.anything

    # The error on a machine without a GPU.
    class WithoutCuda(facekit.errors.DeviceUnavailableError):
        pass

    made = facekit.Recognizer

    def recognizer(*selection, **options):
        if options.get("provider"):
            raise WithoutCuda("no device", device=options["provider"])
        return made(*selection, **options)

    monkeypatch.setattr(facekit, "Recognizer", recognizer)
    app = FaceAnalysis(providers=[("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"])
    with pytest.warns(UserWarning, match="CUDAExecutionProvider is not available"):
        app.prepare(ctx_id=0, det_size=(640, 640))
    assert len(app.get(bgr, max_num=1)) == 1
    with pytest.raises(WithoutCuda):
        FaceAnalysis(providers=["CUDAExecutionProvider"]).get(bgr)
    with pytest.raises(ValueError, match="providers: Cuda given"):
        FaceAnalysis(providers=["Cuda"])


def test_folder_to_attendance(people, tmp_path):
    """The people of the frames are on the sheet, with the first and the last time. A person without photos is skipped."""
    sheet, known = tmp_path / "attendance.csv", tmp_path / "people"
    shutil.copytree(people / "people", known)
    (known / "Nobody yet").mkdir()
    printed = run("folder_to_attendance.py", known, people / "frames", "--out", sheet)
    assert "Nobody yet: no photos" in printed
    seen = {}
    for row in csv.DictReader((people / "frames.csv").open()):
        if row["person"] in {folder.name for folder in (people / "people").iterdir()}:
            seen.setdefault(row["person"], []).append(row["frame"][11:19].replace("-", ":"))
    rows = {row["person"]: row for row in csv.DictReader(sheet.open())}
    assert rows.keys() == seen.keys()
    for person, times in seen.items():
        assert rows[person]["date"] == "2026-03-02"
        assert rows[person]["first"][11:19] == min(times)
        assert rows[person]["last"][11:19] == max(times) or len(times) == 1


def test_the_webcam_example_compiles():
    script = PACKAGE.parent / "examples" / "python" / "webcam.py"
    compile(script.read_text(), str(script), "exec")
