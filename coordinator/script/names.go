package script

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// varNames tells how a script's text spells what an error message is about:
// by line and kind, the one spelling, or "" when the line has several.
type varNames map[nameKey]string

type nameKey struct {
	line int
	kind byte // 'i' index, 'c' call, 'a' arithmetic, 'l' length, 'k' concatenation
	key  string
}

func (v varNames) add(line int, kind byte, key, text string) {
	k := nameKey{line, kind, key}
	if old, ok := v[k]; ok && old != text {
		text = ""
	}
	v[k] = text
}

// describe spells a variable as Lua's messages do.
func (a *analysis) describe(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		switch {
		case a.uses[e] == nil:
			return "global '" + e.Value + "'"
		case a.outer[e]:
			return "upvalue '" + e.Value + "'"
		default:
			return "local '" + e.Value + "'"
		}
	case *ast.AttrGetExpr:
		if s, ok := e.Key.(*ast.StringExpr); ok {
			return "field '" + s.Value + "'"
		}
		return "field '?'"
	}
	return ""
}

// keyText is how gopher-lua's message shows a key.
func keyText(e ast.Expr) string {
	switch k := e.(type) {
	case *ast.StringExpr:
		return k.Value
	case *ast.NumberExpr:
		return strings.TrimSpace(k.Value)
	}
	return "?"
}

// nameCall records what a call calls.
func (a *analysis) nameCall(e *ast.FuncCallExpr) {
	if e.Func != nil {
		a.found.add(e.Line(), 'c', "", a.describe(e.Func))
		return
	}
	a.found.add(e.Line(), 'c', "", "method '"+e.Method+"'")
	a.found.add(e.Line(), 'i', e.Method, a.describe(e.Receiver))
}
