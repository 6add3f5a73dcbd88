module github.com/penstock/penstock/bench

go 1.26.0

replace github.com/penstock/penstock => ../

require github.com/penstock/penstock v0.0.0-00010101000000-000000000000

require (
	github.com/yalue/onnxruntime_go v1.27.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
