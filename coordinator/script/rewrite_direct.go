package script

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// directNames are globals and library functions that scripts use much. As no
// script can change them, rewritten code has them as upvalues; to read one as a
// global goes through two or four tables.
var directNames = [...]string{
	"KEYS", "ARGV", nameCall, "redis.pcall", "redis.error_reply", "redis.status_reply", "redis.sha1hex",
	"ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "unpack",
	"cjson.decode", "cjson.encode", "cmsgpack.pack", "cmsgpack.unpack",
	"math.abs", "math.ceil", "math.floor", "math.max", "math.min", "math.random",
	"string.byte", "string.find", "string.format", "string.gmatch", "string.gsub", "string.len",
	"string.lower", "string.match", "string.rep", "string.sub", "string.upper",
	"table.concat", "table.getn", "table.insert", "table.remove", "table.sort",
}

const nameCall = "redis.call"

// helperNames are all upvalues that a script's main function can have.
func helperNames() []string {
	names := []string{helperConcat, helperNumber, helperKey, helperDo, helperReply}
	for _, name := range directNames {
		names = append(names, hidden+name)
	}
	return names
}

// direct returns the upvalue that stands for a global or a field of one, or e.
func (w *rewriter) direct(e ast.Expr) ast.Expr {
	name, ok := w.globalName(e)
	if !ok || !slices.Contains(directNames[:], name) {
		return e
	}
	return ident(hidden+name, e.Line())
}

// globalName spells e if it is a global, or a global's field, as "a" or "a.b".
func (w *rewriter) globalName(e ast.Expr) (name string, ok bool) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value, w.uses[e] == nil
	case *ast.AttrGetExpr:
		of, ok1 := e.Object.(*ast.IdentExpr)
		key, ok2 := e.Key.(*ast.StringExpr)
		if ok1 && ok2 && w.uses[of] == nil {
			return of.Value + "." + key.Value, true
		}
	}
	return "", false
}

// replaceCall makes e, rewritten, call the helper if it is a redis.call.
func replaceCall(e ast.Expr, helper string) {
	c, ok := e.(*ast.FuncCallExpr)
	if !ok {
		return
	}
	if id, ok := c.Func.(*ast.IdentExpr); ok && id.Value == hidden+nameCall {
		c.Func = ident(helper, c.Line())
	}
}
