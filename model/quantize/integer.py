"""MoveNet with int8 layers: calibration, simulated rounding, self-distillation, export to one ``.tflite`` file.

The backbone computes in int8 but for its stem, the first layers: little of the work, and most of the rounding's harm.
Stem, feature pyramid, heads, and always the post-processing (arg-max, gather, square root, the last concatenation)
stay float in the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.quantize.graph import (
    NORMALISED,
    MoveNet,
    Node,
    activation,
    emit,
    is_convolution,
    is_depthwise,
)

Array = NDArray[Any]
Bounds = tuple[float, float]
Log = Callable[[str], None]
#: MobileNet's own layers; feature pyramid and heads have other names.
BACKBONE = "/model_1/model/"
#: The backbone's layers at half the picture's resolution up to the first narrow one: few channels, of very different
#: size.
SHORT_STEM = ("/Conv1_relu/", "/expanded_conv_")
#: All layers down to a quarter of the picture's resolution.
LONG_STEM = (*SHORT_STEM, "/block_1_", "/block_2_")
LEG_CHANNELS = range(11, 17)


def normalise(pictures: Any) -> Array:
    """uint8 RGB (N, S, S, 3) to the float model's own -1..1."""
    scaled: Array = np.asarray(pictures, np.float32) / np.float32(127.5) - np.float32(1)
    return scaled


def quantisable(net: MoveNet) -> list[str]:
    """Names of all convolutions and additions of the network proper, in the file's order."""
    found: list[str] = []

    def note(node: Node, inputs: list[Any]) -> Any:
        if is_convolution(node) or node["op"] == "AddV2":
            found.append(node["name"])
        return emit(node, inputs)

    net.heads(tf.zeros([1, net.size_px, net.size_px, 3]), note)
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """What computes in int8.

    ``integer``: layers with int8 kernels and int8 results. ``feeding``: float layers that an integer layer reads; it
    reads them rounded, other float layers read them as they are.
    """

    integer: frozenset[str]
    feeding: frozenset[str]

    @property
    def rounded(self) -> frozenset[str]:
        """All layers whose result is rounded somewhere."""
        return self.integer | self.feeding

    def compute(self, node: Node, inputs: list[Any], ranges: Mapping[str, tuple[Any, Any]]) -> Any:
        """The node's value, with inputs and result rounded to int8 where the plan says so."""
        if node["name"] not in self.integer:
            return emit(node, inputs)
        sources = zip(node["input"], inputs, strict=True)
        inputs = [_round_values(i, *ranges[s]) if s in self.feeding else i for s, i in sources]
        return _round_values(emit(node, inputs), *ranges[node["name"]])


def plan(net: MoveNet, stem: tuple[str, ...]) -> Plan:
    """The backbone but for its ``stem`` in int8; the stem is given by parts of its layers' names."""
    names = quantisable(net)
    integer = frozenset(n for n in names if BACKBONE in n and not any(part in n for part in stem))
    read = {source for name in integer for source in net.nodes[name]["input"]}
    return Plan(integer, frozenset(read & set(names)) - integer)


def _streams(net: MoveNet, names: frozenset[str]) -> list[list[str]]:
    """Groups of linear layers whose channels are added to one another, where any of ``names`` is among them.

    Each group has one scale per channel.
    """
    backbone = [n for n in quantisable(net) if BACKBONE in n]
    linear = [n for n in backbone if activation(net.nodes[n]) is None and not is_depthwise(net.nodes[n])]
    group = {name: name for name in linear}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for name in linear:
        if net.nodes[name]["op"] == "AddV2":
            for source in net.nodes[name]["input"]:
                group[root(source)] = root(name)
    members: dict[str, list[str]] = {}
    for name in linear:
        members.setdefault(root(name), []).append(name)
    return [stream for stream in members.values() if names.intersection(stream)]


def equalise(net: MoveNet, pictures: Array, names: frozenset[str], power: float = 0.5) -> None:
    """Brings the channels of each residual stream nearer to one size; the network computes the same as before.

    A channel is multiplied where it is made and divided where it is read, by (largest channel / channel) ** power.
    Changes the weights of ``net`` in place.

    Args:
        net: the float network.
        pictures: (N, S, S, 3) uint8, to see how large each channel gets.
        names: layers whose results will be rounded.
        power: 0 = nothing, 1 = all channels equally large (then the kernels that read them suffer).
    """
    for stream in _streams(net, names):

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def largest(images: Any, stream: list[str] = stream) -> Any:
            return [tf.reduce_max(tf.abs(v), axis=[0, 1, 2]) for v in net.run({NORMALISED: images}, stream)]

        sizes = [largest(normalise(pictures[i : i + 16])) for i in range(0, len(pictures), 16)]
        size = np.max(np.array(sizes), axis=(0, 1)) + 1e-6
        factor = ((size.max() / size) ** power).astype(np.float32)
        readers = {n for n in quantisable(net) if net.nodes[n]["op"] != "AddV2" and net.nodes[n]["input"][0] in stream}
        for name in stream:
            if is_convolution(net.nodes[name]):
                for parameter in net.nodes[name]["input"][1:]:
                    net.weights[parameter] = net.weights[parameter] * factor
        for name in readers:
            kernel = net.nodes[name]["input"][1]
            net.weights[kernel] = net.weights[kernel] / factor[:, None]


