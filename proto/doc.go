// Package proto holds the protobuf messages that nodes exchange or keep, one
// folder a version, with the Go code that protoc-gen-go writes for them, checked
// in. Nothing else imports the protobuf library: what others need of it, encoding
// and decoding, stands beside the messages.
//
// After a change of a .proto file: proto/generate, which needs protoc and says so.
package proto

//go:generate bash generate
