"""Recognizer: agreement with the reference and the command, enrollment, threads and forks."""

import _thread
import gc
import io
import json
import os
import pickle
import subprocess
import sys
import sysconfig
import threading
import time

import numpy as np
import pytest
from PIL import Image, ImageOps

import facekit
from facekit import Gallery, errors

# The largest distance of boxes and points from those of the reference, in pixels or as a share of the face's longer side.
DISTANCE = (1.5, 0.01)
LIVENESS = 0.05
EMBEDDING = 0.99


def close(a, b):
    """True if two documents agree, numbers with the precision of a float32."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    return a == pytest.approx(b, rel=1e-6) if isinstance(a, float) else a == b


def test_results_agree_with_the_reference(standard, photos, golden):
    # The reference is a single pass.
    options = {"max_side": None, "passes": "one", "detector_score": 0.6, "second_look": False}
    recognizer = standard(**options, quality="anything", liveness_threshold=0.0)
    for photo, references in golden.items():
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(photos / photo)).convert("RGB"))
        faces = recognizer.recognize(pixels)
        assert len(faces) == len(references)
        assert (faces.height, faces.width) == pixels.shape[:2]
        for reference in references:
            box = facekit.Box(*reference["box"])
            face = max(faces, key=lambda face: face.box.iou(box))
            allowed = max(DISTANCE[0], DISTANCE[1] * max(box.width, box.height))
            np.testing.assert_allclose(face.box.xyxy, box.xyxy, atol=allowed)
            points = np.reshape(reference["landmarks"], (5, 2))
            np.testing.assert_allclose(face.landmarks, points, atol=allowed)
            assert face.liveness == pytest.approx(reference["live"], abs=LIVENESS)
            assert face.embedding.values @ np.array(reference["embedding"], "float32") >= EMBEDDING
        # Separate detection and embedding give the same results.
        found = recognizer.detect(pixels)
        assert [face.detection for face in faces] == list(found)
        again = recognizer.embed(pixels, found)
        assert recognizer.embed(pixels) == again
        for face, embedding in zip(faces, again):
            assert face.embedding.cosine(embedding) > 0.99999


def test_every_form_of_a_photo(standard, photos):
    recognizer, path = standard(), photos / "couple.jpg"
    pil = Image.open(path)
    rgb = np.asarray(pil)
    expected = recognizer.recognize(rgb)
    assert len(expected) == 2
    for same in (rgb.copy(), np.asfortranarray(rgb), pil, np.dstack([rgb, rgb[..., 0]])):
        assert recognizer.recognize(same) == expected
    bgr = rgb[..., ::-1].copy()
    assert recognizer.recognize(bgr, color="bgr") == recognizer.recognize(bgr[..., ::-1]) == expected
    # facekit decodes files itself, so these are compared with each other.
    assert recognizer.recognize(path) == recognizer.recognize(str(path)) == recognizer.recognize(path.read_bytes())
    assert recognizer.recognize(path, subject="largest")[0].box == max(
        recognizer.recognize(path), key=lambda face: face.box.area
    ).box


def test_results_agree_with_the_command(standard, photos, data, command, tmp_path):
    environment = {**os.environ, "FACEKIT_MODELS": str(data / "models")}

    def facekit_json(*arguments):
        done = subprocess.run(
            [command, "--json", *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    files = sorted(photos.glob("*.jpg"))
    key, path = tmp_path / "people.key", tmp_path / "people.facekit"
    Gallery.new_key_file(key)
    with Gallery(path, key) as gallery:
        recognizer = standard(gallery=gallery)
        # The photo is too soft for the limits of enrollment.
        report = recognizer.enroll("tom", [photos / "image_T1.jpg"], name="Tom", quality="recognition")
        assert report and report.accepted == [0]
        ours = [recognizer.recognize(file).to_dicts() for file in files]
    theirs = facekit_json("identify", "--models", "standard", "--gallery", path, "--key-file", key, *files)["images"]
    assert [image["file"] for image in theirs] == [str(file) for file in files]
    assert any(face["recognition"]["outcome"] == "known" for image in theirs for face in image["faces"])
    for mine, image in zip(ours, theirs):
        assert close(mine, image["faces"])
    for a, b in [("image_T1.jpg", "image_T1.jpg"), ("image_T1.jpg", "couple.jpg"), ("couple.jpg", "image_F1.jpg")]:
        theirs = facekit_json("verify", "--models", "standard", photos / a, photos / b)
        assert close(standard().verify(photos / a, photos / b).to_dict(), theirs)


def test_bundled_models_agree_with_the_command(recognizer, people, command):
    files = sorted((people / "people" / "Ari").iterdir())[:2] + sorted((people / "people" / "Bela").iterdir())[:1]
    for a, b in [(0, 1), (0, 2)]:
        done = subprocess.run(
            [command, "--json", "verify", "--models", "nano", files[a], files[b]], capture_output=True, text=True, check=False
        )
        assert done.stdout, done.stderr
        assert close(recognizer.verify(files[a], files[b]).to_dict(), json.loads(done.stdout))


def test_enroll_identify_and_remove(standard, photos):
    gallery = Gallery()
    recognizer = standard(gallery=gallery)
    tom = photos / "image_T1.jpg"
    reports = []
    black = np.zeros((99, 99, 3), "uint8")
    # The photo is too soft for the limits of enrollment.
    report = recognizer.enroll(
        "tom", [tom, black], name="Tom", quality="recognition", progress=lambda *counts: reports.append(counts)
    )
    assert report.accepted == [0] and [refused.reason for refused in report.refused] == ["no_face"]
    assert reports == [(1, 2), (2, 2)] and str(report.refused[0]) == "no face"
    (face,) = recognizer.recognize(tom)
    assert (face.outcome, face.person, face.name) == ("known", "tom", "Tom")
    # The template is the sum of the photo and its mirror image, so even the same photo has a score below 1.
    template = recognizer.analyze("tom", tom, quality="recognition").faces[0].embedding
    assert face.identity.score == pytest.approx(template.cosine(face.embedding), abs=1e-5) and face.identity.score > 0.9
    assert template.is_mirrored and not face.embedding.is_mirrored
    assert face.identity.fmr <= 1e-4 and face.nearest is None
    assert face.identity.score >= recognizer.threshold() and recognizer.fmr_of(1.0) <= 1e-4
    assert face.identity.basis == "counted"
    counted, extrapolated = recognizer.capacity()
    assert 100 < counted <= extrapolated and report.room == (counted - 1, extrapolated - 1)
    (candidate,) = recognizer.identify(face.embedding)
    assert candidate.person == "tom" and candidate.matches
    assert recognizer.identify(tom) == [candidate]
    # A print of a face is a result, and has no person.
    (fake,) = recognizer.recognize(photos / "image_F1.jpg")
    assert fake.outcome == "spoof" and fake.liveness < 0.5 and fake.embedding is None and fake.person is None
    assert recognizer.identify(photos / "image_F1.jpg") == []
    for value in [face, fake, report, candidate, face.identity, face.quality, recognizer.verify(tom, tom)]:
        assert pickle.loads(pickle.dumps(value)) == value and repr(value)
    assert "Tom" in recognizer.recognize(tom)._repr_html_() and "Tom" in face._repr_html_()
    # A second recognizer of the same space shares the people at once, in both directions.
    second = standard(gallery=gallery)
    second.enroll("thomas", [tom], quality="recognition")
    assert {found.person for found in recognizer.identify(tom)} == {"tom", "thomas"}
    assert recognizer.recognize(tom, roster=["thomas"])[0].person == "thomas"
    assert gallery.remove("tom", "thomas") == 2
    assert recognizer.recognize(tom)[0].outcome == second.recognize(tom)[0].outcome == "unknown"
    with pytest.raises(errors.UnknownPersonError) as unknown:
        recognizer.recognize(tom, roster=["tom"])
    assert unknown.value.id == "tom"
    gallery.close()
    with pytest.raises(ValueError, match="closed"):
        recognizer.recognize(tom)


def test_verify(standard, photos):
    recognizer = standard()
    same = recognizer.verify(photos / "image_T1.jpg", photos / "image_T1.jpg")
    assert same and same.same and same.score > 0.99 > same.threshold and same.unusable is None
    nobody = recognizer.verify(np.zeros((99, 99, 3), "uint8"), photos / "image_T1.jpg")
    assert not nobody and nobody.same is None and nobody.score is None
    assert (nobody.unusable.photo, nobody.unusable.reason) == (0, "no_face")
    spoof = recognizer.verify(photos / "image_T1.jpg", photos / "image_F1.jpg")
    assert (spoof.unusable.photo, spoof.unusable.reason) == (1, "spoof")


def join(left, right):
    """Two photos side by side."""
    left, right = np.asarray(left), np.asarray(right)
    joined = np.zeros((max(left.shape[0], right.shape[0]), left.shape[1] + right.shape[1], 3), "uint8")
    joined[: left.shape[0], : left.shape[1]] = left
    joined[: right.shape[0], left.shape[1] :] = right
    return joined


def test_verify_names_the_faces_and_compares_the_best_pair(people):
    ari, bela = ([Image.open(people / "people" / name / f"{number}.jpg") for number in (1, 2)] for name in ("Ari", "Bela"))
    recognizer = facekit.Recognizer(liveness=False)
    # The larger face is that of another person.
    two = join(bela[0], ari[1].resize((ari[1].width // 2, ari[1].height // 2)))
    found = recognizer.verify(ari[0], two)
    assert found.same is False and found.reference.others == []
    assert found.probe.box.x < bela[0].width <= found.probe.others[0].x
    assert found.probe.box.area > found.probe.others[0].area
    best = recognizer.verify(ari[0], two, best_pair=True)
    assert best and (best.probe.box, best.probe.others) == (found.probe.others[0], [found.probe.box])
    assert best.to_dict()["probe"]["others"][0] == found.to_dict()["probe"]["face"]
    for value in (found, found.probe):
        assert pickle.loads(pickle.dumps(value)) == value and repr(value)
    # Faces of the same size are ambiguous, unless all are compared.
    same_size = join(bela[0], ari[1])
    assert recognizer.verify(ari[0], same_size).unusable.reason == "several_faces"
    assert recognizer.verify(ari[0], same_size, best_pair=True)
    nobody = recognizer.verify(ari[0], np.zeros((99, 99, 3), "uint8"), best_pair=True)
    assert nobody.unusable.reason == "no_face" and nobody.reference is None and nobody.probe is None


def test_photos_of_two_people_are_not_enrolled_as_one(people):
    ari, bela = ([people / "people" / name / f"{number}.jpg" for number in (1, 2)] for name in ("Ari", "Bela"))
    gallery = Gallery()
    recognizer = facekit.Recognizer(gallery=gallery)
    report = recognizer.enroll("someone", [ari[0], bela[0]])
    assert not report and [refused.reason for refused in report.refused] == ["mismatch", "mismatch"]
    assert "does not match photos[1]" in str(report.refused[0]) and "someone" in str(report.refused[0])
    assert "someone" not in gallery
    assert recognizer.enroll("ari", ari).mismatches == []
    report = recognizer.enroll("ari", bela[0])
    assert "does not match ari, who is enrolled already" in str(report.refused[0])
    assert report.refused[0].to_dict()["other"] is None
    report = recognizer.enroll("ari", bela[0], allow_mismatch=True)
    (mismatch,) = report.mismatches
    assert report and (mismatch.photo, mismatch.other) == (0, None) and mismatch.score < 0.3 and mismatch.fmr > 1e-2
    for value in (report, mismatch):
        assert pickle.loads(pickle.dumps(value)) == value and repr(value)


def test_a_tight_crop_has_a_reason_of_its_own(people):
    """Crops to the face box: where the liveness check refuses one, it says that it sees too little around the face."""
    recognizer = facekit.Recognizer(gallery=Gallery())
    reasons = []
    for photo in sorted((people / "people").glob("*/1.jpg")):
        image = Image.open(photo)
        box = recognizer.recognize(photo).largest.box
        x0, y0, x1, y1 = box.xyxy
        crop = image.crop((max(0, int(x0)), max(0, int(y0)), int(x1) + 1, int(y1) + 1))
        reasons += [face.outcome for face in recognizer.recognize(crop)]
    assert "spoof" not in reasons and "tight_crop" in reasons, reasons


def test_equalization_helps_the_quality_gate(people):
    photo = np.asarray(Image.open(people / "people" / "Ari" / "1.jpg"))
    dark = photo // 5
    plain, equalized = (facekit.Recognizer(liveness=False, equalize=equalize).recognize(dark) for equalize in (False, True))
    assert [issue.code for issue in plain.largest.issues] == ["low_contrast"]
    assert equalized.largest.outcome == "unknown"
    assert equalized.largest.quality.contrast > 1.5 * plain.largest.quality.contrast
    assert facekit.Recognizer(liveness=False, equalize=True).verify(photo, dark)
    # The limits can be set instead.
    dim = facekit.Recognizer(liveness=False, quality={"min_brightness": 0, "min_contrast": 0})
    assert dim.verify(photo, dark)


def test_limits_of_enrollment_are_changed_one_by_one(people):
    recognizer = facekit.Recognizer(gallery=Gallery())
    photo = people / "people" / "Ari" / "1.jpg"
    for limits, code in (
        ({"min_eye_distance": 1000}, "too_small"),
        ({"min_sharpness": 9}, "blurred"),
        ({"min_brightness": 0.9}, "too_dark"),
        ({"min_brightness": 0, "max_brightness": 0.1}, "too_bright"),
        ({"min_contrast": 0.5}, "low_contrast"),
        ({"max_yaw": 0}, "turned_away"),
        ({"max_pitch": 0}, "turned_away"),
    ):
        (refused,) = recognizer.enroll("ari", photo, quality=limits).refused
        assert [issue["code"] for issue in refused.to_dict()["issues"]] == [code]
    # Limits that are not in the dict are those of an enrollment, not those of a recognition.
    dim = np.asarray(Image.open(photo)) // 4
    (refused,) = recognizer.enroll("ari", dim, liveness=False, quality={"min_contrast": 0}).refused
    (issue,) = refused.to_dict()["issues"]
    assert issue["code"] == "too_dark" and issue["minimum"] == pytest.approx(0.15)


def test_aligned_crops(standard, rng):
    recognizer = standard()
    crops = [rng.integers(0, 256, (112, 112, 3), dtype=np.uint8), rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)]
    embeddings = recognizer.embed_aligned(crops)
    assert [len(embedding) for embedding in embeddings] == [128, 128]
    assert recognizer.embed_aligned(crops[:1]) == embeddings[:1] and recognizer.embed_aligned([]) == []
    with pytest.raises(ValueError, match="crops: 50 × 60 given, a square needed"):
        recognizer.embed_aligned([np.zeros((60, 50, 3), "uint8")])


@pytest.mark.parametrize("runtime", ["ort", "candle"])
def test_other_runtimes_agree(standard, photos, runtime):
    ours, theirs = standard(), standard(runtime=runtime)
    assert theirs.runtime == runtime
    for photo in ("couple.jpg", "image_T1.jpg"):
        for a, b in zip(ours.recognize(photos / photo), theirs.recognize(photos / photo)):
            np.testing.assert_allclose(a.box.xyxy, b.box.xyxy, atol=0.5)
            assert a.outcome == b.outcome and a.liveness == pytest.approx(b.liveness, abs=0.01)
            if a.embedding:
                assert a.embedding.cosine(b.embedding) > 0.999


def test_a_recognizer_without_a_gallery(recognizer):
    gray = np.full((480, 640, 3), 128, "uint8")
    faces = recognizer.recognize(gray)
    assert faces == () and (faces.width, faces.height) == (640, 480)
    assert recognizer.identify.__doc__ and not recognizer.verify(gray, gray)
    with pytest.raises(ValueError, match="gallery"):
        recognizer.identify(facekit.Embedding(recognizer.space, np.ones(recognizer.space.dimension, "float32")))
    with pytest.raises(ValueError, match="gallery"):
        recognizer.enroll("anna", [gray])
    with pytest.raises(ValueError, match="gallery"):
        recognizer.recognize(gray, roster=["anna"])
    with pytest.raises(ValueError, match="gallery"):
        recognizer.recognize_many([gray], roster=["anna"])


def test_photos_to_enroll(people):
    recognizer = facekit.Recognizer(gallery=Gallery())
    for bad in (np.zeros((3, 48, 64), "uint8"), np.zeros((48, 64, 2), "uint8")):
        with pytest.raises(ValueError, match="photos: an array of shape"):
            recognizer.enroll("x", bad)

    class Interrupts:
        def __array__(self, dtype=None, copy=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recognizer.enroll("x", Interrupts())
    truncated = io.BytesIO((people / "people" / "Ari" / "1.jpg").read_bytes()[:4000])
    with pytest.raises(OSError, match="truncated"):
        recognizer.enroll("x", Image.open(truncated))
    with pytest.raises(TypeError, match="photos: int given"):
        recognizer.enroll("x", 5)
    photos = [people / "people" / "Ari" / f"{number}.jpg" for number in range(1, 4)]
    assert recognizer.enroll("ari", iter(photos)).accepted


def test_enrollment_in_two_steps(people):
    gallery = Gallery()
    recognizer = facekit.Recognizer(gallery=gallery)
    photos = [people / "people" / "Ari" / f"{number}.jpg" for number in (1, 2)]
    analysis = recognizer.analyze("ari", [*photos, np.zeros((48, 64, 3), "uint8")], name="Ari")
    assert (analysis.person, analysis.report.accepted, analysis.report.templates) == ("ari", [0, 1], [])
    assert [refused.photo for refused in analysis.report.refused] == [2]
    assert len(gallery) == 0 and "2 accepted" in repr(analysis)
    faces = analysis.faces
    assert [face.photo for face in faces] == [0, 1]
    for face in faces:
        assert face.aligned.dtype == np.uint8 and face.box.width > 0
        assert face.embedding.is_mirrored and 0 < face.quality <= 1 and abs(face.roll) < 45
    report = recognizer.add(analysis)
    assert report.accepted == [0, 1] and len(report.templates) == 2
    assert [person.name for person in gallery.people()] == ["Ari"]

    # The sum of the embeddings of the photo and its mirror image.
    plain, mirrored = recognizer.embed_aligned([faces[0].aligned, np.ascontiguousarray(faces[0].aligned[:, ::-1])])
    total = plain.values + mirrored.values
    assert np.allclose(faces[0].embedding.values, total / np.linalg.norm(total), atol=1e-5)
    without = facekit.Recognizer(gallery=Gallery(), mirror_templates=False, mirror_below=0, mirror_above=0)
    embedding = without.analyze("ari", photos[0]).faces[0].embedding
    assert not embedding.is_mirrored and np.allclose(embedding.values, plain.values, atol=1e-5)
    with pytest.raises(ValueError, match="^mirror: above"):
        facekit.Recognizer(mirror_above=-1)


def test_photos_to_enroll_are_read_one_by_one(people, tmp_path):
    recognizer = facekit.Recognizer(gallery=Gallery())
    photo = people / "people" / "Ari" / "1.jpg"
    done = []

    def progress(at, count):
        done.append((at, count))
        if at == 1:
            (tmp_path / "late.jpg").write_bytes(photo.read_bytes())

    report = recognizer.enroll("ari", [photo, tmp_path / "late.jpg"], progress=progress)
    assert done == [(1, 2), (2, 2)] and report.accepted == [0, 1]


@pytest.mark.parametrize("last", [1, 2])
def test_an_enrollment_that_progress_ends_stores_nothing(people, last):
    gallery = Gallery()
    recognizer = facekit.Recognizer(gallery=gallery)
    photos = sorted((people / "people" / "Ari").iterdir())[:2]

    def progress(at, count):
        if at == last:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        recognizer.enroll("ari", photos, progress=progress)
    assert len(gallery) == 0


def test_enroll_is_analyze_and_add(people):
    photos = sorted((people / "people" / "Ari").iterdir())[:2] + sorted((people / "people" / "Bela").iterdir())[:1]
    one, two = Gallery(), Gallery()
    report = facekit.Recognizer(gallery=one).enroll("ari", photos, name="Ari")
    recognizer = facekit.Recognizer(gallery=two)
    analysis = recognizer.analyze("ari", photos, name="Ari")
    assert len(two) == 0
    added = recognizer.add(analysis)
    assert report.accepted == added.accepted == analysis.report.accepted
    assert [(one.photo, one.reason) for one in report.refused] == [(one.photo, one.reason) for one in added.refused]
    assert len(one) == len(two) == 1 and report.accepted


def test_ctrl_c_ends_embedding(recognizer):
    crops = [np.zeros((112, 112, 3), "uint8")] * 100_000
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        recognizer.embed_aligned(crops)
    timer.join()
    assert time.monotonic() - begun < 60


def test_a_gallery_that_has_outgrown_the_calibration_stays_in_service(standard, photos):
    gallery = Gallery()
    recognizer = standard(gallery=gallery, fpir=1e-4)
    counted, extrapolated = recognizer.capacity()
    assert 0 < counted < extrapolated < 2000
    tom = photos / "image_T1.jpg"
    assert recognizer.enroll("tom", tom, quality="recognition").room == (counted - 1, extrapolated - 1)
    (face,) = recognizer.recognize(tom)
    assert (face.person, face.identity.basis) == ("tom", "counted")
    values = np.random.default_rng(1).standard_normal((extrapolated, recognizer.space.dimension), dtype="float32")
    for number, row in enumerate(values):
        gallery.add(f"stranger {number}", [facekit.Embedding(recognizer.space, row)])
    assert recognizer.enroll("tom", tom, quality="recognition").room == (0, 0)
    # A rate that no curve answers for in a search among so many people.
    strict = standard(gallery=gallery, fpir=1e-6)
    (face,) = strict.recognize(tom)
    assert (face.person, face.identity.basis) == ("tom", "not_met")


def test_a_small_gallery_cannot_calibrate_itself(tmp_path):
    recognizer = facekit.Recognizer(gallery=Gallery())
    with pytest.raises(errors.InvalidArgumentError, match="about 2450 people"):
        recognizer.calibrate_gallery(tmp_path / "calibration.toml")
    assert not (tmp_path / "calibration.toml").exists()


def test_invalid_numbers_and_rosters():
    recognizer = facekit.Recognizer(gallery=Gallery())
    gray = np.zeros((48, 64, 3), "uint8")
    for call in (
        lambda: recognizer.identify(gray, k=-1),
        lambda: recognizer.threshold(-1),
        lambda: facekit.Recognizer(max_side=-1),
        lambda: facekit.Recognizer(threads=-1),
        lambda: recognizer.enroll("x", gray, ambiguity=float("nan")),
        lambda: recognizer.enroll("x", gray, ambiguity=2),
    ):
        with pytest.raises(errors.InvalidArgumentError, match="needed"):
            call()
    for quality in ({"max_yaw": -1}, {"min_contrast": 0.6}, {"min_sharpness": float("nan")}):
        with pytest.raises(errors.InvalidArgumentError, match="quality"):
            facekit.Recognizer(quality=quality)
    for roster in ("anna", 5, [5]):
        with pytest.raises(TypeError, match="roster: .* given, ids of people needed"):
            recognizer.recognize(gray, roster=roster)
    assert recognizer.recognize(gray, roster=set()) == ()


def test_repr_after_close():
    gallery = Gallery()
    recognizer = facekit.Recognizer(gallery=gallery)
    gallery.close()
    assert "nano" in repr(recognizer) and "closed" in repr(gallery)


def test_eight_threads(standard, photos):
    gallery = Gallery()
    recognizer = standard(gallery=gallery)
    files = sorted(photos.glob("*.jpg"))
    assert recognizer.enroll("tom", photos / "image_T1.jpg", quality="recognition").accepted
    images = [np.asarray(Image.open(file).convert("RGB").resize((320, 320))) for file in files]
    # A roster, because visitors come and go meanwhile: neighbours and thresholds follow who is searched.
    expected = [recognizer.recognize(image, roster=["tom"]) for image in images]
    wrong = []

    def work(first):
        for at in range(12):
            nth = (first + at) % len(images)
            if recognizer.recognize(images[nth], roster=["tom"]) != expected[nth]:
                wrong.append((first, at))
            if at % 4 == first % 4:
                gallery.add(f"visitor {first}", [facekit.Embedding(recognizer.space, -expected_values)])
                gallery.remove(f"visitor {first}")

    expected_values = np.ones(128, "float32")
    threads = [threading.Thread(target=work, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_during_a_call(recognizer):
    image = np.zeros((4000, 4000, 3), "uint8")
    slow = facekit.Recognizer(max_side=None)
    counted, within = 0, threading.Event()

    def call():
        within.set()
        slow.detect(image)

    thread = threading.Thread(target=call)
    thread.start()
    within.wait()
    while thread.is_alive():
        counted += 1
        time.sleep(0)
    assert counted > 100


def test_arrays_are_released(recognizer):
    image = np.zeros((48, 64, 3), "uint8")
    held = sys.getrefcount(image)
    recognizer.recognize(image)
    for _ in recognizer.recognize_many([image] * 20):
        pass
    many = recognizer.recognize_many([image] * 20)
    next(many)
    many.close()
    del many
    gc.collect()
    recognizer.recognize(image)
    assert sys.getrefcount(image) == held


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_raises_an_error(recognizer):
    image = np.zeros((48, 64, 3), "uint8")
    many = recognizer.recognize_many([image] * 9)
    next(many)
    child = os.fork()
    if not child:
        passed = 0
        for call in (lambda: recognizer.recognize(image), lambda: next(many), lambda: list(many)):
            try:
                call()
            except errors.ForkedError as error:
                passed += "spawn" in str(error)
            except BaseException:
                pass
        try:
            # The child can use its own objects.
            passed += facekit.Recognizer().recognize(image) == ()
        finally:
            os._exit(passed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert recognizer.recognize(image) == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_onnx_runtime_in_a_forked_child_is_an_error(recognizer):
    facekit.Recognizer(runtime="ort")
    child = os.fork()
    if not child:
        code = 1
        try:
            facekit.Recognizer(runtime="ort")
        except errors.LibraryUnavailableError as error:
            code = 0 if "spawn" in str(error) else 2
        finally:
            # A usual exit would wait for the library's threads.
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if sysconfig.get_config_var("Py_GIL_DISABLED"):

    def test_the_gil_stays_disabled(recognizer):
        """The import of a module that is not declared safe without the GIL would enable it."""
        assert not sys._is_gil_enabled()


def test_recognizers_cannot_be_pickled(recognizer):
    with pytest.raises(TypeError):
        pickle.dumps(recognizer)
    assert "Recognizer" in repr(recognizer) and recognizer.threads >= 1


def test_faces_of_every_size(people):
    """A portrait in the corner of a frame of a camera with eight megapixels, and a portrait that fills the photo."""
    portrait = Image.open(people / "people" / "Ari" / "1.jpg")
    frame = Image.new("RGB", (3840, 2160), (110, 112, 108))
    frame.paste(portrait.resize((100, 100), Image.Resampling.LANCZOS), (3000, 1500))
    found = facekit.Recognizer().detect(np.asarray(frame))
    assert len(found) == 1 and found.reduction == 1
    assert found[0].box.x > 2990 and found[0].box.y > 1490
    one = facekit.Recognizer(passes="one").detect(np.asarray(frame))
    assert len(one) == 0 and one.reduction == 6
    some = facekit.Recognizer(passes=2.5).recognize(np.asarray(frame))
    assert 1 < some.reduction < 6
    assert pickle.loads(pickle.dumps(some)).reduction == some[:0].reduction == some.reduction
    for wrong in ("two", -1, float("nan"), b"one"):
        with pytest.raises(errors.InvalidArgumentError, match="passes: "):
            facekit.Recognizer(passes=wrong)


def test_large_and_damaged_files(people):
    portrait = people / "people" / "Ari" / "1.jpg"
    large = io.BytesIO()
    Image.open(portrait).resize((1600, 1600), Image.Resampling.LANCZOS).save(large, "JPEG", quality=90)
    recognizer = facekit.Recognizer(gallery=Gallery(), image_memory=4_000_000)
    assert recognizer.enroll("ari", portrait, liveness=False).accepted
    faces = recognizer.recognize(large.getvalue())
    assert faces.photo_reduction == pytest.approx(1600 / faces.width) and faces.photo_reduction > 1.5
    assert faces.largest.box.width < faces.width
    assert facekit.Recognizer().recognize(large.getvalue()).photo_reduction == 1
    with pytest.raises(errors.ImageTooLargeError, match="of memory"):
        facekit.Recognizer(image_memory=1000).recognize(large.getvalue())
    cut = large.getvalue()[:-1000]
    faces = recognizer.recognize(cut)
    assert 0 < faces.missing < 0.125 and len(faces) == 1
    assert recognizer.recognize(large.getvalue()[:-2]).missing == 0
