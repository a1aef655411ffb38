package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

// protocol is the version of the streams. Nodes of different ones refuse each other.
const protocol = 1

// helloPatience is how long the two sides may take over their first words.
const helloPatience = 2 * time.Second

// hello is the first frame of a stream: who dials, and whom it means.
type hello struct {
	clusterID   string
	id          string
	number      directory.Number
	incarnation uint64
	to          directory.Number
	fingerprint uint64 // of the command table
}

func (h *hello) append(dst []byte) []byte {
	dst, start := begin(dst, kindHello, protocol)
	dst = appendText(appendText(dst, h.clusterID), h.id)
	for _, v := range []uint64{uint64(h.number), h.incarnation, uint64(h.to), h.fingerprint} {
		dst = binary.AppendUvarint(dst, v)
	}
	finish(dst, start)
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func parseHello(f *frame) (*hello, error) {
	if f.kind != kindHello {
		return nil, errFrame
	}
	if f.id != protocol {
		return nil, fmt.Errorf("it speaks version %d of the streams, this node version %d: run the same version of troupe everywhere", f.id, protocol)
	}
	h := &hello{}
	b, ok := f.content, true
	h.clusterID, b, ok = takeText(b, ok)
	h.id, b, ok = takeText(b, ok)
	var v [4]uint64
	for i := range v {
		v[i], b, ok = takeUint(b, ok)
	}
	h.number, h.incarnation, h.to, h.fingerprint = directory.Number(v[0]), v[1], directory.Number(v[2]), v[3]
	if !ok || len(b) > 0 || v[0] > directory.MaxMembers || v[2] > directory.MaxMembers {
		return nil, errFrame
	}
	return h, nil
}

func takeUint(b []byte, ok bool) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if !ok || n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func takeText(b []byte, ok bool) (string, []byte, bool) {
	n, b, ok := takeUint(b, ok)
	if !ok || n > uint64(len(b)) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}

// errEarly is for peers that are faster than this node, which is only becoming a member.
var errEarly = errors.New("this node is in no cluster yet")

// admit tells why the node of h gets no stream here.
func (n *Net) admit(h *hello) error {
	d := n.env.Where.Load()
	if d.ClusterID == "" {
		return errEarly
	}
	if h.clusterID != d.ClusterID {
		return fmt.Errorf("it belongs to the cluster %s, this node to %s (%s)", h.clusterID, d.ClusterID, d.Cluster)
	}
	m := d.ByID(h.id)
	switch {
	case h.number == d.Self:
		return errors.New("it says that it is this node")
	case h.to != d.Self:
		return fmt.Errorf("it means node number %d, this one has the number %d", h.to, d.Self)
	case m == nil || m.Number != h.number:
		return fmt.Errorf("the node %s is no member that this node knows of yet", h.id)
	case m.Incarnation != h.incarnation:
		return fmt.Errorf("it is another process than the one that this node knows as %s", h.id)
	case h.fingerprint != n.fingerprint:
		return errors.New("its commands differ from this node's: run the same version of troupe everywhere")
	}
	return nil
}

// welcome answers a hello: with nothing, or why not.
func welcome(dst []byte, why error) []byte {
	dst, start := begin(dst, kindWelcome, protocol)
	if why != nil {
		dst = append(dst, why.Error()...)
	}
	finish(dst, start)
	return dst
}

// greet speaks first on a connection that was dialled.
func greet(c net.Conn, h *hello) error {
	if err := c.SetDeadline(time.Now().Add(helloPatience)); err != nil {
		return err
	}
	if _, err := c.Write(h.append(nil)); err != nil {
		return err
	}
	var head [lengthBytes]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > maxHello {
		return errTooLarge
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c, body); err != nil {
		return err
	}
	f, _, err := next(append(head[:], body...), maxHello)
	if err == nil && f.kind != kindWelcome {
		err = errFrame
	}
	if err == nil && len(f.content) > 0 {
		err = fmt.Errorf("refused: %s", f.content)
	}
	if err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}
