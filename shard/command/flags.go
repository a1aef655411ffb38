package command

// flagNames are the flags that COMMAND INFO prints, in the order of the flags.
// The empty ones exist but are not shown, as in Redis.
var flagNames = [...]string{
	"write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript",
	"blocking", "loading", "stale", "skip_monitor", "skip_slowlog", "asking",
	"fast", "no_auth", "", "no_mandatory_keys", "no_async_loading", "no_multi",
	"movablekeys", "allow_busy",
}

// AppendNames appends the names that COMMAND INFO prints for f.
func (f Flag) AppendNames(dst []string) []string {
	for i, name := range flagNames {
		if f&(1<<i) != 0 && name != "" {
			dst = append(dst, name)
		}
	}
	return dst
}

// accessNames are in the order in which COMMAND INFO prints key spec flags,
// which begins with RO where KeyAccess begins with RW.
var accessNames = [...]struct {
	access KeyAccess
	name   string
}{
	{RO, "RO"}, {RW, "RW"}, {OW, "OW"}, {RM, "RM"},
	{Access, "access"}, {Update, "update"}, {Insert, "insert"}, {Delete, "delete"},
	{NotKey, "not_key"}, {Incomplete, "incomplete"}, {VariableFlags, "variable_flags"},
}

// AppendNames appends the names that COMMAND prints for a.
func (a KeyAccess) AppendNames(dst []string) []string {
	for _, known := range accessNames {
		if a&known.access != 0 {
			dst = append(dst, known.name)
		}
	}
	return dst
}

// FullName is the name that error texts and COMMAND use: "get", or
// "config|get" for a subcommand, whose container is parent.
func (r *Row) FullName(parent *Row) string {
	if parent == nil {
		return r.Name
	}
	return parent.Name + "|" + r.Name
}

// AdmitsArity tells whether a command of this row may have words words, its
// own name (and its container's) included.
func (r *Row) AdmitsArity(words int) bool {
	if r.Arity >= 0 {
		return words == r.Arity
	}
	return words >= -r.Arity
}
