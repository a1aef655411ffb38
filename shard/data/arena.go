package data

import (
	"runtime"
	"unsafe"
)

// Ref names a record of an Arena; 0 names none.
type Ref uint32

const (
	// unit is the grain of the arena: refs count in units, so that 31 bits
	// reach 16 GiB a shard.
	unit = 8
	// pageBytes is what a size class takes at once: small enough that a class
	// used once costs little, large enough that page bookkeeping is rare.
	pageBytes = 64 << 10
	pageUnits = pageBytes / unit
	pageShift = 13 // log2(pageUnits)
	// maxBlock is the largest record that lives in a page. Larger ones are Go
	// slices of their own: a page must hold several of its class.
	maxBlock = 4096
	// maxPages bounds an arena to what a Ref can name.
	maxPages = int(largeBit) / pageUnits
	// largeBit marks a Ref into Arena.large.
	largeBit Ref = 1 << 31
	noBlock      = 0xFFFF
	noPage       = -1
)

// page is the bookkeeping of one page. Free blocks are chained through their
// first two bytes by unit offset.
type page struct {
	class      int8 // -1: empty, in no class
	live       uint16
	bump       uint16 // first unit never used
	free       uint16 // first free block, or noBlock
	next, prev int32  // list of pages of the class that have room
}

// Arena allocates the records of one shard.
type Arena struct {
	// Keeps makes each size class keep its last page, for an arena that is filled and
	// emptied again and again: a page may cost a page fault, and the other way another.
	Keeps bool

	base    []unsafe.Pointer // of each page; nil: not held
	pages   []page
	partial [numClasses]int32
	spare   []int32 // numbers of pages that are not held
	held    *holding
	cleanup runtime.Cleanup

	large     [][]byte
	largeFree []uint32

	used      int64 // bytes in live blocks, and in large records
	resident  int64 // bytes in pages that belong to a class
	largeUsed int64
}

// NewArena returns an empty arena. Its memory goes back to the pool at Close, or
// when the arena is garbage.
func NewArena() *Arena {
	a := &Arena{large: [][]byte{nil}, held: &holding{}}
	for i := range a.partial {
		a.partial[i] = noPage
	}
	a.cleanup = runtime.AddCleanup(a, (*holding).release, a.held)
	return a
}

// Close gives all memory back. No Ref is valid afterwards.
func (a *Arena) Close() {
	a.cleanup.Stop()
	a.held.release()
	*a = *NewArena()
}

// Used returns the bytes in live records, rounded up to their blocks.
func (a *Arena) Used() int64 { return a.used }

// Resident returns the bytes held from the operating system for live records:
// Used and what fragmentation costs.
func (a *Arena) Resident() int64 { return a.resident + a.largeUsed }

func (a *Arena) ptr(r Ref) unsafe.Pointer {
	return unsafe.Add(a.base[r>>pageShift], uintptr(r&(pageUnits-1))*unit)
}

// alloc returns a block of at least n bytes, n ≤ maxBlock. Its content is undefined.
func (a *Arena) alloc(n int) Ref {
	class := classOf[(n+unit-1)/unit]
	i := a.partial[class]
	if i == noPage {
		i = a.takePage(int8(class))
	}
	p := &a.pages[i]
	units := classUnits[class]
	var at uint16
	if p.free != noBlock {
		at = p.free
		p.free = *(*uint16)(unsafe.Add(a.base[i], uintptr(at)*unit))
	} else {
		at = p.bump
		p.bump += units
	}
	p.live++
	if p.free == noBlock && int(p.bump)+int(units) > pageUnits {
		a.unlink(i, class)
	}
	a.used += int64(units) * unit
	return Ref(i)<<pageShift | Ref(at)
}

// release gives back the block at r.
func (a *Arena) release(r Ref) {
	i := int32(r >> pageShift)
	at := uint16(r & (pageUnits - 1))
	p := &a.pages[i]
	class := uint8(p.class)
	units := classUnits[class]
	wasFull := p.free == noBlock && int(p.bump)+int(units) > pageUnits
	*(*uint16)(unsafe.Add(a.base[i], uintptr(at)*unit)) = p.free
	p.free = at
	p.live--
	a.used -= int64(units) * unit
	if wasFull {
		a.link(i, class)
	}
	if p.live == 0 && !(a.Keeps && p.next == noPage && p.prev == noPage) {
		a.unlink(i, class)
		a.retire(i)
	}
}

func (a *Arena) link(i int32, class uint8) {
	head := a.partial[class]
	a.pages[i].next, a.pages[i].prev = head, noPage
	if head != noPage {
		a.pages[head].prev = i
	}
	a.partial[class] = i
}

func (a *Arena) unlink(i int32, class uint8) {
	p := &a.pages[i]
	if p.prev != noPage {
		a.pages[p.prev].next = p.next
	} else {
		a.partial[class] = p.next
	}
	if p.next != noPage {
		a.pages[p.next].prev = p.prev
	}
}

// takePage gets an empty page and gives it to class.
func (a *Arena) takePage(class int8) int32 {
	if len(a.spare) == 0 {
		if len(a.pages) == maxPages {
			panic("data: arena is full: a shard holds at most 16 GiB of records")
		}
		a.spare = append(a.spare, int32(len(a.pages)))
		a.pages = append(a.pages, page{class: -1})
		a.base = append(a.base, nil)
	}
	i := a.spare[len(a.spare)-1]
	a.spare = a.spare[:len(a.spare)-1]
	a.base[i] = pool.take()
	a.held.add(a.base[i])
	// The first unit of a page stays unused: so no record has Ref 0.
	a.pages[i] = page{class: class, bump: 1, free: noBlock}
	a.link(i, uint8(class))
	a.resident += pageBytes
	return i
}

// retire gives an empty page back.
func (a *Arena) retire(i int32) {
	a.pages[i].class = -1
	a.resident -= pageBytes
	a.held.drop(a.base[i])
	pool.give(a.base[i])
	a.base[i] = nil
	a.spare = append(a.spare, i)
}
