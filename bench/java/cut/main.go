// Command cut writes a model without its ZipMap to standard output, as one exports
// it who reads what it gives from Java.
//
//	cut MODEL > model.onnx
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/penstock/penstock/inference/onnxfile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name one model")
	}
	model, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	cut, _, err := onnxfile.CutZipMap(model)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(cut)
	return err
}
