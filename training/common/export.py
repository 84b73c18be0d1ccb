"""ONNX files that are small enough for a crate: batch normalization is folded into convolutions, and weights are float16.

Each float16 weight is followed by a Cast to float, which runtimes fold when they load the model. So everything is computed in
float32.
"""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
#: Tensors with fewer values, such as biases, stay float32.
SMALLEST_HALF = 256


def export(
    network: torch.nn.Module,
    path: Path,
    example: torch.Tensor,
    outputs: list[str],
    input_name: str = "input",
    dynamic: dict[str, dict[int, str]] | None = None,
) -> None:
    """Writes `network` to `path`, and checks that ONNX Runtime computes the same as the network. Unless `dynamic` is given,
    only the batch (dimension 0) of inputs and outputs is free."""
    network = network.eval().cpu().float()
    if dynamic is None:
        dynamic = {name: {0: "batch"} for name in [input_name, *outputs]}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            network, (example,), str(whole), input_names=[input_name], output_names=outputs,
            dynamic_axes=dynamic, opset_version=OPSET, do_constant_folding=True, dynamo=False,
        )  # fmt: skip
        model = halve(onnx.load(str(whole)))
    if any(node.op_type == "BatchNormalization" for node in model.graph.node):
        raise ValueError("a batch normalization was not folded into a convolution")
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    agree(network, path, example)


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Converts the weights of `model` to float16, each followed by a cast to float. Initializers are in the order of the graph,
    so the same weights give the same bytes."""
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST_HALF or values.ndim < 2:
            kept.append(tensor)
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"{tensor.name} does not fit float16")
        half = tensor.name + ".half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [tensor.name], name=tensor.name + ".cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    return model


def agree(network: torch.nn.Module, path: Path, example: torch.Tensor, tolerance: float = 0.02) -> float:
    """The greatest difference between network and file, relative to the output's root mean square. A difference above
    `tolerance`, which allows for float16 weights, is an error."""
    from .teacher import session

    with torch.no_grad():
        expected = network(example)
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    run = session(path)
    found = run.run(None, {run.get_inputs()[0].name: example.numpy()})
    worst = 0.0
    for a, b in zip(expected, found, strict=True):
        a = a.numpy()
        worst = max(worst, float(np.abs(a - b).max() / (np.sqrt((a**2).mean()) + 1e-6)))
    if worst > tolerance:
        raise ValueError(f"{path}: differs from the network by {worst:.3f} of the output's root mean square")
    return worst
