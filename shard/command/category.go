package command

// categoryNames are in the order of the categories.
var categoryNames = [...]string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string",
	"bitmap", "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow",
	"blocking", "dangerous", "connection", "transaction", "scripting",
}

// CategoryNames are all ACL categories in Redis's order, without '@'.
func CategoryNames() []string { return categoryNames[:] }

// AppendNames appends the names of the categories in c, without '@'.
func (c Category) AppendNames(dst []string) []string {
	for i, name := range categoryNames {
		if c&(1<<i) != 0 {
			dst = append(dst, name)
		}
	}
	return dst
}

// ParseCategory finds a category by its name in any case, without '@'. It
// answers 0 for a name that is none.
func ParseCategory(name []byte) Category {
	for i, known := range categoryNames {
		if sameWord(name, known) {
			return 1 << i
		}
	}
	return 0
}

// impliedCategories are those that a flag brings with it.
var impliedCategories = [...]struct {
	flag Flag
	cat  Category
}{
	{Write, CatWrite},
	{Admin, CatAdmin | CatDangerous},
	{PubSub, CatPubSub},
	{Fast, CatFast},
	{Blocking, CatBlocking},
}

// Categories are the ACL categories of the command: those of the row and those
// that its flags imply. Scripting commands that only read are not in @read, and
// what is not @fast is @slow.
func (r *Row) Categories() Category {
	cats := r.ACL
	for _, implied := range impliedCategories {
		if r.Flags&implied.flag != 0 {
			cats |= implied.cat
		}
	}
	if r.Flags&ReadOnly != 0 && cats&CatScripting == 0 {
		cats |= CatRead
	}
	if cats&CatFast == 0 {
		cats |= CatSlow
	}
	return cats
}
