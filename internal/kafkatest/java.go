//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/penstock/penstock/internal/brokertest"
)

// Version is the Kafka of tools/kafka/pom.xml.
const Version = "4.3.1"

// java runs Kafka's classes.
type java struct {
	path    string
	classes string // the class path
	flags   []string
}

// findJava finds the JVM and the jars, or says how to get what is missing.
func findJava(flags []string) (java, error) {
	path, err := exec.LookPath("java")
	if err != nil {
		return java{}, fmt.Errorf("%w: install Java 17 or newer, openjdk-17-jre-headless on Debian and Ubuntu", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return java{}, fmt.Errorf("find the user's cache directory: %w: set HOME", err)
	}
	jars := filepath.Join(cache, "penstock", "kafka-"+Version)
	if _, err := os.Stat(jars); errors.Is(err, fs.ErrNotExist) {
		return java{}, fmt.Errorf("there is no Kafka in %s: run tools/kafka/fetch, as make test-kafka does", jars)
	} else if err != nil {
		return java{}, err
	}
	return java{path: path, classes: filepath.Join(jars, "*"), flags: flags}, nil
}

// quick makes a JVM that starts fast and stays small: tests start many and share
// two cores with them.
var quick = []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}

// lasting makes a JVM that compiles to the end what is hot and rarely collects
// its garbage: on two cores each collection stops the broker for 15 ms, and with
// the flags of Kafka's own start script there is one every two seconds.
var lasting = []string{"-Xms4g", "-Xmx4g", "-Xmn3g", "-XX:+UseParallelGC"}

// command runs a main class for the broker in dir.
func (j java) command(ctx context.Context, dir, class string, args ...string) *exec.Cmd {
	flags := append(slices.Clone(j.flags),
		"-Dlog4j2.configurationFile="+filepath.Join(dir, "log4j2.properties"),
		"-cp", j.classes, class,
	)
	return exec.CommandContext(ctx, j.path, append(flags, args...)...)
}

// start runs a main class in the background, with what it logs appended to the
// file log of dir.
func (j java) start(dir, log, class string, args ...string) (*brokertest.Process, error) {
	out, err := os.OpenFile(filepath.Join(dir, log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own descriptor
	cmd := j.command(context.Background(), dir, class, args...)
	cmd.Stdout, cmd.Stderr = out, out
	return brokertest.StartProcess(cmd)
}
