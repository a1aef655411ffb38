package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

const (
	replyLimit   = 3 * time.Second        // a reply that takes longer is reported as missing
	blockLimit   = 500 * time.Millisecond // how long async waits to see its client blocked
	settleLimit  = 200 * time.Millisecond // how long a case waits for the previous one's connections to be gone
	pendingWait  = 20 * time.Millisecond  // how long pending gives a reply to arrive
	pollInterval = time.Millisecond
	maxScanCalls = 100_000 // a cursor that never comes back to 0 is a defect, not an endless test
)

// A session runs one case in one protocol on its own connections.
type session struct {
	addr    string
	resp    int
	clients map[int]*wire.Conn
	control *wire.Conn
	vars    map[string]string
	raw     bool // bytes were sent by hand: the state of the connections is unknown at the end
}

// What a transcript says of a step that got no reply, and of a case that left one unread. No golden may hold them.
const (
	noReply    = "(no reply"
	extraReply = "(an unread reply at the end of the case"
)

// runCase runs c against addr in the given protocol and returns the shown reply of every step. After a reply that did
// not come, the remaining steps are not run.
func runCase(addr string, resp int, c *Case) ([]string, error) {
	s := &session{addr: addr, resp: resp, clients: map[int]*wire.Conn{}, vars: map[string]string{}}
	defer s.close()
	if err := s.reset(); err != nil {
		return nil, fmt.Errorf("reset: %w", err)
	}
	out := make([]string, 0, len(c.Steps))
	for _, step := range c.Steps {
		text, err := s.step(step)
		if err != nil {
			out = append(out, noReply+": "+err.Error()+")")
			return out, nil
		}
		out = append(out, text)
	}
	if extra := s.extraReplies(); extra != "" && len(out) > 0 {
		out[len(out)-1] += "\n" + extraReply + ": " + extra + ")"
	}
	return out, nil
}

func (s *session) close() {
	for _, c := range s.clients {
		_ = c.Close()
	}
	if s.control != nil {
		_ = s.control.Close()
	}
}

// reset empties the server and waits, for a bounded time, until the previous case's connections are gone.
func (s *session) reset() error {
	for end := time.Now().Add(settleLimit); ; time.Sleep(pollInterval) {
		n, err := s.clientsInfo("connected_clients")
		if err != nil {
			return err
		}
		if n <= 1 || time.Now().After(end) {
			break
		}
	}
	for _, cmd := range [][]string{{"FLUSHALL"}, {"SCRIPT", "FLUSH"}} {
		v, err := s.control.Do(replyLimit, cmd...)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(v.Text, []byte("NOAUTH")) {
			return s.dropPassword()
		}
	}
	return nil
}

// casePassword is the only password that cases set: one that broke off may have left it behind.
const casePassword = "secret"

