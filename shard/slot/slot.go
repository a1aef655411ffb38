package slot

import "bytes"

// Count is the number of slots.
const Count = 16384

const polynomial = 0x1021 // CRC-16/XMODEM

// crcTables[k][b] is the CRC of byte b followed by k zero bytes, so that 8
// bytes are taken at once.
var crcTables = makeTables()

func makeTables() (t [8][256]uint16) {
	for b := range 256 {
		crc := uint16(b) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= polynomial
			}
		}
		t[0][b] = crc
	}
	for k := 1; k < len(t); k++ {
		for b := range 256 {
			prev := t[k-1][b]
			t[k][b] = prev<<8 ^ t[0][prev>>8]
		}
	}
	return t
}

func crc16(key []byte) uint16 {
	var crc uint16
	t := &crcTables
	for len(key) >= 8 {
		crc ^= uint16(key[0])<<8 | uint16(key[1])
		crc = t[7][crc>>8] ^ t[6][crc&0xFF] ^ t[5][key[2]] ^ t[4][key[3]] ^
			t[3][key[4]] ^ t[2][key[5]] ^ t[1][key[6]] ^ t[0][key[7]]
		key = key[8:]
	}
	for _, b := range key {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return crc
}

// Of returns the slot of key. Only what stands between the first '{' and the
// first '}' after it is hashed, unless that is empty.
func Of(key []byte) uint16 {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
			key = key[open+1 : open+1+n]
		}
	}
	return crc16(key) & (Count - 1)
}
