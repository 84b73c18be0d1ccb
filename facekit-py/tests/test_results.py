"""Results are values: comparisons, pickles, and drawings. Also Index and models."""

import _thread
import copy
import pickle
import threading

import numpy as np
import pytest

import facekit
from facekit import Box, Detection, Embedding, EmbeddingSpace, Faces, Index

POINTS = [(30.5, 45), (60, 45), (45, 60.25), (33, 80), (58, 80)]


@pytest.fixture
def face():
    return Detection((10, 20, 70, 90), POINTS, score=0.875)


def test_boxes():
    box = Box(1.5, 2, 30, 40)
    assert tuple(box) == (1.5, 2, 30, 40) and len(box) == 4 and box[-1] == 40
    assert box.xyxy == (1.5, 2, 31.5, 42) and box.center == (16.5, 22) and box.area == 1200
    assert box == eval(repr(box)) and box != Box(1.5, 2, 30, 41) and box != (1.5, 2, 30, 40)
    assert box.iou(box) == 1 and box.iou(Box(100, 100, 1, 1)) == 0
    with pytest.raises(IndexError):
        box[4]


def test_detections(face):
    assert face.box == Box(10, 20, 70, 90) and face.score == 0.875
    assert face.landmarks.dtype == np.float32 and face.landmarks.tolist() == [list(map(float, p)) for p in POINTS]
    # From any sequence or array of numbers.
    assert face == Detection(face.box, face.landmarks, 0.875) == Detection(np.array([10, 20, 70, 90]), np.array(POINTS), 0.875)
    assert face.to_dict()["box"] == {"x": 10.0, "y": 20.0, "width": 70.0, "height": 90.0}
    for bad in [((1, 2, 3), POINTS), ((1, 2, 3, 4), POINTS[:4]), ("abcd", POINTS), (None, POINTS)]:
        with pytest.raises((TypeError, ValueError)):
            Detection(*bad)


def test_results_are_frozen(face):
    for value, name in [(face, "score"), (Faces([face], 640, 480), "width")]:
        for changed in (name, "anything"):
            with pytest.raises(AttributeError):
                setattr(value, changed, 1)
        with pytest.raises(AttributeError):
            delattr(value, name)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal(copied, face, embedding, space):
    for value in [face, face.box, embedding(), space, Faces([face], 640, 480)]:
        twin = copied(value)
        assert twin == value and type(twin) is type(value)
    assert copied(Faces([face], 640, 480)).width == 640
    for info in facekit.models.list()[:2] + facekit.models.sets()[:1]:
        assert copied(info) == info


def test_faces(face):
    small = Detection((0, 0, 5, 5), POINTS)
    faces = Faces([small, face], 640, 480)
    assert faces.largest == face and len(faces) == 2 and faces[0] == small and faces == (small, face)
    assert Faces([], 4, 3).largest is None and [] == Faces([], 4, 3).to_dicts()
    assert faces.to_dicts()[1] == face.to_dict()
    # Faces of images of other sizes differ; a tuple has no size.
    assert faces == Faces([small, face], 640, 480) and not faces != Faces([small, face], 640, 480)
    assert faces != Faces([small, face], 640, 481) and Faces([], 1, 2) != Faces([], 3, 4) and not Faces([], 1, 2) == Faces([], 3, 4)
    assert Faces([], 1, 2) == () and () == Faces([], 1, 2) and hash(Faces([], 1, 2)) == hash(())
    # A slice has the size of the same image.
    part = faces[1:]
    assert type(part) is Faces and (part, part.width, part.height) == ((face,), 640, 480) and faces[-1] == face
    assert faces[::-1].largest == face and "70 × 90" in part._repr_html_()


def test_notebooks(face):
    faces = Faces([face], 100, 120)
    html = faces._repr_html_()
    assert "<svg" in html and "70 × 90 at (10, 20)" in html and "0.88" in html
    drawing = faces.draw(np.full((120, 100, 3), 200, "uint8"))
    assert "data:image/jpeg;base64," in drawing._repr_html_()
    with pytest.raises(ValueError, match="50 x 60 pixels given"):
        faces.draw(np.zeros((60, 50, 3), "uint8"))
    assert "no face" in Faces([], 4, 3)._repr_html_()


