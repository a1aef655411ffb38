// Package proto holds the protobuf messages that nodes exchange or keep, one
// folder a version, with the Go code that protoc-gen-go writes for them, checked
// in. Nothing else imports the protobuf library: what others need of it, encoding
// and decoding, stands beside the messages.
//
// After a change of a .proto file: buf generate, or go generate ./proto, which
// needs protoc and protoc-gen-go.
package proto

//go:generate protoc --go_out=. --go_opt=paths=source_relative troupe/v1/saga.proto
