package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLS is a node's certificate, its key, and the authority that must have signed
// those of others: who has a certificate of the authority is of the cluster. The
// files are looked at with each handshake and read again when they change; what
// cannot be read, as a file half written, leaves what was. Its methods may be
// called from any goroutine.
type TLS struct {
	files [3]string // certificate, key, authority

	mu    sync.Mutex
	seen  [3]stamp
	cert  *tls.Certificate
	roots *x509.CertPool
}

// stamp tells a file's states apart.
type stamp struct {
	modified time.Time
	size     int64
}

// LoadTLS reads a node's certificate, its key and its authority, all PEM.
func LoadTLS(certFile, keyFile, caFile string) (*TLS, error) {
	t := &TLS{files: [3]string{certFile, keyFile, caFile}}
	seen, err := t.stamps()
	if err != nil {
		return nil, err
	}
	if err := t.load(seen); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *TLS) stamps() (s [3]stamp, err error) {
	for i, name := range t.files {
		info, err := os.Stat(name)
		if err != nil {
			return s, fmt.Errorf("tls: %w", err)
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

// load reads the files, whose states were seen before.
func (t *TLS) load(seen [3]stamp) error {
	cert, err := tls.LoadX509KeyPair(t.files[0], t.files[1])
	if err != nil {
		return fmt.Errorf("tls: %s: %w", t.files[0], err)
	}
	pem, err := os.ReadFile(t.files[2])
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("tls: %s holds no certificate", t.files[2])
	}
	t.seen, t.cert, t.roots = seen, &cert, roots
	return nil
}

// current returns what the files hold, or held when they could be read last.
func (t *TLS) current() (*tls.Certificate, *x509.CertPool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seen, err := t.stamps(); err == nil && seen != t.seen {
		_ = t.load(seen) // the old ones serve on; the next handshake tries again
	}
	return t.cert, t.roots
}

// ServerConfig returns the configuration of a listener: TLS 1.3, and who connects
// must present a certificate of the authority.
func (t *TLS) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			cert, roots := t.current()
			return &tls.Config{
				MinVersion:   tls.VersionTLS13,
				ClientAuth:   tls.RequireAndVerifyClientCert,
				Certificates: []tls.Certificate{*cert},
				ClientCAs:    roots,
				// A resumed session would outlive a change of the authority.
				SessionTicketsDisabled: true,
				NextProtos:             []string{"h2"},
			}, nil
		},
	}
}

// ClientConfig returns the configuration for one connection to host, which must
// present a certificate of the authority for that name or address.
func (t *TLS) ClientConfig(host string) *tls.Config {
	cert, roots := t.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: host,
		RootCAs:    roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cert, nil
		},
	}
}
