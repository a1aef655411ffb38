package script

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// maxSyntaxDepth bounds the nesting of a script's text, because passes over it
// recurse. Lua itself allows 200 levels, but chains of operators of any length.
const maxSyntaxDepth = 4000

// analysis finds out, before anything is rewritten, which name means what.
type analysis struct {
	scopes
	chunk   string
	uses    map[*ast.IdentExpr]*binding
	decls   map[any][]*binding // by *ast statement or *ast.FunctionExpr
	isLocal []bool             // see localFunctions
	order   int                // local statements met so far
	plain   map[*ast.LocalAssignStmt]bool
	depth   int
	varargs bool                    // the main function uses "..."
	outer   map[*ast.IdentExpr]bool // the name is an upvalue there
	found   varNames
}

func (a *analysis) enter(n ast.PositionHolder) {
	a.depth++
	if a.depth > maxSyntaxDepth {
		panic(syntaxError(fmt.Sprintf("%s:%d: chunk has too many syntax levels", a.chunk, n.Line())))
	}
}

func (a *analysis) block(stmts []ast.Stmt) {
	mark := a.mark()
	for _, s := range stmts {
		a.stmt(s)
	}
	a.release(mark)
}

func (a *analysis) stmt(s ast.Stmt) {
	a.enter(s)
	defer func() { a.depth-- }()
	switch s := s.(type) {
	case *ast.AssignStmt:
		a.assign(s)
	case *ast.LocalAssignStmt:
		a.local(s)
	case *ast.FuncCallStmt:
		a.expr(s.Expr)
	case *ast.DoBlockStmt:
		a.block(s.Stmts)
	case *ast.WhileStmt:
		a.expr(s.Condition)
		a.block(s.Stmts)
	case *ast.RepeatStmt:
		a.repeat(s)
	case *ast.IfStmt:
		a.expr(s.Condition)
		a.block(s.Then)
		a.block(s.Else)
	case *ast.NumberForStmt:
		a.numberFor(s)
	case *ast.GenericForStmt:
		a.exprs(s.Exprs)
		mark := a.mark()
		for _, name := range s.Names {
			a.decls[s] = append(a.decls[s], a.declare(name))
		}
		a.block(s.Stmts)
		a.release(mark)
	case *ast.FuncDefStmt:
		a.funcDef(s)
	case *ast.ReturnStmt:
		a.exprs(s.Exprs)
	}
}

func (a *analysis) assign(s *ast.AssignStmt) {
	for _, lhs := range s.Lhs {
		a.expr(lhs)
		if id, ok := lhs.(*ast.IdentExpr); ok {
			if b := a.uses[id]; b != nil {
				b.assigned = true
			}
		}
	}
	a.exprs(s.Rhs)
}

func (a *analysis) local(s *ast.LocalAssignStmt) {
	own := a.order < len(a.isLocal) && a.isLocal[a.order]
	a.order++
	if own {
		a.decls[s] = append(a.decls[s], a.declare(s.Names[0]))
		a.exprs(s.Exprs)
		return
	}
	a.plain[s] = true
	a.exprs(s.Exprs)
	for _, name := range s.Names {
		a.decls[s] = append(a.decls[s], a.declare(name))
	}
}

// repeat: the condition sees the locals of the body.
func (a *analysis) repeat(s *ast.RepeatStmt) {
	mark := a.mark()
	for _, inner := range s.Stmts {
		a.stmt(inner)
	}
	a.expr(s.Condition)
	a.release(mark)
}

func (a *analysis) numberFor(s *ast.NumberForStmt) {
	a.expr(s.Init)
	a.expr(s.Limit)
	a.expr(s.Step)
	mark := a.mark()
	b := a.declare(s.Name)
	b.loop = smallLiteral(s.Init) && s.Step == nil
	a.decls[s] = append(a.decls[s], b)
	a.block(s.Stmts)
	a.release(mark)
}

func (a *analysis) funcDef(s *ast.FuncDefStmt) {
	a.expr(s.Name.Func)
	a.expr(s.Name.Receiver)
	if id, ok := s.Name.Func.(*ast.IdentExpr); ok && s.Name.Method == "" {
		if b := a.uses[id]; b != nil {
			b.assigned = true
		}
	}
	a.function(s.Func, s.Name.Method != "")
}

func (a *analysis) function(f *ast.FunctionExpr, method bool) {
	a.fn++
	mark := a.mark()
	if method {
		a.decls[f] = append(a.decls[f], a.declare("self"))
	}
	for _, name := range f.ParList.Names {
		a.decls[f] = append(a.decls[f], a.declare(name))
	}
	if f.ParList.HasVargs && a.fn > 0 {
		a.declare("arg")
	}
	a.block(f.Stmts)
	a.release(mark)
	a.fn--
}

func (a *analysis) exprs(list []ast.Expr) {
	for _, e := range list {
		a.expr(e)
	}
}

func (a *analysis) expr(e ast.Expr) {
	if e == nil {
		return
	}
	a.enter(e)
	defer func() { a.depth-- }()
	switch e := e.(type) {
	case *ast.IdentExpr:
		b := a.find(e.Value)
		a.uses[e] = b
		if b != nil && b.fn != a.fn {
			b.captured = true
			a.outer[e] = true
		}
	case *ast.Comma3Expr:
		a.varargs = a.varargs || a.fn == 0
	case *ast.AttrGetExpr:
		a.expr(e.Object)
		a.expr(e.Key)
		a.found.add(e.Line(), 'i', keyText(e.Key), a.describe(e.Object))
	case *ast.TableExpr:
		for _, f := range e.Fields {
			a.expr(f.Key)
			a.expr(f.Value)
		}
	case *ast.FuncCallExpr:
		a.expr(e.Func)
		a.expr(e.Receiver)
		a.exprs(e.Args)
		a.nameCall(e)
	case *ast.FunctionExpr:
		a.function(e, false)
	default:
		a.operator(e)
	}
}

func (a *analysis) operator(e ast.Expr) {
	switch e := e.(type) {
	case *ast.LogicalOpExpr:
		a.expr(e.Lhs)
		a.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		a.expr(e.Lhs)
		a.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		a.expr(e.Lhs)
		a.expr(e.Rhs)
		a.found.add(e.Line(), 'a', "left", a.describe(e.Lhs))
		a.found.add(e.Line(), 'a', "right", a.describe(e.Rhs))
	case *ast.StringConcatOpExpr:
		a.expr(e.Lhs)
		a.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		a.expr(e.Expr)
		a.found.add(e.Line(), 'a', "minus", a.describe(e.Expr))
	case *ast.UnaryNotOpExpr:
		a.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		a.expr(e.Expr)
		a.found.add(e.Line(), 'l', "", a.describe(e.Expr))
	}
}
