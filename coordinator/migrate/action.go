package migrate

// Action is something that a Source or a Target wants done, in the order given.
type Action interface{ action() }

// Actions of both ends.
type (
	// Send sends a frame to the other end. It may be lost.
	Send struct{ Frame Frame }
)

// Actions of the source, on its shard unless they say otherwise.
type (
	// BeginExport: engine.BeginExport.
	BeginExport struct{ Move uint64 }
	// ExportChunk: engine.ExportChunk, and then Source.Chunk. Only one is asked for
	// at a time.
	ExportChunk struct {
		Move uint64
		Max  int
	}
	// Seal: engine.Seal.
	Seal struct{}
	// Unseal: engine.EndExport(true), engine.Unseal. The shard serves as before.
	Unseal struct{}
	// Drop: engine.Close, engine.EndExport(false). The shard is elsewhere.
	Drop struct{}
	// ProposeCommit proposes to the catalog that the target owns the shard.
	ProposeCommit struct{ Move uint64 }
	// ProposeAbort proposes to the catalog that the move ends.
	ProposeAbort struct {
		Move uint64
		Why  string
	}
)

// Actions of the target, on its shard.
type (
	// BeginImport: engine.BeginImport.
	BeginImport struct{ Move uint64 }
	// ImportChunk: engine.ImportChunk, and then Target.Imported. Only one is asked for
	// at a time.
	ImportChunk struct{ Chunk []byte }
	// Open: engine.EndImport, engine.Open.
	Open struct{ Epoch uint64 }
	// Discard: engine.AbortImport.
	Discard struct{}
)

func (Send) action()          {}
func (BeginExport) action()   {}
func (ExportChunk) action()   {}
func (Seal) action()          {}
func (Unseal) action()        {}
func (Drop) action()          {}
func (ProposeCommit) action() {}
func (ProposeAbort) action()  {}
func (BeginImport) action()   {}
func (ImportChunk) action()   {}
func (Open) action()          {}
func (Discard) action()       {}
