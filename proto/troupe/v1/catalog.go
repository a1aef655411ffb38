package troupev1

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Encode returns e's bytes.
func (e *CatalogEntry) Encode() []byte {
	b, err := proto.Marshal(e)
	if err != nil {
		panic("proto: an entry of the catalog cannot be encoded: " + err.Error()) // no required fields, no strings
	}
	return b
}

// DecodeCatalogEntry reads what Encode has written. Bytes that are no entry are an
// error.
func DecodeCatalogEntry(b []byte) (*CatalogEntry, error) {
	e := &CatalogEntry{}
	if err := proto.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("decode catalog entry: %w", err)
	}
	return e, nil
}

// Encode returns s's bytes, the same ones for the same state.
func (s *CatalogSnapshot) Encode() []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	if err != nil {
		panic("proto: a snapshot of the catalog cannot be encoded: " + err.Error()) // no required fields, no strings
	}
	return b
}

// DecodeCatalogSnapshot reads what Encode has written. Bytes that are no snapshot
// are an error.
func DecodeCatalogSnapshot(b []byte) (*CatalogSnapshot, error) {
	s := &CatalogSnapshot{}
	if err := proto.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("decode catalog snapshot: %w", err)
	}
	return s, nil
}
