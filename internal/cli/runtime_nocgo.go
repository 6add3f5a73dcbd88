//go:build !cgo

package cli

import (
	"errors"

	"github.com/penstock/penstock/inference"
)

var errNoRuntime = errors.New("this penstock was built without cgo and cannot run models; " +
	"build it with CGO_ENABLED=1 and a C compiler, as make build does")

func loadRuntime(string) error { return errNoRuntime }

func openRuntime([]byte, *inference.Config) (inference.Model, error) { return nil, errNoRuntime }

func runtimeVersion() string { return "" }
