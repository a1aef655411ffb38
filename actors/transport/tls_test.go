package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func authority(t testing.TB, name string) Pair {
	t.Helper()
	ca, err := MakeAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// files writes a node's files, of a certificate by one authority that trusts another.
func files(t testing.TB, dir string, by, trusted Pair, hosts ...string) [3]string {
	t.Helper()
	pair, err := MakeCertificate(by, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	names := [3]string{filepath.Join(dir, "node.pem"), filepath.Join(dir, "node.key"), filepath.Join(dir, "ca.pem")}
	for i, b := range [][]byte{pair.Cert, pair.Key, trusted.Cert} {
		if err := os.WriteFile(names[i], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func load(t testing.TB, names [3]string) *TLS {
	t.Helper()
	loaded, err := LoadTLS(names[0], names[1], names[2])
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func secure(t testing.TB, name string, by, trusted Pair, hosts ...string) *node {
	t.Helper()
	certificate := load(t, files(t, t.TempDir(), by, trusted, hosts...))
	return start(t, name, func(c *Config) { c.TLS = certificate })
}

func TestMutualTLS(t *testing.T) {
	ours, theirs := authority(t, "ours"), authority(t, "theirs")
	a, b := secure(t, "a", ours, ours, "127.0.0.1"), secure(t, "b", ours, ours, "127.0.0.1")
	a.echo(t, b.Addr())
	b.echo(t, a.Addr())
	for name, other := range map[string]*node{
		"another authority's":              secure(t, "x", theirs, theirs, "127.0.0.1"),
		"another authority's, trusts ours": secure(t, "x", theirs, ours, "127.0.0.1"),
		"in the clear":                     start(t, "x", nil),
	} {
		before := b.Refused()
		if _, err := other.Request(within(t), b.Addr(), kindEcho, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: it asks: %v", name, err)
		}
		eventually(t, name+" is counted", func() bool { return b.Refused() > before })
		before = other.Refused()
		if _, err := a.Request(within(t), other.Addr(), kindEcho, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: it is asked: %v", name, err)
		}
		eventually(t, name+" counts", func() bool { return other.Refused() > before })
	}
	elsewhere := secure(t, "e", ours, ours, "elsewhere.example")
	if _, err := a.Request(within(t), elsewhere.Addr(), kindEcho, nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a certificate for another host: %v", err)
	}
	for _, junk := range []string{"x", "GET / HTTP/1.1\r\n\r\n", preface, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"} {
		before := b.Refused()
		throw(t, b.Addr(), []byte(junk))
		eventually(t, "junk is counted", func() bool { return b.Refused() > before })
	}
	unharmed(t, b, a)
}

// handshake connects a client to a server over TLS and says what both say.
func handshake(t testing.TB, server, client *tls.Config) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		defer c.Close()
		_, err = io.WriteString(c, "x")
		served <- err
	}()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", l.Addr().String(), client)
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	return errors.Join(err, <-served)
}

func TestStreamConfigs(t *testing.T) {
	ours := authority(t, "ours")
	names := files(t, t.TempDir(), ours, ours, "127.0.0.1", "localhost")
	one := load(t, names)
	if err := handshake(t, one.ServerConfig(), one.ClientConfig("localhost")); err != nil {
		t.Error(err)
	}
	if handshake(t, one.ServerConfig(), one.ClientConfig("other")) == nil {
		t.Error("a certificate for another host is accepted")
	}
	nobody := one.ClientConfig("localhost")
	nobody.GetClientCertificate = nil
	if handshake(t, one.ServerConfig(), nobody) == nil {
		t.Error("a client without a certificate is accepted")
	}
	old := one.ClientConfig("localhost")
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if handshake(t, one.ServerConfig(), old) == nil {
		t.Error("TLS 1.2 is accepted")
	}
}

// TestFilesAreReadAgain changes the authority of a running node.
func TestFilesAreReadAgain(t *testing.T) {
	ours, theirs := authority(t, "ours"), authority(t, "theirs")
	dir := t.TempDir()
	one := load(t, files(t, dir, ours, ours, "localhost"))
	server := one.ServerConfig()
	stranger := load(t, files(t, t.TempDir(), theirs, theirs, "localhost"))
	if handshake(t, server, stranger.ClientConfig("localhost")) == nil {
		t.Fatal("a stranger is accepted")
	}
	// Times of files may be coarser than the test is quick.
	later := func(names [3]string, by time.Duration) {
		for _, name := range names {
			if err := os.Chtimes(name, time.Time{}, time.Now().Add(by)); err != nil {
				t.Fatal(err)
			}
		}
	}
	later(files(t, dir, theirs, theirs, "localhost"), time.Minute)
	if err := handshake(t, server, stranger.ClientConfig("localhost")); err != nil {
		t.Errorf("after the change: %v", err)
	}
	if err := handshake(t, stranger.ServerConfig(), one.ClientConfig("localhost")); err != nil {
		t.Errorf("the other way: %v", err)
	}
	names := files(t, dir, ours, ours, "localhost")
	later(names, 2*time.Minute)
	if err := os.WriteFile(names[1], []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, server, stranger.ClientConfig("localhost")); err != nil {
		t.Errorf("with files that cannot be read: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	ours := authority(t, "ours")
	good := files(t, t.TempDir(), ours, ours, "localhost")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, name := range []string{empty, empty + "-missing"} {
			bad := good
			bad[i] = name
			if _, err := LoadTLS(bad[0], bad[1], bad[2]); err == nil {
				t.Errorf("%v are loaded", bad)
			}
		}
	}
}

func TestMakeCertificate(t *testing.T) {
	ca := authority(t, "ours")
	pair, err := MakeCertificate(ca, "node.example", "192.0.2.7", "::1")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Cert)
	for _, host := range []string{"node.example", "192.0.2.7", "::1"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := cert.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
	if _, err := MakeCertificate(pair, "node.example"); err == nil {
		t.Error("a node signs certificates")
	}
	if _, err := MakeCertificate(ca); err == nil {
		t.Error("a certificate for nobody")
	}
	if _, err := MakeCertificate(Pair{}, "node.example"); err == nil {
		t.Error("an authority of nothing")
	}
}
