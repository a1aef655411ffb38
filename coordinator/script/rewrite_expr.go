package script

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

func (w *rewriter) values(list []ast.Expr) {
	for i, e := range list {
		list[i] = w.value(e)
	}
}

// value rewrites an expression and returns what takes its place.
func (w *rewriter) value(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if w.uses[e].boxed() {
			return cell(e)
		}
		return w.direct(e)
	case *ast.NumberExpr:
		e.Value = decimal(e.Value)
	case *ast.AttrGetExpr:
		if d := w.direct(e); d != e {
			return d
		}
		e.Object, e.Key = w.value(e.Object), w.value(e.Key)
	case *ast.TableExpr:
		w.table(e)
	case *ast.FuncCallExpr:
		if e.Func != nil {
			e.Func = w.value(e.Func)
		} else {
			e.Receiver = w.value(e.Receiver)
		}
		w.values(e.Args)
	case *ast.FunctionExpr:
		w.body(e, e.ParList.Names)
	case *ast.StringConcatOpExpr:
		return w.concat(e)
	default:
		w.operands(e)
	}
	return e
}

func (w *rewriter) operands(e ast.Expr) {
	switch e := e.(type) {
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = w.value(e.Lhs), w.value(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = w.value(e.Lhs), w.value(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = w.value(e.Lhs), w.value(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		e.Expr = w.value(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = w.value(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = w.value(e.Expr)
	}
}

// decimal keeps the compiler from reading leading zeros as an octal number.
func decimal(literal string) string {
	for len(literal) > 1 && literal[0] == '0' && '0' <= literal[1] && literal[1] <= '9' {
		literal = literal[1:]
	}
	return literal
}

// concat turns a..b..c into a call, so that the result is counted and numbers
// are written as Lua writes them.
func (w *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	operand := func(e ast.Expr, n int) ast.Expr {
		w.found.add(e.Line(), 'k', strconv.Itoa(n), w.describe(e))
		return single(w.value(e))
	}
	args := []ast.Expr{operand(e.Lhs, 0)}
	rest := e.Rhs
	for {
		next, ok := rest.(*ast.StringConcatOpExpr)
		if !ok || len(args) == maxConcat {
			break
		}
		args = append(args, operand(next.Lhs, len(args)))
		rest = next.Rhs
	}
	args = append(args, operand(rest, len(args)))
	return call(helperConcat, e.Line(), args...)
}

// single makes an expression yield exactly one value as a last argument.
func single(e ast.Expr) ast.Expr {
	switch v := e.(type) {
	case *ast.FuncCallExpr:
		v.AdjustRet = true
	case *ast.Comma3Expr:
		v.AdjustRet = true
	}
	return e
}

func (w *rewriter) table(t *ast.TableExpr) {
	for _, f := range t.Fields {
		if f.Key != nil {
			f.Key = w.value(f.Key)
			if computed(f.Key) {
				f.Key = call(helperKey, f.Key.Line(), nothing(f.Key), f.Key)
			}
		}
		f.Value = w.value(f.Value)
	}
}

func nothing(at ast.Expr) ast.Expr {
	n := &ast.NilExpr{}
	n.SetLine(at.Line())
	return n
}

// computed tells that a key may be any value, so that assigning to it may make
// a table larger by much more than one element.
func computed(key ast.Expr) bool {
	switch key.(type) {
	case *ast.StringExpr, *ast.NilExpr, *ast.TrueExpr, *ast.FalseExpr:
		return false
	}
	return !smallLiteral(key)
}

// grows tells whether the assignment to target needs the key helper.
func (w *rewriter) grows(target *ast.AttrGetExpr) bool {
	if !computed(target.Key) {
		return false
	}
	if id, ok := target.Key.(*ast.IdentExpr); ok {
		b := w.uses[id]
		return b == nil || !b.loop || b.assigned
	}
	return !isAppend(target)
}

// isAppend recognizes t[#t+1].
func isAppend(target *ast.AttrGetExpr) bool {
	sum, ok := target.Key.(*ast.ArithmeticOpExpr)
	if !ok || sum.Operator != "+" || !smallLiteral(sum.Rhs) {
		return false
	}
	length, ok := sum.Lhs.(*ast.UnaryLenOpExpr)
	if !ok {
		return false
	}
	of, ok1 := length.Expr.(*ast.IdentExpr)
	obj, ok2 := target.Object.(*ast.IdentExpr)
	return ok1 && ok2 && of.Value == obj.Value
}

// target rewrites what is assigned to.
func (w *rewriter) target(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if w.uses[e].boxed() {
			return cell(e)
		}
	case *ast.AttrGetExpr:
		e.Object, e.Key = w.value(e.Object), w.value(e.Key)
	}
	return e
}

func (w *rewriter) assignment(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) > 1 {
		return w.assignMany(s)
	}
	get, ok := s.Lhs[0].(*ast.AttrGetExpr)
	guard := ok && w.grows(get)
	s.Lhs[0] = w.target(s.Lhs[0])
	w.values(s.Rhs)
	if !guard {
		return s
	}
	if obj, ok := get.Object.(*ast.IdentExpr); ok {
		get.Key = call(helperKey, get.Line(), ident(obj.Value, get.Line()), get.Key)
		return s
	}
	first := hoist(get)
	get.Key = call(helperKey, get.Line(), ident(hiddenTable, get.Line()), get.Key)
	return block(s, first, s)
}

// assignMany evaluates everything into locals before it assigns anything: the
// compiler would write a,b = b,a to a before it reads it for b.
func (w *rewriter) assignMany(s *ast.AssignStmt) ast.Stmt {
	line := s.Line()
	var stmts []ast.Stmt
	values := &ast.LocalAssignStmt{Names: nil, Exprs: s.Rhs}
	values.SetLine(line)
	values.SetLastLine(s.LastLine())
	guarded := make([]bool, len(s.Lhs))
	for i, lhs := range s.Lhs {
		if get, ok := lhs.(*ast.AttrGetExpr); ok {
			guarded[i] = w.grows(get)
		}
		s.Lhs[i] = w.target(lhs)
		values.Names = append(values.Names, "\x01value"+strconv.Itoa(i))
	}
	w.values(s.Rhs)
	for i, lhs := range s.Lhs {
		get, ok := lhs.(*ast.AttrGetExpr)
		if !ok {
			continue
		}
		table, key := hiddenTable+strconv.Itoa(i), "\x01index"+strconv.Itoa(i)
		if guarded[i] {
			get.Key = call(helperKey, line, nothing(get), get.Key)
		}
		target := &ast.LocalAssignStmt{
			Names: []string{table, key},
			Exprs: []ast.Expr{single(get.Object), single(get.Key)},
		}
		target.SetLine(line)
		stmts = append(stmts, target)
		get.Object, get.Key = ident(table, line), ident(key, line)
	}
	stmts = append(stmts, values)
	for i := len(s.Lhs) - 1; i >= 0; i-- {
		set := &ast.AssignStmt{Lhs: s.Lhs[i : i+1], Rhs: []ast.Expr{ident(values.Names[i], line)}}
		set.SetLine(line)
		set.SetLastLine(s.LastLine())
		stmts = append(stmts, set)
	}
	return block(s, stmts...)
}

// block is do ... end in the place of a statement.
func block(at ast.Stmt, stmts ...ast.Stmt) ast.Stmt {
	b := &ast.DoBlockStmt{Stmts: stmts}
	b.SetLine(at.Line())
	b.SetLastLine(at.LastLine())
	return b
}

// hoist moves the table of an assignment into a local, to evaluate it once.
func hoist(get *ast.AttrGetExpr) ast.Stmt {
	local := &ast.LocalAssignStmt{
		Names: []string{hiddenTable, hiddenSpare},
		Exprs: []ast.Expr{single(get.Object)},
	}
	local.SetLine(get.Line())
	local.SetLastLine(get.Line())
	get.Object = ident(hiddenTable, get.Line())
	return local
}
