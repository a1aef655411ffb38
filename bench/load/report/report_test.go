package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}, {[]float64{8, 2, 4, 6}, 5},
	} {
		before := append([]float64(nil), c.values...)
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
		if !reflect.DeepEqual(before, append([]float64(nil), c.values...)) {
			t.Errorf("%v was reordered to %v", before, c.values)
		}
	}
}

func round(ops float64) Round {
	return Round{Requests: 100, Seconds: 1, OpsPerSecond: ops, CPUMicros: ops / 10, P50Micros: 1000, P99Micros: 2000, P999Micros: 3000, RSSBytes: 10 << 20}
}

func row(name string, pipeline int, target, peer []Round) Row {
	r := NewRow(name, pipeline, "builtin", target)
	r.Add("peer", peer)
	return r
}

func sample() *Report {
	peer := round(50)
	peer.P999Micros = 0 // not measured
	memory := NewMemory("fill", 1000, Footprint{BeforeBytes: 1 << 20, AfterBytes: 2 << 20, PeakBytes: 3 << 20})
	memory.Add("peer", Footprint{BeforeBytes: 1 << 20, AfterBytes: 3 << 20})
	return &Report{
		Format:  FormatVersion,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine: Machine{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26"},
		Target:  Server{Name: "target", Addr: "127.0.0.1:7000", Version: "troupe 1", PIDs: []int{12}, CPUSource: "kernel"},
		Peers:   []Server{{Name: "peer", Addr: "127.0.0.1:7001", Version: "7.0.15", PIDs: []int{13}, CPUSource: "kernel"}},
		Rows: []Row{
			row("GET", 16, []Round{round(1_234_567), round(100), round(200)}, []Round{round(50), peer, peer}),
			row("EXEC", 1, []Round{round(10)}, []Round{round(20)}),
		},
		Memory: []Memory{memory},
		Notes:  []string{"<careful> & slow"},
	}
}

func TestRowComputesMediansAndRatios(t *testing.T) {
	row := sample().Rows[0]
	if row.Target.Median.OpsPerSecond != 200 || row.Peers[0].Median.OpsPerSecond != 50 {
		t.Fatalf("%+v %+v", row.Target.Median, row.Peers[0].Median)
	}
	want := Ratios{OpsPerSecond: 4, CPU: 4, P50: 1, P99: 1, P999: 0, RSS: 1}
	if row.Peers[0].Ratios != want {
		t.Fatalf("%+v", row.Peers[0].Ratios)
	}
}

func TestMemoryComputesTheCostOfEach(t *testing.T) {
	m := sample().Memory[0]
	if want := float64(1<<20) / 1000; m.Target.EachBytes != want || m.Peers[0].EachBytes != 2*want {
		t.Fatalf("%+v %+v", m.Target, m.Peers)
	}
	if m.Peers[0].Ratios.Each != 0.5 || math.Abs(m.Peers[0].Ratios.RSS-2.0/3) > 1e-9 {
		t.Fatalf("%+v", m.Peers[0].Ratios)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	r := sample()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	dec := json.NewDecoder(&b)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*r, back) {
		t.Fatalf("\n%+v\n%+v", *r, back)
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	r := sample()
	r.Rows = r.Rows[:1]
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `target 127.0.0.1:7000  version troupe 1  pid 12
peer   127.0.0.1:7001  version 7.0.15  pid 13

workload   P   driver  ops/s  peer  ratio  CPU µs/cmd  peer  ratio  p50 ms   peer  ratio  p99 ms   peer  ratio  p99.9 ms  peer  ratio  RSS MiB  peer  ratio
GET       16  builtin    200    50   4.00       20.00  5.00   4.00   1.000  1.000   1.00   2.000  2.000   1.00     3.000     -      -     10.0  10.0   1.00

memory  count    side  RSS before MiB  RSS MiB  ratio  peak MiB  bytes each  ratio  CPU %  slowest ms
fill     1000  target             1.0      2.0      -       3.0      1048.6      -      -           -
fill     1000    peer             1.0      3.0   0.67         -      2097.2   0.50      -           -
note: <careful> & slow
`
	if b.String() != want {
		t.Fatalf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestTableOfTwoPeers(t *testing.T) {
	r := sample()
	r.Peers = []Server{{Name: "redis"}, {Name: "cluster", Addr: "a:1,b:2", PIDs: []int{1, 2}, SlotAware: true}}
	r.Rows = []Row{NewRow("GET", 1, "builtin", []Round{round(200)})}
	r.Rows[0].Add("redis", []Round{round(100)})
	r.Rows[0].Add("cluster", []Round{round(400)})
	r.Memory[0].Add("cluster", Footprint{AfterBytes: 4 << 20})
	var b bytes.Buffer
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"target  127.0.0.1:7000", "cluster a:1,b:2  pid 1,2  slot-aware clients",
		"ops/s  redis  ratio  cluster  ratio  CPU", "  200    100   2.00      400   0.50  ", "1000  cluster ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestWatchIsSummedUp(t *testing.T) {
	r := &Report{Watch: &Watch{Total: WatchSecond{At: 3, Requests: 1500, P50Micros: 100, Errors: 2}, ErrorTexts: []string{"CLUSTERDOWN x"}}}
	var b bytes.Buffer
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"    3.0        1,500      0.100          -          -        2        0  total\n", "error: CLUSTERDOWN x\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if head, line := WatchHead(), r.Watch.Total.Line(); len(head) != len(line) {
		t.Errorf("%q\n%q", head, line)
	}
}

func TestTableWithoutPeerSaysWhereFiguresComeFrom(t *testing.T) {
	r := &Report{Target: Server{Addr: "far:1", CPUSource: "none"}, Interrupted: true, Rows: []Row{NewRow("SET", 1, "builtin", []Round{round(5)})}}
	var b bytes.Buffer
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"give --target-pid", "interrupted"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "ratio") {
		t.Errorf("a ratio without a peer in\n%s", b.String())
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "-", 7: "7", 999: "999", 1000: "1,000", 1234567.6: "1,234,568"} {
		if got := count(v); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
}

// TestChartsAreWholeAndEscaped parses the SVG strictly, counts its bars, and
// plants markup in a name.
func TestChartsAreWholeAndEscaped(t *testing.T) {
	r := sample()
	r.Target.Addr = `<script>"&`
	var svg, page bytes.Buffer
	if err := errors.Join(r.WriteSVG(&svg), r.WriteHTML(&page)); err != nil {
		t.Fatal(err)
	}
	rects := 0
	dec := xml.NewDecoder(&svg)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			if e.Name.Local == "script" {
				t.Fatal("markup of a name became an element")
			}
			if e.Name.Local == "rect" {
				rects++
			}
		}
	}
	// Ground, two of the legend, and for each row five pairs and two ratios.
	if want := 3 + len(r.Rows)*(5*2+2); rects != want {
		t.Errorf("%d rectangles, want %d", rects, want)
	}
	for _, want := range []string{"<!DOCTYPE html>", "GET P=16", "EXEC P=1", "&lt;script&gt;", "</svg>", "</html>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, outside := range []string{"href", "src=", "<script"} {
		if strings.Contains(page.String(), outside) {
			t.Errorf("the page is not self-contained: %s", outside)
		}
	}
}

func TestChartOfNothingStillOpens(t *testing.T) {
	var b bytes.Buffer
	if err := (&Report{}).WriteHTML(&b); err != nil || !strings.Contains(b.String(), "</svg>") {
		t.Fatalf("%v %s", err, b.String())
	}
}

// brokenWriter takes nothing.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteErrorsAreTold(t *testing.T) {
	r := sample()
	for name, write := range map[string]func(io.Writer) error{"table": r.WriteTable, "json": r.WriteJSON, "svg": r.WriteSVG, "html": r.WriteHTML} {
		if err := write(brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
