// Package words copies the words of commands, for who keeps them longer than the
// memory that they came in.
package words
