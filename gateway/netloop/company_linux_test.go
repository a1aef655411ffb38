package netloop

import "testing"

// A loop lets others run while it finds more to do in that way, ever more seldom where it
// does not, and never if there is enough to do or somebody waits for it.
func TestCompany(t *testing.T) {
	c := company{leisure: true, next: 1}
	if c.wanted(few) || !c.wanted(few-1) {
		t.Error("what is few is not what it should be")
	}
	tries := 0
	for range 1000 {
		if c.wanted(1) {
			tries++
			c.came(0)
		}
	}
	// 1, 2, 4 … 64 waits pass between the first tries, and 64 between those after them.
	if want := 7 + (1000-127-7)/(maxRest+1) + 1; tries != want {
		t.Errorf("%d tries in a thousand waits for nobody, want %d", tries, want)
	}
	for !c.wanted(1) {
	}
	c.came(2)
	for range 10 {
		if !c.wanted(1) {
			t.Fatal("no try after one that has found somebody")
		}
		c.came(1)
	}
	c.leisure = false
	if c.wanted(1) {
		t.Error("others run while somebody waits for the loop")
	}
}
