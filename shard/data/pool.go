package data

import (
	"math/bits"
	"sync"
	"unsafe"
)

const (
	// regionBytes is what is mapped from the operating system at once.
	regionBytes = 8 << 20
	// blockBytes is a huge page, which makes random access cheaper by most of its
	// TLB misses.
	blockBytes = 2 << 20
	blockPages = blockBytes / pageBytes
	// allFree is a block of which no page is lent.
	allFree = 1<<blockPages - 1
	// maxIdleBlocks is how many blocks that nobody uses keep their memory for the
	// next arena that needs some: 16 MiB.
	maxIdleBlocks = 8
	// sparseBelow is how many lent pages are too few for a huge page: its memory
	// would be four times what is used. Such a block has small pages, and gives back
	// those that are free, until denseFrom pages are lent again.
	sparseBelow = blockPages / 4
	denseFrom   = blockPages / 2
)

// pool lends pages to all arenas of the process, so that many shards share huge
// pages instead of each filling its own. It is the one thing in here that is
// shared between shards, and asked only once in 64 KiB.
var pool = pagePool{at: map[uintptr]*block{}}

// block is a huge page's worth of pages.
type block struct {
	base   unsafe.Pointer
	free   uint32 // a bit for each page that is not lent
	place  int    // in its list
	sparse bool   // has small pages
	idle   bool   // nothing is lent, but the memory is kept
}

func (b *block) lent() int { return blockPages - bits.OnesCount32(b.free) }

// rank is the order in which blocks are taken from, the highest first: those of
// which more is lent, then those that have memory; fullRank has nothing left.
func (b *block) rank() int {
	switch n := b.lent(); {
	case n > 0:
		return n + 1
	case b.idle:
		return 1
	}
	return 0
}

const fullRank = blockPages + 1

func (b *block) bytes() []byte { return unsafe.Slice((*byte)(b.base), blockBytes) }

func (b *block) page(i int) []byte { return b.bytes()[i*pageBytes : (i+1)*pageBytes] }

// pagePool takes pages from the blocks that are fullest, so that the others get
// empty: only the memory of a whole block goes back. (If small pieces of it did,
// the system would soon fill them up again to make a huge page.)
type pagePool struct {
	mu     sync.Mutex
	byRank [fullRank + 1][]*block
	at     map[uintptr]*block // by address / blockBytes
	idle   int
}

// take returns a page, whose memory may be dirty.
func (p *pagePool) take() unsafe.Pointer {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.fullest()
	if b == nil {
		p.grow()
		b = p.fullest()
	}
	p.unlist(b)
	defer p.list(b)
	if b.idle {
		b.idle = false
		p.idle--
	}
	i := bits.TrailingZeros32(b.free)
	b.free &^= 1 << i
	if b.sparse && b.lent() >= denseFrom {
		b.sparse = false
		adviseHuge(b.bytes())
	}
	return unsafe.Add(b.base, i*pageBytes)
}

// fullest returns the block to take from, or nil if there is none.
func (p *pagePool) fullest() *block {
	for rank := fullRank - 1; rank >= 0; rank-- {
		if list := p.byRank[rank]; len(list) > 0 {
			return list[len(list)-1]
		}
	}
	return nil
}

func (p *pagePool) grow() {
	region := unsafe.Pointer(unsafe.SliceData(mapMemory(regionBytes)))
	for at := regionBytes - blockBytes; at >= 0; at -= blockBytes { // the lowest is taken first
		b := &block{base: unsafe.Add(region, at), free: allFree}
		p.at[uintptr(b.base)/blockBytes] = b
		p.list(b)
	}
}

func (p *pagePool) give(page unsafe.Pointer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.at[uintptr(page)/blockBytes]
	i := int(uintptr(page)-uintptr(b.base)) / pageBytes
	p.unlist(b)
	defer p.list(b)
	b.free |= 1 << i
	switch {
	case b.free == allFree:
		p.emptied(b)
	case b.sparse:
		discard(b.page(i))
	}
}

// tidyBlocks is how many blocks one Tidy gives small pages: some 100 µs of work.
const tidyBlocks = 16

// Tidy gives back memory of blocks that are hardly used. It is to be called a few
// times a second: what is being emptied or filled at the moment is best left alone.
func Tidy() { pool.tidy() }

func (p *pagePool) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	next, done := p.fullest(), 0
	for rank := 2; rank <= sparseBelow; rank++ { // 1 to sparseBelow-1 pages are lent
		for _, b := range p.byRank[rank] {
			if b.sparse || b == next {
				continue
			}
			if done++; done > tidyBlocks {
				return
			}
			p.thin(b)
		}
	}
}

// thin gives the block small pages and discards those that are free.
func (p *pagePool) thin(b *block) {
	b.sparse = true
	adviseSmall(b.bytes())
	for free := b.free; free != 0; free &= free - 1 {
		discard(b.page(bits.TrailingZeros32(free)))
	}
}

// emptied keeps the memory of a block that nobody uses, or gives it back.
func (p *pagePool) emptied(b *block) {
	if b.sparse {
		b.sparse = false
		adviseHuge(b.bytes())
	} else if p.idle < maxIdleBlocks {
		b.idle = true
		p.idle++
		return
	}
	discard(b.bytes())
}

// unlist takes the block out of its list, before it changes.
func (p *pagePool) unlist(b *block) {
	list := p.byRank[b.rank()]
	last := list[len(list)-1]
	list[b.place], last.place = last, b.place
	list[len(list)-1] = nil
	p.byRank[b.rank()] = list[:len(list)-1]
}

func (p *pagePool) list(b *block) {
	list := &p.byRank[b.rank()]
	b.place = len(*list)
	*list = append(*list, b)
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
