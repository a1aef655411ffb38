// Package report holds what a load run found and shows it: as aligned text for
// people, as JSON for machines, and as a chart that opens by itself.
//
// A Report has one Row for each workload and pipeline. A row keeps every round
// of every side, so that a reader can judge the spread; medians and the ratios
// of target to peer are computed from the rounds and stand beside them. A
// figure that could not be measured is 0 and is shown as a dash, never guessed.
package report