def test_embeddings(space, rng):
    numbers = rng.normal(size=8).astype("float32")
    embedding = Embedding(space, numbers)
    assert len(embedding) == 8 and embedding.space == space
    np.testing.assert_allclose(embedding.values, numbers / np.linalg.norm(numbers), rtol=1e-6)
    assert embedding.cosine(embedding) == pytest.approx(1) and "0." not in repr(embedding)
    # The array is in the embedding's own memory, is read-only, and keeps the embedding alive.
    values = np.asarray(embedding)
    assert values.dtype == np.float32 and not values.flags.writeable and not values.flags.owndata
    assert np.shares_memory(values, embedding.values)
    kept = values.copy()
    del embedding
    np.testing.assert_array_equal(values, kept)
    with pytest.raises(ValueError):
        values[0] = 1


def test_invalid_embeddings(space):
    for bad, words in [
        (np.zeros(8, "float32"), "all values are zero"),
        (np.full(8, np.nan, "float32"), "value 0 is NaN"),
        (np.ones(7, "float32"), "7 values given"),
    ]:
        with pytest.raises(facekit.errors.InvalidEmbeddingError, match=words):
            Embedding(space, bad)
    with pytest.raises(TypeError):
        Embedding(space, np.ones(8))
    other = EmbeddingSpace("other", "cd" * 32, 8)
    ones = np.ones(8, "float32")
    with pytest.raises(facekit.errors.SpaceMismatchError):
        Embedding(space, ones).cosine(Embedding(other, ones))
    with pytest.raises(ValueError, match="fingerprint"):
        EmbeddingSpace("x", "123", 8)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_index_finds_what_numpy_finds(rng, metric):
    matrix = rng.normal(size=(500, 17)).astype("float32")
    probes = rng.normal(size=(300, 17)).astype("float32")
    ids = rng.permutation(10_000)[:500]
    index = Index(matrix, ids, metric=metric)
    assert (len(index), index.dimension) == (500, 17)
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit(probes) @ unit(matrix).T
    scores = cosines if metric == "cosine" else -np.sqrt(2 - 2 * np.minimum(cosines, 1))
    order = np.argsort(-scores, axis=1)[:, :5]
    found, found_scores = index.search(probes, k=5)
    assert found.dtype == np.int64 and found_scores.dtype == np.float32
    np.testing.assert_array_equal(found, ids[order])
    np.testing.assert_allclose(found_scores, np.take_along_axis(scores, order, 1), atol=2e-3 if metric == "euclidean" else 1e-5)
    roster = ids[:20]
    limited, _ = index.search(probes, k=50, roster=roster)
    assert limited.shape == (300, 20) and set(limited.ravel()) == set(roster)


def test_an_index_changes():
    index = Index(np.eye(4, dtype="float32"))
    assert index.search(np.eye(4, dtype="float32")[2], k=1)[0].tolist() == [[2]]
    assert index.remove([2, 99]) == 1 and len(index) == 3
    index.add(np.eye(4, dtype="float32")[2:3], [2])
    index.add(np.eye(4, dtype="float32")[:1], [2])
    assert sorted(index.search(np.eye(4, dtype="float32")[:1], k=2)[0].tolist()[0]) == [0, 2]
    assert index.search(np.zeros((0, 4), "float32"))[0].shape == (0, 0)
    # Arrays in Fortran order and slices are matrices too.
    assert len(Index(np.asfortranarray(np.eye(4, dtype="float32")))) == 4
    assert len(Index(np.eye(8, dtype="float32")[::2, :])) == 4


