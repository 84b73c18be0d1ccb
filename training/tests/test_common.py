import numpy as np
import onnx
import pytest
import torch

from training.common import checkpoint, export, people, teacher
from training.common.align import TEMPLATE, align, similarity


def test_pairs_of_lfw_are_read_with_their_folds():
    text = "2\t1\nA\t1\t2\nA\t1\tB\t3\nC\t1\t2\nC\t2\tD\t1\n"
    pairs = people.read_pairs(text)
    assert [(p.first.person, p.second.number, p.fold, p.same) for p in pairs] == [
        ("A", 2, 1, True), ("A", 3, 1, False), ("C", 2, 2, True), ("C", 1, 2, False)]  # fmt: skip
    with pytest.raises(ValueError, match="3 pairs, not 4"):
        people.read_pairs(text[: text.rindex("C")])


def test_nobody_of_the_held_out_folds_is_trained_on(monkeypatch):
    text = "5\t1\n" + "".join(f"S{f}\t1\t2\nS{f}\t1\tD{f}\t1\n" for f in range(1, 6))
    everybody = tuple(people.Photo(f"{k}{f}", 1) for f in range(1, 6) for k in "SD") + (people.Photo("Nobody", 1),)
    monkeypatch.setattr(people, "pairs", lambda: tuple(people.read_pairs(text)))
    monkeypatch.setattr(people, "photos", lambda: everybody)
    trained = {p.person for p in people.training_photos("split")}
    held_out = {p.person for p in people.held_out_photos()}
    assert held_out == {"S4", "D4", "S5", "D5"}
    assert trained == {p.person for p in everybody} - held_out
    assert len(people.training_photos("all")) == len(everybody)


def test_a_similarity_is_found_again():
    angle = 0.3
    matrix = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(TEMPLATE, TEMPLATE @ matrix.T + [5, -3])
    assert np.allclose(found, np.hstack([matrix, [[5], [-3]]]))


def test_a_face_on_the_template_is_only_framed():
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert (align(image, TEMPLATE) == image).all()
    assert (align(image, TEMPLATE, margin=4)[4:-4, 4:-4] == image).all()


def test_overlapping_faces_are_suppressed_best_first():
    faces = np.array([[0, 0, 10, 10, 0.6], [1, 0, 10, 10, 0.9], [40, 0, 10, 10, 0.7]])
    assert teacher.suppress(faces, 0.3) == [1, 2]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    assert checkpoint.load(path, {"seed": 1}) is None
    checkpoint.save(path, {"recipe": {"seed": 1}, "step": 7})
    assert checkpoint.load(path, {"seed": 1})["step"] == 7
    with pytest.raises(SystemExit, match="another recipe"):
        checkpoint.load(path, {"seed": 2})


def test_an_exported_network_computes_the_same_for_every_batch(tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, 2, 1, bias=False), torch.nn.BatchNorm2d(16), torch.nn.ReLU(),
        torch.nn.Conv2d(16, 8, 3, 1, 1),
    )  # fmt: skip
    network(torch.randn(8, 3, 16, 16))
    path = tmp_path / "small.onnx"
    export.export(network, path, torch.randn(2, 3, 16, 16), ["output"])
    for batch in (1, 5):
        assert export.agree(network.eval(), path, torch.randn(batch, 3, 16, 16)) < 0.02
    model = onnx.load(str(path))
    kinds = {t.data_type for t in model.graph.initializer if len(t.dims) == 4}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert "BatchNormalization" not in {n.op_type for n in model.graph.node}
