"""MobileFaceNet in PyTorch. It is faster in bfloat16 than ONNX Runtime in float32, and gives access to feature maps."""

import shutil

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from ..common import paths
from ..common.teacher import MEAN, STD

#: The name of the last feature map (128 × 7 × 7), which the student also learns to predict.
FEATURES = "/features/features.14/Add_output_0"


class Teacher(nn.Module):
    """From aligned RGB faces, uint8 (n, 112, 112, 3), to unit embeddings (n, 128) and the last feature map."""

    def __init__(self):
        super().__init__()
        graph = onnx.load(str(paths.weights("mobilefacenet.onnx"))).graph
        values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        values |= {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"}
        self.steps = []
        for node in graph.node:
            name = f"step{len(self.steps)}"
            if node.op_type == "Constant":
                continue
            if node.op_type == "Conv":
                options = {a.name: list(a.ints) or a.i for a in node.attribute}
                weight, bias = (torch.from_numpy(values[key].copy()) for key in node.input[1:3])
                conv = nn.Conv2d(
                    weight.shape[1] * options["group"], weight.shape[0], options["kernel_shape"],
                    options["strides"], options["pads"][:2], groups=options["group"],
                )  # fmt: skip
                conv.weight.data, conv.bias.data = weight, bias
                self.add_module(name, conv)
                kind, inputs = name, [node.input[0]]
            elif node.op_type == "Clip":
                low, high = (float(values[key]) for key in node.input[1:3])
                kind, inputs = (low, high), [node.input[0]]
            elif node.op_type in ("Relu", "Add", "Reshape"):
                kind, inputs = node.op_type, list(node.input)[: 2 if node.op_type == "Add" else 1]
            else:
                raise ValueError(f"mobilefacenet.onnx: {node.op_type} is not expected")
            self.steps.append((kind, inputs, node.output[0]))
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.register_buffer("mean", torch.from_numpy(MEAN * 255).view(1, 3, 1, 1))
        self.register_buffer("std", torch.from_numpy(STD * 255).view(1, 3, 1, 1))

    def forward(self, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = (faces.permute(0, 3, 1, 2).float() - self.mean) / self.std
        values = {self.input: x.to(self.mean.dtype)}
        for kind, inputs, output in self.steps:
            x = values[inputs[0]]
            if isinstance(kind, tuple):
                x = x.clamp(*kind)
            elif kind == "Relu":
                x = x.relu()
            elif kind == "Add":
                x = x + values[inputs[1]]
            elif kind == "Reshape":
                x = x.flatten(1)
            else:
                x = self.get_submodule(kind)(x)
            values[output] = x
        return nn.functional.normalize(values[self.output].float()), values[FEATURES].float()


def teacher(device: torch.device) -> Teacher:
    """The teacher in bfloat16, ready to run."""
    network = Teacher().eval().requires_grad_(False)
    return network.to(device, torch.bfloat16, memory_format=torch.channels_last)


def compiled(network: Teacher, device: torch.device) -> torch.nn.Module:
    """On a processor with a C++ compiler, the network compiled by torch.compile, which is several times as fast. Otherwise the
    network itself: on a GPU, compiling takes longer than all faces of a pool."""
    return torch.compile(network) if device.type == "cpu" and shutil.which("c++") else network
