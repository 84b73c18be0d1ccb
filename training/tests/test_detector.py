import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from training.common import export
from training.detector import cells, evaluate, lessons, loss, network, scenes, textures


def outputs(height: int, width: int, put: dict[tuple[int, int], list[float]]) -> list[np.ndarray]:
    """YuNet's outputs for one image. All are zero, except for the rows of 16 numbers at (grid, cell)."""
    counts = [(height // s) * (width // s) for s in cells.STRIDES]
    made = [np.zeros((1, n, depth), np.float32) for depth in (1, 1, 4, 10) for n in counts]
    for (grid, cell), row in put.items():
        for kind, part in enumerate(np.split(np.array(row), [1, 2, 6])):
            made[3 * kind + grid][0, cell] = part
    return made


def test_outputs_are_decoded_as_in_the_model_table():
    points = [0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1]
    # Grid of stride 16 in an image 96 wide: cell 8 is in row 1, column 2.
    rows = cells.decode(outputs(64, 96, {(1, 8): [0.64, 0.81, 0.5, 0.25, np.log(2), np.log(3), *points]}), 64, 96)
    face = rows[0, (64 // 8) * (96 // 8) + 8]
    assert face[:4] == pytest.approx([40 - 16, 20 - 24, 32, 48])
    assert face[4:14].reshape(5, 2).tolist() == [[32, 16], [48, 16], [40, 24], [32, 32], [48, 32]]
    assert face[14] == pytest.approx(0.72)


def test_cells_of_one_face_are_taught_the_best_one():
    points = [0.0] * 10
    wide, narrow = [0.9, 0.9, 0, 0, np.log(4), np.log(4), *points], [0.5, 0.5, 0.1, 0, np.log(4), np.log(4.4), *points]
    rows = cells.decode(outputs(64, 64, {(0, 27): wide, (0, 28): narrow, (2, 3): [0.05, 0.05, *[0.0] * 14]}), 64, 64)
    lesson = cells.lesson(rows)
    assert (lesson.image.tolist(), lesson.cell.tolist()) == ([0, 0], [27, 28])
    assert (lesson.face == rows[0, 27, :14]).all()
    assert lesson.score[0, 28] == pytest.approx(0.5)
    assert not len(cells.lesson(np.zeros_like(rows)).face)


def test_overlap_of_boxes():
    a = np.array([[0.0, 0, 10, 10]])
    b = np.array([[5.0, 0, 10, 10], [0, 0, 10, 10], [20, 20, 5, 5]])
    assert cells.overlaps(a, b)[0].tolist() == pytest.approx([1 / 3, 1, 0])


def test_a_matched_face_is_taken_once():
    face = np.array([0.0, 0, 10, 10, 2, 2, 8, 2, 5, 5, 3, 8, 7, 8, 0.9])
    shifted, far = face.copy(), face.copy()
    shifted[0], far[0] = 1, 50
    tally = evaluate.Tally()
    tally.add(np.array([face]), np.array([face, shifted, far]))
    assert (tally.expected, tally.found, tally.extra) == (1, 1, 2)
    moved = face.copy()
    moved[4:14] += np.tile([0.0, 0.6], 5)
    assert evaluate.distance(face, moved) == pytest.approx(0.1)


def test_a_carried_face_follows_its_photo():
    face = np.array([90.0, 80, 60, 80, 105, 110, 135, 110, 120, 125, 108, 140, 132, 140, 0.9])
    matrix = scenes.placed(0.5, 30, (120, 120), (40, 50))
    moved = cells.carried(face, matrix)
    assert moved[:4] == pytest.approx([40 - 15, 50 - 20, 30, 40], abs=0.5)
    photo = np.zeros((250, 250), np.uint8)
    # The eye is at 105, 110, counted from the edges of pixels.
    photo[108:112, 103:107] = 255
    y, x = np.mgrid[0:100, 0:100]
    seen = scenes.warp(photo, matrix, 100, 100, 0, [0]).astype(float)
    centre = [(x * seen).sum() / seen.sum(), (y * seen).sum() / seen.sum()]
    assert centre == pytest.approx(moved[4:6] - 0.5, abs=0.2)


def test_shrinking_by_parts_keeps_places():
    photo = np.zeros((250, 250), np.uint8)
    photo[120:136, 40:56] = 200
    y, x = np.mgrid[0:64, 0:64]
    seen = scenes.warp(photo, scenes.placed(0.1, 0, (125, 125), (30, 30)), 64, 64, 0, [0]).astype(float)
    centre = [(x * seen).sum() / seen.sum(), (y * seen).sum() / seen.sum()]
    assert centre == pytest.approx([30 + 0.1 * (47.5 - 125), 30 + 0.1 * (127.5 - 125)], abs=0.15)


def test_scenes_follow_from_the_seed_and_have_the_size_asked_for():
    photos = np.random.default_rng(0).integers(0, 256, (3, 250, 250, 3), dtype=np.uint8)
    drawn = scenes.Scenes(photos, np.array([[1, 10, 20, 30.0, 40]]))
    different = set()
    for number in range(60):
        image = drawn.draw(np.random.default_rng([1, number]), 256, 288).image
        assert image.shape == (256, 288, 3) and image.dtype == np.uint8
        assert (image == drawn.draw(np.random.default_rng([1, number]), 256, 288).image).all()
        different.add(image.tobytes())
    assert len(different) == 60
    assert (photos == np.random.default_rng(0).integers(0, 256, (3, 250, 250, 3), dtype=np.uint8)).all()


def test_scenes_know_where_their_photos_went():
    # Uniform photos with a white spot beside the middle. The scene must be white at the place of the spot.
    photos = np.full((2, 250, 250, 3), 60, np.uint8)
    photos[:, 135:165, 85:115] = 255
    drawn, seen = scenes.Scenes(photos, np.array([[0, 85, 130.0, 30, 40]])), 0
    for number in range(40):
        for kind in (drawn.native, drawn.single, drawn.tiled):
            scene = kind(np.random.default_rng([2, number]), 256, 256)
            for _, matrix in scene.photos:
                x, y = (matrix @ [99.5, 149.5, 1]).round().astype(int)
                if 0 <= x < 256 and 0 <= y < 256 and abs(np.linalg.det(matrix[:, :2])) > 0.05:
                    assert scene.image[y, x].min() > 200
                    seen += 1
    assert seen > 100


def test_known_faces_lend_their_points_to_the_teachers():
    rows = cells.decode(outputs(64, 64, {(0, 27): [0.9, 0.9, 0, 0, np.log(4), np.log(4), *[0.5] * 10]}), 64, 64)
    known = rows[0, 27].copy()
    known[:14] += 2
    lesson = cells.lesson(rows, [known[None]])
    assert (lesson.face[0, :4] == rows[0, 27, :4]).all()
    assert (lesson.face[0, 4:] == known[4:14]).all()
    known[0] += 60
    assert (cells.lesson(rows, [known[None]]).face[0] == rows[0, 27, :14]).all()


def test_a_mirrored_face_keeps_its_image_left_first():
    face = np.array([90.0, 80, 60, 80, 105, 110, 135, 110, 118, 125, 108, 140, 132, 140, 0.9])
    mirrored = cells.carried(face, scenes.MIRROR[:2])
    assert mirrored[:4] == pytest.approx([100, 80, 60, 80])
    assert mirrored[4:14] == pytest.approx([115, 110, 145, 110, 132, 125, 118, 140, 142, 140])


def test_a_mirrored_lesson_is_that_of_mirrored_images():
    rng = np.random.default_rng(4)
    points = rng.uniform(-1, 2, 10)
    right = {cell: [0.8, 0.9, 0.2, 0.1, 1.1, 1.2, *points] for cell in ((0, 13), (1, 7), (2, 1))}
    # Cells in the same rows and in mirrored columns, of grids that are 12, 6 and 3 cells wide.
    turned = (points.reshape(5, 2)[[1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]).ravel()
    left = {cell: [0.8, 0.9, 0.8, 0.1, 1.1, 1.2, *turned] for cell in ((0, 22), (1, 10), (2, 1))}
    lesson = cells.mirrored(cells.lesson(cells.decode(outputs(64, 96, right), 64, 96)), 64, 96)
    expected = cells.lesson(cells.decode(outputs(64, 96, left), 64, 96))
    assert lesson.score == pytest.approx(expected.score)
    order = np.argsort(lesson.cell)
    assert lesson.cell[order].tolist() == expected.cell.tolist()
    assert lesson.face[order] == pytest.approx(expected.face, abs=1e-3)


def test_every_texture_is_a_frame():
    rng = np.random.default_rng(3)
    for kind in textures.KINDS:
        assert kind(rng, 40, 70).shape == (40, 70, 3)
    assert textures.texture(rng, 40, 70).dtype == np.uint8


def test_the_loss_falls_to_nothing_only_for_the_lesson_itself():
    rows = cells.decode(outputs(64, 64, {(0, 27): [0.9, 0.9, 0, 0, np.log(4), np.log(4), *[0.5] * 10]}), 64, 64)
    measure = loss.Loss(*(torch.from_numpy(part) for part in cells.grid(64, 64)))
    maps = [torch.full((1, 15, 64 // s, 64 // s), -20.0) for s in cells.STRIDES]
    maps[0][0, :, 3, 3] = torch.tensor([np.log(0.9 / 0.1), 0, 0, np.log(4), np.log(4), *[0.5] * 10])
    right, parts = measure(maps, cells.lesson(rows))
    assert parts["box"] < 1e-5 and parts["points"] < 1e-5 and right < 1e-5
    for channel in range(15):
        wrong = [m.clone() for m in maps]
        wrong[0][0, channel, 3, 3] += 0.3
        assert measure(wrong, cells.lesson(rows))[0] > right + 1e-4


def test_the_file_has_yunets_outputs_for_any_batch_and_size(tmp_path):
    torch.manual_seed(0)
    student = network.Student()
    for _ in range(2):
        student(torch.rand(2, 3, 64, 64))
    path = tmp_path / "detector.onnx"
    names = network.YuNetOutputs.NAMES
    dynamic = {name: {0: "batch", 1: f"cells_{name.split('_')[1]}"} for name in names}
    dynamic["input"] = {0: "batch", 2: "height", 3: "width"}
    example = 255 * torch.rand(1, 3, 96, 64)
    export.export(network.YuNetOutputs(student), path, example, names, dynamic=dynamic)
    kinds = {node.op_type for node in onnx.load(str(path)).graph.node}
    assert not kinds & {"Shape", "Gather", "BatchNormalization", "Div"}

    images = 255 * torch.rand(3, 3, 64, 128)
    run = onnxruntime.InferenceSession(str(path))
    found = run.run(None, {"input": images.numpy()})
    assert [o.name for o in run.get_outputs()] == names
    student.eval()
    with torch.no_grad():
        maps = student(images / 255)
    rows = torch.cat([m.flatten(2) for m in maps], 2).transpose(1, 2).numpy()
    decoded = cells.decode(found, 64, 128)
    assert decoded[..., 14] == pytest.approx(1 / (1 + np.exp(-rows[..., 0])), abs=1e-3)
    assert np.concatenate(found[6:9], 1) == pytest.approx(rows[..., 1:5], abs=0.02)


class Numbers:
    """Lessons whose images contain their number."""

    def __getitem__(self, number):
        lesson = cells.lesson(np.zeros((1, 21, 15), np.float32))
        return np.full((1, 32, 32, 3), number, np.uint8), lesson


def test_a_batch_is_taught_three_times_and_a_resumed_training_goes_on_with_the_next():
    def taught(start, steps):
        return [int(images[0, 0, 0, 0]) for images, _ in lessons.teach(Numbers, start, steps)]

    whole = taught(0, 300)
    assert np.bincount(whole)[1:50].tolist() == [3] * 49
    assert taught(200, 300) == whole[200:]
    assert taught(300, 300) == []
