package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	snapshotMagic = "troupe snapshot 1\n"
	temporary     = "snapshot.tmp-"
)

func snapshotName(id uint64, s *Snapshot) string {
	return fmt.Sprintf("%016x-%016x-%016x.snapshot", id, s.Index, s.Term)
}

// snapshotHead is all of a snapshot's file but the data.
func snapshotHead(id uint64, s *Snapshot) []byte {
	head := []byte(snapshotMagic)
	for _, v := range []uint64{id, s.Index, s.Term, uint64(len(s.Data))} {
		head = binary.LittleEndian.AppendUint64(head, v)
	}
	crc := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, s.Data)
	return binary.LittleEndian.AppendUint32(head, crc)
}

// writeSnapshot writes the file of a snapshot, durably, before a record names it.
func writeSnapshot(fs FS, id uint64, s *Snapshot) error {
	aside := fmt.Sprintf("%s%016x", temporary, id)
	f, err := fs.Create(aside)
	if err != nil {
		return err
	}
	_, err = f.Write(snapshotHead(id, s))
	if err == nil {
		_, err = f.Write(s.Data)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = fs.Rename(aside, snapshotName(id, s))
	}
	if err == nil {
		err = fs.SyncDir()
	}
	if err != nil {
		return fmt.Errorf("wal: snapshot: %w", err)
	}
	return nil
}

// readSnapshot returns the data of a snapshot.
func readSnapshot(fs FS, id uint64, s *Snapshot) ([]byte, error) {
	name := snapshotName(id, s)
	b, err := fs.ReadFile(name)
	if err != nil {
		return nil, corrupt("snapshot %s: %v", name, err)
	}
	n := len(snapshotHead(id, &Snapshot{}))
	if len(b) < n {
		return nil, corrupt("snapshot %s: %d bytes", name, len(b))
	}
	read := Snapshot{Index: s.Index, Term: s.Term, Data: b[n:]}
	if string(snapshotHead(id, &read)) != string(b[:n]) {
		return nil, corrupt("snapshot %s: checksum", name)
	}
	return read.Data, nil
}
