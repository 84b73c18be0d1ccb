"""Eight threads, many calls: whether results are right, memory stays as it is, and the GIL is free.

    cargo xtask wheel && cargo xtask py --wheel target/wheels/release/*.whl
    target/tools/wheel/bin/python facekit-py/benches/threads.py [--calls 10000] [--photo PHOTO] [--models SELECTION]

Half as many calls come before, after which every thread's tensors and the allocator's arenas are there. Fails where a result is
wrong, resident memory has grown by more than 5 % since then, or a Python thread that counts runs at less than 80 % of its solo speed
beside one that recognises: on two cores with nothing else to do. On a busy machine the counting beside a recognising process says
what it could be."""

import argparse
import multiprocessing
import threading
import time

import numpy as np

import facekit


THREADS = 8
# Memory is looked at after each tenth of the calls, also of the half that come first.
LEAST = 2 * 10 * THREADS


def resident():
    """Resident memory in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def hammer(recognizer, images, calls):
    """`calls` calls from eight threads; resident memory after each tenth of them."""
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
    """How often a Python thread counts in a second."""
    count, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        for _ in range(1000):
            count += 1
    return count / (now - begun)


def recognize(stop, options, image):
    """Recognises until it is stopped, in a process of its own."""
    recognizer = facekit.Recognizer(**options)
    while not stop.is_set():
        recognizer.recognize(image)


def beside(recognizer, options, image, seconds):
    """The counting of a thread, as a share of its speed alone: beside a thread that recognises, and beside a process that does, which
    has a GIL of its own. The medians of five turns."""
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
        # Until it has begun.
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
    options = {"threads": 1, "max_side": 160, **({"models": args.models} if args.models else {})}
    recognizer = facekit.Recognizer(**options)
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (120 + 8 * at, 160, 3), dtype=np.uint8) for at in range(3)]
    if args.photo:
        from PIL import Image

        for photo in args.photo:
            pil = Image.open(photo).convert("RGB")
            pil.thumbnail((320, 320))
            images.append(np.asarray(pil))
    before = hammer(recognizer, images, args.calls // 2)[-1]
    begun = time.perf_counter()
    growth = max(hammer(recognizer, images, args.calls)) / before - 1
    print(f"{args.calls} calls in {time.perf_counter() - begun:.0f} s, resident memory {before:.0f} MB, growth {growth:+.1%}")
    share, other = beside(recognizer, options, images[-1], args.seconds)
    print(f"a counting thread beside a recognising one: {share:.0%} of its speed alone; beside a process: {other:.0%}")
    assert growth <= 0.05, "memory grows"
    # Where a process slows it down as much, the machine is busy.
    assert share >= 0.8 or share >= 0.8 * other, "the GIL is held"


if __name__ == "__main__":
    main()
