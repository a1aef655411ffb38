package script

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// binding is one local variable of a script.
type binding struct {
	fn       int // nesting depth of the function that declares it
	captured bool
	assigned bool
	loop     bool // counts up by one from a small number
}

// boxed tells that closures and their outer function both see assignments to
// the variable. gopher-lua detaches the two at every error that is raised, so
// such a variable is kept in a one-element table, which both share.
func (b *binding) boxed() bool { return b != nil && b.captured && b.assigned }

// scopes resolves names as the rewriter descends.
type scopes struct {
	names    []string
	bindings []*binding
	fn       int
}

func (s *scopes) declare(name string) *binding {
	b := &binding{fn: s.fn}
	s.names = append(s.names, name)
	s.bindings = append(s.bindings, b)
	return b
}

func (s *scopes) find(name string) *binding {
	for i := len(s.names) - 1; i >= 0; i-- {
		if s.names[i] == name {
			return s.bindings[i]
		}
	}
	return nil
}

func (s *scopes) mark() int { return len(s.names) }

func (s *scopes) release(mark int) {
	s.names, s.bindings = s.names[:mark], s.bindings[:mark]
}

// localFunctions tells, for each "local" of the text in order, whether
// "function" follows. The syntax tree has lost that difference, and with it
// whether the function's own name is in scope in its body.
func localFunctions(text string) []bool {
	var out []bool
	sc := parse.NewScanner(strings.NewReader(text), "")
	lexer := &parse.Lexer{}
	after := false
	for {
		tok, err := sc.Scan(lexer)
		if err != nil || tok.Type == parse.EOF {
			return out
		}
		if after {
			out[len(out)-1] = tok.Type == parse.TFunction
		}
		after = tok.Type == parse.TLocal
		if after {
			out = append(out, false)
		}
	}
}

// smallLiteral tells that e is a number literal too small to make a table large.
func smallLiteral(e ast.Expr) bool {
	n, ok := e.(*ast.NumberExpr)
	return ok && len(n.Value) <= 3
}
