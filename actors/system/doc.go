// Package system starts Proto.Actor as Troupe uses it: it logs nothing below
// warnings, and a child that fails can be stopped instead of being restarted, so
// that its parent decides what becomes of its work.
package system
