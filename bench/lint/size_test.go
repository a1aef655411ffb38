package lint

import (
	"bytes"
	"go/ast"
	"go/format"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 70
	// maxUsualFunction is what nine functions of ten stay within.
	maxUsualFunction = 40
)

func itoa(n int) string { return strconv.Itoa(n) }

func lines(s *source) int { return bytes.Count(s.text, []byte("\n")) }

func TestSizes(t *testing.T) {
	var sizes []int
	for _, s := range sources(t) {
		if s.test() || s.generated() {
			continue
		}
		if n := lines(s); n > maxFileLines {
			t.Errorf("%s: %d lines, more than %d", s.path, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			sizes = append(sizes, n)
			if n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.at(f.Pos()), f.Name.Name, n, maxFunctionLines)
			}
		}
	}
	slices.Sort(sizes)
	if p90 := sizes[len(sizes)*9/10]; p90 > maxUsualFunction {
		t.Errorf("a tenth of the functions has %d lines or more; %d is the aim", p90, maxUsualFunction)
	}
	t.Logf("%d functions: median %d lines, 90th percentile %d, longest %d",
		len(sizes), sizes[len(sizes)/2], sizes[len(sizes)*9/10], sizes[len(sizes)-1])
}

func TestPackages(t *testing.T) {
	docs, packages := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		packages[s.dir()] = s.file.Name.Name
		if path.Base(s.path) == "doc.go" && s.file.Doc != nil || s.file.Name.Name == "main" && s.file.Doc != nil {
			docs[s.dir()] = true
		}
	}
	for dir, name := range packages {
		if !docs[dir] && !strings.HasPrefix(dir, "proto/") {
			t.Errorf("%s: no doc.go", dir)
		}
		switch name {
		case "util", "utils", "common", "helper", "helpers", "misc":
			t.Errorf("%s: a package named %s", dir, name)
		}
	}
}

func TestSourceIsClean(t *testing.T) {
	// Spelt so that this file does not find itself.
	unwanted := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:", "not " + "implemented"}
	for _, s := range sources(t) {
		if formatted, err := format.Source(s.text); err != nil || !bytes.Equal(formatted, s.text) {
			t.Errorf("%s: gofmt would change it (%v)", s.path, err)
		}
		for _, word := range unwanted {
			if i := bytes.Index(s.text, []byte(word)); i >= 0 {
				t.Errorf("%s:%d: %s", s.path, 1+bytes.Count(s.text[:i], []byte("\n")), word)
			}
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !s.generated() {
				t.Errorf("%s: an init function", s.at(f.Pos()))
			}
		}
	}
}

// enginePackages are pure: no goroutines, no clocks, no global randomness.
var enginePackages = []string{"shard/engine", "shard/keyspace", "shard/locks", "shard/str", "shard/list", "shard/hash",
	"shard/set", "shard/zset", "shard/bitmap", "shard/generic", "shard/wire", "shard/replica",
	"coordinator/saga", "coordinator/catalog", "coordinator/placement", "coordinator/migrate"}

var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// notEngines are files in engine packages that belong to the shells around them.
var notEngines = map[string]string{
	"coordinator/saga/running.go": "scripts register from all goroutines of a node",
}

func TestEnginesArePure(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || !slices.Contains(enginePackages, s.dir()) || notEngines[s.path] != "" {
			continue
		}
		for _, imp := range s.file.Imports {
			switch imp.Path.Value {
			case `"os"`, `"net"`, `"sync"`, `"math/rand"`, `"math/rand/v2"`, `"syscall"`:
				t.Errorf("%s: an engine imports %s", s.at(imp.Pos()), imp.Path.Value)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: an engine starts a goroutine", s.at(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
					t.Errorf("%s: an engine uses time.%s", s.at(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}
