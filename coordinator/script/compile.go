package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupedb/troupe/shard/reply"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

const (
	// chunkName is what positions in a script's messages begin with.
	chunkName = "user_script"
	// maxCode is the longest function: jumps have 18 bits with a sign.
	maxCode = 1<<17 - 1
	// maxConstants is the number of constants an instruction can address.
	maxConstants = 1<<18 - 1
	// maxUpvalues is what fits in the prototype's count.
	maxUpvalues = 255
)

// syntaxError is a compiler's complaint, "chunk:line: text".
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

// compileScript turns a script's text into a cache entry; the error is a
// reply.Error.
func compileScript(sha, body string) (*compiled, error) {
	flags, rest, err := ReadShebang(body)
	if err != nil {
		return nil, err
	}
	c := &compiled{sha: sha, body: body, flags: flags}
	c.proto, c.names, err = compileChunk(rest, chunkName, true)
	if err != nil {
		return nil, reply.Error("ERR Error compiling script (new function): " + oneLine(err.Error()))
	}
	return c, nil
}

// compileChunk compiles Lua text to the prototype of its main function, whose
// upvalues are the interpreter's helpers (see helperNames) that it uses. What a
// script's main function returns is the script's reply.
func compileChunk(text, name string, script bool) (proto *lua.FunctionProto, names varNames, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = syntaxError(fmt.Sprintf("%s:1: chunk cannot be compiled (%v)", name, r))
		}
	}()
	if strings.HasPrefix(text, "\x1b") {
		return nil, nil, syntaxError(name + ": bad code: bytecode is refused")
	}
	stmts, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, nil, parseError(err, name)
	}
	main, names, err := rewriteChunk(stmts, text, name, script)
	if err != nil {
		return nil, nil, err
	}
	outer, err := lua.Compile(main, name)
	if err != nil {
		return nil, nil, compileError(err, name)
	}
	proto = outer.FunctionPrototypes[0]
	if err := checkProto(proto, name); err != nil {
		return nil, nil, err
	}
	return proto, names, nil
}

// checkProto refuses functions whose code the instruction format would wrap.
func checkProto(p *lua.FunctionProto, name string) error {
	if len(p.Code) > maxCode || len(p.Constants) > maxConstants || len(p.DbgUpvalues) > maxUpvalues {
		return syntaxError(fmt.Sprintf("%s:%d: function is too large", name, p.LineDefined))
	}
	for _, inner := range p.FunctionPrototypes {
		if err := checkProto(inner, name); err != nil {
			return err
		}
	}
	return nil
}

func parseError(err error, name string) error {
	var pe *parse.Error
	if !errors.As(err, &pe) {
		return syntaxError(name + ": " + err.Error())
	}
	near, line := pe.Token, pe.Pos.Line
	if line < 0 || near == "" {
		near = "<eof>"
	}
	if line < 1 {
		line = 1
	}
	what := "syntax error"
	switch {
	case strings.Contains(pe.Message, "unterminated string"):
		what = "unfinished string"
	case strings.Contains(pe.Message, "multiline"):
		what = "unfinished long string/comment"
	}
	return syntaxError(fmt.Sprintf("%s:%d: %s near '%s'", name, line, what, near))
}

func compileError(err error, name string) error {
	var ce *lua.CompileError
	if errors.As(err, &ce) {
		return syntaxError(fmt.Sprintf("%s:%d: %s", name, ce.Line, ce.Message))
	}
	return syntaxError(name + ": " + err.Error())
}

// oneLine keeps a message on the one line that a RESP error has.
func oneLine(s string) string {
	s = strings.Trim(s, "\r\n")
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
