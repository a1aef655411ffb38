// Package troupev1 is version 1 of the messages.
package troupev1
