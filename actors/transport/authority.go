package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	// authorityLife and certificateLife are how long what is made here is valid.
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 2 * 365 * 24 * time.Hour
	// clockSlack is how far the clocks of machines may be behind the maker's.
	clockSlack = time.Hour
)

// Pair is a certificate and its key, both PEM.
type Pair struct{ Cert, Key []byte }

// MakeAuthority makes a certificate authority for one cluster.
func MakeAuthority(name string) (Pair, error) {
	return issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}, nil)
}

// MakeCertificate makes the certificate of a node that is reached at hosts, names
// and addresses. The node presents it to whom it connects to as well.
func MakeCertificate(authority Pair, hosts ...string) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("certificate: no host to name in it")
	}
	parent, err := tls.X509KeyPair(authority.Cert, authority.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: authority: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: hosts[0]},
		NotAfter:              time.Now().Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return issue(template, &parent)
}

// issue completes the template with a new key and signs it, by itself without a
// parent.
func issue(template *x509.Certificate, parent *tls.Certificate) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return Pair{}, fmt.Errorf("certificate: %w", err)
	}
	template.NotBefore = time.Now().Add(-clockSlack)
	signer, signKey := template, any(key)
	if parent != nil {
		if !parent.Leaf.IsCA {
			return Pair{}, errors.New("certificate: that is no authority's")
		}
		signer, signKey = parent.Leaf, parent.PrivateKey
		if template.NotAfter.After(signer.NotAfter) {
			template.NotAfter = signer.NotAfter
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signKey)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}, nil
}
