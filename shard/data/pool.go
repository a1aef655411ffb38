package data

import (
	"sync"
	"unsafe"
)

const (
	// regionBytes is what is mapped from the operating system at once: whole
	// huge pages, which make random access cheaper by most of its TLB misses.
	regionBytes = 8 << 20
	// maxIdlePages is how many pages that nobody holds keep their memory for
	// the next arena that needs one: 16 MiB.
	maxIdlePages = 256
)

// pool lends pages to all arenas of the process, so that many shards share huge
// pages instead of each filling its own. It is the one thing in here that is
// shared between shards, and asked only once in 64 KiB.
var pool pagePool

type pagePool struct {
	mu    sync.Mutex
	idle  []unsafe.Pointer // memory may be dirty
	fresh []unsafe.Pointer // memory never touched, or given back to the system
}

func (p *pagePool) take() unsafe.Pointer {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := &p.idle
	if len(*list) == 0 {
		if len(p.fresh) == 0 {
			p.grow()
		}
		list = &p.fresh
	}
	last := len(*list) - 1
	page := (*list)[last]
	*list = (*list)[:last]
	return page
}

func (p *pagePool) grow() {
	region := unsafe.Pointer(unsafe.SliceData(mapMemory(regionBytes)))
	for at := regionBytes - pageBytes; at >= 0; at -= pageBytes { // the lowest is taken first
		p.fresh = append(p.fresh, unsafe.Add(region, at))
	}
}

func (p *pagePool) give(page unsafe.Pointer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdlePages {
		p.idle = append(p.idle, page)
		return
	}
	discard(unsafe.Slice((*byte)(page), pageBytes))
	p.fresh = append(p.fresh, page)
}

// holding is the pages that an arena holds, apart from the arena itself so that
// they can be given back when it is garbage.
type holding struct {
	pages []unsafe.Pointer
	at    map[unsafe.Pointer]int
}

func (h *holding) add(page unsafe.Pointer) {
	if h.at == nil {
		h.at = map[unsafe.Pointer]int{}
	}
	h.at[page] = len(h.pages)
	h.pages = append(h.pages, page)
}

func (h *holding) drop(page unsafe.Pointer) {
	i, last := h.at[page], len(h.pages)-1
	h.pages[i] = h.pages[last]
	h.at[h.pages[i]] = i
	h.pages = h.pages[:last]
	delete(h.at, page)
}

func (h *holding) release() {
	for _, page := range h.pages {
		pool.give(page)
	}
	*h = holding{}
}
