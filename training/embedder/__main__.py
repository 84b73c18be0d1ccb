"""python -m training.embedder: trains facekit-nano/models/embedder.onnx."""

import torch

from ..common import export, options, paths
from ..common.log import Log
from . import pool, train


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--faces", type=int, default=393_216, help="number of faces in the pool")
    parser.add_argument("--steps", type=int, default=16_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0.04, help="learning rate of Muon; that of AdamW is a twentieth")
    parser.add_argument("--constant", type=float, default=0.3, help="fraction of the steps before the rate falls")
    parser.add_argument("--hint", type=float, default=0.3, help="weight of the loss of the feature map")
    parser.add_argument("--similarity", type=float, default=0.5, help="weight of the loss of the similarities")
    parser.add_argument("--output", type=str, default=None, help="file to write (facekit-nano/models/embedder.onnx)")
    chosen = parser.parse_args()
    device = options.begin(chosen)
    log = Log(chosen.work / "embedder.log")
    recipe = pool.Recipe(chosen.work, chosen.people, chosen.seed)
    shards = pool.make(recipe, chosen.faces, chosen.threads, log)
    faces = pool.Pool(shards, chosen.seed, copied=None if device.type == "cpu" else device)
    network = train.train(chosen, faces, device, log)
    output = chosen.output or paths.shipped("embedder.onnx")
    export.export(network, paths.Path(output), torch.randn(2, 3, 112, 112), ["embedding"], input_name="face")
    log(f"embedder: {output}")


if __name__ == "__main__":
    main()
