import numpy as np
import pytest
import torch

from training.common import liveness
from training.common.export import export
from training.common.teacher import session
from training.liveness import attacks
from training.liveness.__main__ import strictness
from training.liveness.network import LivenessNet

PHOTO = attacks.View(
    np.random.default_rng(0).integers(0, 256, (250, 250, 3), dtype=np.uint8), np.array([80.0, 60.0, 90.0, 120.0])
)


def test_the_crop_is_shifted_not_cut():
    # The figures of facekit/src/liveness/minifasnet.rs.
    assert liveness.crop_box(640, 480, np.array([10, 100, 100, 100]), 2.7) == (0, 15, 270, 285)
    assert liveness.crop_box(640, 300, np.array([10, 100, 100, 100]), 4.0) == (0, 0, 299, 299)


def test_crops_lie_in_the_image():
    random = np.random.default_rng(0)
    for _ in range(500):
        width, height = random.integers(1, 900, 2)
        box = np.array([*random.uniform(-300, 900, 2), *random.uniform(1, 600, 2)])
        left, top, right, bottom = liveness.crop_box(width, height, box, 2.7)
        assert 0 <= left <= right < width and 0 <= top <= bottom < height


@pytest.mark.parametrize("kind", [attacks.LIVE, *attacks.KINDS])
def test_pictures_are_the_same_for_the_same_seed_and_hold_their_face(kind):
    def make():
        random = np.random.default_rng(5)
        if kind == attacks.LIVE:
            return attacks.live(PHOTO, random)
        return attacks.attack(kind, PHOTO, PHOTO.image[::-1], random)

    first, second = make(), make()
    assert (first.image == second.image).all() and (first.box == second.box).all()
    assert first.image.dtype == np.uint8
    middle = first.box[:2] + first.box[2:] / 2
    assert (middle > 0).all() and (middle < first.image.shape[1::-1]).all()


def test_a_kind_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="hologram"):
        attacks.attack("hologram", PHOTO, PHOTO.image, np.random.default_rng(0))


def test_a_box_follows_its_photo():
    matrix = np.array([[2, 0, 10], [0, 2, -5], [0, 0, 1]], float)
    assert attacks.moved(np.array([10, 20, 30, 40]), matrix) == pytest.approx([30, 35, 60, 80])


def test_a_network_can_be_made_as_strict_as_another():
    torch.manual_seed(0)
    network = LivenessNet().eval()
    crops = np.random.default_rng(0).integers(0, 256, (200, 80, 80, 3), dtype=np.uint8)
    said = np.where(np.arange(200) < 60, 0.3, 0.9)
    shift = strictness(network, crops, said)
    with torch.no_grad():
        network.head.bias[1] += shift
        scores = torch.softmax(network(torch.from_numpy(crops).permute(0, 3, 1, 2).float()), 1)[:, 1]
    assert int((scores < 0.5).sum()) == pytest.approx(60, abs=1)


def test_the_exported_network_takes_pixels_as_they_are(tmp_path):
    torch.manual_seed(0)
    network = LivenessNet().eval()
    crops = torch.randint(0, 256, (3, 3, 80, 80)).float()
    with torch.no_grad():
        expected = network(crops).numpy()
    path = tmp_path / "liveness.onnx"
    export(network.fold_scale(), path, crops, ["logits"])
    run = session(path)
    assert run.run(None, {run.get_inputs()[0].name: crops.numpy()})[0] == pytest.approx(expected, abs=0.02)
    assert path.stat().st_size < 1_500_000
