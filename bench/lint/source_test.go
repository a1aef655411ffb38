package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/troupedb/troupe/"

// source is one Go file of the module, tests included.
type source struct {
	path string // from the module's root, with slashes
	text []byte
	file *ast.File
	set  *token.FileSet
}

func (s *source) test() bool      { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) dir() string     { return path.Dir(s.path) }
func (s *source) room() string    { room, _, _ := strings.Cut(s.path, "/"); return room }
func (s *source) generated() bool { return ast.IsGenerated(s.file) }

func (s *source) at(pos token.Pos) string {
	p := s.set.Position(pos)
	return s.path + ":" + itoa(p.Line)
}

// sources parses every Go file of the module.
func sources(t *testing.T) []*source {
	t.Helper()
	root := moduleRoot(t)
	var all []*source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || filepath.Dir(file) == root {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		all = append(all, &source{filepath.ToSlash(rel), text, parsed, set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d Go files found below %s", len(all), root)
	}
	return all
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
