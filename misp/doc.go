// Package misp reads MISP's core format: events with their attributes, objects,
// tags, galaxies, sightings, event reports and proposals, from files, from what
// servers answer, and from feed directories.
//
// [NewReader] streams the events of one document. It understands the shapes
// found in the field: {"Event": …}, {"response": [{"Event": …}]},
// {"response": {"Event": …}}, a list of either, an event without a wrapper, an
// index of events, a feed's manifest, and answers that hold attributes or
// objects alone. Only one event is in memory at a time.
//
// Reading is strict about JSON and lenient about MISP. Duplicate names, invalid
// UTF-8, and the names that structure an event in a wrong case ("tag" for "Tag")
// are refused: each could hide a marking. Numbers written as strings, strings
// written as numbers, PHP's [] for an empty object and unknown members are all
// accepted. Of an event some of whose attributes or objects cannot be read as such
// the others are read ([Event.Bad]). Every error of reading a document is an [*Error]: it names the byte,
// the line and the JSON pointer, and says what to do. Those of a [Feed] wrap one,
// or say which file is not what the feed promises. [Event.Raw] is the event as
// received.
//
// [Convert] turns an event into STIX 2.1 objects. It is the plain mapping that
// makes events searchable beside STIX; its comment lists what it leaves out.
//
// Source: misp-core.
package misp
