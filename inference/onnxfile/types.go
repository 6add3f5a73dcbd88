package onnxfile

// Element types of TensorProto.DataType.
const onnxFloat = 1
