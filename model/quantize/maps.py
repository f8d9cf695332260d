"""Makes two of the network's maps outputs as well, so that joints can be read from more than one cell of them.

The network's own post-processing takes each joint from the single best cell. `model.decoder` averages the neighbours,
which all predict the same joint; for that it needs the maps. They are computed anyway: only the file's list of outputs
grows, at its end, and no number changes.
"""

from __future__ import annotations

import struct

from ai_edge_litert import schema_py_generated as schema

#: Slot of ``outputs`` in the table of a subgraph (schema.fbs: tensors, inputs, outputs).
_OUTPUTS_SLOT = 8
_JOINTS = 17


def with_maps(model: bytes) -> bytes:
    """The model with further outputs: confidence near the rough joint (1, G, G, 17) and offset in cells (1, G, G, 34).

    Raises:
        ValueError: the model has other outputs than the keypoints, or no such maps.
    """
    data = bytearray(model)
    graph = schema.Model.GetRootAsModel(data, 0).Subgraphs(0)
    if graph.OutputsLength() != 1:
        raise ValueError(f"the model has {graph.OutputsLength()} outputs: must be the keypoints alone")
    shapes = [tuple(graph.Tensors(n).ShapeAsNumpy().tolist()) for n in range(graph.TensorsLength())]
    side = graph.Tensors(graph.Inputs(0)).Shape(1) // 4
    confidence = [n for n, shape in enumerate(shapes) if shape == (1, side, side, _JOINTS)]
    offset = [n for n, shape in enumerate(shapes) if shape == (1, side, side, 2 * _JOINTS)]
    if not confidence or not offset:
        raise ValueError("the model has no maps of the joints")
    # The last of each in the order of computation: after weighting by distance; the offsets come after the regression.
    outputs = [graph.Outputs(0), confidence[-1], offset[-1]]
    data += bytes(-len(data) % 4)
    slot = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_SLOT)
    struct.pack_into("<I", data, slot, len(data) - slot)
    data += struct.pack("<4i", len(outputs), *outputs)
    return bytes(data)
