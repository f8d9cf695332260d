"""MoveNet's public TensorFlow.js graph as plain TensorFlow operations, without the tensorflowjs package.

The JSON file holds a GraphDef whose constants lie in the ``.bin`` file beside it. Every node is emitted again as an
ordinary TensorFlow operation; fused convolutions are split, so that the converter sees what it can quantise.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

SIZES_PX = {"lightning": 192, "thunder": 256}
#: The image scaled to -1..1: here the network begins.
NORMALISED = "StatefulPartitionedCall/sub_1"
#: The four maps at the end of the network: here post-processing begins.
HEADS = {
    "center": "StatefulPartitionedCall/center_0/conv2d_4/BiasAdd",
    "heatmap": "StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd",
    "regress": "StatefulPartitionedCall/kpt_regress_0/conv2d_6/BiasAdd",
    "offset": "StatefulPartitionedCall/kpt_offset_0/conv2d_7/BiasAdd",
}
OUTPUT = "Identity"
_DTYPES = {"float32": np.float32, "float16": np.float16, "int32": np.int32, "uint8": np.uint8, "bool": np.bool_}
_TF_DTYPES = {"DT_FLOAT": tf.float32, "DT_INT32": tf.int32}
_CONVOLUTIONS = ("_FusedConv2D", "Conv2D", "FusedDepthwiseConv2dNative", "DepthwiseConv2dNative")

Node = dict[str, Any]
Layer = Callable[[Node, list[Any]], Any]


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def read_weights(path: Path) -> tuple[dict[str, Node], dict[str, NDArray[Any]]]:
    """Nodes and constants of a TensorFlow.js graph model, by name, constants as the dtype the graph wants."""
    model = json.loads(path.read_text())
    weights: dict[str, NDArray[Any]] = {}
    for group in model["weightsManifest"]:
        data = b"".join((path.parent / part).read_bytes() for part in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {})
            dtype = _DTYPES[stored.get("dtype", entry["dtype"])]
            count = int(np.prod(entry["shape"])) if entry["shape"] else 1
            array = np.frombuffer(data, dtype, count, offset)
            offset += array.nbytes
            if "scale" in stored:
                array = array.astype(np.float32) * stored["scale"] + stored.get("min", 0)
            weights[entry["name"]] = array.astype(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
        if offset != len(data):
            raise ValueError(f"{path}: weights file has {len(data)} bytes, the graph names {offset}")
    return {node["name"]: node for node in model["modelTopology"]["node"]}, weights


def is_convolution(node: Node) -> bool:
    return node["op"] in _CONVOLUTIONS


def is_depthwise(node: Node) -> bool:
    return "epthwise" in node["op"]


def activation(node: Node) -> str | None:
    """``"Relu"``, ``"Relu6"`` or None: what is fused into a convolution."""
    fused = [_text(name) for name in node.get("attr", {}).get("fused_ops", {}).get("list", {}).get("s", [])]
    return next((name for name in fused if name.startswith("Relu")), None)


def _convolve(node: Node, inputs: list[Any]) -> Any:
    attributes = node["attr"]
    strides = [int(value) for value in attributes["strides"]["list"]["i"]]
    padding = _text(attributes["padding"]["s"])
    run = tf.nn.depthwise_conv2d if is_depthwise(node) else tf.nn.conv2d
    result = run(inputs[0], inputs[1], strides, padding)
    if len(inputs) > 2:
        result = tf.nn.bias_add(result, inputs[2])
    kind = activation(node)
    return {None: tf.identity, "Relu": tf.nn.relu, "Relu6": tf.nn.relu6}[kind](result)


def _resize(node: Node, inputs: list[Any]) -> Any:
    attributes = node["attr"]
    return tf.raw_ops.ResizeBilinear(
        images=inputs[0],
        size=inputs[1],
        align_corners=attributes.get("align_corners", {}).get("b", False),
        half_pixel_centers=attributes.get("half_pixel_centers", {}).get("b", False),
    )


def _axis(node: Node) -> int:
    return int(node["attr"].get("axis", {}).get("i", 0))


_OPERATIONS: dict[str, Layer] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolve),
    "ResizeBilinear": _resize,
    "AddV2": lambda n, i: i[0] + i[1],
    "Sub": lambda n, i: i[0] - i[1],
    "Mul": lambda n, i: i[0] * i[1],
    "RealDiv": lambda n, i: i[0] / i[1],
    "FloorDiv": lambda n, i: i[0] // i[1],
    "SquaredDifference": lambda n, i: tf.math.squared_difference(i[0], i[1]),
    "Sqrt": lambda n, i: tf.sqrt(i[0]),
    "Sigmoid": lambda n, i: tf.sigmoid(i[0]),
    "Cast": lambda n, i: tf.cast(i[0], _TF_DTYPES[n["attr"]["DstT"]["type"]]),
    "ExpandDims": lambda n, i: tf.expand_dims(i[0], int(tf.get_static_value(i[1]))),
    "Reshape": lambda n, i: tf.reshape(i[0], i[1]),
    "Squeeze": lambda n, i: tf.squeeze(i[0], [int(x) for x in n["attr"]["squeeze_dims"]["list"]["i"]]),
    "Unpack": lambda n, i: tf.unstack(i[0], num=int(n["attr"]["num"]["i"]), axis=_axis(n)),
    "Pack": lambda n, i: tf.stack(i, axis=_axis(n)),
    "ConcatV2": lambda n, i: tf.concat(i[:-1], int(tf.get_static_value(i[-1]))),
    "GatherNd": lambda n, i: tf.gather_nd(i[0], i[1]),
    "ArgMax": lambda n, i: tf.argmax(
        i[0], int(tf.get_static_value(i[1])), output_type=_TF_DTYPES[n["attr"]["output_type"]["type"]]
    ),
    "Identity": lambda n, i: i[0],
}


def emit(node: Node, inputs: list[Any]) -> Any:
    """The node as a plain TensorFlow operation."""
    return _OPERATIONS[node["op"]](node, inputs)


class MoveNet:
    """MoveNet SinglePose as published: nodes, constants, and how to run any part of it.

    Args:
        name: ``"lightning"`` or ``"thunder"``.
        folder: where ``movenet-<name>.json`` and its weights are.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.size_px = SIZES_PX[name]
        self.nodes, self.weights = read_weights(folder / f"movenet-{name}.json")

    def run(self, feeds: Mapping[str, Any], targets: Sequence[str], layer: Layer = emit) -> list[Any]:
        """Evaluates ``targets`` from ``feeds``; ``layer`` turns one node and its inputs into its output."""
        done: dict[str, list[Any]] = {name: [value] for name, value in feeds.items()}

        def value(reference: str) -> Any:
            name, _, index = reference.partition(":")
            if name not in done:
                node = self.nodes[name]
                if node["op"] == "Const":
                    done[name] = [tf.constant(self.weights[name])]
                else:
                    inputs = [value(source) for source in node.get("input", []) if not source.startswith("^")]
                    result = layer(node, inputs)
                    done[name] = list(result) if isinstance(result, (list, tuple)) else [result]
            return done[name][int(index or 0)]

        # Depth first would nest deeper than Python likes: walk the file's own order, which is topological.
        for name in self._needed(feeds, targets):
            value(name)
        return [value(target) for target in targets]

    def _needed(self, feeds: Mapping[str, Any], targets: Sequence[str]) -> list[str]:
        needed: set[str] = set()
        todo = [target.partition(":")[0] for target in targets]
        while todo:
            name = todo.pop()
            if name in needed or name in feeds:
                continue
            needed.add(name)
            todo += [i.partition(":")[0] for i in self.nodes[name].get("input", []) if not i.startswith("^")]
        return [name for name in self.nodes if name in needed]

    def heads(self, normalised: Any, layer: Layer = emit) -> dict[str, Any]:
        """The four maps from (N, S, S, 3) images scaled to -1..1. Logits for centre and heat map."""
        return dict(zip(HEADS, self.run({NORMALISED: normalised}, list(HEADS.values()), layer), strict=True))

    def keypoints(self, heads: Mapping[str, Any], layer: Layer = emit) -> Any:
        """Post-processing: (1, 1, 17, 3) y, x, score as shares of the picture from the maps of one image."""
        return self.run({HEADS[key]: maps for key, maps in heads.items()}, [OUTPUT], layer)[0]