@pytest.mark.parametrize("kind", ["auto", "deterministic", "exact", "graph"])
def test_kinds_of_indexes(rng, kind, tmp_path):
    matrix = rng.normal(size=(3000, 24)).astype("float32")
    probes = matrix[:50] + 0.1 * rng.normal(size=(50, 24)).astype("float32")
    index = Index(matrix, kind=kind)
    ids, scores = index.search(probes, k=3)
    exact_ids, exact_scores = Index(matrix, kind="exact").search(probes, k=3)
    assert (ids == exact_ids).mean() > 0.99
    np.testing.assert_array_equal(index.search(probes, k=3, exact=True)[0], exact_ids)
    np.testing.assert_array_equal(index.search(probes, k=3, recall=1)[0], exact_ids)
    np.testing.assert_array_equal(index.search(probes, k=3, recall=1, exact=True)[1], exact_scores)
    # Only the first of each row is that near.
    ids, scores = index.search(probes, k=3, min_score=0.95)
    assert ids.shape == (50, 1) and ids[:, 0].tolist() == list(range(50)) and (scores >= 0.95).all()
    ids, scores = index.search(np.vstack([probes[:1], -probes[:1]]), k=1, min_score=0.95)
    assert ids.tolist() == [[0], [-1]] and scores[1, 0] == -np.inf

    path = tmp_path / "saved.index"
    index.save(path, key=b"k" * 32, state=4)
    loaded = Index.load(path, key=b"k" * 32, dimension=24, kind=kind, state=4)
    np.testing.assert_array_equal(loaded.search(probes, k=3)[0], index.search(probes, k=3)[0])
    with pytest.raises(ValueError, match="state 4, and 5"):
        Index.load(path, key=b"k" * 32, dimension=24, kind=kind, state=5)
    with pytest.raises(facekit.errors.FacekitError):
        Index.load(path, key=b"j" * 32, dimension=24, kind=kind, state=4)
    with pytest.raises(facekit.errors.SpaceMismatchError):
        Index.load(path, key=b"k" * 32, dimension=25, kind=kind, state=4)
    with pytest.raises(facekit.errors.InvalidArgumentError, match="another metric"):
        Index.load(path, key=b"k" * 32, dimension=24, metric="euclidean", kind=kind, state=4)
    other = "auto" if kind == "graph" else "graph"
    with pytest.raises(facekit.errors.InvalidArgumentError, match="another kind of index"):
        Index.load(path, key=b"k" * 32, dimension=24, kind=other, state=4)


def test_an_index_is_optimized(rng):
    # Four effective dimensions: a graph finds nearly all.
    axes = rng.normal(size=(4, 24))
    matrix = (rng.normal(size=(3000, 4)) @ axes).astype("float32")
    probes = (rng.normal(size=(400, 4)) @ axes).astype("float32")
    index = Index(matrix)
    kept = index.optimize(probes)
    assert isinstance(kept, bool)
    exact, _ = index.search(probes, k=1, exact=True)
    found, _ = index.search(probes, k=1, recall=0.9)
    assert (found == exact).mean() > 0.9
    index.optimize(probes[:1])
    found, _ = index.search(probes, k=1)
    assert (found == exact).mean() > 0.99, "one probe promises no recall, so no graph is used"
    assert not Index(matrix, kind="deterministic").optimize(probes)
    with pytest.raises(facekit.errors.InvalidArgumentError, match='kind.*"auto"'):
        Index(matrix[:10], kind="graph").optimize(probes)
    with pytest.raises(facekit.errors.InvalidEmbeddingError):
        index.optimize(np.zeros((1, 24), "float32"))


@pytest.mark.parametrize("rows", [50, 20_000])
def test_a_matrix_with_a_bad_row_changes_nothing(rng, rows):
    index = Index(np.eye(8, dtype="float32"))
    matrix = rng.normal(size=(rows, 8)).astype("float32")
    matrix[-1] = 0
    with pytest.raises(facekit.errors.InvalidEmbeddingError):
        index.add(matrix, ids=range(rows))
    assert len(index) == 8
    np.testing.assert_array_equal(index.search(np.eye(8, dtype="float32"), k=1)[0].ravel(), range(8))


