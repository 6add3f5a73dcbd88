package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"syscall"

	"github.com/alecthomas/kong"
)

// grammar is the command line as kong reads it.
type grammar struct {
	LogFormat string           `help:"How log lines are written to stderr: ${enum}." enum:"text,json" default:"text"`
	LogLevel  slog.Level       `help:"Least level that is logged: debug, info, warn or error." default:"info"`
	Version   kong.VersionFlag `help:"Print the version and exit."`

	Demo     demoCommand     `cmd:"" help:"Show it all: broker, events, model and pipeline in one process."`
	Run      runCommand      `cmd:"" help:"Run pipelines: events in, predictions out, until a signal."`
	Predict  predictCommand  `cmd:"" help:"Score events from files or stdin."`
	Test     testCommand     `cmd:"" help:"Run the examples that a config names."`
	Lint     lintCommand     `cmd:"" help:"Report every problem of config files."`
	Drift    driftCommand    `cmd:"" help:"Build a reference of what is normal, or compare files with one."`
	Inspect  inspectCommand  `cmd:"" help:"Show what a model file declares."`
	Schema   schemaCommand   `cmd:"" help:"Print the JSON Schema of the config."`
	Topics   topicsCommand   `cmd:"" help:"Show, and create, the topics or streams and the rights that a pipeline needs."`
	Position positionCommand `cmd:"" help:"Show where a pipeline stands, or move it while it is stopped."`
	DLQ      dlqCommand      `cmd:"" name:"dlq" help:"Look at dead letters, or send them back to the source."`
	Send     sendCommand     `cmd:"" help:"Publish events from files to the source."`
	Runtime  runtimeCommand  `cmd:"" help:"Install ONNX Runtime's library, or show which one is used."`
	Trial    trialCommand    `cmd:"" hidden:"" name:"model-trial" help:"Try a model out for the process that started this one."`
	Isolated isolatedCommand `cmd:"" hidden:"" name:"isolated-score" help:"Score events for the process that started this one."`
}

const description = `Scores events from Kafka or NATS JetStream with ONNX models, exactly once. How a model's inputs are filled from events is a few lines of YAML.

Example:

    penstock inspect fraud.onnx --config > fraud.yaml  # then put your fields in
    penstock lint fraud.yaml
    penstock predict fraud.yaml events.jsonl
    penstock run fraud.yaml`

// Streams is the process's surroundings.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Lookup reads the environment, for ${VAR} in configs; as os.LookupEnv.
	Lookup func(name string) (value string, ok bool)
}

// session is one invocation: what commands need besides their flags.
type session struct {
	Streams
	log     *slog.Logger
	logJSON bool // stderr is read by a machine
	// given is what the process that started this one found out of its model,
	// nil in all processes but such a child.
	given *isolatedModel
}

// Run runs the command line args, without the program's name, and returns the
// exit code. Cancelling ctx stops it.
func Run(ctx context.Context, args []string, streams Streams) int {
	var g grammar
	exited := false
	parser, err := kong.New(&g,
		kong.Name("penstock"),
		kong.Description(description),
		kong.Vars{"version": versionLine(), "classes": classNames()},
		kong.Writers(streams.Out, streams.Err),
		kong.Exit(func(int) { exited = true }), // of --help and --version, after which parsing goes on
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.KindMapper(reflect.String, kong.MapperFunc(asWritten)),
	)
	if err != nil { // never, or every test fails: it depends on the grammar alone
		panic(fmt.Sprintf("the command line's own definition is wrong: %v", err))
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited:
		return 0
	case err != nil:
		err = usageError(err)
	default:
		logJSON := g.LogFormat == "json"
		err = parsed.Run(&session{Streams: streams, log: newLogger(streams.Err, logJSON, g.LogLevel), logJSON: logJSON})
	}
	return report(streams.Err, err)
}

// asWritten takes an argument's bytes as they are. Kong's own way is through
// JSON, which has no place for the name of a file that is not UTF-8.
func asWritten(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	target.SetString(t.String())
	return nil
}

func newLogger(w io.Writer, asJSON bool, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// report prints err and gives its exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	// Whoever reads our output has had enough of it, as head does.
	if errors.Is(err, syscall.EPIPE) {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(w, "penstock: %s\n", text)
	}
	if coded, ok := errors.AsType[coded](err); ok {
		return coded.code()
	}
	return 1
}

// coded is an error that knows its exit code.
type coded interface {
	error
	code() int
}

// refusal is an error that is the caller's: a usage, a config or a model that
// is bad. It ends with exit code 2, any other error with 1.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }
func (r *refusal) code() int     { return 2 }

// usageError adds where to read on.
func usageError(err error) error {
	command := "penstock"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		if c := parse.Context.Command(); c != "" {
			if selected := parse.Context.Selected(); selected != nil {
				command = selected.FullPath()
			}
		}
	}
	return &refusal{fmt.Errorf("%w; see %s --help", err, command)}
}
