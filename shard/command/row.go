package command

// Row is the declaration of one command, or of one subcommand of a container
// command (CONFIG, OBJECT, ...). It never changes once a Table holds it.
type Row struct {
	Name       string // lower case; a subcommand's own word, without the container's
	Group      Group
	Since      string // Redis version that introduced it
	Summary    string // one line, for COMMAND DOCS
	Complexity string // for COMMAND DOCS
	Arity      int    // words, the command's own included; negative: at least that many
	Flags      Flag
	ACL        Category // beyond those that Flags imply, see Row.Categories
	Keys       []KeySpec
	Tips       []string
	Route      Route
	Merge      Merge
	Args       []Arg
	History    []Change // for COMMAND DOCS, oldest first
	Deprecated string   // Redis version that advised against it; empty: none did
	ReplacedBy string   // what to use instead, for a deprecated command
	SysCmd     bool     // documented as meant for servers, not for people
	Subs       []*Row   // for a container command
}

// Change is one line of a command's history.
type Change struct {
	Since string // Redis version
	What  string
}

// Group is the documentation group of a command, as COMMAND DOCS names it.
type Group string

// The groups that Redis 7.0 knows.
const (
	GroupBitmap       Group = "bitmap"
	GroupCluster      Group = "cluster"
	GroupConnection   Group = "connection"
	GroupGeneric      Group = "generic"
	GroupGeo          Group = "geo"
	GroupHash         Group = "hash"
	GroupHyperLogLog  Group = "hyperloglog"
	GroupList         Group = "list"
	GroupPubSub       Group = "pubsub"
	GroupScripting    Group = "scripting"
	GroupServer       Group = "server"
	GroupSet          Group = "set"
	GroupSortedSet    Group = "sorted-set"
	GroupStream       Group = "stream"
	GroupString       Group = "string"
	GroupTransactions Group = "transactions"
)

// Flag is a set of command flags. The first block is what COMMAND INFO prints.
type Flag uint32

// Flags that COMMAND INFO shows, in the order in which it shows them.
const (
	Write Flag = 1 << iota
	ReadOnly
	DenyOOM
	Module
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	MayReplicate
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy

	// Internal marks rows that only Troupe itself runs, as steps of sagas: no
	// client can name them and COMMAND does not list them.
	Internal
	// Immediate marks what MULTI does not queue.
	Immediate
	// WhileSubscribed marks what a RESP2 client may send while it is subscribed.
	WhileSubscribed
)

// Route tells the router how a command travels. It is switched on once.
type Route uint8

// The routes.
const (
	RouteRefuse    Route = iota // known, and refused with a clear error
	RouteLocal                  // touches the connection or this node only
	RouteSingle                 // one key, one shard
	RouteFanOut                 // keys on several shards, merged
	RouteBroadcast              // every shard, merged
	RouteSaga                   // a program over several shards
	RouteCatalog                // changes what the cluster agrees on
)

// Merge tells how a FanOut's or Broadcast's replies become one.
type Merge uint8

// The merge policies.
const (
	MergeNone    Merge = iota
	MergeSum           // integers are added
	MergeOK            // all must be OK
	MergeConcat        // arrays are joined
	MergeInOrder       // one reply a key, in the order of the keys
)

// KeyAccess is what a command does with the keys that a spec finds.
type KeyAccess uint16

// Key spec flags, as COMMAND INFO names them.
const (
	RW KeyAccess = 1 << iota
	RO
	OW
	RM
	Access
	Update
	Insert
	Delete
	NotKey
	Incomplete
	VariableFlags
)

// KeySpec tells where the keys stand among the arguments. Positions count the
// command's name as 0 (a subcommand's container as 0 too).
type KeySpec struct {
	Access KeyAccess
	Begin  Begin
	Find   Find
	Notes  string
}

// Begin is where the search for keys begins: at Index or, when Keyword is not
// empty, after that word, looked for from StartFrom (negative: from the end).
// The zero value says that no rule can tell, only the command itself.
type Begin struct {
	Index     int
	Keyword   string
	StartFrom int
}

// Find is how keys are found from the beginning: a range (Last relative to the
// beginning, negative from the end of the arguments; Limit the divisor of the
// rest, as Redis has it), or a count of keys at KeyNum with the first at First.
// The zero value says that no rule can tell, only the command itself.
type Find struct {
	ByCount bool
	Last    int
	Step    int
	Limit   int
	KeyNum  int
	First   int
}

// Key1 is the spec of the many commands whose only key is argument 1.
func Key1(access KeyAccess) []KeySpec {
	return []KeySpec{{Access: access, Begin: Begin{Index: 1}, Find: Find{Step: 1}}}
}

// ArgType is the type of a documented argument.
type ArgType string

// The argument types of COMMAND DOCS.
const (
	ArgString    ArgType = "string"
	ArgInteger   ArgType = "integer"
	ArgDouble    ArgType = "double"
	ArgKey       ArgType = "key"
	ArgPattern   ArgType = "pattern"
	ArgUnixTime  ArgType = "unix-time"
	ArgPureToken ArgType = "pure-token"
	ArgOneOf     ArgType = "oneof"
	ArgBlock     ArgType = "block"
)

// Arg is one documented argument; OneOf and Block hold arguments of their own.
type Arg struct {
	Name          string
	Type          ArgType
	KeySpec       int // index into Row.Keys, for ArgKey; for others 0 means none
	Token         string
	Since         string
	Deprecated    string // Redis version that advised against it
	Optional      bool
	Multiple      bool
	MultipleToken bool
	Args          []Arg
}

// Category is a set of ACL categories.
type Category uint32

// The ACL categories in Redis's order.
const (
	CatKeyspace Category = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)
