package onnxfile

import "google.golang.org/protobuf/encoding/protowire"

// The field numbers of onnx.proto that the walk reads. Others are passed over.
const (
	modelIRVersion       protowire.Number = 1
	modelProducer        protowire.Number = 2
	modelProducerVersion protowire.Number = 3
	modelDomain          protowire.Number = 4
	modelVersion         protowire.Number = 5
	modelDoc             protowire.Number = 6
	modelGraph           protowire.Number = 7
	modelOpset           protowire.Number = 8
	modelMetadata        protowire.Number = 14
	modelTraining        protowire.Number = 20
	modelFunction        protowire.Number = 25

	graphNode              protowire.Number = 1
	graphName              protowire.Number = 2
	graphInitializer       protowire.Number = 5
	graphDoc               protowire.Number = 10
	graphInput             protowire.Number = 11
	graphOutput            protowire.Number = 12
	graphValue             protowire.Number = 13
	graphSparseInitializer protowire.Number = 15

	nodeInput     protowire.Number = 1
	nodeOutput    protowire.Number = 2
	nodeName      protowire.Number = 3
	nodeOperator  protowire.Number = 4
	nodeAttribute protowire.Number = 5
	nodeDomain    protowire.Number = 7
	nodeOverload  protowire.Number = 8

	attributeName          protowire.Number = 1
	attributeTensor        protowire.Number = 5
	attributeGraph         protowire.Number = 6
	attributeFloats        protowire.Number = 7
	attributeInts          protowire.Number = 8
	attributeStrings       protowire.Number = 9
	attributeTensors       protowire.Number = 10
	attributeGraphs        protowire.Number = 11
	attributeType          protowire.Number = 14
	attributeTypes         protowire.Number = 15
	attributeSparseTensor  protowire.Number = 22
	attributeSparseTensors protowire.Number = 23

	functionName           protowire.Number = 1
	functionInput          protowire.Number = 4
	functionOutput         protowire.Number = 5
	functionNode           protowire.Number = 7
	functionDomain         protowire.Number = 10
	functionAttributeProto protowire.Number = 11
	functionValue          protowire.Number = 12
	functionOverload       protowire.Number = 13

	tensorDims         protowire.Number = 1
	tensorType         protowire.Number = 2
	tensorFloats       protowire.Number = 4
	tensorInt32s       protowire.Number = 5
	tensorStrings      protowire.Number = 6
	tensorInt64s       protowire.Number = 7
	tensorName         protowire.Number = 8
	tensorRaw          protowire.Number = 9
	tensorDoubles      protowire.Number = 10
	tensorUint64s      protowire.Number = 11
	tensorExternalData protowire.Number = 13
	tensorDataLocation protowire.Number = 14

	sparseValues  protowire.Number = 1
	sparseIndices protowire.Number = 2
	sparseDims    protowire.Number = 3

	valueName protowire.Number = 1
	valueType protowire.Number = 2

	typeTensor   protowire.Number = 1
	typeSequence protowire.Number = 4
	typeMap      protowire.Number = 5
	typeOpaque   protowire.Number = 7
	typeSparse   protowire.Number = 8
	typeOptional protowire.Number = 9

	// Of TypeProto's kinds: element type and shape of a tensor, element type
	// of a sequence or optional, key and value type of a map.
	kindElement protowire.Number = 1
	kindShape   protowire.Number = 2

	shapeDim protowire.Number = 1
	dimValue protowire.Number = 1
	dimParam protowire.Number = 2

	entryKey   protowire.Number = 1
	entryValue protowire.Number = 2

	opsetDomain  protowire.Number = 1
	opsetVersion protowire.Number = 2
)

const mlDomain = "ai.onnx.ml"
