"""recognize_many: order, limits, errors, and all ways to end it."""

import _thread
import gc
import os
import threading
import time
import weakref

import numpy as np
import pytest

import facekit

GRAY = np.full((48, 64, 3), 128, "uint8")


def frames(count):
    return [np.full((48 + at % 5, 64, 3), at % 251, "uint8") for at in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_are_in_order(recognizer, threads):
    images = frames(60)
    results = list(recognizer.recognize_many(iter(images), threads=threads))
    assert [faces.height for faces in results] == [image.shape[0] for image in images]


def test_results_equal_those_of_recognize(standard, photos):
    recognizer = standard()
    files = sorted(photos.glob("*.jpg")) * 3
    assert list(recognizer.recognize_many(files, threads=3)) == [recognizer.recognize(file) for file in files]


def test_each_image_has_its_own_options(people):
    recognizer = facekit.Recognizer(gallery=facekit.Gallery(), liveness=False)
    first, second = sorted((people / "people").iterdir())[:2]
    photos = [sorted(folder.iterdir())[0] for folder in (first, second)]
    for folder, photo in zip((first, second), photos):
        recognizer.enroll(folder.name, photo)
    items = [
        photos[0],
        (photos[0], {"roster": [second.name]}),
        (photos[0], {"score": 2.0}),
        (photos[1], {"subject": "largest", "fmr": 1e-4}),
        (photos[1], {}),
    ]
    found = [faces[0].person for faces in recognizer.recognize_many(items, threads=2)]
    assert found == [first.name, None, None, second.name, second.name]
    assert recognizer.recognize(photos[0], score=2.0)[0].person is None
    odd = [(photos[0], {"rooster": []}), (photos[0], {"roster": ["nobody"]}), (photos[0], {"fmr": 0.1, "score": 0.5})]
    results = list(recognizer.recognize_many([*odd, photos[0]], errors="return"))
    names = ["InvalidArgumentError", "UnknownPersonError", "InvalidArgumentError"]
    assert [type(result).__name__ for result in results[:3]] == names
    assert results[3][0].person == first.name


def test_few_images_are_taken_ahead(recognizer):
    taken = 0

    def images():
        nonlocal taken
        for image in frames(100):
            taken += 1
            yield image

    with recognizer.recognize_many(images(), threads=2) as results:
        assert taken == 0
        for given, _ in enumerate(results, 1):
            assert taken <= given + 8
            if given == 50:
                break
    assert list(results) == [] and taken <= 58


def test_a_bad_image_does_not_end_the_work(recognizer):
    images = [*frames(3), None, b"no image", "no/such.jpg", *frames(2)]
    results = list(recognizer.recognize_many(images, errors="return"))
    assert [type(result).__name__ for result in results[3:6]] == ["TypeError", "ImageError", "FileMissingError"]
    assert all(isinstance(results[at], facekit.Faces) for at in (0, 1, 2, 6, 7))
    many, heights, raised = recognizer.recognize_many(images), [], []
    while True:
        try:
            heights.append(next(many).height)
        except StopIteration:
            break
        except Exception as error:
            raised.append(type(error).__name__)
    assert len(heights) == 5 and raised == ["TypeError", "ImageError", "FileMissingError"]


def test_a_failing_iterable(recognizer):
    def images():
        yield from frames(3)
        raise OSError("the camera is gone")

    results = []
    with pytest.raises(OSError, match="the camera is gone"):
        for faces in recognizer.recognize_many(images()):
            results.append(faces)
    assert len(results) == 3
    with pytest.raises(TypeError):
        recognizer.recognize_many(5)
    with pytest.raises(ValueError):
        recognizer.recognize_many([], errors="ignore")
    assert list(recognizer.recognize_many([])) == []


def test_ctrl_c_ends_the_work(recognizer):
    begun = threading.active_count()
    results = recognizer.recognize_many(np.zeros((2000, 2000, 3), "uint8") for _ in range(100_000))
    next(results)
    # As Ctrl-C does, during the wait for a result.
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in results:
            pass
    timer.join()
    # The loop itself may have raised the exception. Then there are still results.
    results.close()
    assert list(results) == [] and threading.active_count() == begun


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_exceptions_that_end_the_program_come_first(recognizer, ending):
    def images():
        yield from frames(3)
        raise ending

    results = recognizer.recognize_many(images(), threads=1)
    with pytest.raises(ending):
        for _ in range(3):
            next(results)
    assert list(results) == []


def test_ahead_limits_the_images_taken(recognizer):
    asked = []

    def camera():
        for at in range(4):
            asked.append(at)
            yield GRAY

    for given, _ in enumerate(recognizer.recognize_many(camera(), ahead=0), 1):
        assert len(asked) == given
    results = recognizer.recognize_many(iter(frames(10)), ahead=3, threads=1)
    assert len(list(results)) == 10


def test_close_releases_the_images(recognizer):
    closed, arrays = [], []

    class Frame(np.ndarray):
        pass

    def camera():
        try:
            while True:
                frame = GRAY.copy().view(Frame)
                arrays.append(weakref.ref(frame))
                yield frame
        finally:
            closed.append(True)

    with recognizer.recognize_many(camera()) as results:
        next(results)
    assert closed == [True]
    gc.collect()
    assert not any(frame() is not None for frame in arrays)


def test_reference_cycles_are_collected(recognizer):
    class Camera:
        def __init__(self):
            self.results = recognizer.recognize_many(self.frames())

        def frames(self):
            while True:
                yield GRAY

    cameras = [Camera() for _ in range(3)]
    for camera in cameras:
        next(camera.results)
    gone = [weakref.ref(camera) for camera in cameras]
    del camera, cameras
    gc.collect()
    assert [camera() for camera in gone] == [None] * 3
    deadline = time.monotonic() + 20
    while "facekit-many" in threads() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "facekit-many" not in threads()


def threads():
    """The names of this process's threads, if the system has them in /proc."""
    tasks = "/proc/self/task"
    if not os.path.isdir(tasks):
        return ""
    names = []
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/comm") as file:
                names.append(file.read())
        except OSError:
            pass
    return " ".join(names)


def test_another_thread_can_close(recognizer):
    waits, gate, rest = threading.Event(), threading.Event(), []

    def camera():
        yield from frames(2)
        waits.set()
        gate.wait(20)
        yield GRAY

    results = recognizer.recognize_many(camera(), ahead=0)
    next(results), next(results)
    thread = threading.Thread(target=lambda: rest.extend(results))
    thread.start()
    waits.wait(20)
    with pytest.raises(ValueError, match="another thread is waiting for the next result"):
        next(results)
    results.close()
    gate.set()
    thread.join(20)
    assert not thread.is_alive() and rest == [] and list(results) == []


@pytest.mark.parametrize("then", [GRAY, object()], ids=["an image", "no image"])
def test_the_iterable_can_close(recognizer, then):
    ended = []

    def camera():
        try:
            yield GRAY
            results.close()
            while True:
                yield then
        finally:
            ended.append(True)

    results = recognizer.recognize_many(camera(), ahead=0, errors="return")
    assert len(list(results)) == 1
    gc.collect()
    assert ended == [True]


def test_a_closed_gallery_ends_the_work():
    gallery = facekit.Gallery()
    results = facekit.Recognizer(gallery=gallery).recognize_many([GRAY] * 30)
    next(results)
    gallery.close()
    with pytest.raises(ValueError, match="closed"):
        next(results)
    with pytest.raises(ValueError, match="closed"):
        next(results)


@pytest.mark.parametrize("one", [GRAY, GRAY[..., 0], "photos/", b"\xff\xd8", os.curdir.encode()], ids=type)
def test_a_single_image_is_refused(recognizer, one):
    with pytest.raises(TypeError, match="images: a single .* given, an iterable of images needed"):
        recognizer.recognize_many(one)


def test_a_batch_is_an_iterable(recognizer):
    assert len(list(recognizer.recognize_many(np.stack([GRAY] * 5)))) == 5


def test_limits_of_threads_and_ahead(recognizer):
    assert len(list(recognizer.recognize_many([GRAY], threads=2**62))) == 1
    for threads, ahead in [(0, None), (-1, None), (1, -1)]:
        with pytest.raises(ValueError, match="threads|ahead"):
            recognizer.recognize_many([GRAY], threads=threads, ahead=ahead)
