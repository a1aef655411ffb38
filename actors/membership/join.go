package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// maxDials bounds the addresses that are called at a time.
	maxDials = 16
	// joinPause is between two rounds of JoinLoop, doubled each time up to maxJoinPause.
	joinPause, maxJoinPause = 200 * time.Millisecond, 5 * time.Second
	// maxRejoin bounds how many absent members are called in a round.
	maxRejoin = 8
	// presentEvery is between two attempts to have this node's address taken while
	// others still believe in its last one; presentFor is how long after a sign of
	// that it goes on.
	presentEvery, presentFor = 500 * time.Millisecond, 5 * time.Second
)

var (
	// ErrSelf: the address is this node's own.
	ErrSelf = errors.New("that is this node itself")
	// ErrNoNode: nobody listens there.
	ErrNoNode = errors.New("nobody listens there")
	// ErrKey: gossip there is encrypted with another key.
	ErrKey = errors.New("the gossip keys differ")
)

// Join calls the nodes at addrs, host or host:port, at all addresses that the hosts
// have, and succeeds if one took this node in. The error names why each did not: a
// *Refusal for a node of another cluster, ErrKey, ErrSelf, ErrNoNode.
func (m *Membership) Join(addrs []string) error {
	ctx, cancel := context.WithTimeout(m.ctx, streamTimeout)
	targets, err := resolve(ctx, addrs)
	cancel()
	joined, joinErr := m.call(targets)
	if len(joined) == 0 {
		return errors.Join(err, joinErr)
	}
	// Once more through serf, which lets all know that this node did not just leave.
	_, err = m.serf.Join(joined[:1], true)
	if err != nil {
		return fmt.Errorf("join %s: %w", joined[0], err)
	}
	return nil
}

// JoinLoop joins again and again until one answers.
func (m *Membership) JoinLoop(ctx context.Context, addrs []string) error {
	pause, said := joinPause, ""
	for {
		err := m.Join(addrs)
		if err == nil {
			return nil
		}
		if text := err.Error(); text != said {
			said = text
			m.reporter.warn("no node to join yet", text)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-m.ctx.Done():
			return errDown
		case <-time.After(pause):
		}
		pause = min(2*pause, maxJoinPause)
	}
}

// SetKnown gives where members are to be found, host:port, as the catalog has it:
// those that are not alive are called from time to time. serf forgets a member that
// has been away for a day.
func (m *Membership) SetKnown(known func() []string) { m.known.Store(&known) }

// keep calls absent members, and presents this node anew while others believe it
// at another address.
func (m *Membership) keep() {
	rejoin := time.NewTicker(m.conf.Timing.Rejoin)
	defer rejoin.Stop()
	present := time.NewTicker(presentEvery)
	defer present.Stop()
	first := 0 // of the absent, where the next round begins
	var until time.Time
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-rejoin.C:
			first = m.rejoin(first)
		case now := <-present.C:
			if m.admission.namesake.Swap(false) {
				until = now.Add(presentFor)
			}
			if now.Before(until) {
				m.mu.Lock()
				if !m.down {
					m.present()
				}
				m.mu.Unlock()
			}
		}
	}
}

func (m *Membership) rejoin(first int) (next int) {
	absent := m.absent()
	if len(absent) == 0 {
		return 0
	}
	first %= len(absent)
	absent = slices.Concat(absent[first:], absent[:first])
	if len(absent) > maxRejoin {
		absent = absent[:maxRejoin]
	}
	if _, err := m.call(absent); err != nil {
		m.reporter.logger.Debug("absent members", "error", err)
	}
	return first + len(absent)
}

// absent returns where members should be that are not alive.
func (m *Membership) absent() []string {
	alive := map[string]bool{}
	var failed []string
	for _, member := range m.Members() {
		switch member.Status {
		case Alive:
			alive[member.GossipAddr()] = true
		case Failed:
			failed = append(failed, member.GossipAddr())
		}
	}
	if known := m.known.Load(); known != nil {
		ctx, cancel := context.WithTimeout(m.ctx, streamTimeout)
		more, err := resolve(ctx, (*known)())
		cancel()
		if err != nil {
			m.reporter.logger.Debug("known members", "error", err)
		}
		failed = append(failed, more...)
	}
	slices.Sort(failed)
	failed = slices.Compact(failed)
	return slices.DeleteFunc(failed, func(addr string) bool { return alive[addr] })
}

// call joins the nodes at these addresses and returns those that took this one in.
func (m *Membership) call(addrs []string) (joined []string, err error) {
	results := make([]error, len(addrs))
	places := make(chan struct{}, maxDials)
	var calls sync.WaitGroup
	for i, addr := range addrs {
		places <- struct{}{}
		calls.Go(func() {
			results[i] = m.callOne(addr)
			<-places
		})
	}
	calls.Wait()
	var errs []error
	for i, err := range results {
		if err == nil {
			joined = append(joined, addrs[i])
		} else {
			errs = append(errs, fmt.Errorf("%s: %w", addrs[i], err))
		}
	}
	return joined, errors.Join(errs...)
}

// callOne exchanges lists with the node at ip:port.
func (m *Membership) callOne(addr string) error {
	if m.ctx.Err() != nil {
		return errDown
	}
	if m.isSelf(addr) {
		return ErrSelf
	}
	_, err := m.serf.Memberlist().Join([]string{addr})
	if err == nil {
		return nil
	}
	text := err.Error() // memberlist keeps no more of the errors below
	if last := m.admission.last.Load(); last != nil && strings.Contains(text, last.reason) {
		return last
	}
	if strings.Contains(text, syscall.ECONNREFUSED.Error()) {
		return ErrNoNode
	}
	for _, k := range keyTrouble {
		if strings.Contains(text, k.theirs) {
			return fmt.Errorf("%w: %s", ErrKey, k.ours)
		}
	}
	_, after, _ := strings.Cut(text, "failed to join ")
	return fmt.Errorf("no answer of a Troupe node (%s)", strings.TrimSpace(after))
}

// isSelf tells whether addr, ip:port, is this node.
func (m *Membership) isSelf(addr string) bool {
	here := m.admission.here.Load()
	if addr == here.GossipAddr() {
		return true
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port != strconv.Itoa(m.port) {
		return false
	}
	ip, bound := net.ParseIP(host), net.ParseIP(m.conf.Bind)
	if ip.Equal(bound) {
		return true
	}
	if !bound.IsUnspecified() {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	local, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(local, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(ip)
	})
}

// resolve returns every address of every host, as ip:port.
func resolve(ctx context.Context, addrs []string) ([]string, error) {
	var all []string
	var errs []error
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			host, port = strings.Trim(addr, "[]"), strconv.Itoa(DefaultPort)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
			errs = append(errs, fmt.Errorf("%q is no address to join", addr))
			continue
		}
		ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err != nil {
			errs = append(errs, fmt.Errorf("resolve %q: %w", host, err))
			continue
		}
		for _, ip := range ips {
			all = append(all, net.JoinHostPort(ip.String(), port))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(errs...)
}
