// Package glob matches Redis's glob patterns: KEYS, SCAN MATCH, PSUBSCRIBE,
// CONFIG GET, ACL key patterns.
//
//   - any bytes      ?    one byte      \c   the byte c
//     [abc]   one of them    [a-c] a range      [^a] any other
//
// The answers are those of Redis 7.0, odd corners included: a class without its
// closing bracket ends with the pattern, "[a-]" is a range up to ']', an escaped
// byte in a class ignores nocase, ranges compare bytes as signed, and "*" does
// not match the empty string.
//
// Every element but '*' takes exactly one byte, so when the part after a star
// fails, no other choice for an earlier star can help: only the last star is ever
// retried. The work is bounded by len(pattern) × len(s) and nothing allocates.
package glob
