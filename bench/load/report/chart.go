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

	chartLegendWidth = 90
)

// bar is one rectangle and the figure behind it.
type bar struct {
	X, Y, Width, Height float64
	Class               string // target, peer0, peer1, or worse for a ratio on the wrong side of 1
	Text                string
	TextX, TextY        float64
}

type label struct {
	X, Y float64
	Text string
}

// legend says which colour is whose.
type legend struct {
	X     float64
	Class string
	Name  string
}

type chart struct {
	Width, Height   float64
	Title, Subtitle string
	Legend          []legend // empty without a peer
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
		Title:    "troupe bench: " + r.Target.Addr,
		Subtitle: r.Started.UTC().Format("2006-01-02 15:04 UTC"),
	}
	for i, p := range r.Peers {
		if i == 0 {
			c.Subtitle += ", medians"
			c.Legend = append(c.Legend, legend{X: chartMargin, Class: "target", Name: r.Target.Name})
		}
		c.Subtitle += fmt.Sprintf("; %s: redis-server %s", p.Name, p.Version)
		c.Legend = append(c.Legend, legend{X: chartMargin + float64(i+1)*chartLegendWidth, Class: peerClass(i), Name: p.Name})
	}
	rowHeight := float64(chartRowGap + chartBarHeight*(1+len(r.Peers)))
	for i, row := range r.Rows {
		y := chartHead + float64(i)*rowHeight
		c.Labels = append(c.Labels, label{X: chartMargin, Y: y + rowHeight/2, Text: fmt.Sprintf("%s P=%d", row.Workload, row.Pipeline)})
	}
	x := float64(chartMargin + chartLabelWidth)
	for _, p := range panels() {
		c.addPanel(p, r.Rows, x, rowHeight)
		x += chartPanelWidth
	}
	if len(r.Peers) > 0 {
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
		for _, peer := range row.Peers {
			longest = max(longest, p.value(peer.Median))
		}
	}
	for i, row := range rows {
		y := chartHead + float64(i)*rowHeight
		v := p.value(row.Target.Median)
		c.addBar(x, y, v, longest, "target", p.text(v))
		for k, peer := range row.Peers {
			v := p.value(peer.Median)
			c.addBar(x, y+float64(k+1)*chartBarHeight, v, longest, peerClass(k), p.text(v))
		}
	}
}

func (c *chart) addRatios(p ratioPanel, rows []Row, x, rowHeight float64) {
	c.Heads = append(c.Heads, label{X: x, Y: chartHead - 12, Text: p.head})
	longest := 1.0
	for _, row := range rows {
		for _, peer := range row.Peers {
			longest = max(longest, p.value(peer.Ratios))
		}
	}
	for i, row := range rows {
		for k, peer := range row.Peers {
			v := p.value(peer.Ratios)
			class := "target"
			if v != 0 && v != 1 && (v > 1) != p.moreIsGood {
				class = "worse"
			}
			c.addBar(x, chartHead+float64(i)*rowHeight+(float64(k)+0.5)*chartBarHeight, v, longest, class, figure(v, 2))
		}
	}
}

// peerClass is the style of the i-th peer's bars.
func peerClass(i int) string { return fmt.Sprintf("peer%d", i) }

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
.target { fill: #2a6fbb } .peer0 { fill: #b9b9b9 } .peer1 { fill: #d6b15e } .worse { fill: #c8563c }
</style>
<rect class="ground" width="{{.Width}}" height="{{.Height}}"/>
<text x="16" y="26" font-size="16" font-weight="600">{{.Title}}</text>
<text x="16" y="44" class="soft">{{.Subtitle}}</text>
{{range .Legend}}<rect class="{{.Class}}" x="{{.X}}" y="54" width="10" height="10"/><text x="{{.X}}" y="63" dx="14">{{.Name}}</text>
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
