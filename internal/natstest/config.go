//go:build unix

package natstest

import (
	"fmt"
	"os"
	"strings"

	"github.com/penstock/penstock/internal/brokertest"
)

// configure writes nats.conf and the files that it and clients need.
func (s *Server) configure(opts Options) error {
	var text strings.Builder
	fmt.Fprintf(&text, "server_name: %q\nlisten: %q\n", s.name, s.Addr())
	fmt.Fprintf(&text, "jetstream {\n  store_dir: %q\n", s.file("jetstream"))
	if opts.SyncAlways {
		text.WriteString("  sync_interval: always\n")
	}
	if opts.MaxStore > 0 {
		fmt.Fprintf(&text, "  max_file_store: %d\n", opts.MaxStore)
	}
	text.WriteString("}\n")
	if opts.MaxPayload > 0 {
		fmt.Fprintf(&text, "max_payload: %d\n", opts.MaxPayload)
	}
	if s.tls {
		files, err := brokertest.WriteCertificates(s.Dir, User)
		if err != nil {
			return err
		}
		s.CAFile, s.CertFile, s.KeyFile = files.CA, files.Cert, files.Key
		fmt.Fprintf(&text, "tls { cert_file: %q, key_file: %q, ca_file: %q, verify: %t }\n",
			files.Broker, files.Broker, files.CA, opts.ClientTLS)
	}
	login, err := s.login(opts)
	if err != nil {
		return err
	}
	text.WriteString(login + opts.Config)
	return os.WriteFile(s.file(serverConfig), []byte(text.String()), 0o600)
}
