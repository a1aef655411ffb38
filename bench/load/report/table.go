package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// unknown stands where nothing was measured.
const unknown = "-"

// WriteTable writes the report as aligned text, for a terminal.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	servers := append([]Server{r.Target}, r.Peers...)
	width := 0
	for _, s := range servers {
		width = max(width, len(s.Name))
	}
	for _, s := range servers {
		fmt.Fprintf(&b, "%-*s %s\n", width, s.Name, s.line())
	}
	if r.Interrupted {
		b.WriteString("interrupted: only what was finished is shown\n")
	}
	if len(r.Rows) > 0 {
		b.WriteString("\n")
		b.WriteString(align(r.loadCells()))
	}
	if len(r.Memory) > 0 {
		b.WriteString("\n")
		b.WriteString(align(r.memoryCells()))
	}
	if r.Watch != nil {
		b.WriteString(strings.Join(r.Watch.lines(), "\n") + "\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func (s Server) line() string {
	line := s.Addr
	if s.Version != "" {
		line += "  version " + s.Version
	}
	for i, pid := range s.PIDs {
		if i == 0 {
			line += "  pid "
		} else {
			line += ","
		}
		line += fmt.Sprint(pid)
	}
	if s.SlotAware {
		line += "  slot-aware clients"
	}
	switch s.CPUSource {
	case "info":
		line += "  (CPU and memory by its own INFO: its process is not on this machine)"
	case "none":
		line += "  (CPU and memory unknown: give --target-pid)"
	}
	return line
}

// column is a figure of a row: its head, how it reads, and its ratio.
type column struct {
	head   string
	figure func(Round) string
	ratio  func(Ratios) float64
}

func loadColumns() []column {
	return []column{
		{"ops/s", func(r Round) string { return count(r.OpsPerSecond) }, func(r Ratios) float64 { return r.OpsPerSecond }},
		{"CPU µs/cmd", func(r Round) string { return figure(r.CPUMicros, 2) }, func(r Ratios) float64 { return r.CPU }},
		{"p50 ms", func(r Round) string { return figure(r.P50Micros/1000, 3) }, func(r Ratios) float64 { return r.P50 }},
		{"p99 ms", func(r Round) string { return figure(r.P99Micros/1000, 3) }, func(r Ratios) float64 { return r.P99 }},
		{"p99.9 ms", func(r Round) string { return figure(r.P999Micros/1000, 3) }, func(r Ratios) float64 { return r.P999 }},
		{"RSS MiB", func(r Round) string { return mebibytes(r.RSSBytes) }, func(r Ratios) float64 { return r.RSS }},
	}
}

func (r *Report) loadCells() [][]string {
	columns := loadColumns()
	head := []string{"workload", "P", "driver"}
	for _, c := range columns {
		head = append(head, c.head)
		for _, p := range r.Peers {
			head = append(head, p.Name, "ratio")
		}
	}
	cells := [][]string{head}
	for _, row := range r.Rows {
		line := []string{row.Workload, fmt.Sprint(row.Pipeline), row.Driver}
		for _, c := range columns {
			line = append(line, c.figure(row.Target.Median))
			for _, p := range row.Peers {
				line = append(line, c.figure(p.Median), figure(c.ratio(p.Ratios), 2))
			}
		}
		cells = append(cells, line)
	}
	return cells
}

func (r *Report) memoryCells() [][]string {
	cells := [][]string{{"memory", "count", "side", "RSS before MiB", "RSS MiB", "ratio", "peak MiB", "bytes each", "ratio", "CPU %", "slowest ms"}}
	line := func(m Memory, side string, f Footprint, rss, each string) {
		cells = append(cells, []string{
			m.Kind, fmt.Sprint(m.Count), side, mebibytes(f.BeforeBytes), mebibytes(f.AfterBytes), rss,
			mebibytes(f.PeakBytes), figure(f.EachBytes, 1), each, figure(f.CPUShare*100, 2), figure(f.MaxMicros/1000, 1),
		})
	}
	for _, m := range r.Memory {
		line(m, r.Target.Name, m.Target, unknown, unknown)
		for _, p := range m.Peers {
			line(m, p.Name, p.Footprint, figure(p.Ratios.RSS, 2), figure(p.Ratios.Each, 2))
		}
	}
	return cells
}

func figure(v float64, digits int) string {
	if v == 0 {
		return unknown
	}
	return fmt.Sprintf("%.*f", digits, v)
}

func mebibytes(bytes float64) string { return figure(bytes/(1<<20), 1) }

// count writes a whole number in groups of three digits.
func count(v float64) string {
	if v <= 0 {
		return unknown
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// leftColumns are names, read from the left; the rest is aligned at the right,
// as figures are.
const leftColumns = 1

// align pads cells to the width of their column, two spaces between columns.
func align(cells [][]string) string {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, line := range cells {
		var text strings.Builder
		for i, c := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if i > 0 {
				text.WriteString("  ")
			}
			if i < leftColumns {
				text.WriteString(c + pad)
			} else {
				text.WriteString(pad + c)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}
