import argparse

import numpy as np
import pytest
import torch

from training.common import export
from training.embedder import augment, evaluate, pool, train
from training.embedder.faces import MARGIN, SIDE, without_margin
from training.embedder.network import Embedder, scaled
from training.embedder.optimizer import Muon, orthogonal
from training.embedder.pool import SHARD, Pool

WHOLE = SIDE + 2 * MARGIN


@pytest.fixture
def faces():
    return np.random.default_rng(0).integers(0, 256, (5, WHOLE, WHOLE, 3), dtype=np.uint8)


def test_the_same_seed_makes_the_same_faces(faces):
    def made(seed):
        random = np.random.default_rng(seed)
        return np.stack([augment.make(faces, random) for _ in range(40)])

    assert (made(1) == made(1)).all()
    assert (made(1) != made(2)).any()
    assert made(1).shape == (40, SIDE, SIDE, 3)


def test_blends_lie_where_they_should():
    random = np.random.default_rng(0)
    dark, light = (np.full((SIDE, SIDE, 3), v, np.float32) + random.normal(0, 9, (SIDE, SIDE, 3)).astype(np.float32)
                   for v in (80, 180))  # fmt: skip
    toned = augment.toned(light, dark)
    assert abs(toned.mean() - dark.mean()) < 0.1 and abs(toned.std() - dark.std()) < 0.1
    low, high = np.minimum(dark, toned), np.maximum(dark, toned)
    for kind in ("weighted", "mask"):
        face = augment.blend(kind, [dark, light], random)
        assert (face >= low - 0.01).all() and (face <= high + 0.01).all(), kind
    face = augment.blend("beyond", [dark, light], random)
    assert (np.sign(face - dark) == np.sign(dark - toned))[np.abs(dark - toned) > 0.01].all()
    with pytest.raises(ValueError, match="no kind"):
        augment.blend("collage", [dark, light], random)


def test_an_unmoved_face_is_the_face_without_its_margin(faces):
    class Still:
        def random(self):
            return 0.9

        def normal(self, mean, spread, size=None):
            return np.zeros(size) if size else 0.0

    assert np.allclose(augment.moved(faces[0], 0, Still()), without_margin(faces)[0])


def test_a_pool_is_gone_through_once_per_epoch_whatever_step_it_begins_at():
    class Empty(Pool):
        def __init__(self, seed):
            self.seed, self.size, self.epoch, self.order = seed, SHARD, -1, np.empty(0)

    batch, steps = 512, SHARD // 512
    seen = np.concatenate([Empty(1).indices(step, batch) for step in range(steps)])
    assert (np.sort(seen) == np.arange(SHARD)).all()
    pool = Empty(1)
    pool.indices(0, batch)
    assert (pool.indices(steps + 3, batch) == Empty(1).indices(steps + 3, batch)).all()
    assert (pool.indices(0, batch) != Empty(2).indices(0, batch)).any()


def test_a_copy_of_a_pool_gives_the_batches_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "SHARD", 8)
    shapes = {name: ((8, 2, *shape[2:]), kind) for name, (shape, kind) in pool.ARRAYS.items()}
    monkeypatch.setattr(pool, "ARRAYS", shapes)
    random = np.random.default_rng(0)
    recipe = pool.Recipe(tmp_path, "split", 1)
    for number in range(3):
        shard = pool.Shard(recipe, number, "w+")
        shard.folder.mkdir(parents=True)
        for name, (shape, kind) in shapes.items():
            shard.array(name)[:] = random.integers(0, 200, shape).astype(kind)
    shards = [pool.Shard(recipe, number) for number in range(3)]
    files, copy = Pool(shards, 1), Pool(shards, 1, copied=torch.device("cpu"))
    assert set(copy.copies) == set(shapes)
    for step in range(7):
        expected, found = files.batch(step, 5), copy.batch(step, 5)
        assert all(torch.equal(expected[name], found[name]) for name in shapes)
        assert all(len(found[name]) == 5 and found[name].dtype == expected[name].dtype for name in shapes)


def test_the_rate_rises_stays_and_falls_to_nothing():
    rates = [train.rate(step, 1000, 0.5) for step in range(1000)]
    assert max(rates) == 1 and rates[0] < 0.01 and 0 < rates[-1] < 0.01
    assert rates[train.WARM_UP : 501] == [1] * (501 - train.WARM_UP)
    assert [train.side(step, 10) for step in (0, 4, 5, 6, 7, 9)] == [64, 64, 96, 96, 112, 112]


