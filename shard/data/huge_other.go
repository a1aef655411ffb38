//go:build unix && !linux

package data

func adviseHuge([]byte) {}
