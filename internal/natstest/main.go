//go:build unix

package natstest

import (
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

// configEnv names the config file of a process that is to be a server.
const configEnv = "NATSTEST_SERVER_CONFIG"

// Main is the server where Start began this process to be it, and does not
// return then. Otherwise it does nothing.
func Main() {
	file := os.Getenv(configEnv)
	if file == "" {
		return
	}
	code := 0
	if err := serve(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //revive:disable-line:deep-exit this process is to be the server and nothing else
}

// serve runs a server until it is told to end, as the nats-server command does.
func serve(file string) error {
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	if err := server.Run(s); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}
