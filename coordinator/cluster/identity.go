package cluster

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troupedb/troupe/shard/wal"
)

// identity is who the node is. In its directory it outlives the process.
type identity struct {
	ID     string `json:"id"`      // 40 hexadecimal digits
	RaftID uint64 `json:"raft_id"` // of its replica of the catalog: another for another log
}

const (
	identityFile = "node.json"
	logDir       = "log"
)

// newRaftID returns a number for a new log. Two are the same once in the life of
// the universe.
func newRaftID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])                         // never fails: it ends the process instead
	return binary.LittleEndian.Uint64(b[:])>>1 | 1 // not 0, nor one of raft's own
}

// newID returns 40 hexadecimal digits that nobody else has.
func newID() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// passing is the identity of a node without a directory: its name is all that it can
// come back with.
func passing(cluster, name string) identity {
	sum := sha1.Sum([]byte("troupe node\x00" + cluster + "\x00" + name))
	return identity{ID: hex.EncodeToString(sum[:]), RaftID: newRaftID()}
}

// home is where a node's identity and log are; its zero value, the memory.
type home struct {
	dir  string
	lock *wal.OS // which other processes must not have
	log  *wal.Log
}

// open returns the node's identity and its log. A log is only continued under the
// raft id that it was written under: it has votes and acknowledgements in it.
func open(o *Options) (id identity, h *home, err error) {
	if o.Dir == "" {
		h = &home{}
		h.log, err = wal.Open(wal.NewMemory(), wal.Options{})
		return passing(o.Cluster, o.Name), h, err
	}
	h = &home{dir: o.Dir}
	h.lock, err = wal.OpenOS(filepath.Join(o.Dir, logDir))
	if errors.Is(err, wal.ErrInUse) {
		return id, nil, fmt.Errorf("--dir %s is in use by another node: give each node its own", o.Dir)
	}
	if err != nil {
		return id, nil, fmt.Errorf("--dir %s: %w", o.Dir, err)
	}
	if h.log, err = wal.Open(h.lock, wal.Options{}); err != nil {
		h.close()
		return id, nil, fmt.Errorf("the log in %s does not read (%w): move that folder away, and the node joins with a new log",
			filepath.Join(o.Dir, logDir), err)
	}
	if id, err = h.identity(); err != nil {
		h.close()
		return id, nil, err
	}
	return id, h, nil
}

// identity reads who the node is, or makes it somebody.
func (h *home) identity() (identity, error) {
	id, err := readIdentity(h.dir)
	if err != nil {
		return id, fmt.Errorf("%s does not read (%w): move it away, and the node is a new one", filepath.Join(h.dir, identityFile), err)
	}
	if id.ID == "" {
		id.ID, id.RaftID = newID(), 0
	}
	if id.RaftID != 0 && len(h.log.Groups()) > 0 {
		return id, nil
	}
	return h.renew(id)
}

// renew gives the node another raft id, and an empty log: what was promised under
// the old one is not known, or of no use. The log goes first, so that no crash leaves
// it to be continued under the new one.
func (h *home) renew(id identity) (identity, error) {
	for _, group := range h.log.Groups() {
		if err := h.log.Drop(group); err != nil {
			return id, fmt.Errorf("begin the node's log anew: %w", err)
		}
	}
	id.RaftID = newRaftID()
	if h.dir == "" {
		return id, nil
	}
	if err := writeIdentity(h.dir, id); err != nil {
		return id, fmt.Errorf("--dir %s: %w", h.dir, err)
	}
	return id, nil
}

func (h *home) close() (err error) {
	if h.log != nil {
		if err = h.log.Close(); errors.Is(err, wal.ErrClosed) {
			err = nil
		}
	}
	if h.lock != nil {
		err = errors.Join(err, h.lock.Close())
	}
	return err
}

func readIdentity(dir string) (id identity, err error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &id)
	}
	return id, err
}

// writeIdentity replaces the file, durably: a log must not outlive the identity it
// was written under.
func writeIdentity(dir string, id identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, identityFile)
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
