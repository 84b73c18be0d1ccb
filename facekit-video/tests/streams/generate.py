"""Makes the streams of the tests with FFmpeg, and the digests of the frames that FFmpeg decodes from them.

Run: pip install imageio-ffmpeg && python generate.py

Each line of digests.txt has a stream, the number of a frame, its time in milliseconds, its size, and the SHA-256 of its I420 pixels."""

import hashlib
import re
import subprocess
from pathlib import Path

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FOLDER = Path(__file__).resolve().parent
PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=96x80:rate=10:duration=1.2"]
X264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "medium", "-crf", "30"]
X265 = ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-crf", "32"]

STREAMS = {
    "baseline.mp4": [*X264, "-profile:v", "baseline"],
    "main_b_frames.mp4": [*X264, "-profile:v", "main", "-bf", "3", "-x264-params", "b-pyramid=normal:keyint=8"],
    "high.mp4": [*X264, "-profile:v", "high", "-x264-params", "8x8dct=1:cabac=1"],
    "slices.mp4": [*X264, "-x264-params", "slices=4:keyint=4"],
    "cavlc.mkv": [*X264, "-profile:v", "high", "-coder", "0", "-bf", "2"],
    "high_b_frames.mkv": [*X264, "-profile:v", "high", "-bf", "4", "-x264-params", "b-pyramid=strict:weightp=2:weightb=1"],
    "full_range.mkv": [*X264, "-vf", "scale=out_range=full", "-color_range", "pc", "-colorspace", "bt709"],
    "fake_interlaced.mp4": [*X264, "-x264-params", "fake-interlaced=1"],
    "cropped.mp4": [*X264, "-vf", "scale=90:74"],
    "fragmented.mp4": [*X264, "-bf", "2", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-g", "5"],
    "with_sound.mp4": ["-f", "lavfi", "-i", "sine=duration=1.2", *X264, "-c:a", "aac", "-b:a", "32k"],
    "raw.h264": [*X264, "-bf", "2", "-x264-params", "keyint=6"],
    "h265.mp4": [*X265, "-x265-params", "log-level=none:bframes=3:keyint=6:min-keyint=6"],
    "h265_wavefront.mkv": [*X265, "-x265-params", "log-level=none:wpp=1:ctu=16:bframes=0"],
    "raw.h265": [*X265, "-x265-params", "log-level=none:bframes=2:keyint=5:min-keyint=5:open-gop=0"],
    "motion_jpeg.mkv": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "8"],
    # Streams that are refused.
    "interlaced.mp4": [*X264, "-x264-params", "tff=1"],
    "ten_bits.mp4": ["-c:v", "libx265", "-pix_fmt", "yuv420p10", "-crf", "32", "-x265-params", "log-level=none"],
    "vp9.mkv": ["-c:v", "libvpx-vp9", "-b:v", "60k"],
    "chroma_444.mp4": [*X264, "-pix_fmt", "yuv444p", "-profile:v", "high444"],
    "only_sound.mp4": ["-map", "1:a", "-f", "mp4"],
}
REFUSED = {"interlaced.mp4", "ten_bits.mp4", "vp9.mkv", "chroma_444.mp4", "only_sound.mp4"}


def run(*arguments):
    return subprocess.run([FFMPEG, "-v", "error", *map(str, arguments)], check=True, capture_output=True).stdout


def times(path):
    """The times of the frames in milliseconds, from the first one."""
    text = subprocess.run(
        [FFMPEG, "-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"],
        check=True, capture_output=True, text=True,
    ).stdout
    base = next(re.search(r"#tb 0: (\d+)/(\d+)", line) for line in text.splitlines() if line.startswith("#tb 0"))
    numerator, denominator = map(int, base.groups())
    stamps = [int(line.split(",")[2]) for line in text.splitlines() if line and not line.startswith("#")]
    return [round(1000 * (stamp - stamps[0]) * numerator / denominator) for stamp in stamps]


def main():
    lines = []
    for name, options in STREAMS.items():
        path = FOLDER / name
        sound = ["-f", "lavfi", "-i", "sine=duration=1.2"] if name == "only_sound.mp4" else []
        run("-y", *PICTURE, *sound, *options, "-bitexact", "-fflags", "+bitexact", "-flags:v", "+bitexact", path)
        if name in REFUSED or name == "motion_jpeg.mkv":
            continue
        width, height = (90, 74) if name == "cropped.mp4" else (96, 80)
        pixels = run("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-")
        size = width * height * 3 // 2
        stamps = times(path)
        assert len(pixels) == size * len(stamps), name
        for nth, stamp in enumerate(stamps):
            digest = hashlib.sha256(pixels[nth * size : (nth + 1) * size]).hexdigest()
            lines.append(f"{name} {nth} {stamp} {width}x{height} {digest}")
    (FOLDER / "digests.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
