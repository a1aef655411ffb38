package troupev1

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func full() *Envelope {
	return &Envelope{ClusterId: "c", FromId: "f", FromIncarnation: 1 << 60, FromAddress: "h:1", Epoch: 3, Kind: 4,
		Sequence: 5, Correlation: 6, Reply: true, Wait: 7, Error: "e", Payload: []byte{0, 255}}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	b, err := proto.Marshal(full())
	if err != nil || len(b) != full().Size() {
		t.Fatalf("%d bytes, %v; Size says %d", len(b), err, full().Size())
	}
	got := &Envelope{}
	if err := proto.Unmarshal(b, got); err != nil || !proto.Equal(got, full()) {
		t.Errorf("%v, %v", got, err)
	}
	if name := proto.MessageName(got); name != EnvelopeName {
		t.Errorf("the name is %s", name)
	}
}

func TestTextFields(t *testing.T) {
	fields := (&Envelope{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); (f.Kind() == protoreflect.StringKind) != isText(f.Number()) {
			t.Errorf("%s: isText is %v", f.Name(), isText(f.Number()))
		}
	}
}

// TestCheckEnvelope: what passes the check can be decoded, and what is decoded passes.
func TestCheckEnvelope(t *testing.T) {
	whole, _ := proto.Marshal(full())
	random := rand.New(rand.NewPCG(1, 2))
	bad := 0
	for i := range 200000 {
		b := append([]byte(nil), whole[:random.IntN(len(whole)+1)]...)
		for range random.IntN(4) {
			if len(b) > 0 {
				b[random.IntN(len(b))] = byte(random.Uint32())
			}
		}
		check, decode := CheckEnvelope(b), proto.Unmarshal(b, &Envelope{})
		if (check == nil) != (decode == nil) {
			t.Fatalf("%d: %x: the check says %v, the decoder %v", i, b, check, decode)
		}
		if check != nil {
			bad++
		}
	}
	if bad < 10000 || bad > 190000 {
		t.Errorf("only one kind of input: %d bad", bad)
	}
}
