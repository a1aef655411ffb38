package script

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// The helpers that rewritten code calls. No identifier of a script can hold
// their first byte, so no script can name or replace one.
const (
	hidden       = "\x01"
	helperConcat = hidden + "concat" // a..b..c
	helperNumber = hidden + "number" // a bound of a numeric for
	helperKey    = hidden + "key"    // a computed key that is assigned to
	helperDo     = hidden + "do"     // redis.call whose result is not wanted
	helperReply  = hidden + "reply"  // redis.call whose result is the script's
	hiddenTable  = hidden + "table"  // the table of such an assignment
	hiddenSpare  = hidden + "spare"
)

// maxConcat is how many operands one call of the helper takes: they all need a
// register, of which a function has 200.
const maxConcat = 60

type rewriter struct {
	analysis
	replies bool // a return statement here gives the script's reply
}

// rewriteChunk returns a chunk whose first function is the script, or if script is
// false, what a script loads.
func rewriteChunk(stmts []ast.Stmt, text, name string, script bool) (chunk []ast.Stmt, names varNames, err error) {
	defer func() {
		if r := recover(); r != nil {
			se, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			err = se
		}
	}()
	w := &rewriter{replies: script, analysis: analysis{
		chunk:   name,
		uses:    make(map[*ast.IdentExpr]*binding),
		decls:   make(map[any][]*binding),
		plain:   make(map[*ast.LocalAssignStmt]bool),
		outer:   make(map[*ast.IdentExpr]bool),
		found:   make(varNames),
		isLocal: localFunctions(text),
	}}
	w.block(stmts)
	body := w.stmts(stmts)
	last := 1 + strings.Count(text, "\n")
	main := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: w.varargs}, Stmts: body}
	main.SetLine(1)
	main.SetLastLine(last)
	helpers := &ast.LocalAssignStmt{Names: helperNames()}
	helpers.SetLine(1)
	ret := &ast.ReturnStmt{Exprs: []ast.Expr{main}}
	ret.SetLine(1)
	ret.SetLastLine(last)
	return []ast.Stmt{helpers, ret}, w.found, nil
}

func ident(name string, line int) *ast.IdentExpr {
	id := &ast.IdentExpr{Value: name}
	id.SetLine(line)
	id.SetLastLine(line)
	return id
}

func call(helper string, line int, args ...ast.Expr) *ast.FuncCallExpr {
	c := &ast.FuncCallExpr{Func: ident(helper, line), Args: args, AdjustRet: true}
	c.SetLine(line)
	c.SetLastLine(line)
	return c
}

// cell is the element that a boxed variable lives in.
func cell(id *ast.IdentExpr) *ast.AttrGetExpr {
	one := &ast.NumberExpr{Value: "1"}
	one.SetLine(id.Line())
	get := &ast.AttrGetExpr{Object: id, Key: one}
	get.SetLine(id.Line())
	get.SetLastLine(id.LastLine())
	return get
}

// box is the table {e}.
func box(e ast.Expr, line int) ast.Expr {
	switch v := e.(type) {
	case nil:
		e = &ast.NilExpr{}
		e.SetLine(line)
	case *ast.FuncCallExpr:
		v.AdjustRet = true
	case *ast.Comma3Expr:
		v.AdjustRet = true
	}
	t := &ast.TableExpr{Fields: []*ast.Field{{Value: e}}}
	t.SetLine(line)
	t.SetLastLine(line)
	return t
}

// boxes shadows those of names that need a box: local a = {a}.
func boxes(names []string, decls []*binding, line int) (out []ast.Stmt) {
	for i, name := range names {
		if decls[i].boxed() {
			s := &ast.LocalAssignStmt{Names: []string{name}, Exprs: []ast.Expr{box(ident(name, line), line)}}
			s.SetLine(line)
			s.SetLastLine(line)
			out = append(out, s)
		}
	}
	return out
}

func (w *rewriter) stmts(list []ast.Stmt) []ast.Stmt {
	out := make([]ast.Stmt, 0, len(list))
	for _, s := range list {
		out = w.appendStmt(out, s)
	}
	return out
}

