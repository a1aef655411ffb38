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

// open returns the node's identity and its log.
func open(o *Options) (identity, *wal.Log, error) {
	if o.Dir == "" {
		log, err := wal.Open(wal.NewMemory(), wal.Options{})
		return passing(o.Cluster, o.Name), log, err
	}
	dir, err := wal.OpenOS(filepath.Join(o.Dir, logDir))
	if errors.Is(err, wal.ErrInUse) {
		return identity{}, nil, fmt.Errorf("--dir %s is in use by another node: give each its own", o.Dir)
	}
	if err != nil {
		return identity{}, nil, fmt.Errorf("open the node's directory: %w", err)
	}
	log, err := wal.Open(dir, wal.Options{})
	if err != nil {
		return identity{}, nil, fmt.Errorf("open the node's log: %w", err)
	}
	id, err := readIdentity(o.Dir)
	if err == nil && (id.ID == "" || len(log.Groups()) == 0 && id.RaftID != 0) {
		id.RaftID = 0 // what was promised under it is lost
	}
	if err == nil && (id.ID == "" || id.RaftID == 0) {
		if id.ID == "" {
			id.ID = newID()
		}
		id.RaftID = newRaftID()
		err = writeIdentity(o.Dir, id)
	}
	if err != nil {
		log.Close()
		return identity{}, nil, fmt.Errorf("the node's identity: %w", err)
	}
	return id, log, nil
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

func writeIdentity(dir string, id identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, identityFile)
	if err := os.WriteFile(name+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
