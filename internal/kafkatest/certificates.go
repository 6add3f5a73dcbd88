//go:build unix

package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// certificate is one with its key, both also as PEM.
type certificate struct {
	parsed  *x509.Certificate
	key     *ecdsa.PrivateKey
	certPEM []byte
	keyPEM  []byte
}

// issue makes a certificate for who, signed by ca, or by itself where ca is nil.
func issue(who string, serial int64, ca *certificate) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: who},
		// An hour early, for a clock that is set back while a test runs.
		NotBefore:   time.Now().Add(-time.Hour),
		NotAfter:    time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := template, key
	if ca == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
	} else {
		parent, signer = ca.parsed, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key) // the one form of key that Kafka reads
	if err != nil {
		return nil, err
	}
	return &certificate{
		parsed: parsed, key: key,
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}

// writeCertificates makes an authority, and what broker and client show.
func (b *Broker) writeCertificates() error {
	ca, err := issue("the authority of kafkatest", 1, nil)
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	broker, err := issue("broker", 2, ca)
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	client, err := issue(User, 3, ca)
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	b.CAFile = b.file("ca.pem")
	b.CertFile = b.file("client.pem")
	b.KeyFile = b.file("client-key.pem")
	for file, content := range map[string][]byte{
		b.CAFile:             ca.certPEM,
		b.CertFile:           client.certPEM,
		b.KeyFile:            client.keyPEM,
		b.file("broker.pem"): append(broker.keyPEM, broker.certPEM...),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