func (w *rewriter) appendStmt(out []ast.Stmt, s ast.Stmt) []ast.Stmt {
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		return w.appendLocal(out, s)
	case *ast.AssignStmt:
		return append(out, w.assignment(s))
	case *ast.FuncDefStmt:
		return append(out, w.definition(s))
	case *ast.FuncCallStmt:
		s.Expr = w.value(s.Expr)
		replaceCall(s.Expr, helperDo)
	case *ast.DoBlockStmt:
		s.Stmts = w.stmts(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = w.value(s.Condition)
		s.Stmts = w.stmts(s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = w.stmts(s.Stmts)
		s.Condition = w.value(s.Condition)
	case *ast.IfStmt:
		s.Condition = w.value(s.Condition)
		s.Then, s.Else = w.stmts(s.Then), w.stmts(s.Else)
	case *ast.NumberForStmt:
		s.Init = w.bound(s.Init, "initial value")
		s.Limit = w.bound(s.Limit, "limit")
		s.Step = w.bound(s.Step, "step")
		s.Stmts = append(boxes([]string{s.Name}, w.decls[s], s.Line()), w.stmts(s.Stmts)...)
	case *ast.GenericForStmt:
		w.values(s.Exprs)
		s.Stmts = append(boxes(s.Names, w.decls[s], s.Line()), w.stmts(s.Stmts)...)
	case *ast.ReturnStmt:
		w.values(s.Exprs)
		if w.replies && len(s.Exprs) == 1 {
			replaceCall(s.Exprs[0], helperReply)
		}
	}
	return append(out, s)
}

func (w *rewriter) appendLocal(out []ast.Stmt, s *ast.LocalAssignStmt) []ast.Stmt {
	decls, line := w.decls[s], s.Line()
	w.values(s.Exprs)
	if !w.plain[s] { // local function
		if !decls[0].boxed() {
			return append(out, s)
		}
		set := &ast.AssignStmt{Lhs: []ast.Expr{cell(ident(s.Names[0], line))}, Rhs: s.Exprs}
		set.SetLine(line)
		set.SetLastLine(s.LastLine())
		decl := &ast.LocalAssignStmt{Names: s.Names, Exprs: []ast.Expr{box(nil, line)}}
		decl.SetLine(line)
		return append(out, decl, set)
	}
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if decls[0].boxed() {
			s.Exprs[0] = box(s.Exprs[0], line)
		} else if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			// A second name keeps the compiler from reading "local function".
			s.Names = []string{s.Names[0], hiddenSpare}
		}
		return append(out, s)
	}
	return append(append(out, s), boxes(s.Names, decls, line)...)
}

// definition rewrites "function a.b:c() end".
func (w *rewriter) definition(s *ast.FuncDefStmt) ast.Stmt {
	var names []string
	if s.Name.Method != "" {
		names = append(names, "self")
	}
	w.body(s.Func, append(names, s.Func.ParList.Names...))
	if s.Name.Receiver != nil {
		s.Name.Receiver = w.value(s.Name.Receiver)
		return s
	}
	target := w.target(s.Name.Func)
	if _, wasIdent := s.Name.Func.(*ast.IdentExpr); wasIdent && target != s.Name.Func {
		set := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{s.Func}}
		set.SetLine(s.Line())
		set.SetLastLine(s.LastLine())
		return set
	}
	s.Name.Func = target
	return s
}

func (w *rewriter) body(f *ast.FunctionExpr, params []string) {
	replies := w.replies
	w.replies = false
	f.Stmts = append(boxes(params, w.decls[f], f.Line()), w.stmts(f.Stmts)...)
	w.replies = replies
}

// bound rewrites a bound of a numeric for, which Lua converts from a string.
func (w *rewriter) bound(e ast.Expr, which string) ast.Expr {
	if e == nil {
		return nil
	}
	e = w.value(e)
	switch e.(type) {
	case *ast.NumberExpr, *ast.UnaryLenOpExpr, *ast.ArithmeticOpExpr:
		return e
	}
	text := &ast.StringExpr{Value: which}
	text.SetLine(e.Line())
	return call(helperNumber, e.Line(), e, text)
}
