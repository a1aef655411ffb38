// Package slot maps keys to the 16384 hash slots of Redis Cluster: CRC16
// (XMODEM) of the key, or of its {hash tag}, modulo 16384, so that slot-aware
// clients compute the same.
package slot
