// Package rng is a small seeded random generator for deterministic engines.
//
// The same seed gives the same sequence on every machine and in every release of
// this project: replicas that apply the same entry with the same seed choose the
// same random elements. The generator is SplitMix64: one 64-bit word of state,
// every value once per 2^64 steps. It is not for secrets.
package rng
