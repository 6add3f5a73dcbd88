"""Writes the models of this folder, which fail on rows that are not to their taste:

category.onnx  a one-hot encoder that knows DE and FR and refuses all else
window.onnx    a convolution over three readings, which refuses fewer

Needs the Python package onnx; run it here: python make.py
"""
from onnx import TensorProto as T, helper as h, save


def model(name, nodes, input_, constants):
    graph = h.make_graph(nodes, name, [input_], [h.make_tensor_value_info("score", T.FLOAT, ["N", 1])], constants)
    imports = [h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 1)]
    save(h.make_model(graph, opset_imports=imports, ir_version=8), name + ".onnx")


model("category",
      [h.make_node("OneHotEncoder", ["country"], ["known"], domain="ai.onnx.ml", cats_strings=["DE", "FR"], zeros=0),
       h.make_node("Flatten", ["known"], ["flat"]),
       h.make_node("MatMul", ["flat", "weights"], ["score"])],
      h.make_tensor_value_info("country", T.STRING, ["N", 1]),
      [h.make_tensor("weights", T.FLOAT, [2, 1], [0.25, 0.75])])

model("window",
      [h.make_node("Unsqueeze", ["readings", "one"], ["rows"]),
       h.make_node("Conv", ["rows", "kernel"], ["smooth"]),
       h.make_node("ReduceMax", ["smooth"], ["score"], axes=[2], keepdims=0)],
      h.make_tensor_value_info("readings", T.FLOAT, ["N", "T"]),
      [h.make_tensor("one", T.INT64, [1], [1]), h.make_tensor("kernel", T.FLOAT, [1, 1, 3], [0.25, 0.5, 0.25])])
