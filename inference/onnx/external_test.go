//go:build cgo

package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// withExternalData is a model that adds to x the four floats that lie in the
// file location. hide writes the two fields that say so.
func withExternalData(location string, hide func(f protowire.Number, wire protowire.Type) []byte) []byte {
	bytes := func(f protowire.Number, parts ...[]byte) []byte {
		var all []byte
		for _, b := range parts {
			all = append(all, b...)
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, f, protowire.BytesType), all)
	}
	number := func(f protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, f, protowire.VarintType), v)
	}
	value := func(f protowire.Number, name string) []byte {
		shape := bytes(2, bytes(1, number(1, 4)))
		return bytes(f, bytes(1, []byte(name)), bytes(2, bytes(1, number(1, 1), shape)))
	}
	entry := append(bytes(1, []byte("location")), bytes(2, []byte(location))...)
	weights := bytes(5, number(1, 4), number(2, 1), bytes(8, []byte("w")), bytes(9, make([]byte, 16)),
		protowire.AppendBytes(hide(13, protowire.BytesType), entry), append(hide(14, protowire.VarintType), 1))
	node := bytes(1, bytes(1, []byte("x")), bytes(1, []byte("w")), bytes(2, []byte("y")), bytes(4, []byte("Add")))
	graph := bytes(7, node, bytes(2, []byte("g")), weights, value(11, "x"), value(12, "y"))
	return append(append(number(1, 8), graph...), bytes(8, bytes(1), number(2, 17))...)
}

// The gate's walk refuses external data. Should a model get past it, the runtime
// must find none: neither in the working directory nor by any other path.
func TestModelReadsNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("secret.bin", make([]byte, 16), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := func(f protowire.Number, wire protowire.Type) []byte { return protowire.AppendTag(nil, f, wire) }
	for _, location := range []string{"secret.bin", "./secret.bin", "../" + filepath.Base(dir) + "/secret.bin", filepath.Join(dir, "secret.bin"), "../.." + filepath.Join(dir, "secret.bin")} {
		session, err := openSession(withExternalData(location, plain), Options{}, device{})
		if err == nil {
			_ = session.Destroy()
		}
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "external data path") {
			t.Errorf("%s: got %v; want an error about the external data's path", location, err)
		}
	}
}

// Tags of 33 bits are other fields to Go's protobuf than to the runtime's, which
// drops the highest.
func TestOpenRefusesHiddenExternalData(t *testing.T) {
	hidden := func(f protowire.Number, wire protowire.Type) []byte {
		return protowire.AppendVarint(nil, 1<<32|uint64(f)<<3|uint64(wire))
	}
	m, err := Open(withExternalData("secret.bin", hidden), Options{})
	if err == nil {
		_ = m.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "not protobuf") {
		t.Errorf("got %v; want the walk's refusal", err)
	}
}
