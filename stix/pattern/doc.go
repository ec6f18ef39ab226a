// Package pattern reads, checks, compares and writes patterns of the STIX
// patterning language; package casus/stix/pattern/match holds them against
// observations.
//
// [Parse] reads the whole grammar of STIX 2.1, and with [V20] the dates of STIX
// 2.0, into a [Pattern]: a tree of exported types that nothing here changes
// again. What it refuses comes back as an [*Error] with line, column and byte,
// what was expected there, and a remedy.
//
// [Pattern.String] writes the canonical form: one spelling for every pattern,
// with parentheses where they are needed and nowhere else. Reading that form
// gives the same tree. [Equivalent] tells whether two patterns must always give
// the same answer, as far as its rules reach; [Pattern.Check] says whether
// hashes have the length of their algorithm, which the grammar leaves open.
//
// What is read is bounded by [MaxBytes], [MaxTokens] and [MaxDepth]. The package
// does no I/O, knows no clock and depends on the standard library alone.
//
// Source: stix-2.1 §9; stix-2.0.
package pattern
