package engine

// Config is what the shards read of the configuration: an immutable snapshot,
// replaced as a whole. Names are CONFIG GET's with dashes taken out.
type Config struct {
	MaxBulkLen     int64 // proto-max-bulk-len, bytes
	HashMaxEntries int   // hash-max-listpack-entries
	HashMaxValue   int   // hash-max-listpack-value, bytes
	ListMaxSize    int   // list-max-listpack-size: entries, or -1..-5 for 4..64 KiB
	SetMaxIntset   int   // set-max-intset-entries
	ZSetMaxEntries int   // zset-max-listpack-entries
	ZSetMaxValue   int   // zset-max-listpack-value, bytes
	Notify         Class // notify-keyspace-events
	LFU            bool  // maxmemory-policy is one of the lfu ones
}

// DefaultConfig returns Redis's defaults.
func DefaultConfig() *Config {
	return &Config{
		MaxBulkLen:     512 << 20,
		HashMaxEntries: 512, HashMaxValue: 64,
		ListMaxSize:    -2,
		SetMaxIntset:   512,
		ZSetMaxEntries: 128, ZSetMaxValue: 64,
	}
}

// Class is a set of keyspace event classes, as notify-keyspace-events has them.
type Class uint16

// The classes and their letters.
const (
	NotifyKeyspace Class = 1 << iota // K
	NotifyKeyevent                   // E
	NotifyGeneric                    // g
	NotifyString                     // $
	NotifyList                       // l
	NotifySet                        // s
	NotifyHash                       // h
	NotifyZSet                       // z
	NotifyExpired                    // x
	NotifyEvicted                    // e
	NotifyStream                     // t
	NotifyMiss                       // m
	NotifyNew                        // n
)
