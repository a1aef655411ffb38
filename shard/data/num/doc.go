// Package num reads and writes numbers exactly as Redis 7.0 does.
//
// Redis has three notions of a number that a client can see, and each has one
// reader and one writer here:
//
//   - integers (INCR, list and set encodings): ParseInt, AppendInt, IntLen;
//   - doubles (scores, coordinates): ParseFloat, AppendFloat17 for replies,
//     AppendDouble for the form that is stored, AppendHuman for plain decimals;
//   - long doubles (INCRBYFLOAT, HINCRBYFLOAT): LongDouble, the 80-bit format of
//     x87, whose 64-bit mantissa decides which digits a client reads back.
//
// Readers are strict: the whole input is the number, or it is refused.
// Everything is a pure function of its arguments; nothing depends on locale or
// on the machine's floating-point unit.
package num
