package shard_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestExportAllocatesLittle: what a move leaves to the garbage collector is about what it
// sends. Its cycles, more than the moves themselves, are what clients wait for.
func TestExportAllocatesLittle(t *testing.T) {
	m := newMover(t, 1)
	value := strings.Repeat("v", 64)
	for i := range 20000 {
		m.do([]string{"SET", fmt.Sprintf("key:%012d", i), value})
	}
	e := m.source.Engine
	e.BeginExport(7)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent := 0
	for {
		chunk, _, err := e.ExportChunk(7, 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		if sent += len(chunk); len(chunk) == 0 {
			break
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; sent < 20000*len(value) || got > 3*uint64(sent) {
		t.Errorf("%d bytes are allocated to send %d", got, sent)
	} else {
		t.Logf("%.2f bytes for each that is sent", float64(got)/float64(sent))
	}
}
