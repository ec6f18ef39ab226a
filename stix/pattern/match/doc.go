// Package match holds patterns of the STIX patterning language against
// observations, at conformance level 3 of the standard.
//
// [New] makes a [Matcher] of a pattern; [Matcher.Match] says whether a list of
// observations fulfils it, and names some that do. An [Observation] is one
// observed-data, with its objects inside (STIX 2.0) or beside it (STIX 2.1), or
// a bare cyber-observable object. An [Index] holds many patterns by the values
// they ask for, so that an observation meets only those that it can fulfil.
//
// # What counts as a match
//
// All paths of one pair of square brackets start from the same object. A
// comparison whose path leads nowhere is false, with or without NOT; one between
// types that cannot be compared is false, and != is true. NOT turns the whole
// comparison around: with [*] it holds if no item fulfils it. [*] also means any
// value of a dictionary. Only objects of the observation are followed.
//
// An observed-data with number_observed n stands for n different observations,
// each at an unknown moment between first_observed and last_observed, and so
// may be used n times. An operator on time is fulfilled if some moments of those
// spans fulfil it: a FOLLOWEDBY b if no observation of a began after one of b
// ended; a WITHIN w if none began w or more after another ended; a START x STOP y
// if each ended at x or later and began before y. Times count in microseconds.
// Observations without times fulfil no operator on time but WITHIN for one of
// them alone.
//
// # How it is bounded
//
// Nothing enumerates combinations. Each expression is reduced to one function:
// from the earliest moment allowed to the earliest moment at which it can be
// fulfilled, computed over sorted times with sliding windows and counts. Where
// one observation could serve two parts of a pattern, a scan over time keeps the
// set of best states of progress instead. All work counts against a budget of
// steps; when it is used up the answer is [ErrBudget], not a guess.
//
// MATCHES takes the regular expressions of package regexp, which run in time
// linear in the text; look-around and back-references, which cannot, are refused.
//
// The package does no I/O and knows no clock.
//
// Source: stix-2.1 §9, §12.7.3.
package match
