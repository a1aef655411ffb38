package wal

import (
	"io/fs"
	"maps"
	"slices"
	"sync"
)

// Memory is an FS in memory, for nodes without a directory, tests and simulations.
// Its methods may be called from any goroutine.
type Memory struct {
	mu    sync.Mutex
	now   map[string]*memFile
	kept  map[string]*memFile // the directory as of the last SyncDir
	steps []func(map[string]*memFile)
	syncs int

	// Fail, if set before use, is asked before each change and sync ("write",
	// "sync", "create", …); its error is the answer, and a write that fails has
	// written half.
	Fail func(op, name string) error
}

// memFile is a file; its first synced bytes survive a crash.
type memFile struct {
	data   []byte
	synced int
}

// NewMemory returns an empty one.
func NewMemory() *Memory {
	return &Memory{now: map[string]*memFile{}, kept: map[string]*memFile{}}
}

// Syncs returns how many times a file was synced.
func (m *Memory) Syncs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.syncs
}

func (m *Memory) fails(op, name string) error {
	if m.Fail == nil {
		return nil
	}
	return m.Fail(op, name)
}

// change does what op does to the directory, now, and durably with the next sync.
func (m *Memory) change(op, name string, do func(map[string]*memFile)) error {
	if err := m.fails(op, name); err != nil {
		return err
	}
	do(m.now)
	m.steps = append(m.steps, do)
	return nil
}

// Create is FS's.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &memFile{}
	err := m.change("create", name, func(dir map[string]*memFile) { dir[name] = f })
	return &memHandle{m, f, name}, err
}

func (m *Memory) find(op, name string) (*memFile, error) {
	f := m.now[name]
	if f == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return f, nil
}

// Append is FS's.
func (m *Memory) Append(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("append", name)
	return &memHandle{m, f, name}, err
}

// ReadFile is FS's.
func (m *Memory) ReadFile(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("read", name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(f.data), nil
}

// List is FS's.
func (m *Memory) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.now)), nil
}

// Rename is FS's.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("rename", from)
	if err != nil {
		return err
	}
	return m.change("rename", from, func(dir map[string]*memFile) {
		delete(dir, from)
		dir[to] = f
	})
}

// Remove is FS's.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find("remove", name); err != nil {
		return err
	}
	return m.change("remove", name, func(dir map[string]*memFile) { delete(dir, name) })
}

// Truncate is FS's.
func (m *Memory) Truncate(name string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find("truncate", name)
	if err == nil {
		err = m.fails("truncate", name)
	}
	if err == nil {
		f.data = f.data[:size:size]
		f.synced = int(size)
	}
	return err
}

// SyncDir is FS's.
func (m *Memory) SyncDir() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("syncdir", ""); err != nil {
		return err
	}
	m.kept, m.steps = maps.Clone(m.now), nil
	return nil
}

// Write puts bytes in place of a file's, durably: for tests that damage it.
func (m *Memory) Write(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &memFile{data: slices.Clone(data), synced: len(data)}
	m.now[name], m.kept[name] = f, f
}

// Crash returns what is found after a loss of power: everything that was synced
// and, as the seed has it, some of the rest: the first of the changes of the
// directory, and of each file's end a part, torn at any byte, in which a whole
// sector may not have been written. The old Memory is not changed.
func (m *Memory) Crash(seed uint64) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	rnd := random(seed)
	dir := maps.Clone(m.kept)
	for _, step := range m.steps[:rnd.below(len(m.steps)+1)] {
		step(dir)
	}
	after := NewMemory()
	for _, name := range slices.Sorted(maps.Keys(dir)) {
		f := dir[name]
		end := f.synced + rnd.below(len(f.data)-f.synced+1)
		data := slices.Clone(f.data[:end])
		if rnd.below(2) == 0 {
			hole(data, f.synced, &rnd)
		}
		g := &memFile{data, len(data)}
		after.now[name], after.kept[name] = g, g
	}
	return after
}

// hole zeroes one sector of data's part from synced on.
func hole(data []byte, synced int, rnd *random) {
	const sector = 512
	first := (synced + sector - 1) / sector
	if n := (len(data)+sector-1)/sector - first; n > 0 {
		from := (first + rnd.below(n)) * sector
		clear(data[from:min(from+sector, len(data))])
	}
}

// random is SplitMix64.
type random uint64

func (r *random) below(n int) int {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

type memHandle struct {
	m    *Memory
	f    *memFile
	name string
}

func (h *memHandle) Write(p []byte) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	n, err := len(p), h.m.fails("write", h.name)
	if err != nil {
		n /= 2
	}
	h.f.data = append(h.f.data, p[:n]...)
	return n, err
}

func (h *memHandle) Sync() error {
	// Fail may wait here, and others must go on.
	if err := h.m.fails("sync", h.name); err != nil {
		return err
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	h.m.syncs++
	h.f.synced = len(h.f.data)
	return nil
}

func (h *memHandle) Close() error { return nil }
