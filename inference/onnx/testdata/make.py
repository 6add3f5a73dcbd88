"""Writes the models of this folder. They test what no exporter's model does:

identity.onnx    one [N] input a type, each copied to an output: every bit must survive
words.onnx       a string matrix copied, for strings of many lengths
zipmap_text.onnx ZipMap with string classes
zipmap_other.onnx the same with other ones of as many letters
zipmap_both.onnx ZipMap whose tensor is an output, too
scalar.onnx      a 0-dimensional output beside an output of unknown rank
bfloat16.onnx    an input of a type that no event is mapped to
map_input.onnx   an input that is a map
optional.onnx    an output that is an optional value

Needs the Python package onnx; run it here: python make.py
"""
from onnx import TensorProto as T, helper as h, save


def model(name, nodes, inputs, outputs, opset=20, ml=None):
    imports = [h.make_opsetid("", opset)] + ([h.make_opsetid("ai.onnx.ml", ml)] if ml else [])
    m = h.make_model(h.make_graph(nodes, name, inputs, outputs), opset_imports=imports, ir_version=9)
    h.set_model_props(m, {"made by": "make.py"})
    save(m, name + ".onnx")


def tensor(name, type_, shape):
    return h.make_tensor_value_info(name, type_, shape)


types = {"f16": T.FLOAT16, "f32": T.FLOAT, "f64": T.DOUBLE, "i8": T.INT8, "i16": T.INT16, "i32": T.INT32,
         "i64": T.INT64, "u8": T.UINT8, "u16": T.UINT16, "u32": T.UINT32, "u64": T.UINT64, "bool": T.BOOL,
         "text": T.STRING}
model("identity", [h.make_node("Identity", [n], [n + "_out"]) for n in types],
      [tensor(n, t, ["N"]) for n, t in types.items()],
      [tensor(n + "_out", t, ["N"]) for n, t in types.items()])

model("words", [h.make_node("Identity", ["words"], ["copy"])],
      [tensor("words", T.STRING, ["N", "K"])], [tensor("copy", T.STRING, ["N", "K"])])

maps = h.make_sequence_type_proto(h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, [])))
for name, classes in {"zipmap_text": ["schön", "", "bad"], "zipmap_other": ["schön", "", "bat"]}.items():
    model(name,
          [h.make_node("Identity", ["scores"], ["inner"]),
           h.make_node("ZipMap", ["inner"], ["probabilities"], domain="ai.onnx.ml", classlabels_strings=classes)],
          [tensor("scores", T.FLOAT, ["N", 3])], [h.make_value_info("probabilities", maps)], ml=1)

counts = h.make_sequence_type_proto(h.make_map_type_proto(T.INT64, h.make_tensor_type_proto(T.FLOAT, [])))
model("zipmap_both",
      [h.make_node("Identity", ["scores"], ["inner"]),
       h.make_node("ZipMap", ["inner"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=[7, -1])],
      [tensor("scores", T.FLOAT, ["N", 2])],
      [h.make_value_info("probabilities", counts), tensor("inner", T.FLOAT, ["N", 2])], ml=1)

model("scalar", [h.make_node("ReduceSum", ["x"], ["sum"], keepdims=0), h.make_node("Identity", ["x"], ["copy"])],
      [tensor("x", T.FLOAT, ["N", 2])], [tensor("sum", T.FLOAT, []), tensor("copy", T.FLOAT, None)])

model("bfloat16", [h.make_node("Cast", ["x"], ["y"], to=T.FLOAT)],
      [tensor("x", T.BFLOAT16, ["N"])], [tensor("y", T.FLOAT, ["N"])])

pairs = h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, []))
model("map_input", [h.make_node("DictVectorizer", ["x"], ["y"], domain="ai.onnx.ml", string_vocabulary=["a"])],
      [h.make_value_info("x", pairs)], [tensor("y", T.FLOAT, [1, 1])], ml=1)

model("optional", [h.make_node("Optional", ["x"], ["y"])], [tensor("x", T.FLOAT, ["N"])],
      [h.make_value_info("y", h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, ["N"])))])
