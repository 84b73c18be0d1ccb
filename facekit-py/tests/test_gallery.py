"""Galleries: encryption, locks, closing, and forks."""

import datetime
import os
import pickle
import threading
import time

import numpy as np
import pytest

import facekit
from facekit import Gallery, errors

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.facekit"


def test_add_and_remove_people(path, embedding):
    with Gallery(path, KEY) as gallery:
        ids = gallery.add("anna", [embedding(), embedding()], name="Anna Weiß")
        assert len(ids) == 2 and gallery.add("bert", [embedding()])
        assert "anna" in gallery and "carl" not in gallery and len(gallery) == 2
        assert "" not in gallery and "x" * 10_000 not in gallery
        assert gallery.path == path
        assert gallery.remove("bert", "carl") == 1
    assert gallery.closed and "closed" in repr(gallery)
    with Gallery(path, KEY) as gallery:
        (anna,) = gallery.people()
        assert (anna.id, anna.name) == ("anna", "Anna Weiß")
        assert anna.enrolled.tzinfo is not None
        age = datetime.datetime.now(datetime.timezone.utc) - anna.enrolled
        assert datetime.timedelta(0) <= age < datetime.timedelta(hours=1)
        report = gallery.check()
        assert report.is_clean and report.people == 1 and list(report.templates.values()) == [2]


def test_a_closed_gallery_refuses_all_calls(path, embedding):
    gallery = Gallery(path, KEY)
    gallery.close()
    gallery.close()
    for call in [gallery.people, gallery.check, lambda: gallery.remove("anna"), lambda: len(gallery), gallery.__enter__,
                 lambda: "anna" in gallery, lambda: "" in gallery, lambda: gallery.add("anna", [embedding()]), lambda: facekit.Recognizer(gallery=gallery)]:
        with pytest.raises(ValueError, match="closed"):
            call()
    # The file can be opened again.
    Gallery(path, KEY).close()


