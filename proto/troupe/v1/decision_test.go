package troupev1

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestDecisionRoundTrip(t *testing.T) {
	d := &Decision{
		Saga: 7, Reply: []byte("*1\r\n-ERR x\r\n"), Errors: 1,
		Participants: []*Participant{{Shard: 0, Attempt: 2, Visit: 1 << 40}, {Shard: 9, Attempt: 2, Visit: 1}},
	}
	got, err := DecodeDecision(d.Encode())
	if err != nil || !proto.Equal(got, d) {
		t.Errorf("%v, %v; want %v", got, err, d)
	}
	for cut := range len(d.Encode()) {
		if got, err := DecodeDecision(d.Encode()[:cut]); err == nil && proto.Equal(got, d) {
			t.Errorf("cut at %d it is still whole", cut)
		}
	}
	if _, err := DecodeDecision([]byte{0xff}); err == nil {
		t.Error("nonsense was decoded")
	}
}

// The checked-in code is what the generator writes.
func TestGenerated(t *testing.T) {
	for _, tool := range []string{"protoc", "protoc-gen-go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	dir := t.TempDir()
	cmd := exec.Command("protoc", "-I", "../..", "--go_out="+dir, "--go_opt=paths=source_relative", "troupe/v1/saga.proto")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "troupe/v1/saga.pb.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("saga.pb.go")
	if err != nil {
		t.Fatal(err)
	}
	if withoutVersions(got) != withoutVersions(want) {
		t.Error("saga.pb.go is not what the generator writes from saga.proto")
	}
}

// withoutVersions drops the lines that name the generators' versions.
func withoutVersions(code []byte) string {
	lines := slices.DeleteFunc(strings.Split(string(code), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "// \tprotoc")
	})
	return strings.Join(lines, "\n")
}
