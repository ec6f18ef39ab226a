// Package stix reads, checks and writes STIX 2.1, and reads STIX 2.0.
//
// An [Object] is the bytes as they were received, checked strictly as JSON, and
// an index of the top-level members; values are decoded when they are asked
// for. Nothing that was received is ever rewritten: ids, timestamps and the
// order of members stay.
//
// Reading is lenient, writing is strict. A [Reader] streams objects out of
// bundles, arrays, bare objects and lines of JSON, compressed or not, in memory
// bounded by [Limits]. A piece that cannot be read becomes a [Problem] with its
// place, the reason and a remedy; the pieces around it are read all the same.
// [Open] finds the files inside .gz and .zip for formats other than STIX.
// A [Writer] writes bundles, [Build] writes one object.
//
// [Canonical] is the canonical form of RFC 8785. [SCOID] computes the
// deterministic id of a cyber-observable, [NewID] one for objects made here.
// [NewVersion] and [Revoke] follow the versioning rules; [CompareTimes] compares
// timestamps of any precision.
//
// The package does no I/O beyond io.Reader, io.ReaderAt and io.Writer, knows no
// clock, and depends on the standard library alone.
//
// Source: stix-2.1; stix-2.0; rfc8259; rfc8785.
package stix