def test_an_orthogonal_update_has_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((16, 60), (60, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape), 10))
        assert values.min() > 0.6 and values.max() < 1.3


def test_the_network_learns_with_muon():
    torch.manual_seed(0)
    network = Embedder((8, 8, 8, 8), (0, 1, 0, 0))
    faces = torch.randint(0, 256, (8, SIDE, SIDE, 3), dtype=torch.uint8)
    batch = {
        "embeddings": torch.nn.functional.normalize(torch.randn(8, 128)),
        "features": torch.randn(8, 7, 7, 128).half(),
    }
    muon = [p for p in network.body.parameters() if p.ndim == 4]
    rest = [p for n, p in network.named_parameters() if not (n.startswith("body") and p.ndim == 4)]
    optimizers = [Muon(muon), torch.optim.AdamW(rest, lr=0.01)]
    found = []
    for _ in range(25):
        parts = train.losses(*network.with_hint(scaled(faces, 64)), batch, 1.0)
        sum(parts.values()).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        found.append(float(parts["cosine"].detach()))
    assert found[-1] < found[0] - 0.2


def test_the_exported_embedder_embeds_as_the_network_does(tmp_path, faces):
    torch.manual_seed(0)
    network = Embedder((8, 16, 16, 16), (0, 1, 0, 0)).eval()
    path = tmp_path / "embedder.onnx"
    export.export(network, path, torch.randn(2, 3, SIDE, SIDE), ["embedding"], input_name="face")
    cut = without_margin(faces)
    with torch.no_grad():
        expected = torch.nn.functional.normalize(network(scaled(torch.from_numpy(cut.copy())))).numpy()
    assert (evaluate.Student(path, 1).embed(cut) * expected).sum(1).min() > 0.999


def test_thresholds_and_accuracy():
    scores = np.array([0.9, 0.8, 0.3, 0.2, 0.1, 0.7])
    same = np.array([True, True, True, False, False, False])
    threshold = evaluate.best_threshold(scores, same)
    assert evaluate.accuracy(scores, same, threshold) == pytest.approx(5 / 6)
    scores[0] = np.nan
    assert evaluate.accuracy(scores, same, 0.75) == pytest.approx(4 / 6)
    assert evaluate.accuracy(np.array([np.nan]), np.array([False]), 0.5) == 0


def test_no_more_impostors_than_allowed_reach_a_threshold():
    impostors = np.random.default_rng(0).normal(size=5000).astype(np.float32).round(2)
    for rate in (1e-1, 1e-2, 1e-3):
        threshold = evaluate.threshold_at(impostors, rate)
        assert (impostors >= threshold).mean() <= rate


def test_a_killed_training_ends_where_an_undisturbed_one_does(tmp_path, monkeypatch):
    random = np.random.default_rng(0)

    class Small:
        arrays = {"features": [random.normal(size=(64, 7, 7, 128)).astype(np.float16)]}
        broken_at = None

        def batch(self, step, size):
            if step == self.broken_at:
                raise KeyboardInterrupt
            random = np.random.default_rng(step)
            return {
                "faces": torch.from_numpy(random.integers(0, 256, (size, SIDE, SIDE, 3), dtype=np.uint8)),
                "embeddings": torch.nn.functional.normalize(torch.from_numpy(random.normal(size=(size, 128)))).float(),
                "features": torch.from_numpy(random.normal(size=(size, 7, 7, 128)).astype(np.float16)),
            }

    monkeypatch.setattr(train, "KEEP", 2)
    monkeypatch.setattr(train, "WARM_UP", 2)
    monkeypatch.setattr(train, "Monitor", lambda *_: lambda *_: 0.0)
    monkeypatch.setattr(train, "Embedder", lambda: Embedder((8, 8, 8, 8), (0, 1, 0, 0)))

    def run(folder, pool):
        torch.manual_seed(0)
        options = argparse.Namespace(
            work=tmp_path / folder, people="split", seed=1, steps=5, batch=4, faces=64, rate=0.02, constant=0.3,
            hint=0.3, similarity=0.5,
        )  # fmt: skip
        return train.train(options, pool, torch.device("cpu"), lambda _: None)

    whole, again = run("whole", Small()), run("again", Small())
    # With the same number of threads on the same processor.
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))
    broken = Small()
    broken.broken_at = 3
    with pytest.raises(KeyboardInterrupt):
        run("broken", broken)
    resumed = run("broken", Small())
    for name, expected in whole.state_dict().items():
        assert torch.allclose(expected.float(), resumed.state_dict()[name].float(), atol=1e-4), name
