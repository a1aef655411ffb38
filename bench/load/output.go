package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupedb/troupe/bench/load/report"
)

// output is a file that is written only once the run has succeeded. It is opened
// before the run, so that a wrong path costs no minutes, under a name beside the
// final one, so that an older report survives a failed run.
type output struct {
	path  string
	file  *os.File
	write func(*report.Report, io.Writer) error
}

type outputs []output

func openOutputs(c Config) (outputs, error) {
	var all outputs
	add := func(flag, path string, write func(*report.Report, io.Writer) error) error {
		f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
		if err != nil {
			return fmt.Errorf("--%s %s cannot be written: name a file in a directory that exists and is yours (%w)", flag, path, err)
		}
		all = append(all, output{path: path, file: f, write: write})
		return nil
	}
	var errs []error
	if c.Out != "" {
		errs = append(errs, add("out", c.Out, (*report.Report).WriteJSON))
	}
	if c.Chart != "" {
		write, err := chartWriter(c.Chart)
		if err == nil {
			err = add("chart", c.Chart, write)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		all.discard()
		return nil, err
	}
	return all, nil
}

func chartWriter(path string) (func(*report.Report, io.Writer) error, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg":
		return (*report.Report).WriteSVG, nil
	case ".html", ".htm":
		return (*report.Report).WriteHTML, nil
	}
	return nil, fmt.Errorf("--chart %s: the name must end in .svg or .html", path)
}

// outputMode lets others read a report, as a shell's redirection would.
const outputMode = 0o644

// write writes every file and gives it its name.
func (all outputs) write(r *report.Report) error {
	for _, o := range all {
		err := errors.Join(o.write(r, o.file), o.file.Chmod(outputMode), o.file.Close())
		if err == nil {
			err = os.Rename(o.file.Name(), o.path)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", o.path, err)
		}
	}
	return nil
}

// discard removes what has not got its name. After write it finds nothing.
func (all outputs) discard() {
	for _, o := range all {
		o.file.Close()
		os.Remove(o.file.Name())
	}
}
