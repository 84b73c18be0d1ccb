"""Every form of an image in Python gives the same pixels. Other objects are refused with a reason."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from facekit._facekit import _encode_jpeg
from facekit.errors import ImageError, ImageTooLargeError

LAYOUTS = {
    "plain": lambda im: im,
    "rows apart": lambda im: np.pad(im, ((0, 0), (0, 5), (0, 0)))[:, : im.shape[1]],
    "rows apart by a few bytes": lambda im: np.lib.stride_tricks.as_strided(
        np.pad(im.reshape(im.shape[0], -1), ((0, 0), (0, 7))).copy(),
        im.shape,
        (im.shape[1] * 3 + 7, 3, 1),
    ),
    "Fortran": np.asfortranarray,
    "upside down in memory": lambda im: im[::-1].copy()[::-1],
    "mirrored in memory": lambda im: im[:, ::-1].copy()[:, ::-1],
    "transposed in memory": lambda im: im.transpose(1, 0, 2).copy().transpose(1, 0, 2),
    "channels first in memory": lambda im: im.transpose(2, 0, 1).copy().transpose(1, 2, 0),
    "channels reversed in memory": lambda im: im[..., ::-1].copy()[..., ::-1],
    "every other column": lambda im: np.repeat(im, 2, axis=1)[:, ::2],
    "every other row": lambda im: np.repeat(im, 2, axis=0)[::2],
    "part of RGBA": lambda im: np.dstack([im, im[..., :1]])[..., :3],
    "with alpha": lambda im: np.dstack([im, im[..., :1]]),
    "subclass": lambda im: im.view(type("Sub", (np.ndarray,), {})),
}


def pixels(image, color="rgb"):
    jpeg, width, height = _encode_jpeg(image, color, 4096)
    return jpeg, width, height


@pytest.fixture(params=[(37, 23), (1, 9), (9, 1), (1, 1), (64, 64)], ids=str)
def image(request, rng):
    return rng.integers(0, 256, (*request.param, 3), dtype=np.uint8)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(image, layout):
    laid = LAYOUTS[layout](image)
    assert laid.dtype == np.uint8
    expected = pixels(image)
    assert pixels(laid) == expected
    laid.flags.writeable = False
    assert pixels(laid) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_in_bgr(image, layout):
    bgr = LAYOUTS[layout](np.ascontiguousarray(image[..., ::-1]))
    assert pixels(bgr, "bgr") == pixels(image)
    # With reversed channels it is RGB.
    assert pixels(bgr[..., :3][..., ::-1]) == pixels(image)


def test_rgb_and_bgr_differ(rng):
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    assert pixels(image, "bgr") != pixels(image)


def test_gray(image):
    gray = image[..., 0]
    expected = pixels(np.ascontiguousarray(np.dstack([gray] * 3)))
    for same in (gray, np.ascontiguousarray(gray), gray[..., None], np.asfortranarray(gray), gray[::-1].copy()[::-1]):
        assert pixels(same) == expected
        assert pixels(same, "bgr") == expected


def test_files_and_bytes(rng, tmp_path):
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(image).save(path)
    content = path.read_bytes()
    for same in (path, str(path), pathlib.PurePath(path), content, bytearray(content), memoryview(content)):
        assert pixels(same) == pixels(image)
        # The order of channels of a file is known, so `color` has no effect.
        assert pixels(same, "bgr") == pixels(image)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_pil_images(rng, mode):
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    pil = Image.fromarray(image)
    pil = pil.convert(mode)
    wanted = pil.convert("RGB") if mode != "RGBA" else pil
    expected = pixels(np.asarray(wanted)[..., :3].copy())
    assert pixels(pil) == expected
    assert pixels(pil, "bgr") == expected


def test_pil_images_with_16_bits(rng, tmp_path):
    deep = rng.integers(0, 1 << 16, (30, 40), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    pil = Image.open(tmp_path / "deep.png")
    assert pil.mode == "I;16"
    assert pixels(pil) == pixels((deep >> 8).astype("uint8"))
    for mode in ("I", "F"):
        with pytest.raises(TypeError, match=f"a PIL image of mode {mode} given"):
            pixels(Image.new(mode, (8, 8)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pil_images_are_upright(rng, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    image.save(tmp_path / "photo.png", exif=exif)
    upright = ImageOps.exif_transpose(image if orientation == 1 else Image.open(tmp_path / "photo.png"))
    assert pixels(Image.open(tmp_path / "photo.png")) == pixels(np.asarray(upright))


def test_objects_with_an_array_interface(rng):
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)

    class Frame:
        __array_interface__ = image.__array_interface__

    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return image

    assert pixels(Frame()) == pixels(Tensor()) == pixels(image)


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (None, TypeError, "NoneType given"),
        (5, TypeError, "int given, a NumPy array of uint8"),
        ([[1, 2], [3, 4]], TypeError, "list given"),
        (object(), TypeError, "object given"),
        (np.zeros((4, 4, 3), "float32"), TypeError, "dtype float32 given, uint8 needed; for values from 0 to 1, use"),
        (np.zeros((4, 4, 3), "uint16"), TypeError, "dtype uint16 given"),
        (np.zeros((4, 4, 3), bool), TypeError, "dtype bool given"),
        (np.zeros((4, 4, 3), "int8"), TypeError, "dtype int8 given"),
        (np.array([[1], "x"], object), TypeError, "dtype object given"),
        (np.zeros(12, "uint8"), ValueError, "shape (12) given"),
        (np.zeros((), "uint8"), ValueError, "shape () given"),
        (np.zeros((4, 4, 2), "uint8"), ValueError, "shape (4, 4, 2) given, (height, width, 3)"),
        (np.zeros((3, 40, 50), "uint8"), ValueError, "transpose(1, 2, 0)"),
        (np.zeros((2, 4, 4, 3), "uint8"), ValueError, "pass the images of a batch one by one"),
        (np.zeros((0, 4, 3), "uint8"), ValueError, "it has no pixels"),
        (np.zeros((4, 0), "uint8"), ValueError, "it has no pixels"),
        (np.zeros((4, 4, 0), "uint8"), ValueError, "shape (4, 4, 0) given"),
        (np.broadcast_to(np.uint8(7), (100_000, 100_000, 3)), ImageTooLargeError, "over the limit"),
        (np.broadcast_to(np.uint8(7), (40_000, 3, 3)), ImageTooLargeError, "over the limit"),
        (b"", ImageError, "image"),
        (b"not an image", ImageError, "image"),
        (bytearray(b"\xff\xd8\xff"), ImageError, "image"),
        ("no/such/file.jpg", FileNotFoundError, "no/such/file.jpg"),
        (pathlib.Path(__file__), ImageError, "test_images.py"),
        (pathlib.Path(__file__).parent, OSError, "tests"),
    ],
    ids=lambda value: str(value)[:30].replace("\n", " ") if not isinstance(value, type) else value.__name__,
)
def test_invalid_images(bad, error, words):
    with pytest.raises(error) as raised:
        _encode_jpeg(bad, "rgb", 100)
    assert words in str(raised.value), raised.value


def test_an_array_with_stride_0():
    image = np.broadcast_to(np.array([10, 20, 30], "uint8"), (8, 9, 3))
    assert pixels(image) == pixels(image.copy())


def test_unknown_channel_orders(rng):
    with pytest.raises(ValueError, match='"grb" given, "rgb" or "bgr"'):
        _encode_jpeg(np.zeros((4, 4, 3), "uint8"), "grb", 100)


def test_every_method_names_its_argument(recognizer):
    for call, name in [
        (lambda: recognizer.recognize(None), "image"),
        (lambda: recognizer.detect(None), "image"),
        (lambda: recognizer.embed(None), "image"),
        (lambda: recognizer.verify(None, b""), "reference"),
        (lambda: recognizer.verify(b"", None), "probe"),
        (lambda: recognizer.identify(None), "probe"),
        (lambda: recognizer.enroll("anna", None), "photos"),
        (lambda: recognizer.enroll("anna", [None]), "photos"),
        (lambda: recognizer.embed_aligned([None]), "crops"),
        (lambda: next(recognizer.recognize_many([None])), "images"),
    ]:
        with pytest.raises(TypeError, match=f"^{name}: NoneType given"):
            call()


def test_jpegs_are_upright(rng):
    # Orientation 6 needs a clockwise turn.
    image = Image.fromarray(rng.integers(0, 256, (20, 40, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    assert pixels(file.getvalue())[1:] == (20, 40)