def test_ctrl_c_ends_a_search(rng):
    index = Index(rng.normal(size=(20_000, 64)).astype("float32"))
    # Work for more than a minute, without memory.
    probes = np.broadcast_to(np.ones(64, "float32"), (1_000_000, 64))
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        index.search(probes)
    timer.join()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: Index(np.eye(3)), TypeError),
        (lambda: Index(None), TypeError),
        (lambda: Index([[1.0]]), TypeError),
        (lambda: Index(np.zeros((2, 3), "float32")), facekit.errors.InvalidEmbeddingError),
        (lambda: Index(np.eye(3, dtype="float32"), [1, 2]), ValueError),
        (lambda: Index(np.eye(3, dtype="float32"), [1, 2, -3]), ValueError),
        (lambda: Index(np.eye(3, dtype="float32"), [0.5, 1, 2]), TypeError),
        (lambda: Index(np.eye(3, dtype="float32"), metric="dot"), ValueError),
        (lambda: Index(np.eye(3, dtype="float32"), kind="tree"), ValueError),
        (lambda: Index(np.eye(3, dtype="float32")).search(np.eye(3, dtype="float32"), recall=1.5), ValueError),
        (lambda: Index(np.zeros((2, 0), "float32")), ValueError),
        (lambda: Index(np.eye(3, dtype="float32")).search(np.eye(2, dtype="float32")), ValueError),
    ],
    ids=range(12),
)
def test_invalid_indexes(call, error):
    with pytest.raises(error):
        call()


def test_unaligned_arrays(rng, space):
    records = np.zeros(9, [("tag", "u1"), ("values", "f4", (8,))])
    records["values"] = rng.normal(size=(9, 8))
    values = records["values"]
    assert not values.flags.aligned
    index = Index(values)
    index.add(values[:2], ids=[20, 21])
    assert index.search(values[3], k=1)[0].tolist() == [[3]]
    assert facekit.Embedding(space, values[0]) == facekit.Embedding(space, values[0].copy())


def test_ids_of_every_type():
    rows = np.eye(3, dtype="float32")
    index = Index(rows, ids=(number for number in (5, 6, 7)))
    for roster in ({5, 6}, np.array([5, 6], "uint8"), range(5, 7)):
        assert sorted(index.search(rows[0], k=9, roster=roster)[0][0].tolist()) == [5, 6]
    for ids, error in ([[1, 1, 2], ValueError], [[2**63, 1, 2], TypeError], [[-1, 1, 2], ValueError], [["a", 1, 2], TypeError]):
        with pytest.raises(error, match="ids: "):
            Index(rows, ids=ids)


def test_invalid_boxes_and_scores(face):
    for box in ((0, 0, -5, 5), (float("nan"), 0, 1, 1), (0, 0, float("inf"), 1)):
        with pytest.raises(ValueError, match="box: "):
            facekit.Box(*box)
        with pytest.raises(ValueError, match="box: "):
            facekit.Detection(box, face.landmarks.tolist())
    for score in (float("nan"), 2, -1):
        with pytest.raises(ValueError, match="score: "):
            facekit.Detection(tuple(face.box), face.landmarks.tolist(), score=score)


def test_models():
    known = {model.name: model for model in facekit.models.list()}
    yunet = known["yunet_n"]
    assert (yunet.task, yunet.license, yunet.commercial_use) == ("detector", "Apache-2.0", True)
    assert "detector" in repr(yunet) and yunet.to_dict()["name"] == "yunet_n"
    standard = next(found for found in facekit.models.sets() if found.name == "standard")
    assert standard.embedder in known and set(standard.liveness) <= set(known)
    with pytest.raises(facekit.errors.NonCommercialError):
        facekit.models.pull(["scrfd_500m"])
    with pytest.raises(facekit.errors.UnknownModelError):
        facekit.models.pull("no_such_model")
    for names in [None, 5, [5], ["standard", None]]:
        with pytest.raises(TypeError, match="^names: (None|5) given"):
            facekit.models.pull(names)
    for names in [[], "", (), " "]:
        with pytest.raises(ValueError, match="^names: none given"):
            facekit.models.pull(names)


def test_pull(data, tmp_path):
    import functools
    import http.server
    import threading

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=data / "models")
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reports = []
        mirror = f"http://127.0.0.1:{server.server_port}"
        files = facekit.models.pull(
            ["yunet_s"], models_folder=tmp_path, mirror=mirror, progress=lambda done, total: reports.append((done, total))
        )
        assert [file.parent for file in files] == [tmp_path] and files[0].stat().st_size == 237_823
        assert reports[-1] == (237_823, 237_823)

        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            facekit.models.pull("yunet_n", models_folder=tmp_path, mirror=mirror, progress=stop)
        server.shutdown()
