"""python -m training.composites: makes the people of the demo. With `check`: measures them."""

import cv2

from ..common import options, paths
from ..common.log import Log
from . import check, make, sources


def main() -> None:
    parser = options.parser("Synthetic people for demos and tests.")
    parser.add_argument("what", nargs="?", choices=["make", "check"], default="make")
    parser.add_argument("--output", type=paths.Path, default=paths.ROOT / "examples" / "data", help="the folder of the demo")
    given = parser.parse_args()
    options.begin(given)
    cv2.setNumThreads(1)
    photos = sources.load(given.work, given.threads)
    if given.what == "make":
        make.write(given.output, photos, given.seed, given.threads, Log(given.work / "composites" / "log.txt"))
    if not check.report(given.output, photos, given.threads):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
