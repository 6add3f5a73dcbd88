# `make` alone lists the targets. CI runs nothing but these.

BIN      := bin/penstock
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -X github.com/penstock/penstock/internal/cli.version=$(VERSION)
TOOL     := go tool -modfile=tools/go.mod
ONNX     := github.com/penstock/penstock/inference/onnx
FAULTS   := ./test/faults
FUZZTIME ?= 10m
COVERED  := ./inference ./internal/config
FLOOR    := 90

# Packages in whose code and tests no goroutine starts, as serial_test.go makes
# sure: the race detector could find nothing in them.
SERIAL := ./drift ./internal/cardevents ./internal/config ./inference ./inference/onnxfile
# Packages whose tests take longest begin first, and wait while others compile.
LONG := ./internal/cli ./internal/pipeline
# Packages that are not the same without cgo, or without the race detector: their tests
# run once more. The others would do again what they did.
DIFFERENT = $(shell grep -rlE --include='*.go' '^//go:build .*(cgo|race)' cmd inference internal | xargs -n 1 dirname | sort -u)
# Tests that wait for brokers wait side by side, on however few cores. make lint vets
# them, once for all builds.
FLAGS := -parallel 4 -vet off
# The race detector has each process wait a second at its end for what others of its
# threads may still report. Tests start hundreds, which try models out.
export GORACE := atexit_sleep_ms=10

full = $(patsubst ./%,github.com/penstock/penstock/%,$(1))
comma := ,
say = @printf '\n== %s\n' "$(1)"

.DEFAULT_GOAL := help
.PHONY: help build demo test test-kafka faults unit pointers pure cross deployments storms fuzz-smoke fuzz cover bench lint fmt clean

help: ## lists the targets
	@printf 'penstock: scores events with ONNX models\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## builds bin/penstock and fetches ONNX Runtime's library where there is none
	@go build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/penstock
	@$(BIN) runtime install > /dev/null # what it does is told on stderr

demo: build ## runs broker, events, model and pipeline in one process, until Ctrl-C
	@$(BIN) demo

test: unit pointers pure cross deployments storms fuzz-smoke ## runs every test, with and without cgo, and fuzzes for a minute

test-kafka: build ## runs the tests that need a real Apache Kafka; needs java and mvn, and fetches the rest
	$(call say,Tests on a real Apache Kafka)
	@tools/kafka/fetch > /dev/null # what it does is told on stderr
	@# Those of the files with the tag; make test runs the others of their packages.
	@files=$$(grep -rl --include='*_test.go' '^//go:build kafka' . | grep -v '^$(FAULTS)/') && \
	names=$$(sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' $$files | paste -sd '|' -) && [ -n "$$names" ] && \
	go test -race -count 1 $(FLAGS) -tags kafka -run "^($$names)$$" $$(dirname $$files | sort -u)
	@# Without the race detector: what is tested are processes of the real binary,
	@# and reading their small compressed batches with it takes minutes.
	@go test -count 1 -parallel 2 -vet off -tags kafka $(FAULTS)

faults: build ## kills workers and brokers 200 and 20 times under load and measures the gaps; takes an hour
	$(call say,The fault suite at length)
	@tools/kafka/fetch > /dev/null # what it does is told on stderr
	@go test -count 1 -timeout 2h -parallel 1 -tags kafka$(comma)nats -v $(FAULTS) -long

unit: build # all tests, with the race detector; those of inference/onnx need the library
	$(call say,Tests with the race detector)
	@go test -race $(FLAGS) $(LONG) $(filter-out $(call full,$(LONG) $(SERIAL)),$(shell go list ./...))
	@go test $(FLAGS) $(SERIAL)

pointers: build # the one package with cgo again, with every write of a Go pointer to C's memory checked
	$(call say,Tests with cgo's pointer checks)
	@GOEXPERIMENT=cgocheck2 go test $(FLAGS) $(ONNX)

pure: # what must work without a C compiler and without ONNX Runtime
	$(call say,Build and tests without cgo)
	@CGO_ENABLED=0 go build -o /dev/null ./cmd/penstock
	@CGO_ENABLED=0 go test $(FLAGS) $(DIFFERENT:%=./%)

cross: # that it compiles where these tests do not run: without cgo, and on other systems
	$(call say,Types without cgo$(comma) on Linux$(comma) macOS and Windows)
	@go test tools/typecheck/*.go
	@go run tools/typecheck/main.go -test linux darwin
	@go run tools/typecheck/main.go windows

deployments: build # what people deploy, by the libraries of those who read it, in a module of its own; on Linux
	$(call say,Image$(comma) compose$(comma) Kubernetes$(comma) systemd and the operations page)
	@go test -C test/deployments -count 1 $(FLAGS) .

storms: unit # the fault suite in short, on NATS, whose server is a module; after the tests, too
	$(call say,Kill workers and nats-server under load)
	@go test -count 1 -parallel 2 -vet off -tags nats $(FAULTS)

fuzz-smoke: unit storms # after the tests, whose time limits it would take the cores from
	$(call say,Fuzzing: 10 s for the scanner$(comma) the config loader and the model gate$(comma) 3 s for the rest)
	@tools/fuzz 3s FuzzDecode=10s FuzzLoad=10s FuzzParse=10s

fuzz: ## fuzzes every target for FUZZTIME, 10m by default
	@tools/fuzz $(FUZZTIME)

cover: ## fails when the tests of inference or internal/config cover less than 90 % of them
	$(call say,Coverage of $(COVERED))
	@go test -cover $(COVERED) | awk -v floor=$(FLOOR) '{ print } \
	  /coverage:/ { for (i = 1; i < NF; i++) if ($$i == "coverage:" && $$(i+1) + 0 < floor) low = 1 } \
	  /^(FAIL|---)/ { low = 1 } \
	  END { if (low) { print "coverage must be at least " floor " %"; exit 1 } }'

bench: build ## measures what is promised, beside the peers; writes bench/results/
	@bench/run

lint: ## checks format and code, bench's too: gofumpt, go vet, go fix, staticcheck, errcheck, revive
	$(call say,Linters)
	@tools/lint

fmt: ## formats the code and applies go fix
	@$(TOOL) gofumpt -w .
	@go fix ./...

clean: ## removes what was built; the library in the user's cache stays
	@rm -rf bin dist
