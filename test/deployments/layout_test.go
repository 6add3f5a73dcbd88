//go:build linux

package deployments

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/internal/config"
)

// layout is a container's files, as its mounts put them together, in a folder.
type layout struct{ root string }

// newLayout is empty; remove it when done.
func newLayout() (layout, error) {
	root, err := os.MkdirTemp("", "penstock-layout-")
	return layout{root}, err
}

func (l layout) remove() { _ = os.RemoveAll(l.root) } // the system's to clean up then

// mount puts a file, or what is in a folder, at a place.
func (l layout) mount(from, at string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(filepath.Join(l.root, at), os.DirFS(from))
	}
	return copyEntry(from, filepath.Join(l.root, at))
}

// write puts a text at a place, with a mode that the umask does not cut.
func (l layout) write(at string, text []byte, mode os.FileMode) error {
	at = filepath.Join(l.root, at)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(at, text, mode); err != nil {
		return err
	}
	return os.Chmod(at, mode)
}

// named has the binary look at the pipeline's file at a place, with the
// container's variables alone, and complains about a name that changes.
func (l layout) named(f *findings, at string, env map[string]string, p *config.Pipeline) {
	if p.Instance == "" {
		f.add("%s: the instance is empty, so that a container goes by a name that changes", at)
	}
	lint(f, filepath.Join(l.root, at), env)
}

// port is that of HOST:PORT.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// certificate is one of an authority, in PEM, for files that want one.
var certificate = sync.OnceValue(func() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes all
	return out.Bytes()
})

// passwordHash stands in examples for a password's hash; it is nobody's.
const passwordHash = "$2a$11$what-nats-server-passwd-prints"

// secret stands in for a secret's value that is not in the example of it. Where
// the example has a password's hash, somebody may put the password itself.
func secret(key, example string) []byte {
	switch {
	case strings.TrimSpace(example) != "":
		return []byte(strings.ReplaceAll(example, passwordHash, "a-secret"))
	case strings.HasSuffix(key, ".crt"):
		return certificate()
	}
	return []byte("a-secret")
}
