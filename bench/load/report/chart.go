package report

import (
	"fmt"
	"html/template"
	"io"
)

// The chart's measures in pixels. A bar is thick enough for its figure to stand
// behind it in the same line.
const (
	chartLabelWidth = 110
	chartBarWidth   = 170 // of the longest bar of a panel
	chartFigure     = 70  // room for the figure behind a bar
	chartBarHeight  = 11
	chartRowGap     = 8
	chartHead       = 96 // title, legend and panel heads
	chartPanelWidth = chartBarWidth + chartFigure + 20
	chartMargin     = 16
)

// bar is one rectangle and the figure behind it.
type bar struct {
	X, Y, Width, Height float64
	Class               string // target, peer, or worse for a ratio on the wrong side of 1
	Text                string
	TextX, TextY        float64
}

type label struct {
	X, Y float64
	Text string
}

type chart struct {
	Width, Height   float64
	Title, Subtitle string
	HasPeer         bool
	PeerLegendX     float64
	Labels          []label
	Heads           []label
	Bars            []bar
}

// panel is a column of the chart: one figure of every row.
type panel struct {
	head  string
	value func(Round) float64
	text  func(float64) string
}

func panels() []panel {
	millis := func(v float64) string { return figure(v/1000, 3) }
	return []panel{
		{"CPU µs per command", func(r Round) float64 { return r.CPUMicros }, func(v float64) string { return figure(v, 2) }},
		{"ops/s", func(r Round) float64 { return r.OpsPerSecond }, count},
		{"p50 ms", func(r Round) float64 { return r.P50Micros }, millis},
		{"p99 ms", func(r Round) float64 { return r.P99Micros }, millis},
		{"p99.9 ms", func(r Round) float64 { return r.P999Micros }, millis},
	}
}

// ratioPanel is a column with one bar a row, target divided by peer.
type ratioPanel struct {
	head       string
	value      func(Ratios) float64
	moreIsGood bool
}

func ratioPanels() []ratioPanel {
	return []ratioPanel{
		{"CPU, target / peer", func(r Ratios) float64 { return r.CPU }, false},
		{"ops/s, target / peer", func(r Ratios) float64 { return r.OpsPerSecond }, true},
	}
}

// WriteSVG writes the rows as an SVG image that stands by itself.
func (r *Report) WriteSVG(w io.Writer) error { return r.writeChart(w, "svg") }

// WriteHTML writes the rows as a self-contained HTML page.
func (r *Report) WriteHTML(w io.Writer) error { return r.writeChart(w, "page") }

func (r *Report) writeChart(w io.Writer, name string) error {
	if err := chartTemplate.ExecuteTemplate(w, name, r.layout()); err != nil {
		return fmt.Errorf("writing the chart: %w", err)
	}
	return nil
}

func (r *Report) layout() chart {
	c := chart{
		Title:       "troupe bench: " + r.Target.Addr,
		Subtitle:    r.Started.UTC().Format("2006-01-02 15:04 UTC"),
		HasPeer:     r.Peer != nil,
		PeerLegendX: chartMargin + 90,
	}
	if r.Peer != nil {
		c.Subtitle += ", medians; peer: redis-server " + r.Peer.Version
	}
	rowHeight := float64(chartBarHeight + chartRowGap)
	if c.HasPeer {
		rowHeight += chartBarHeight
	}
	for i, row := range r.Rows {
		y := chartHead + float64(i)*rowHeight
		c.Labels = append(c.Labels, label{X: chartMargin, Y: y + rowHeight/2, Text: fmt.Sprintf("%s P=%d", row.Workload, row.Pipeline)})
	}
	x := float64(chartMargin + chartLabelWidth)
	for _, p := range panels() {
		c.addPanel(p, r.Rows, x, rowHeight)
		x += chartPanelWidth
	}
	if c.HasPeer {
		for _, p := range ratioPanels() {
			c.addRatios(p, r.Rows, x, rowHeight)
			x += chartPanelWidth
		}
	}
	c.Width = x + chartMargin
	c.Height = chartHead + float64(len(r.Rows))*rowHeight + chartMargin
	return c
}

func (c *chart) addPanel(p panel, rows []Row, x, rowHeight float64) {
	c.Heads = append(c.Heads, label{X: x, Y: chartHead - 12, Text: p.head})
	longest := 0.0
	for _, row := range rows {
		longest = max(longest, p.value(row.Target.Median))
		if row.Peer != nil {
			longest = max(longest, p.value(row.Peer.Median))
		}
	}
	for i, row := range rows {
		y := chartHead + float64(i)*rowHeight
		v := p.value(row.Target.Median)
		c.addBar(x, y, v, longest, "target", p.text(v))
		if row.Peer != nil {
			v := p.value(row.Peer.Median)
			c.addBar(x, y+chartBarHeight, v, longest, "peer", p.text(v))
		}
	}
}

func (c *chart) addRatios(p ratioPanel, rows []Row, x, rowHeight float64) {
	c.Heads = append(c.Heads, label{X: x, Y: chartHead - 12, Text: p.head})
	longest := 1.0
	for _, row := range rows {
		if row.Ratios != nil {
			longest = max(longest, p.value(*row.Ratios))
		}
	}
	for i, row := range rows {
		if row.Ratios == nil {
			continue
		}
		v := p.value(*row.Ratios)
		class := "target"
		if v != 0 && v != 1 && (v > 1) != p.moreIsGood {
			class = "worse"
		}
		c.addBar(x, chartHead+float64(i)*rowHeight+chartBarHeight/2, v, longest, class, figure(v, 2))
	}
}

func (c *chart) addBar(x, y, value, longest float64, class, text string) {
	width := 0.0
	if longest > 0 {
		width = value / longest * chartBarWidth
	}
	c.Bars = append(c.Bars, bar{
		X: x, Y: y, Width: width, Height: chartBarHeight - 1, Class: class,
		Text: text, TextX: x + width + 4, TextY: y + chartBarHeight - 2,
	})
}

var chartTemplate = template.Must(template.New("chart").Parse(`
{{- define "svg" -}}
<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}" font-family="system-ui, sans-serif" font-size="11">
<style>
.ground { fill: #fff } text { fill: #222 } .soft { fill: #666 }
.target { fill: #2a6fbb } .peer { fill: #b9b9b9 } .worse { fill: #c8563c }
</style>
<rect class="ground" width="{{.Width}}" height="{{.Height}}"/>
<text x="16" y="26" font-size="16" font-weight="600">{{.Title}}</text>
<text x="16" y="44" class="soft">{{.Subtitle}}</text>
{{if .HasPeer}}<rect class="target" x="16" y="54" width="10" height="10"/><text x="30" y="63">target</text>
<rect class="peer" x="{{.PeerLegendX}}" y="54" width="10" height="10"/><text x="{{.PeerLegendX}}" y="63" dx="14">peer</text>
{{end}}{{range .Heads}}<text x="{{.X}}" y="{{.Y}}" font-weight="600">{{.Text}}</text>
{{end}}{{range .Labels}}<text x="{{.X}}" y="{{.Y}}">{{.Text}}</text>
{{end}}{{range .Bars}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.Width}}" height="{{.Height}}"/><text class="soft" font-size="10" x="{{.TextX}}" y="{{.TextY}}">{{.Text}}</text>
{{end}}</svg>
{{end}}
{{- define "page" -}}
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body style="margin:0">
{{template "svg" .}}</body></html>
{{end}}`))
