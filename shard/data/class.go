package data

// Size classes: every 8 bytes up to 256, every 32 up to 1024, then about an
// eighth apart, so that rounding up wastes at most 12.5 % of a large record
// and 7 bytes of a small one.
const (
	numClasses = 31 + 24 + 11
	fineStep   = 8
	fineEnd    = 256
	midStep    = 32
	midEnd     = 1024
)

// classUnits is the block size of each class, classOf the class that fits a
// number of units best. Both are computed once, before any arena exists.
var classUnits, classOf = sizeClasses()

func sizeClasses() (units [numClasses]uint16, of [maxBlock/unit + 1]uint8) {
	var sizes []int
	for s := 16; s <= fineEnd; s += fineStep {
		sizes = append(sizes, s)
	}
	for s := fineEnd + midStep; s <= midEnd; s += midStep {
		sizes = append(sizes, s)
	}
	sizes = append(sizes, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2560, 3072, 3584, maxBlock)
	if len(sizes) != numClasses {
		panic("data: numClasses is not the number of size classes")
	}
	class := 0
	for u := range of {
		for sizes[class] < u*unit {
			class++
		}
		of[u] = uint8(class)
	}
	for i, s := range sizes {
		units[i] = uint16(s / unit)
	}
	return units, of
}
