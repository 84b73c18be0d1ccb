"""Eight threads and many calls: results are right, memory does not grow, and the GIL is released.

    cargo xtask wheel && cargo xtask py --wheel target/wheels/release/*.whl
    target/tools/wheel/bin/python facekit-py/benches/threads.py [--calls 10000] [--photo PHOTO] [--models SELECTION]

Half as many calls run before the measurement, so that the tensors of each thread and the arenas of the allocator exist. The benchmark
fails if a result is wrong, if resident memory grows by more than 5 % during the measurement, or if a Python thread that counts beside
a recognizing thread has less than 80 % of its speed alone. This needs two idle cores. On a busy machine, the limit is 80 % of the
speed beside a recognizing process."""

import argparse
import multiprocessing
import threading
import time

import numpy as np

import facekit


THREADS = 8
# Memory is measured after each tenth of the calls, also of those before the measurement.
LEAST = 2 * 10 * THREADS


def resident():
    """The resident memory in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def call_from_threads(recognizer, images, calls):
    """Makes `calls` calls from eight threads. Returns the resident memory after each tenth of them."""
    expected = [recognizer.recognize(image) for image in images]
    wrong, done, lock, memory = [], 0, threading.Lock(), []

    def work(first):
        nonlocal done
        for at in range(calls // THREADS):
            nth = (first + at) % len(images)
            if recognizer.recognize(images[nth]) != expected[nth]:
                wrong.append((first, at))
            with lock:
                done += 1
                if done % (calls // 10) == 0:
                    memory.append(resident())

    threads = [threading.Thread(target=work, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, f"{len(wrong)} results are wrong"
    return memory


def counting(seconds):
    """The number of counts of a Python thread in a second."""
    count, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        for _ in range(1000):
            count += 1
    return count / (now - begun)


def recognize(stop, options, image):
    """Recognizes until it is stopped, in a process of its own."""
    recognizer = facekit.Recognizer(**options)
    while not stop.is_set():
        recognizer.recognize(image)


def beside(recognizer, options, image, seconds):
    """The speed of a counting thread, as a share of its speed alone: beside a recognizing thread, and beside a recognizing process,
    which has its own GIL. The medians of five rounds."""
    spawn = multiprocessing.get_context("spawn")
    threads, processes = [], []
    for _ in range(5):
        alone = counting(seconds)
        stop = threading.Event()

        def work():
            while not stop.is_set():
                recognizer.recognize(image)

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(counting(seconds) / alone)
        stop.set()
        thread.join()
        stop = spawn.Event()
        process = spawn.Process(target=recognize, args=(stop, options, image))
        process.start()
        # Until the process has started.
        time.sleep(2)
        processes.append(counting(seconds) / alone)
        stop.set()
        process.join()
    return sorted(threads)[2], sorted(processes)[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--photo", action="append", default=[])
    parser.add_argument("--models", default=None)
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    if args.calls < LEAST:
        parser.error(f"--calls: {args.calls} given, at least {LEAST} needed")
    options = {"threads": 1, "max_side": 160, "passes": "one", **({"models": args.models} if args.models else {})}
    recognizer = facekit.Recognizer(**options)
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (120 + 8 * at, 160, 3), dtype=np.uint8) for at in range(3)]
    if args.photo:
        from PIL import Image

        for photo in args.photo:
            pil = Image.open(photo).convert("RGB")
            pil.thumbnail((320, 320))
            images.append(np.asarray(pil))
    before = call_from_threads(recognizer, images, args.calls // 2)[-1]
    begun = time.perf_counter()
    growth = max(call_from_threads(recognizer, images, args.calls)) / before - 1
    print(f"{args.calls} calls in {time.perf_counter() - begun:.0f} s, resident memory {before:.0f} MB, growth {growth:+.1%}")
    share, other = beside(recognizer, options, images[-1], args.seconds)
    print(f"a counting thread beside a recognizing thread: {share:.0%} of its speed alone; beside a process: {other:.0%}")
    assert growth <= 0.05, "memory grows"
    # If a process slows it down as much, the machine is busy.
    assert share >= 0.8 or share >= 0.8 * other, "the GIL is held"


if __name__ == "__main__":
    main()
