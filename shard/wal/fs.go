package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// FS is the one directory that a log lives in. What a file or the directory was
// told is durable after its sync, and maybe earlier.
type FS interface {
	// Create makes an empty file, in place of one that is there, for writing.
	Create(name string) (File, error)
	// Append opens a file for writing at its end.
	Append(name string) (File, error)
	ReadFile(name string) ([]byte, error)
	// List names all files, in order.
	List() ([]string, error)
	Rename(from, to string) error
	Remove(name string) error
	// Truncate cuts a file, durably.
	Truncate(name string, size int64) error
	// SyncDir makes creations, renames and removals durable.
	SyncDir() error
}

// File is written from its beginning to its end.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// OS is a directory of the operating system, which one process at a time has.
type OS struct {
	dir  string
	lock *os.File
}

// ErrInUse means that another process has the directory.
var ErrInUse = errors.New("wal: the directory is in use by another process")

const lockName = "LOCK"

// OpenOS takes the directory, which it makes if need be.
func OpenOS(dir string) (*OS, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s", err, dir)
	}
	// The directory's own name must be durable too; a parent that may not be read
	// is not ours to have made it in.
	if err := syncDir(filepath.Dir(filepath.Clean(dir))); err != nil && !errors.Is(err, os.ErrPermission) {
		_ = f.Close()
		return nil, err
	}
	return &OS{dir, f}, nil
}

// Close gives the directory back.
func (d *OS) Close() error { return d.lock.Close() }

func (d *OS) path(name string) string { return filepath.Join(d.dir, name) }

// Create is FS's.
func (d *OS) Create(name string) (File, error) {
	return os.OpenFile(d.path(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

// Append is FS's.
func (d *OS) Append(name string) (File, error) {
	return os.OpenFile(d.path(name), os.O_APPEND|os.O_WRONLY, 0o600)
}

// ReadFile is FS's.
func (d *OS) ReadFile(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

// List is FS's.
func (d *OS) List() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Rename is FS's.
func (d *OS) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

// Remove is FS's.
func (d *OS) Remove(name string) error { return os.Remove(d.path(name)) }

// Truncate is FS's.
func (d *OS) Truncate(name string, size int64) error {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// SyncDir is FS's.
func (d *OS) SyncDir() error { return syncDir(d.dir) }

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