func (s *session) dropPassword() error {
	for _, cmd := range [][]string{{"AUTH", casePassword}, {"CONFIG", "SET", "requirepass", ""}, {"FLUSHALL"}} {
		v, err := s.control.Do(replyLimit, cmd...)
		if err == nil && v.Kind == wire.Error {
			err = fmt.Errorf("%s answered %s", cmd[0], v.Format())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// client returns connection n, made and switched to the case's protocol at first use.
func (s *session) client(n int) (*wire.Conn, error) {
	if c := s.clients[n]; c != nil {
		return c, nil
	}
	c, err := wire.Dial(s.addr, replyLimit)
	if err != nil {
		return nil, err
	}
	s.clients[n] = c
	if s.resp == 3 {
		v, err := c.Do(replyLimit, "HELLO", "3")
		if err != nil {
			return nil, err
		}
		if v.Kind != wire.Map {
			return nil, fmt.Errorf("HELLO 3 answered %s", v.Format())
		}
	}
	return c, nil
}

func (s *session) step(st *Step) (string, error) {
	if st.Op == OpSleep {
		time.Sleep(st.Sleep)
		return "", nil
	}
	c, err := s.client(st.Client)
	if err != nil {
		return "", err
	}
	switch st.Op {
	case OpRead:
		return s.readReplies(c, st)
	case OpPending:
		if c.Ready(pendingWait) {
			return "(a reply)", nil
		}
		return "(nothing)", nil
	case OpRaw:
		s.raw = true
		args, err := s.expandArgs(st.Args)
		if err != nil {
			return "", err
		}
		return "", ignoreClosed(c.SendRaw(bytes.Join(args, nil)))
	case OpSend, OpAsync:
		return "", s.send(c, st)
	}
	return s.command(c, st)
}

func (s *session) readReplies(c *wire.Conn, st *Step) (string, error) {
	var out []string
	for range st.Count {
		text, err := s.readOne(c, st)
		if err != nil {
			return "", err
		}
		out = append(out, text)
	}
	if st.Shape.unordered {
		sort.Strings(out)
	}
	return strings.Join(out, "\n"), nil
}

func (s *session) readOne(c *wire.Conn, st *Step) (string, error) {
	v, err := c.Read(replyLimit)
	if isClosed(err) {
		return "(closed)", nil
	}
	if err != nil {
		return "", err
	}
	if name := st.Shape.capture; name != "" {
		s.vars[name] = string(v.Text)
		v = masked(v)
	}
	return st.Shape.show(v), nil
}

// send writes a command; for async it then waits until INFO counts one more blocked client or a reply is there.
func (s *session) send(c *wire.Conn, st *Step) error {
	args, err := s.expandArgs(st.Args)
	if err != nil || st.Op == OpSend {
		return errors.Join(err, c.Send(args...))
	}
	before, err := s.clientsInfo("blocked_clients")
	if err != nil {
		return err
	}
	if err := c.Send(args...); err != nil {
		return err
	}
	for end := time.Now().Add(blockLimit); time.Now().Before(end); {
		if c.Ready(pollInterval) {
			return nil
		}
		if n, err := s.clientsInfo("blocked_clients"); err != nil || n > before {
			return err
		}
	}
	return nil
}

func (s *session) command(c *wire.Conn, st *Step) (string, error) {
	if st.Shape.scanall {
		return s.scanAll(c, st)
	}
	text := ""
	for i := range max(1, st.Repeat) {
		args, err := s.expandArgs(st.Args)
		if err != nil {
			return "", err
		}
		if st.Repeat > 0 {
			for j := range args {
				args[j] = bytes.ReplaceAll(args[j], []byte("{i}"), []byte(strconv.Itoa(i)))
			}
		}
		if err := ignoreClosed(c.Send(args...)); err != nil {
			return "", err
		}
		if text, err = s.readOne(c, st); err != nil {
			return "", err
		}
	}
	return text, nil
}

func (s *session) expandArgs(toks []token) ([][]byte, error) {
	var out [][]byte
	for _, t := range toks {
		words, err := expand(t, s.vars)
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			out = append(out, []byte(w))
		}
	}
	return out, nil
}

// scanAll walks a SCAN-like command to cursor 0 and shows the distinct elements (for HSCAN and ZSCAN: pairs), sorted.
func (s *session) scanAll(c *wire.Conn, st *Step) (string, error) {
	args, err := s.expandArgs(st.Args)
	if err != nil {
		return "", err
	}
	name := strings.ToUpper(string(args[0]))
	at, width := 2, 1
	switch name {
	case "SCAN":
		at = 1
	case "HSCAN", "ZSCAN":
		width = 2
	}
	found := map[string]bool{}
	for range maxScanCalls {
		if err := c.Send(args...); err != nil {
			return "", err
		}
		v, err := c.Read(replyLimit)
		if err != nil {
			return "", err
		}
		if len(v.Elems) != 2 || !v.Elems[1].IsAggregate() {
			return v.Format(), nil
		}
		elems := v.Elems[1].Elems
		for i := 0; i+width <= len(elems); i += width {
			text := elems[i].Format()
			if width == 2 {
				text += " => " + elems[i+1].Format()
			}
			found[text] = true
		}
		args[at] = v.Elems[0].Text
		if string(args[at]) == "0" {
			return showFound(found), nil
		}
	}
	return "", errors.New("the cursor did not come back to 0")
}

func showFound(found map[string]bool) string {
	out := make([]string, 0, len(found))
	for text := range found {
		out = append(out, "  "+text)
	}
	sort.Strings(out)
	return strings.Join(append([]string{fmt.Sprintf("scanned %d", len(out))}, out...), "\n")
}

// extraReplies finds replies that no step read: a PING on each connection must be answered by its own reply first.
func (s *session) extraReplies() string {
	if s.raw {
		return ""
	}
	nonce := "end-of-case"
	for n, c := range s.clients {
		if c.Send([]byte("PING"), []byte(nonce)) != nil {
			continue
		}
		v, err := c.Read(replyLimit)
		if err != nil {
			continue // closed, blocked or told not to reply: nothing can follow
		}
		text := v.Format()
		if !strings.Contains(text, nonce) && text != "+QUEUED" && v.Kind != wire.Error {
			return fmt.Sprintf("@%d %s", n, text)
		}
	}
	return ""
}

var infoField = map[string]*regexp.Regexp{
	"connected_clients": regexp.MustCompile(`(?m)^connected_clients:(\d+)`),
	"blocked_clients":   regexp.MustCompile(`(?m)^blocked_clients:(\d+)`),
}

// clientsInfo reads one number of INFO clients on the control connection, which is made again if a case had it killed.
func (s *session) clientsInfo(field string) (int, error) {
	var v wire.Value
	err := errors.New("no control connection")
	for attempt := 0; err != nil && attempt < 2; attempt++ {
		if s.control == nil {
			if s.control, err = wire.Dial(s.addr, replyLimit); err != nil {
				return 0, err
			}
		}
		if v, err = s.control.Do(replyLimit, "INFO", "clients"); err != nil {
			_ = s.control.Close()
			s.control = nil
		}
	}
	if err != nil {
		return 0, err
	}
	m := infoField[field].FindSubmatch(v.Text)
	if m == nil {
		return 0, nil // a target without the field: async falls back to its limit
	}
	return strconv.Atoi(string(m[1]))
}

// isClosed tells an end of the stream from other failures; a reply cut in its middle (io.ErrUnexpectedEOF) is not one.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ignoreClosed drops a failed write: the read that follows shows that the server has closed the connection.
func ignoreClosed(err error) error {
	if isClosed(err) {
		return nil
	}
	return err
}
