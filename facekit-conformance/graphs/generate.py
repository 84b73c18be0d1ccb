"""Makes the graphs of the runtime suite and their expected results.

    python generate.py

`operators/NAME.onnx` is a graph. `operators/NAME.json` is a list of runs, each with inputs and expected outputs, and the
tolerance. ONNX Runtime computes the expected outputs, and ONNX's reference evaluator must agree. `behaviors/` holds graphs for
single tests. Needs onnx and onnxruntime. The seed is fixed, so a second run writes the same files.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
TYPES = {"f32": (TensorProto.FLOAT, np.float32), "i64": (TensorProto.INT64, np.int64), "u8": (TensorProto.UINT8, np.uint8)}
NAMES = {np.dtype(array): name for name, (_, array) in TYPES.items()}

# For these, the reference evaluator does not follow the specification.
REFERENCE_DIFFERS = {
    "maxpool_asymmetric_pads": "fails",
    "softmax_flattened": "uses `axis` as opset 13 does, without flattening",
}

random = np.random.default_rng(20240229)


def f32(*shape):
    return random.uniform(-2, 2, shape).round(2).astype(np.float32)


def i64(*values):
    return np.array(values, np.int64)


class Graph:
    """Collects the nodes and constants of one graph."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, array):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def __call__(self, operator, *inputs, outputs=None, domain="", **attributes):
        """Adds a node; arrays among the inputs become constants. Returns the first output's name."""
        inputs = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        number = len(self.nodes)
        outputs = outputs or [f"value_{number}"]
        node = helper.make_node(
            operator, inputs, outputs, f"{operator}_{number}", domain=domain, **attributes
        )
        self.nodes.append(node)
        return outputs[0]

    def model(self, inputs, outputs, opset=13, domains=()):
        """The model with these `inputs` and `outputs`, each a tuple (name, element type, dimensions)."""
        infos = [
            [helper.make_tensor_value_info(name, TYPES[element][0], shape) for name, element, shape in ports]
            for ports in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "graph", *infos, self.constants)
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=7)


def write_model(path, model):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def tensor(array):
    array = np.asarray(array)
    if array.dtype == np.float32:
        values = [float(str(value)) for value in array.ravel()]
    else:
        values = array.ravel().tolist()
    return {"element": NAMES[array.dtype], "shape": list(array.shape), "values": values}


CLOSENESS = {"exact": (0, 0), "close": (1e-6, 1e-5), "summed": (1e-5, 1e-4)}


def write_case(folder, name, model, runs, tolerance):
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [port.name for port in session.get_inputs()]
    case = {"tolerance": tolerance, "runs": []}
    for inputs in runs:
        feed = dict(zip(names, inputs, strict=True))
        outputs = session.run(None, feed)
        if name not in REFERENCE_DIFFERS:
            absolute, relative = CLOSENESS[tolerance]
            for ours, theirs in zip(outputs, ReferenceEvaluator(model).run(None, feed), strict=True):
                np.testing.assert_allclose(ours, theirs, relative, absolute, err_msg=name)
        assert all(np.isfinite(output).all() for output in outputs), name
        case["runs"].append({"inputs": [tensor(x) for x in inputs], "outputs": [tensor(x) for x in outputs]})
    write_model(HERE / folder / f"{name}.onnx", model)
    (HERE / folder / f"{name}.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")


def operator(name, build, *inputs, opset=13, tolerance="close", fixed=True, shape=None, runs=None):
    """Writes a case with one output. Its shape is inferred unless `shape` is given. `build(graph, *names)` returns its name."""
    graph = Graph()
    ports = []
    for number, array in enumerate(inputs):
        dims = array.shape if fixed else [None] * array.ndim
        ports.append((f"input_{number}", NAMES[array.dtype], dims))
    result = build(graph, *(port[0] for port in ports))
    graph.nodes[-1].output[0] = "output"
    assert result == f"value_{len(graph.nodes) - 1}", name
    probe = Graph()
    probe.nodes, probe.constants = graph.nodes, graph.constants
    untyped = probe.model(ports, [], opset)
    untyped.graph.output.append(onnx.ValueInfoProto(name="output"))
    inferred = onnx.shape_inference.infer_shapes(untyped).graph.output[0].type.tensor_type
    element = {number: key for key, (number, _) in TYPES.items()}[inferred.elem_type]
    if shape is None:
        assert inferred.HasField("shape"), name
        shape = [d.dim_value if d.HasField("dim_value") else None for d in inferred.shape.dim]
    model = graph.model(ports, [("output", element, shape)], opset)
    write_case("operators", name, model, runs or [inputs], tolerance)


