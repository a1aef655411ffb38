package data

import "golang.org/x/sys/unix"

// adviseHuge asks for huge pages. Where there are none small ones serve, slower.
func adviseHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }

// adviseSmall asks for small pages, so that parts of b can be discarded for good.
func adviseSmall(b []byte) { _ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) }