def calibrate(net: MoveNet, pictures: Array, names: Sequence[str], batch: int = 16) -> dict[str, Bounds]:
    """Smallest and largest value of each named node over all ``pictures`` (N, S, S, 3) uint8."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def extremes(images: Any) -> Any:
        values = net.run({NORMALISED: images}, names)
        return tf.stack([[tf.reduce_min(value), tf.reduce_max(value)] for value in values])

    found = np.array([extremes(normalise(pictures[i : i + batch])) for i in range(0, len(pictures), batch)])
    return {
        name: (float(min(low, 0.0)), float(max(high, 1e-3)))
        for name, low, high in zip(names, found[:, :, 0].min(0), found[:, :, 1].max(0), strict=True)
    }


def round_weights(kernel: Any, depthwise: bool) -> Any:
    """Kernel rounded to symmetric int8 per output channel, with the gradient of the identity."""
    axes = [0, 1, 3] if depthwise else [0, 1, 2]
    step = tf.stop_gradient(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True) / 127.0 + 1e-9)
    rounded = tf.clip_by_value(tf.round(kernel / step), -127.0, 127.0) * step
    return kernel + tf.stop_gradient(rounded - kernel)


def _round_values(value: Any, low: Any, high: Any) -> Any:
    return tf.quantization.fake_quant_with_min_max_vars(value, low, high, num_bits=8)


def _parameter(node: Node, position: int) -> str:
    return str(node["input"][position])


@dataclass
class Student:
    """The network as int8 arithmetic will compute it, with everything that training may change.

    Kernels and biases are stored as the published value plus a change counted in units of the layer's own size, so
    that one learning rate suits all layers. Ranges of rounded values are trained too, except those of Relu6.
    """

    net: MoveNet
    plan: Plan
    changes: dict[str, tf.Variable]
    units: dict[str, Array]
    ranges: dict[str, tuple[tf.Variable, tf.Variable]]

    def parameter(self, name: str) -> Any:
        published = tf.constant(self.net.weights[name])
        return published + self.changes[name] * self.units[name] if name in self.changes else published

    def layer(self, node: Node, inputs: list[Any]) -> Any:
        """One node as the student computes it; use with :meth:`MoveNet.run`."""
        name = node["name"]
        if is_convolution(node):
            inputs = [inputs[0], *(self.parameter(p) for p in node["input"][1:])]
            if name in self.plan.integer:
                inputs[1] = round_weights(inputs[1], is_depthwise(node))
        return self.plan.compute(node, inputs, self.ranges)

    def heads(self, normalised: Any) -> dict[str, Any]:
        return self.net.heads(normalised, self.layer)

    def trainable(self) -> list[tf.Variable]:
        bounds = [bound for pair in self.ranges.values() for bound in pair if bound.trainable]
        return [*self.changes.values(), *bounds]

    def freeze(self) -> tuple[dict[str, Array], dict[str, Bounds]]:
        """Weights and ranges as they stand."""
        weights = {name: self.parameter(name).numpy() for name in self.changes}
        return weights, {n: (float(low.numpy()), float(high.numpy())) for n, (low, high) in self.ranges.items()}


def make_student(net: MoveNet, layers: Plan, ranges: Mapping[str, Bounds]) -> Student:
    """A student at the published weights and the calibrated ``ranges``."""
    changes: dict[str, tf.Variable] = {}
    units: dict[str, Array] = {}
    bounds: dict[str, tuple[tf.Variable, tf.Variable]] = {}
    for name in quantisable(net):
        node = net.nodes[name]
        if is_convolution(node):
            for position in range(1, len(node["input"])):
                key = _parameter(node, position)
                array = net.weights[key]
                axes = ((0, 1, 3) if is_depthwise(node) else (0, 1, 2)) if position == 1 else None
                size = np.sqrt(np.mean(array**2, axis=axes, keepdims=position == 1)) + 1e-6
                changes[key] = tf.Variable(tf.zeros(array.shape))
                units[key] = np.asarray(size, np.float32)
        if name in layers.rounded:
            low, high = ranges[name]
            kind = activation(node)
            high = min(high, 6.0) if kind == "Relu6" else high
            bounds[name] = (
                tf.Variable(0.0 if kind else low, trainable=kind is None),
                tf.Variable(high, trainable=kind != "Relu6"),
            )
    return Student(net, layers, changes, units, bounds)


def _loss(student: Mapping[str, Any], teacher: Mapping[str, Any]) -> Any:
    """Distance of the student's maps from the teacher's, weighed where the teacher sees joints."""
    centre, heat = tf.sigmoid(teacher["center"]), tf.sigmoid(teacher["heatmap"])
    channel = np.ones(17, np.float32)
    channel[list(LEG_CHANNELS)] = 5.0
    channel /= channel.mean()

    def logits(maps: Any) -> Any:
        return tf.clip_by_value(maps, -10.0, 4.0)

    centre_error = (logits(student["center"]) - logits(teacher["center"])) ** 2
    centre_loss = tf.reduce_mean(centre_error * (centre + 0.01))
    heat_error = (logits(student["heatmap"]) - logits(teacher["heatmap"])) ** 2
    heat_loss = tf.reduce_mean(heat_error * (heat + 0.003) * channel)
    regress_loss = tf.reduce_sum(tf.abs(student["regress"] - teacher["regress"]) * centre) / tf.reduce_sum(centre) / 34
    weight = tf.repeat(heat * channel, 2, axis=-1)
    offsets = tf.clip_by_value(teacher["offset"], -4.0, 4.0)
    offset_loss = tf.reduce_sum(tf.abs(student["offset"] - offsets) * weight) / tf.reduce_sum(weight)
    return 20 * centre_loss + 60 * heat_loss + 0.3 * regress_loss + 8 * offset_loss


def distil(
    student: Student,
    teacher: MoveNet,
    sample: Callable[[int], Array],
    steps: int,
    batch: int,
    rate: float,
    log: Log,
) -> None:
    """Trains the student to answer as the float model does, without any label.

    Args:
        student: changed in place.
        teacher: the same model as published.
        sample: number of pictures to (N, S, S, 3) uint8, varied anew at each call.
        steps: number of updates.
        batch: pictures per update.
        rate: learning rate at the start; it falls along a cosine to 2 %.
        log: called with one line every 50 steps.
    """
    net = student.net
    variables = student.trainable()
    schedule = tf.keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.02)
    optimiser = tf.keras.optimizers.Adam(schedule, beta_2=0.99)
    optimiser.build(variables)

    pictures = tf.TensorSpec([batch, net.size_px, net.size_px, 3], tf.float32)

    @tf.function(input_signature=[pictures], autograph=False)  # type: ignore[untyped-decorator]
    def update(images: Any) -> Any:
        target = teacher.heads(images)
        with tf.GradientTape() as tape:
            loss = _loss(student.heads(images), target)
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses: list[float] = []
    for step in range(1, steps + 1):
        losses.append(float(update(tf.constant(normalise(sample(batch))))))
        if step % 50 == 0:
            log(f"{net.name} step {step} of {steps}: loss {np.mean(losses[-50:]):.4f}")


def _convert(net: MoveNet, function: Callable[[Any], Any], dtype: Any) -> tf.lite.TFLiteConverter:
    spec = tf.TensorSpec([1, net.size_px, net.size_px, 3], dtype, name="image")
    traced = tf.function(function, input_signature=[spec], autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()], traced)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


def export_float(net: MoveNet) -> bytes:
    """The published model itself (float16 weights, as published), uint8 RGB in: the reference of all measurements."""

    def whole(image: Any) -> Any:
        return net.keypoints(net.heads(tf.cast(image, tf.float32) / 127.5 - 1.0))

    converter = _convert(net, whole, tf.uint8)
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _float_sigmoid(node: Node, inputs: list[Any]) -> Any:
    """Post-processing whose sigmoid is written out.

    LOGISTIC has a fixed int8 range and would drag the scores and the last concatenation into int8 (steps of 0.75 px);
    the converter folds the exact formula back into LOGISTIC, hence the 1.0000001.
    """
    if node["op"] == "Sigmoid":
        return 1.0 / (1.0000001 + tf.exp(-inputs[0]))
    return emit(node, inputs)


def export_int8(net: MoveNet, layers: Plan, weights: Mapping[str, Array], ranges: Mapping[str, Bounds]) -> bytes:
    """One file: int8 where the plan says so, float elsewhere, uint8 RGB in, keypoints out.

    Kernels are handed over in float; the converter rounds them per output channel as :func:`round_weights` does.
    """

    def layer(node: Node, inputs: list[Any]) -> Any:
        if is_convolution(node):
            given = [tf.constant(weights.get(p, net.weights[p])) for p in node["input"][1:]]
            inputs = [inputs[0], *given]
        return layers.compute(node, inputs, ranges)

    def whole(image: Any) -> Any:
        heads = net.heads(tf.cast(image, tf.float32) / 127.5 - 1.0, layer)
        return net.keypoints(heads, _float_sigmoid)

    return bytes(_convert(net, whole, tf.uint8).convert())
