import numpy as np
import pytest

from training.composites import plan, quality, render
from training.composites.blend import EYES, HEIGHT, MIDDLE, SHAPE, WIDTH, Head, bump, scattered

AHEAD = np.array([[38.3, 51.7], [73.5, 51.7], [56.0, 71.7], [41.5, 92.3], [70.5, 92.3]])


def doll() -> render.Person:
    colour = np.full((HEIGHT, WIDTH, 3), (110, 140, 200), np.float32)
    return render.Person(Head(colour, bump(0, 0.3, 1.1, 1.7), colour[0, 0], False, ()), (90, 60, 40), "crew", 3)


def test_a_head_that_looks_ahead_has_no_pose():
    assert all(abs(angle) < limit for angle, limit in zip(quality.pose(AHEAD), (2, 5, 1), strict=True))


def test_the_nose_tells_the_side():
    right = AHEAD.copy()
    right[2, 0] += 8
    assert quality.pose(right)[0] > 10


def test_quality_names_what_is_wrong():
    face = np.array([280, 150, 100, 150, *(AHEAD * 1.25 + [260, 135]).ravel(), 0.9])
    dark = quality.measure(640, 480, face, np.full((112, 112, 3), 4, np.uint8))
    assert set(quality.issues(dark, quality.RECOGNITION)) == {"sharpness", "contrast", "brightness"}
    random = np.random.default_rng(0).integers(60, 200, (112, 112, 3), dtype=np.uint8)
    assert quality.issues(quality.measure(640, 480, face, random), quality.ENROLLMENT) == []
    cut = quality.measure(330, 480, face, random)
    assert quality.issues(cut, quality.RECOGNITION) == ["visible"]


def test_a_scattered_field_passes_through_its_points_and_fades_out():
    shifts = np.array([[3, -2], [0, 4], [-3, 0], [1, 1], [2, -4]], float)
    field = scattered(SHAPE, shifts)
    for (x, y), shift in zip(SHAPE.round().astype(int), shifts, strict=True):
        assert field[y, x] == pytest.approx(shift, abs=0.6)
    assert np.abs(field[-1, 0]).max() < 0.5


def test_a_person_is_drawn_where_it_is_put_and_nowhere_else():
    scene = np.full((200, 240, 3), 50, np.float32)
    render.put(scene, doll(), render.Place(120, 80, 24), render.Light(strength=0))
    assert scene[80 + int(0.5 * 24), 120] == pytest.approx([110, 140, 200], abs=12)
    assert scene[195, 120] == pytest.approx([90, 60, 40], rel=0.3)
    assert (scene[:20] == 50).all() and (scene[:100, :60] == 50).all()


def test_a_turned_head_moves_its_nose_and_not_its_shoulders():
    depth = 1.2 * bump(0, 0.5, 1.4, 2.0)
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    nose, shoulder = (int(MIDDLE[0]), int(MIDDLE[1] + 0.5 * EYES)), (int(MIDDLE[0]), int(MIDDLE[1] + 4 * EYES))
    for x, y in (nose, shoulder):
        layer[y - 3 : y + 4, x - 3 : x + 4] = 1
    moved = render.turned(layer, depth, render.Place(0, 0, EYES, yaw=15))[..., 3]
    row = moved[nose[1]]
    assert 8 < (row * np.arange(WIDTH)).sum() / row.sum() - nose[0] < 25
    assert moved[shoulder[1], shoulder[0]] == pytest.approx(1)


def test_the_plan_knows_everybody_and_the_day_is_in_order():
    everybody = {**plan.PEOPLE, **plan.STRANGERS}
    assert len(plan.PEOPLE) == 12 and not set(plan.PEOPLE) & set(plan.STRANGERS)
    assert len(set(everybody.values())) == len(everybody)
    times = [time for time, _ in plan.FRAMES]
    assert times == sorted(times) and len(set(times)) == len(times)
    for _, present in plan.FRAMES:
        assert set(present) <= set(everybody) and len(present) == len(set(present)) <= 5
