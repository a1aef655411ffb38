package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// FormatVersion grows when a field of Report changes its meaning.
const FormatVersion = 2

// Report is a whole run.
type Report struct {
	Format      int       `json:"format"`
	Started     time.Time `json:"started"`
	Machine     Machine   `json:"machine"`
	Settings    any       `json:"settings"` // the configuration of the run, without the password
	Interrupted bool      `json:"interrupted,omitempty"`
	Target      Server    `json:"target"`
	Peers       []Server  `json:"peers,omitempty"`
	Rows        []Row     `json:"rows"`
	Memory      []Memory  `json:"memory,omitempty"`
	Watch       *Watch    `json:"watch,omitempty"`
	Notes       []string  `json:"notes,omitempty"`
}

// Machine is where the load came from.
type Machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

// Server is one side: a server, or a cluster of them.
type Server struct {
	Name      string `json:"name"` // "target", or what the table calls this peer
	Addr      string `json:"addr"` // where the load goes; several with commas
	Version   string `json:"version"`
	PIDs      []int  `json:"pids,omitempty"` // whose CPU and memory are summed
	CPUSource string `json:"cpu_source"`     // kernel, info or none
	SlotAware bool   `json:"slot_aware,omitempty"`
}

// Round is what one round of one side measured.
type Round struct {
	Requests     int64   `json:"requests"`
	Seconds      float64 `json:"seconds"`
	OpsPerSecond float64 `json:"ops_per_second"`
	CPUMicros    float64 `json:"cpu_us_per_command"` // the server's user+system time; 0 if unknown
	P50Micros    float64 `json:"p50_us"`
	P99Micros    float64 `json:"p99_us"`
	P999Micros   float64 `json:"p999_us"`
	MaxMicros    float64 `json:"max_us"`
	RSSBytes     float64 `json:"rss_bytes"` // at the end of the round; 0 if unknown
	DriverCores  float64 `json:"driver_cores,omitempty"`
}

// Side is one server in one row.
type Side struct {
	Rounds []Round `json:"rounds"`
	Median Round   `json:"median"` // each field's median by itself
}

// Row is one workload at one pipeline. One command is one request: an MSET of
// ten keys, or a whole transaction.
type Row struct {
	Workload string     `json:"workload"`
	Pipeline int        `json:"pipeline"`
	Driver   string     `json:"driver"`
	Target   Side       `json:"target"`
	Peers    []PeerSide `json:"peers,omitempty"`
}

// PeerSide is one peer in one row, and the target compared with it.
type PeerSide struct {
	Name string `json:"name"`
	Side
	Ratios Ratios `json:"ratios"`
}

// Ratios are the target's medians divided by the peer's; 0 where either is unknown.
type Ratios struct {
	OpsPerSecond float64 `json:"ops_per_second"`
	CPU          float64 `json:"cpu_us_per_command"`
	P50          float64 `json:"p50"`
	P99          float64 `json:"p99"`
	P999         float64 `json:"p999"`
	RSS          float64 `json:"rss"`
}

// Memory is one memory measurement: what Count things of a kind cost.
type Memory struct {
	Kind   string          `json:"kind"` // fill or idle
	Count  int             `json:"count"`
	Target Footprint       `json:"target"`
	Peers  []PeerFootprint `json:"peers,omitempty"`
}

// PeerFootprint is one peer in a memory measurement, and the target compared with it.
type PeerFootprint struct {
	Name string `json:"name"`
	Footprint
	Ratios MemoryRate `json:"ratios"`
}

// Footprint is one side of a memory measurement.
type Footprint struct {
	BeforeBytes float64 `json:"rss_before_bytes"`
	AfterBytes  float64 `json:"rss_after_bytes"` // once settled
	PeakBytes   float64 `json:"rss_peak_bytes"`  // since the server began; 0 if unknown
	EachBytes   float64 `json:"bytes_each"`      // (after-before)/count
	CPUShare    float64 `json:"cpu_share"`       // of one core: while filling, or while idle
	MaxMicros   float64 `json:"max_us"`          // the slowest request of a fill
}

// MemoryRate are target to peer.
type MemoryRate struct {
	RSS  float64 `json:"rss"`
	Each float64 `json:"bytes_each"`
}

// Add adds a peer's rounds to a row, with their medians and the ratios to them.
func (r *Row) Add(peer string, rounds []Round) {
	side := Side{Rounds: rounds, Median: medianRound(rounds)}
	t, p := r.Target.Median, side.Median
	r.Peers = append(r.Peers, PeerSide{Name: peer, Side: side, Ratios: Ratios{
		OpsPerSecond: ratio(t.OpsPerSecond, p.OpsPerSecond),
		CPU:          ratio(t.CPUMicros, p.CPUMicros),
		P50:          ratio(t.P50Micros, p.P50Micros),
		P99:          ratio(t.P99Micros, p.P99Micros),
		P999:         ratio(t.P999Micros, p.P999Micros),
		RSS:          ratio(t.RSSBytes, p.RSSBytes),
	}})
}

// NewRow computes the medians of the target's rounds.
func NewRow(workload string, pipeline int, driver string, target []Round) Row {
	return Row{Workload: workload, Pipeline: pipeline, Driver: driver, Target: Side{Rounds: target, Median: medianRound(target)}}
}

// NewMemory computes what each of the target's things costs.
func NewMemory(kind string, count int, target Footprint) Memory {
	return Memory{Kind: kind, Count: count, Target: target.each(count)}
}

// Add adds a peer's footprint and the ratios to it.
func (m *Memory) Add(peer string, f Footprint) {
	f = f.each(m.Count)
	m.Peers = append(m.Peers, PeerFootprint{Name: peer, Footprint: f, Ratios: MemoryRate{
		RSS:  ratio(m.Target.AfterBytes, f.AfterBytes),
		Each: ratio(m.Target.EachBytes, f.EachBytes),
	}})
}

func (f Footprint) each(count int) Footprint {
	if f.AfterBytes > 0 && count > 0 {
		f.EachBytes = (f.AfterBytes - f.BeforeBytes) / float64(count)
	}
	return f
}

func medianRound(rounds []Round) Round {
	of := func(field func(Round) float64) float64 {
		all := make([]float64, len(rounds))
		for i, r := range rounds {
			all[i] = field(r)
		}
		return Median(all)
	}
	return Round{
		Requests:     int64(of(func(r Round) float64 { return float64(r.Requests) })),
		Seconds:      of(func(r Round) float64 { return r.Seconds }),
		OpsPerSecond: of(func(r Round) float64 { return r.OpsPerSecond }),
		CPUMicros:    of(func(r Round) float64 { return r.CPUMicros }),
		P50Micros:    of(func(r Round) float64 { return r.P50Micros }),
		P99Micros:    of(func(r Round) float64 { return r.P99Micros }),
		P999Micros:   of(func(r Round) float64 { return r.P999Micros }),
		MaxMicros:    of(func(r Round) float64 { return r.MaxMicros }),
		RSSBytes:     of(func(r Round) float64 { return r.RSSBytes }),
		DriverCores:  of(func(r Round) float64 { return r.DriverCores }),
	}
}

// Median returns the middle value, or the mean of the middle two; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// ratio is a/b, or 0 where either was not measured.
func ratio(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return a / b
}

// WriteJSON writes the report, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing the JSON report: %w", err)
	}
	return nil
}
