package workload

// The workloads whose requests have several keys exist twice: with keys that lie
// anywhere, and with one hash tag a request, so that all its keys lie on the one
// server that owns the tag's slot. A Redis Cluster takes the second form only.

// names makes the keys of a request; i tells those of one request apart.
type names struct {
	key, account, set func(i int) string
	counter           string
}

// anywhere draws each key by itself.
var anywhere = names{
	key:     func(int) string { return "key:" + KeyPlaceholder },
	account: func(int) string { return "account:" + KeyPlaceholder },
	set:     func(int) string { return "set:" + CollectionPlaceholder },
	counter: "counter:" + KeyPlaceholder,
}

// tagged draws one tag for all.
var tagged = names{
	key:     func(i int) string { return "{" + TagPlaceholder + "}k" + digit(i) },
	account: func(i int) string { return "{" + TagPlaceholder + "}a" + digit(i) },
	set:     func(i int) string { return "{" + TagPlaceholder + "}s" + digit(i) },
	counter: "{" + TagPlaceholder + "}c",
}

func digit(i int) string { return string(rune('0' + i)) }

// severalKeys are the workloads whose keys lie anywhere.
func severalKeys(value string, keys *Prefill) []Workload {
	all := withNames(anywhere, value)
	for i := range all {
		switch all[i].Name {
		case "MSET":
			all[i].Standard = "mset"
		case "MGET":
			all[i].Prefill = keys
		case "SUNION":
			all[i].Draws = CollectionSpace
			all[i].Prefill = &Prefill{Request: [][]string{members(anywhere.set(0))}, Over: CollectionSpace}
		}
	}
	return all
}

// taggedKeys are the same workloads with one hash tag a request.
func taggedKeys(value string) []Workload {
	all := withNames(tagged, value)
	for i := range all {
		all[i].Tagged = true
		all[i].Key = tagged.key(0)
		switch all[i].Name {
		case "MGET":
			all[i].Prefill = &Prefill{Request: one(mset(tagged, value)...), Over: TagSpace, Key: tagged.key(0)}
		case "SUNION":
			all[i].Key = tagged.set(0)
			all[i].Prefill = &Prefill{
				Request: [][]string{members(tagged.set(0)), members(tagged.set(1))}, Over: TagSpace, Key: tagged.set(0),
			}
		case "EVAL":
			all[i].Key = tagged.account(0)
		}
	}
	return all
}

func withNames(n names, value string) []Workload {
	mget := []string{"MGET"}
	for i := range KeysPerMulti {
		mget = append(mget, n.key(i))
	}
	return []Workload{
		{Name: "MSET", About: "write 10 keys", Request: one(mset(n, value)...)},
		{Name: "MGET", About: "read 10 keys", Request: one(mget...), MustHit: true},
		{Name: "SUNION", About: "join 2 sets", Request: one("SUNION", n.set(0), n.set(1))},
		{Name: "EXEC", About: "a transaction of 4 commands on 4 keys", Request: [][]string{
			{"MULTI"},
			{"SET", n.key(0), value},
			{"INCR", n.counter},
			{"GET", n.key(1)},
			{"SET", n.key(2), value},
			{"EXEC"},
		}},
		{Name: "EVAL", About: "a script that changes 2 keys", Request: one(
			"EVAL", transferScript, "2", n.account(0), n.account(1))},
	}
}

func mset(n names, value string) []string {
	words := []string{"MSET"}
	for i := range KeysPerMulti {
		words = append(words, n.key(i), value)
	}
	return words
}

// members fills one set of SUNION.
func members(set string) []string {
	words := []string{"SADD", set}
	for range membersPerSet {
		words = append(words, "member:"+MemberPlaceholder)
	}
	return words
}
