//go:build !linux

package data

func adviseHuge([]byte) {}

func adviseSmall([]byte) {}
