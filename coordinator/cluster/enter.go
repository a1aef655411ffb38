package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// askAgain is how long a node that was accepted waits for the catalog to come, before
// it asks once more.
const askAgain = 3 * time.Second

// enter makes this node a member in the catalog, and waits until it knows that.
func (c *Cluster) enter(ctx context.Context, found bool) error {
	var accepted time.Time
	for {
		if m, ok := c.store.member(); ok && m.Incarnation == c.incarnation {
			return nil
		}
		news := "the cluster takes this node in: waiting for its catalog"
		if found {
			news = "founding cluster " + c.o.Cluster
		}
		if accepted.IsZero() || time.Since(accepted) > askAgain {
			var refusal catalog.Refusal
			switch err := c.tryEnter(ctx, found); {
			case err == nil:
				accepted = time.Now()
			case errors.As(err, &refusal) && refusal != catalog.NoCluster:
				return fmt.Errorf("the cluster does not take this node: %w", refusal)
			case !found:
				news = c.enteringNews(err)
			}
		}
		c.say(news)
		select {
		case <-ctx.Done():
			return fmt.Errorf("join the cluster: %w", ctx.Err())
		case <-c.raft().Done():
			return fmt.Errorf("the catalog has stopped: %w", c.raft().Err())
		case <-time.After(waitEvery):
		}
	}
}

var errNobody = errors.New("no member answers")

// tryEnter asks once.
func (c *Cluster) tryEnter(ctx context.Context, found bool) error {
	at := time.Now().UnixMilli()
	ctx, cancel := context.WithTimeout(ctx, proposePatience)
	defer cancel()
	if found {
		if c.clusterID() != "" {
			return nil // it is carried out
		}
		r, err := c.proposeHere(ctx, catalog.NewBootstrap(newID(), c.o.Cluster, c.o.Shards, c.me(), at))
		return errors.Join(err, r.Err())
	}
	join := catalog.NewJoin(c.me(), c.had, at)
	if r, err := c.proposeOnce(ctx, join); err == nil {
		return r.Err()
	}
	last := errNobody
	for _, m := range c.membership.Members() {
		if m.Status != membership.Alive || m.ClusterID == "" || m.ID == c.id.ID {
			continue
		}
		c.joining.Store(&m.ClusterID)
		r, err := c.proposeAt(ctx, net.JoinHostPort(m.Addr, strconv.Itoa(m.ActorPort)), kindJoin, join)
		if err == nil {
			return r.Err()
		}
		last = err
	}
	return last
}

// enteringNews says why the node is no member yet.
func (c *Cluster) enteringNews(err error) string {
	news := c.quorumNews()
	if news == "" {
		news = "asking to join the cluster: " + err.Error()
	}
	if names, _ := c.present(); len(names) < 2 && c.calls != nil && c.calls.err() != nil {
		news += " (" + words(c.calls.err()).Error() + ")"
	}
	return news
}

// quorumNews says who must be there for the catalog to have a leader, "": it has one,
// or this node does not know.
func (c *Cluster) quorumNews() string {
	st, here := c.store.group(), []string{}
	if id, _ := c.store.cluster(); st.Leader != 0 || len(st.Conf.Voters) == 0 || id == "" {
		return ""
	}
	var away []string
	c.store.with(func(s *catalog.State) {
		for _, id := range st.Conf.Voters {
			m := s.ByRaftID(id)
			switch {
			case m == nil:
				away = append(away, "one that has left")
			case m.ID == c.id.ID || c.phone.alive(m.ID):
				here = append(here, m.Name)
			default:
				away = append(away, c.describe(&m.Member))
			}
		}
	})
	quorum := len(st.Conf.Voters)/2 + 1
	if len(here) >= quorum {
		return "waiting for the catalog to elect its leader"
	}
	slices.Sort(away)
	return fmt.Sprintf("the catalog needs %d of its %d voters, and %s not here: %s",
		quorum, len(st.Conf.Voters), are(len(away)), strings.Join(away, ", "))
}

func are(n int) string {
	if n == 1 {
		return "one is"
	}
	return fmt.Sprintf("%d are", n)
}

func (c *Cluster) describe(m *directory.Member) string {
	return fmt.Sprintf("%s at %s", m.Name, net.JoinHostPort(m.Host, strconv.Itoa(m.GossipPort)))
}
