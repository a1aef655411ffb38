//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart gives the child a process group of its own, so that Ctrl-C in the terminal
// reaches this process only, which then stops its children.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