def test_keys(path, tmp_path, monkeypatch):
    for name in ("FACEKIT_KEY_FILE", "FACEKIT_GALLERY_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.KeyRefusedError, match="unprotected=True"):
        Gallery(path)
    assert not path.exists()
    Gallery.new_key_file(tmp_path / "people.key")
    with pytest.raises(FileExistsError):
        Gallery.new_key_file(tmp_path / "people.key")
    Gallery(path, tmp_path / "people.key").close()
    with pytest.raises(errors.KeyRefusedError):
        Gallery(path, KEY)
    with pytest.raises(errors.KeyRefusedError, match="encrypted"):
        Gallery(path)
    with pytest.raises(errors.KeyRefusedError, match="not unprotected"):
        Gallery(path, unprotected=True)
    monkeypatch.setenv("FACEKIT_KEY_FILE", str(tmp_path / "people.key"))
    with Gallery(path) as gallery:
        gallery.rekey("open sesame")
    with Gallery(path, "open sesame") as gallery:
        gallery.backup(tmp_path / "backup.facekit")
    Gallery(tmp_path / "backup.facekit", "open sesame").close()


@pytest.mark.parametrize("key", [b"short", 5, bytes(33), ["x"]], ids=str)
def test_invalid_keys(path, key):
    with pytest.raises((TypeError, ValueError), match="^key: "):
        Gallery(path, key)


def test_a_file_name_is_not_a_passphrase(path, tmp_path):
    Gallery.new_key_file(tmp_path / "people.key")
    with pytest.raises(ValueError, match="pathlib.Path"):
        Gallery(path, str(tmp_path / "people.key"))


def test_one_writer_or_many_readers(path, embedding):
    with Gallery(path, KEY) as gallery:
        gallery.add("anna", [embedding()])
        with pytest.raises(errors.GalleryLockedError) as locked:
            Gallery(path, KEY)
        assert locked.value.path == path
    with Gallery(path, KEY, read_only=True) as one, Gallery(path, KEY, read_only=True) as other:
        assert one.people() == other.people()
        with pytest.raises(ValueError):
            one.remove("anna")


def test_unprotected(path):
    Gallery(path, unprotected=True).close()
    Gallery(path).close()
    with pytest.raises(errors.KeyRefusedError):
        Gallery(path, KEY)
    with pytest.raises(ValueError, match="key"):
        Gallery(path, KEY, unprotected=True)


def test_in_memory(embedding):
    gallery = Gallery()
    gallery.add("anna", [embedding()])
    assert gallery.path is None and len(gallery) == 1
    with pytest.raises(ValueError, match="in memory"):
        gallery.backup("x")
    with pytest.raises(ValueError):
        Gallery(key=KEY)
    with pytest.raises(errors.InvalidPersonIdError):
        gallery.add("../etc", [embedding()])
    with pytest.raises(ValueError, match="embeddings: none given"):
        gallery.add("bert", [])


def test_templates_are_listed_and_removed(path, embedding):
    for gallery in [Gallery(), Gallery(path, KEY)]:
        assert gallery.templates_of("anna") == []
        numbers = gallery.add("anna", [embedding(), embedding()], quality=0.5)
        other = gallery.add("bert", [embedding()])
        first, second = gallery.templates_of("anna")
        assert [first.number, second.number] == numbers
        assert (first.person, first.quality, first.origin, first.mirrored) == ("anna", 0.5, None, False)
        assert first != second and pickle.loads(pickle.dumps(first)) == first
        assert first.to_dict()["number"] == first.number

        # Only templates of the person are removed.
        assert gallery.remove_templates("anna", [first.number, *other, 99]) == 1
        assert gallery.remove_templates("anna", [first.number]) == 0
        assert gallery.templates_of("anna") == [second]
        assert len(gallery.templates_of("bert")) == 1
        assert gallery.remove_templates("anna", [second.number]) == 1
        assert "anna" in gallery and gallery.templates_of("anna") == []
        gallery.close()
        with pytest.raises(ValueError, match="closed"):
            gallery.templates_of("anna")


def test_an_origin_is_added_once(path, embedding):
    for gallery in [Gallery(), Gallery(path, KEY)]:
        photos = [embedding(), embedding()]
        first = gallery.add("anna", photos, origins=["1.jpg", "2.jpg"])
        assert gallery.add("anna", photos, origins=["1.jpg", "2.jpg"]) == first
        assert [template.origin for template in gallery.templates_of("anna")] == ["1.jpg", "2.jpg"]
        later = gallery.add("anna", photos[:1], origins=["3.jpg"])
        assert later[0] not in first
        with pytest.raises(ValueError, match="origins: 1 given for 2 embeddings"):
            gallery.add("anna", photos, origins=["4.jpg"])
        with pytest.raises(ValueError, match="^origin: "):
            gallery.add("anna", photos[:1], origins=[""])
        assert len(gallery.templates_of("anna")) == 3


def test_people_of_another_space(embedding):
    gallery = Gallery()
    recognizer = facekit.Recognizer(gallery=gallery)
    gallery.add("anna", [embedding()])
    image = np.zeros((48, 64, 3), np.uint8)
    assert recognizer.recognize(image, roster=["anna"]) == ()
    assert gallery.remove("anna") == 1
    with pytest.raises(errors.UnknownPersonError):
        recognizer.recognize(image, roster=["anna"])


def test_a_file_that_is_no_gallery(path):
    path.write_bytes(b"no gallery at all, and not short either" * 500)
    with pytest.raises(errors.GalleryDamagedError):
        Gallery(path, KEY)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_touch_the_file(path, embedding):
    with Gallery(path, KEY) as gallery:
        gallery.add("anna", [embedding()])
        child = os.fork()
        if not child:
            code = 1
            try:
                gallery.people()
            except errors.ForkedError:
                # This would release the file's lock if the gallery were the child's own.
                del gallery
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        gallery.add("bert", [embedding()])
        with pytest.raises(errors.GalleryLockedError):
            Gallery(path, KEY)
    with Gallery(path, KEY) as gallery:
        assert gallery.check().is_clean and len(gallery) == 2


def test_close_in_progress(path, embedding):
    gallery = Gallery(path, key=KEY)
    gallery.add("anna", [embedding()])
    report = gallery.check(progress=lambda done, total: gallery.close())
    assert report.is_clean and gallery.closed
    # The gallery closed when the check ended.
    with Gallery(path, key=KEY) as again:
        assert "anna" in again
        with pytest.raises(ValueError, match="closed"):
            again.check(progress=lambda done, total: again.close() or len(again))


def test_close_waits_for_other_threads(path, embedding):
    gallery = Gallery(path, key=KEY)
    gallery.add("anna", [embedding()])
    begun, seen = threading.Event(), []

    def progress(done, total):
        if not begun.is_set():
            begun.set()
            time.sleep(0.3)

    thread = threading.Thread(target=lambda: seen.append(gallery.check(progress=progress)))
    thread.start()
    begun.wait(20)
    # All calls of close wait, not only the first.
    closing = [threading.Thread(target=gallery.close) for _ in range(2)]
    for one in closing:
        one.start()
    gallery.close()
    Gallery(path, key=KEY).close()
    for one in [thread, *closing]:
        one.join()
    assert seen[0].is_clean


def test_invalid_quality(embedding):
    for quality in (float("nan"), -1, 5):
        with pytest.raises(ValueError, match="quality: .* given, a number from 0 to 1 needed"):
            Gallery().add("anna", [embedding()], quality=quality)


@pytest.mark.parametrize(("fusion", "score"), [("mean", 0.5**0.5), ("nearest", 1.0)])
def test_fusion(fusion, score):
    gallery = Gallery(fusion=fusion)
    recognizer = facekit.Recognizer(gallery=gallery)
    axes = np.eye(recognizer.space.dimension, dtype="float32")
    first, second = (facekit.Embedding(recognizer.space, axis) for axis in axes[:2])
    gallery.add("anna", [first])
    assert recognizer.identify(first)[0].score == pytest.approx(1)
    gallery.add("anna", [second])
    assert recognizer.identify(first)[0].score == pytest.approx(score)
    assert gallery.fusion == fusion


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ValueError, match="^fusion: .*mean"):
        Gallery(fusion="median")
