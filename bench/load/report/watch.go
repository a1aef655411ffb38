package report

import "fmt"

// Watch is a steady load seen second by second, such as while a node joins.
type Watch struct {
	Workloads []string `json:"workloads"`
	Clients   int      `json:"clients"`
	Pipeline  int      `json:"pipeline"`
	// Rate is how many requests a second were due; 0 is as many as were answered.
	Rate int `json:"rate,omitempty"`
	// DriverCores is how busy the load itself kept this machine.
	DriverCores float64       `json:"driver_cores,omitempty"`
	Seconds     []WatchSecond `json:"seconds"`
	// Total is over the whole load; its At is when it ended.
	Total WatchSecond `json:"total"`
	// ErrorTexts are the first few different errors.
	ErrorTexts []string `json:"error_texts,omitempty"`
}

// WatchSecond is what one second of a steady load saw. A latency counts in the
// second in which its reply came. It runs from when the request was due, so that
// a server that stalls is charged for the requests it kept waiting unsent.
type WatchSecond struct {
	At        float64 `json:"at"` // seconds since the load began
	Requests  int64   `json:"requests"`
	P50Micros float64 `json:"p50_us"`
	P99Micros float64 `json:"p99_us"`
	MaxMicros float64 `json:"max_us"`
	Errors    int64   `json:"errors"` // requests answered with an error, or lost with their connection
	Misses    int64   `json:"misses"` // reads that found nothing where a key had been written
	// Unsent is of the total only: requests that were due and never sent, because
	// those before them were not answered in time.
	Unsent int64 `json:"unsent,omitempty"`
}

// WatchHead is the line above the lines of a Watch.
func WatchHead() string {
	return watchCells("second", "ops", "p50 ms", "p99 ms", "max ms", "errors", "misses")
}

// Line is the second as a line below WatchHead.
func (s WatchSecond) Line() string {
	return watchCells(figure(s.At, 1), count(float64(s.Requests)), figure(s.P50Micros/1000, 3), figure(s.P99Micros/1000, 3),
		figure(s.MaxMicros/1000, 3), fmt.Sprint(s.Errors), fmt.Sprint(s.Misses))
}

func watchCells(at, requests, p50, p99, highest, errs, misses string) string {
	return fmt.Sprintf("%7s  %11s  %9s  %9s  %9s  %7s  %7s", at, requests, p50, p99, highest, errs, misses)
}

// lines is the summary below the seconds, which were shown as they passed.
func (w *Watch) lines() []string {
	all := []string{w.Total.Line() + "  total"}
	if w.Total.Unsent > 0 {
		all = append(all, fmt.Sprintf("%d more were due and not sent: the servers did not keep up with --rate", w.Total.Unsent))
	}
	for _, e := range w.ErrorTexts {
		all = append(all, "error: "+e)
	}
	return all
}
