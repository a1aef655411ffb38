package data

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// census checks that every list holds what it says, and counts.
func (p *pagePool) census(t *testing.T) (lent, sparse, idle int) {
	t.Helper()
	for rank, list := range p.byRank {
		for i, b := range list {
			n := b.lent()
			if b.rank() != rank || b.place != i {
				t.Fatalf("a block of rank %d is number %d of list %d and says %d", b.rank(), i, rank, b.place)
			}
			lent += n
			if b.sparse {
				sparse++
			}
			if b.idle {
				idle++
			}
			if b.idle && n > 0 || b.sparse && n >= denseFrom {
				t.Fatalf("a block with %d pages lent: idle %v, sparse %v", n, b.idle, b.sparse)
			}
		}
	}
	if idle != p.idle || idle > maxIdleBlocks {
		t.Fatalf("%d blocks are idle, %d counted, at most %d allowed", idle, p.idle, maxIdleBlocks)
	}
	return lent, sparse, idle
}

func TestPoolLendsEachPageOnce(t *testing.T) {
	p := pagePool{at: map[uintptr]*block{}}
	r := rand.New(rand.NewPCG(1, 2))
	var held []unsafe.Pointer
	out := map[unsafe.Pointer]bool{}
	give := func(i int) {
		page := held[i]
		held[i] = held[len(held)-1]
		held = held[:len(held)-1]
		delete(out, page)
		p.give(page)
	}
	for step := range 20_000 {
		if want := 600 * (1 + step/5000%2); len(held) == 0 || r.IntN(1200) > len(held)*600/want {
			page := p.take()
			if out[page] {
				t.Fatal("a page was lent twice")
			}
			out[page] = true
			*(*uint64)(page) = uint64(step)
			held = append(held, page)
		} else {
			give(r.IntN(len(held)))
		}
		if step%500 == 0 {
			p.tidy()
			if lent, _, _ := p.census(t); lent != len(held) {
				t.Fatalf("%d pages are lent, %d are held", lent, len(held))
			}
		}
	}
	for len(held) > 0 {
		give(r.IntN(len(held)))
	}
	if lent, sparse, idle := p.census(t); lent != 0 || sparse != 0 || idle == 0 {
		t.Fatalf("at the end %d pages are lent, %d blocks sparse, %d idle", lent, sparse, idle)
	}
}

// Few pages that are left of a block must not hold the memory of all.
func TestPoolMakesBlocksSparseAndDenseAgain(t *testing.T) {
	p := pagePool{at: map[uintptr]*block{}}
	take := func(n int) (held []unsafe.Pointer) {
		for range n {
			held = append(held, p.take())
		}
		return held
	}
	first, second := take(blockPages), take(blockPages)
	for i := 1; i < blockPages; i++ {
		p.give(first[i])
		if i > 1 {
			p.give(second[i])
		}
	}
	p.tidy()
	if _, sparse, _ := p.census(t); sparse != 1 || !p.at[uintptr(first[0])/blockBytes].sparse {
		t.Fatalf("%d blocks are sparse, want the one of which less is lent, and not the one to take from", sparse)
	}
	take(2*blockPages - 3)
	if lent, sparse, _ := p.census(t); lent != 2*blockPages || sparse != 0 || len(p.byRank[fullRank]) != 2 {
		t.Fatalf("%d pages are lent, %d blocks sparse; want two full blocks", lent, sparse)
	}
}

// An empty block that has kept its memory is taken before one that has none.
func TestPoolTakesKeptMemoryFirst(t *testing.T) {
	p := pagePool{at: map[uintptr]*block{}}
	var held []unsafe.Pointer
	for range blockPages * (maxIdleBlocks + 2) {
		held = append(held, p.take())
	}
	for _, page := range held { // the first blocks keep theirs, the last ones do not
		p.give(page)
	}
	if _, _, idle := p.census(t); idle != maxIdleBlocks {
		t.Fatalf("%d blocks keep their memory, want %d", idle, maxIdleBlocks)
	}
	for range blockPages * maxIdleBlocks {
		p.take()
	}
	if _, _, idle := p.census(t); idle != 0 {
		t.Fatalf("%d blocks with memory were left aside for such without", idle)
	}
}
