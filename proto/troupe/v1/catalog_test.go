package troupev1

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestCatalogRoundTrip(t *testing.T) {
	e := &CatalogEntry{Request: 9, Change: &CatalogEntry_Settings{Settings: &CatalogSettings{
		Settings: []*CatalogSetting{{Name: []byte("requirepass"), Value: []byte{0xff, 0}}},
	}}}
	if got, err := DecodeCatalogEntry(e.Encode()); err != nil || !proto.Equal(got, e) {
		t.Errorf("%v, %v; want %v", got, err, e)
	}
	s := &CatalogSnapshot{Epoch: 3, Scripts: [][]byte{{0xff}}, Members: []*CatalogMember{{Id: []byte{1}, Past: []uint64{1, 2}}}}
	got, err := DecodeCatalogSnapshot(s.Encode())
	if err != nil || !proto.Equal(got, s) || !bytes.Equal(got.Encode(), s.Encode()) {
		t.Errorf("%v, %v; want %v", got, err, s)
	}
	if _, err := DecodeCatalogEntry([]byte{0xff}); err == nil {
		t.Error("nonsense was decoded as an entry")
	}
	if _, err := DecodeCatalogSnapshot([]byte{0xff}); err == nil {
		t.Error("nonsense was decoded as a snapshot")
	}
}
