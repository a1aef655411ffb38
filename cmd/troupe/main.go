// Command troupe is a node of Troupe, and the tools around it.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupedb/troupe/gateway"
)

func main() {
	port := 7700
	g, err := gateway.Start(gateway.Config{Bind: "127.0.0.1", Port: port, PortGiven: true, Shards: gateway.DefaultShards, MaxClients: 10000, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready", g.Addr())
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	<-c
	g.Stop()
}