def convolutions():
    def conv(name, channels, weights, bias=True, size=(7, 6), **attributes):
        w = f32(*weights)
        more = [f32(weights[0])] if bias else []
        operator(
            name,
            lambda g, x: g("Conv", x, w, *more, **attributes),
            f32(1, channels, *size),
            tolerance="summed",
        )

    conv("conv", 3, (4, 3, 3, 3), pads=[1, 1, 1, 1])
    conv("conv_pointwise", 5, (6, 5, 1, 1), bias=False)
    conv("conv_grouped", 4, (6, 2, 3, 3), group=2, pads=[1, 1, 1, 1])
    conv("conv_depthwise", 5, (5, 1, 3, 3), group=5, pads=[1, 1, 1, 1])
    conv("conv_depthwise_strided", 5, (5, 1, 3, 3), group=5, pads=[1, 1, 1, 1], strides=[2, 2])
    conv("conv_depthwise_multiplier", 3, (6, 1, 3, 3), group=3)
    conv("conv_global_depthwise", 4, (4, 1, 7, 6), group=4, bias=False)
    conv("conv_strided", 3, (4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    conv("conv_strides_differ", 3, (4, 3, 3, 2), strides=[1, 2])
    conv("conv_dilated", 2, (3, 2, 3, 3), dilations=[2, 2], pads=[2, 2, 2, 2])
    conv("conv_asymmetric_pads", 2, (3, 2, 3, 3), pads=[0, 1, 2, 0], strides=[2, 2])
    conv("conv_same_upper", 2, (3, 2, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    conv("conv_same_lower", 2, (3, 2, 4, 4), auto_pad="SAME_LOWER")
    conv("conv_valid", 2, (3, 2, 3, 3), auto_pad="VALID")
    w = f32(3, 2, 3, 3)
    operator(
        "conv_batch",
        lambda g, x: g("Conv", x, w, pads=[1, 1, 1, 1]),
        f32(1, 2, 4, 5),
        fixed=False,
        runs=[[f32(1, 2, 4, 5)], [f32(3, 2, 5, 4)], [f32(1, 2, 4, 5)]],
        tolerance="summed",
    )


def activations():
    def one(name, operator_name, *more, opset=13, x=None, **attributes):
        operator(
            name,
            lambda g, x: g(operator_name, x, *more, **attributes),
            f32(2, 3, 4, 5) if x is None else x,
            opset=opset,
        )

    wide = 4 * f32(2, 3, 4, 5)
    one("relu", "Relu")
    one("prelu", "PRelu", f32(3, 1, 1))
    one("prelu_shared", "PRelu", f32(1))
    one("leaky_relu", "LeakyRelu", alpha=0.1)
    one("leaky_relu_default", "LeakyRelu")
    one("elu", "Elu", alpha=0.7)
    one("sigmoid", "Sigmoid", x=wide)
    one("tanh", "Tanh", x=wide)
    one("exp", "Exp")
    one("hard_sigmoid", "HardSigmoid", x=wide, alpha=0.15, beta=0.4)
    one("hard_sigmoid_default", "HardSigmoid", x=wide)
    one("hard_swish", "HardSwish", x=wide, opset=14)
    one("clip_attributes", "Clip", opset=10, min=-0.5, max=1.25)
    one("clip_attributes_max", "Clip", opset=6, max=1.25)
    one("clip", "Clip", np.float32(-0.5), np.float32(1.25))
    one("clip_max", "Clip", "", np.float32(0.75))
    one("clip_min", "Clip", np.float32(-0.75))
    one("batch_normalization", "BatchNormalization", f32(3), f32(3), f32(3), np.abs(f32(3)) + 0.1, opset=15, epsilon=1e-3)
    one("softmax", "Softmax", axis=1)
    one("softmax_last", "Softmax")
    one("softmax_flattened", "Softmax", opset=11, axis=1)
    three, six = np.float32(3), np.float32(6)

    def sigmoid(g, x):
        return g("Div", g("Clip", g("Add", x, three), np.float32(0), six), six)

    operator("hard_sigmoid_composed", sigmoid, wide)
    operator("hard_swish_composed", lambda g, x: g("Mul", x, sigmoid(g, x)), wide)
    operator("swish_composed", lambda g, x: g("Mul", x, g("Sigmoid", x)), wide)


def pools():
    def pool(name, operator_name, size=(7, 6), opset=13, **attributes):
        operator(name, lambda g, x: g(operator_name, x, **attributes), f32(1, 3, *size), opset=opset)

    pool("maxpool", "MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    pool("maxpool_pads", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    pool("maxpool_asymmetric_pads", "MaxPool", kernel_shape=[3, 2], pads=[0, 0, 2, 1])
    pool("maxpool_ceil_mode", "MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    pool("maxpool_dilated", "MaxPool", kernel_shape=[2, 2], dilations=[2, 2])
    pool("maxpool_same_upper", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    pool("averagepool", "AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    pool("averagepool_pads", "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    pool(
        "averagepool_count_include_pad",
        "AveragePool",
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1, 1, 1, 1],
        count_include_pad=1,
    )
    pool("averagepool_ceil_mode", "AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    pool("global_average_pool", "GlobalAveragePool")
    pool("global_max_pool", "GlobalMaxPool")


def products():
    operator("gemm", lambda g, x: g("Gemm", x, f32(4, 5)), f32(3, 4), tolerance="summed")
    operator(
        "gemm_transposed",
        lambda g, x: g("Gemm", x, f32(5, 4), f32(5), transB=1),
        f32(3, 4),
        tolerance="summed",
    )
    operator(
        "gemm_scaled",
        lambda g, x: g("Gemm", x, f32(5, 4), f32(3, 1), transA=1, transB=1, alpha=0.5, beta=-1.5),
        f32(4, 3),
        tolerance="summed",
    )
    operator("matmul", lambda g, a, b: g("MatMul", a, b), f32(3, 4), f32(4, 5), tolerance="summed")
    operator("matmul_batched", lambda g, a, b: g("MatMul", a, b), f32(2, 1, 3, 4), f32(5, 4, 2), tolerance="summed")
    operator("matmul_vector", lambda g, a: g("MatMul", a, f32(4)), f32(3, 4), tolerance="summed")


def arithmetic():
    for name in ("Add", "Sub", "Mul", "Div"):
        other = np.abs(f32(3, 1, 5)) + 0.5
        operator(f"{name.lower()}_broadcast", lambda g, a, b: g(name, a, b), f32(2, 3, 4, 5), other)
        operator(f"{name.lower()}_constant", lambda g, a: g(name, a, np.float32(1.7)), f32(2, 3))
    operator("sqrt", lambda g, x: g("Sqrt", x), np.abs(f32(2, 3)) + 0.1)
    operator("pow", lambda g, x: g("Pow", x, np.float32(2)), f32(2, 3))
    operator("max", lambda g, a, b: g("Max", a, b), f32(2, 3), f32(3))
    operator("min", lambda g, a, b: g("Min", a, b), f32(2, 3), f32(2, 1))
    for name, axes, keep in (("ReduceMean", [2, 3], 1), ("ReduceMean", [-1], 0), ("ReduceL2", [1], 1), ("ReduceSum", None, 0), ("ReduceMax", [1, 2], 1)):
        if name == "ReduceSum":
            operator("reduce_sum", lambda g, x: g("ReduceSum", x, i64(1, 3), keepdims=keep), f32(2, 3, 4, 5))
        else:
            label = "_".join(str(axis).replace("-", "last_") for axis in axes)
            file = "".join("_" + c.lower() if c.isupper() else c for c in name)[1:]
            operator(
                f"{file}_axes_{label}",
                lambda g, x: g(name, x, axes=axes, keepdims=keep),
                f32(2, 3, 4, 5),
            )
    operator("reduce_mean_input_axes", lambda g, x: g("ReduceMean", x, i64(2, 3)), f32(2, 3, 4, 5), opset=18)
    operator("reduce_l2_input_axes", lambda g, x: g("ReduceL2", x, i64(1), keepdims=1), f32(2, 6), opset=18)
    operator(
        "unit_length",
        lambda g, x: g("Div", x, g("Clip", g("ReduceL2", x, axes=[1], keepdims=1), np.float32(1e-12))),
        f32(2, 6),
    )


def shapes():
    def exact(name, build, *inputs, **options):
        operator(name, build, *inputs, tolerance="exact", **options)

    exact("concat", lambda g, a, b: g("Concat", a, b, axis=1), f32(2, 3, 4), f32(2, 1, 4))
    exact("concat_last", lambda g, a, b: g("Concat", a, b, a, axis=-1), f32(2, 3), f32(2, 1))
    exact("reshape", lambda g, x: g("Reshape", x, i64(0, -1)), f32(2, 3, 4))
    exact("reshape_fixed", lambda g, x: g("Reshape", x, i64(4, 6)), f32(2, 3, 4))
    exact("reshape_zero_last", lambda g, x: g("Reshape", x, i64(-1, 0, 2)), f32(2, 3, 4))
    exact("transpose", lambda g, x: g("Transpose", x, perm=[0, 2, 3, 1]), f32(1, 3, 4, 5))
    exact("transpose_reversed", lambda g, x: g("Transpose", x), f32(2, 3, 4))
    exact("flatten", lambda g, x: g("Flatten", x), f32(2, 3, 4))
    exact("flatten_axis", lambda g, x: g("Flatten", x, axis=2), f32(2, 3, 4))
    exact("slice", lambda g, x: g("Slice", x, i64(1, 0), i64(3, -1), i64(1, 2), i64(1, 2)), f32(2, 5, 4))
    exact("slice_reversed", lambda g, x: g("Slice", x, i64(-1), i64(-(2**62)), i64(1), i64(-1)), f32(2, 5))
    exact("slice_past_end", lambda g, x: g("Slice", x, i64(2), i64(2**62), i64(1)), f32(2, 5))
    exact("slice_attributes", lambda g, x: g("Slice", x, starts=[0, 1], ends=[9, 3]), f32(2, 5), opset=9)
    exact("squeeze", lambda g, x: g("Squeeze", x, i64(0, -1)), f32(1, 3, 1, 1))
    exact("squeeze_attribute", lambda g, x: g("Squeeze", x, axes=[2]), f32(1, 3, 1), opset=11)
    exact("unsqueeze", lambda g, x: g("Unsqueeze", x, i64(0, 3)), f32(2, 3))
    exact("unsqueeze_attribute", lambda g, x: g("Unsqueeze", x, axes=[1]), f32(2, 3), opset=11)
    exact("pad", lambda g, x: g("Pad", x, i64(0, 1, 2, 0), np.float32(0.5)), f32(2, 3))
    exact("gather", lambda g, x: g("Gather", x, i64(2, 0, -1), axis=1), f32(2, 3))
    exact("split", lambda g, x: (g("Split", x, outputs=["left", "right"], axis=1), g("Concat", "right", "left", axis=1))[1], f32(2, 4))
    exact("identity", lambda g, x: g("Identity", x), f32(2, 3))
    exact("i64_add", lambda g, x: g("Add", x, i64(1, -(2**40), 2**53 + 1)), np.array([[1, 2, 3], [-4, 2**40, 6]], np.int64))
    exact("i64_indices", lambda g, x, at: g("Gather", x, at, axis=0), f32(4, 3), i64(3, 0, 1))
    exact("i64_shape", lambda g, x: g("Shape", x), f32(2, 3, 4), fixed=False, runs=[[f32(2, 3, 4)], [f32(5, 1, 2)]])
    exact("u8_transpose", lambda g, x: g("Transpose", x, perm=[2, 0, 1]), random.integers(0, 256, (4, 5, 3), np.uint8))
    operator(
        "u8_normalized",
        lambda g, x: g("Div", g("Sub", g("Cast", x, to=TensorProto.FLOAT), np.float32(127.5)), np.float32(128)),
        random.integers(0, 256, (1, 3, 4, 5), np.uint8),
    )


def resizes():
    def resize(name, size=(4, 5), scales=(2, 2), opset=13, **attributes):
        operator(
            name,
            lambda g, x: g("Resize", x, *([""] if opset > 11 else [np.zeros(0, np.float32)]), np.array([1, 1, *scales], np.float32), **attributes),
            f32(1, 2, *size),
            opset=opset,
        )

    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    resize("resize_nearest", **nearest)
    resize("resize_nearest_opset_11", opset=11, **nearest)
    resize("resize_nearest_default", mode="nearest")
    resize("resize_nearest_half", scales=(0.5, 0.5), size=(4, 6), **nearest)
    resize("resize_linear_half_pixel", mode="linear", coordinate_transformation_mode="half_pixel")
    resize("resize_linear_down", scales=(0.5, 0.5), size=(4, 6), mode="linear", coordinate_transformation_mode="half_pixel")
    resize("resize_linear_pytorch", mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    resize("resize_linear_align_corners", mode="linear", coordinate_transformation_mode="align_corners")
    resize("resize_linear_asymmetric", mode="linear", coordinate_transformation_mode="asymmetric")
    operator(
        "resize_sizes",
        lambda g, x: g("Resize", x, "", "", i64(1, 2, 7, 3), **nearest),
        f32(1, 2, 4, 5),
    )


def dynamic():
    """Graphs like those of detectors, which compute shapes from the shape of the input."""

    def head(g, x):
        conv = g("Conv", x, weights, pads=[1, 1, 1, 1], strides=[2, 2])
        last = g("Transpose", conv, perm=[0, 2, 3, 1])
        batch = g("Gather", g("Shape", last), i64(0), axis=0)
        shape = g("Concat", batch, i64(-1), i64(4), axis=0)
        return g("Sigmoid", g("Reshape", last, shape))

    weights = f32(4, 3, 3, 3)
    sizes = [(1, 4, 4), (1, 2, 8), (2, 4, 2), (1, 4, 4), (1, 5, 3)]
    operator(
        "dynamic_head",
        head,
        f32(1, 3, 4, 4),
        fixed=False,
        shape=[None, None, 4],
        tolerance="summed",
        runs=[[f32(batch, 3, height, width)] for batch, height, width in sizes],
    )

    def pyramid(g, x):
        small = g("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        size = g("Slice", g("Shape", x), i64(2), i64(4), i64(0))
        lead = g("Slice", g("Shape", small), i64(0), i64(2), i64(0))
        target = g("Concat", lead, size, axis=0)
        grown = g(
            "Resize", small, "", "", target,
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )
        return g("Add", x, grown)

    operator(
        "dynamic_pyramid",
        pyramid,
        f32(1, 2, 4, 4),
        fixed=False,
        runs=[[f32(1, 2, 4, 4)], [f32(1, 2, 6, 10)], [f32(1, 2, 4, 4)]],
    )


def halves():
    """Weights that are stored as 16-bit floats and cast to 32 bits by the first nodes."""
    weights, bias = f32(4, 3, 3, 3).astype(np.float16), f32(4).astype(np.float16)

    def wide(g, constant):
        return g("Cast", constant, to=TensorProto.FLOAT)

    def conv(g, x):
        return g("Conv", x, wide(g, weights), wide(g, bias), pads=[1, 1, 1, 1])

    operator("halves_conv", conv, f32(1, 3, 7, 6), tolerance="summed")
    sizes = [[f32(1, 3, 4, 5)], [f32(2, 3, 5, 4)]]
    operator("halves_conv_any_size", conv, *sizes[0], fixed=False, runs=sizes, tolerance="summed")
    factors = f32(8, 5).astype(np.float16)
    operator("halves_matmul", lambda g, x: g("MatMul", x, wide(g, factors)), f32(2, 8), tolerance="summed")
    scale = np.array(0.3, np.float16)
    operator("halves_scalar", lambda g, x: g("Mul", x, wide(g, scale)), f32(2, 8))


def behaviors():
    # Outputs that are neither in the order of computation nor in alphabetical order.
    graph = Graph()
    graph("Add", "first", "second", outputs=["b"])
    graph("Mul", "b", "second", outputs=["c"])
    graph("Sub", "c", "first", outputs=["a"])
    ports = [(name, "f32", shape) for name, shape in (("second", [2, 3]), ("first", [3]))]
    outputs = [("c", "f32", [2, 3]), ("a", "f32", [2, 3]), ("b", "f32", [2, 3])]
    write_case("behaviors", "ordered", graph.model(ports, outputs), [[f32(2, 3), f32(3)]], "close")

    # One input and one output of each element type.
    graph = Graph()
    for name in ("floats", "integers", "bytes"):
        graph("Identity", name, outputs=[f"{name}_out"])
    shapes = {"floats": ("f32", [1, 2, None]), "integers": ("i64", [3]), "bytes": ("u8", [None, 2])}
    model = graph.model(
        [(name, *port) for name, port in shapes.items()],
        [(f"{name}_out", *port) for name, port in shapes.items()],
    )
    inputs = [f32(1, 2, 4), i64(1, 2, 3), np.array([[0, 255]], np.uint8)]
    write_case("behaviors", "typed", model, [inputs], "exact")

    # Indices that are an input.
    graph = Graph()
    graph("Gather", "table", "indices", outputs=["rows"], axis=0)
    ports = [("table", "f32", [4, 3]), ("indices", "i64", [3])]
    model = graph.model(ports, [("rows", "f32", [3, 3])])
    write_case("behaviors", "indexed", model, [[f32(4, 3), i64(3, -1, 1)]], "exact")

    # A convolution over images of any size. Its two branches have the same shape only if both sides are even.
    graph = Graph()
    graph("Conv", "image", f32(4, 3, 3, 3), f32(4), outputs=["wide"], pads=[1, 1, 1, 1])
    graph("MaxPool", "wide", outputs=["small"], kernel_shape=[2, 2], strides=[2, 2])
    graph(
        "Resize", "small", "", np.array([1, 1, 2, 2], np.float32), outputs=["grown"],
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )
    graph("Add", "wide", "grown", outputs=["sum"])
    image = ["batch", 3, "height", "width"]
    model = graph.model([("image", "f32", image)], [("sum", "f32", ["batch", 4, "height", "width"])])
    sizes = [(1, 4, 4), (1, 2, 6), (2, 2, 2), (1, 4, 4), (1, 10, 2), (1, 2, 6)]
    write_case("behaviors", "any_size", model, [[f32(b, 3, h, w)] for b, h, w in sizes], "summed")

    # Operators that no runtime has: one that ONNX does not have, and one with the name of an ONNX operator in another domain.
    for name, operator_name, domain in (("unknown_operator", "Frobnicate", ""), ("unknown_domain", "Relu", "example")):
        for variant, shape in (("", [1, 3]), ("_any_size", [1, "width"])):
            graph = Graph()
            graph("Relu", "x", outputs=["y"])
            graph(operator_name, "y", outputs=["z"], domain=domain)
            model = graph.model([("x", "f32", shape)], [("z", "f32", shape)], domains=[domain] if domain else [])
            write_model(HERE / "behaviors" / f"{name}{variant}.onnx", model)


if __name__ == "__main__":
    for old in [*HERE.glob("*/*.onnx"), *HERE.glob("*/*.json")]:
        old.unlink()
    for family in (convolutions, activations, pools, products, arithmetic, shapes, resizes, dynamic, behaviors, halves):
        family()
