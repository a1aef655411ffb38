// Package conformance compares a Troupe server with redis-server 7.0.15, case by case and byte by byte.
//
// testdata/<group>/<command>.case holds named cases, each a script of commands on one or more connections; beside it
// <command>.golden holds what redis-server answered. Goldens are never written by hand:
//
//	go test ./bench/conformance -rewrite
//
// records them from an installed redis-server. A plain run compares a Troupe process with the goldens, and, where
// redis-server is installed (TROUPE_REQUIRE_REDIS=1 makes that a must), the goldens with the live server, so that no
// golden can grow stale. TROUPE_TARGET=host:port compares another running server instead of a fresh Troupe process.
//
// Servers run with Redis's defaults and DEBUG allowed; those of the group "defaults" run with no setting at all.
// testdata/command_info.golden holds Redis's whole COMMAND table, against which every row that the target lists is held.
//
// Every case runs once in RESP2 and once in RESP3, and starts from FLUSHALL, SCRIPT FLUSH and fresh connections.
//
// # Case files
//
//	=== a name                 begins a case; lines below it, up to the first command, may be
//	resp 2|3|both              the protocols to run it in (both when not given)
//	needs SORT                 run only against a target that lists the command
//	# text                     a comment
//	SET k "a\x00b" %rep(x,9)   a command, quoted as in redis-cli; commands are upper case or quoted
//	@2 GET k                   the same on the second connection
//	send CMD…                  sends and reads nothing;          read [n] reads n replies (1)
//	async CMD…                 sends, waits until the server has the client blocked, reads nothing
//	pending                    shows whether a reply is there to be read
//	raw "bytes"                sends bytes as they are, reads nothing
//	sleep 20ms
//
// Arguments: %rep(s,n) is s n times; %seq(p,a,b) is many arguments p‹a› … p‹b›; %pairs(p,q,a,b) alternates p‹i› and q‹i›;
// $name is what "capture name CMD…" caught.
//
// Before a command may stand words that shape its reply for comparison: unordered (sort the elements), pairs (sort a
// flat array or map by pairs), mask (types and shape only), size (type and length only), near ms slack (an integer at
// most slack below ms), grep "re" (the sorted matches in a bulk string), hide "re" (matches become *), scanall (walk a
// SCAN-like command to cursor 0 and show the sorted, distinct union), capture name, repeat n ({i} counts from 0; only the
// last reply is shown).
package conformance
