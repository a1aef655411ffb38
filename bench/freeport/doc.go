// Package freeport finds ports of the loopback for servers that are about to be started.
package freeport
