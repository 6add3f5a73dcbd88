//go:build unix

package brokertest

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
	"path/filepath"
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

// Certificates are files of PEM, of an authority and what it signed.
type Certificates struct {
	CA        string // who signed the others
	Broker    string // the broker's certificate and its key, for localhost and 127.0.0.1
	Cert, Key string // a client's
}

// WriteCertificates makes an authority, and what a broker and a client of that
// name show, and writes them to dir.
func WriteCertificates(dir, client string) (Certificates, error) {
	file := func(name string) string { return filepath.Join(dir, name) }
	c := Certificates{CA: file("ca.pem"), Broker: file("broker.pem"), Cert: file("client.pem"), Key: file("client-key.pem")}
	ca, err := issue("the authority of these tests", 1, nil)
	if err != nil {
		return c, fmt.Errorf("make certificates: %w", err)
	}
	ofBroker, err := issue("broker", 2, ca)
	if err != nil {
		return c, fmt.Errorf("make certificates: %w", err)
	}
	ofClient, err := issue(client, 3, ca)
	if err != nil {
		return c, fmt.Errorf("make certificates: %w", err)
	}
	for name, content := range map[string][]byte{
		c.CA:     ca.certPEM,
		c.Cert:   ofClient.certPEM,
		c.Key:    ofClient.keyPEM,
		c.Broker: append(ofBroker.keyPEM, ofBroker.certPEM...),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return c, err
		}
	}
	return c, nil
}
