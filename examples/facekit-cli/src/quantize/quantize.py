"""Quantizes an ONNX model to 8-bit integers.

usage: quantize.py MODEL INPUTS OUTPUT

INPUTS is a folder of inputs of the model. The ranges of its values are measured on them. Each file holds one tensor of
32-bit floats in little-endian order. Its name ends with the shape: 0001_1x3x112x112.f32.

The method is the static quantization of ONNX Runtime's tools. Weights become signed 8-bit integers with a scale for each
channel. Values become unsigned 8-bit integers with a scale for each tensor. QuantizeLinear and DequantizeLinear nodes are
put around float operators.
"""

import logging
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import onnx
    from onnx import version_converter
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
except ImportError as error:
    sys.exit(f"missing: {error.name or error}")

# The first operator set with scales for each channel.
CHANNEL_SCALES = 13


class Inputs(CalibrationDataReader):
    def __init__(self, name, folder):
        self.name = name
        self.files = iter(sorted(folder.glob("*.f32")))

    def get_next(self):
        file = next(self.files, None)
        if file is None:
            return None
        shape = [int(size) for size in file.stem.rsplit("_", 1)[1].split("x")]
        return {self.name: np.fromfile(file, "<f4").reshape(shape)}


def main():
    source, inputs, output = map(Path, sys.argv[1:])
    logging.disable(logging.WARNING)
    model = onnx.load(source)
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if version < CHANNEL_SCALES:
        model = version_converter.convert_version(model, CHANNEL_SCALES)
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants]
    if len(names) != 1:
        sys.exit(f"the model has {len(names)} inputs; it must have one")
    with tempfile.TemporaryDirectory() as folder:
        converted, prepared = Path(folder, "converted.onnx"), Path(folder, "prepared.onnx")
        onnx.save(model, converted)
        quant_pre_process(str(converted), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(output),
            Inputs(names[0], inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


if __name__ == "__main__":
    main()
