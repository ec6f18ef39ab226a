package web

// englishWords is the English catalogue. Keys ending in ".one" and ".other"
// are chosen by number; {0}, {1} … are filled in.
var englishWords = map[string]string{
	// Frame.
	"skip": "Skip to content", "handling": "Handling of this page", "exercise": "EXERCISE", "exercise.data": "fictitious data",
	"nav": "Main", "drawn": "Page drawn {0}", "asjson": "as JSON", "today": "today", "close": "Close", "cancel": "Cancel",
	"theme.system": "Follow the system’s colours", "theme.dark": "Dark colours", "theme.light": "Light colours",
	"copy": "Copy {0} in plain form", "copied": "Copied {0}",
	"search.box": "Search or paste", "search.label": "Search indicators, objects, reports",
	"keys": "Keys", "keys.search": "search", "keys.reports": "reports", "keys.sources": "sources", "keys.new": "hand in a report",
	"keys.move": "next and previous line", "keys.open": "open", "keys.help": "this list", "keys.on": "Keys are on",

	// Counts.
	"n.reports.one": "{0} report", "n.reports.other": "{0} reports",
	"n.sources.one": "{0} source", "n.sources.other": "{0} sources",
	"n.objects.one": "{0} object", "n.objects.other": "{0} objects",
	"n.values.one": "{0} value", "n.values.other": "{0} values",
	"n.links.one": "{0} link", "n.links.other": "{0} links",
	"n.files.one": "{0} file", "n.files.other": "{0} files",
	"n.hits.one": "{0} result", "n.hits.other": "{0} results",

	// Columns and facts.
	"col.received": "Received", "col.report": "Report", "col.source": "Source", "col.format": "Format", "col.marking": "Marking",
	"col.objects": "Objects", "col.values": "Values", "col.aside": "Set aside", "col.type": "Type", "col.name": "Name",
	"col.version": "Version", "col.file": "File", "col.size": "Size", "col.share": "Share", "col.match": "Match",
	"col.seenby": "Seen by", "col.span": "First, last", "col.why": "Why it matters", "col.place": "Place", "col.reason": "Reason",
	"col.remedy": "What to do", "col.found": "Found", "col.value": "Value", "col.mentions": "Mentions", "col.note": "Note",
	"col.how": "How", "col.id": "Id", "col.receipts": "Receipts", "col.digest": "SHA-256", "col.from": "From", "col.to": "To",
	"col.default": "Default marking", "col.zone": "Time zone", "col.trust": "Trust", "col.reports": "Reports", "col.last": "Last report",
	"col.act": "Change",

	// Reports.
	"reports": "Reports", "reports.sub": "{0} readable to you, from {1}", "reports.all": "All reports", "reports.from": "From {0}",
	"reports.filtered": "With “{0}”", "reports.newest": "back to the newest", "reports.newestfirst": "newest first",
	"reports.filter": "Filter by words", "filter": "Filter", "filter.off": "Show all", "older": "Older reports", "more": "More results",
	"more.n":                   "{0} more in the JSON",
	"reports.none":             "No reports yet",
	"reports.none.do":          "Hand in a STIX bundle, a MISP event, a CSV file, an e-mail or pasted text. Casus keeps it byte for byte and says who else saw the same things.",
	"reports.none.filtered":    "No report fits this filter",
	"reports.none.filtered.do": "Try fewer words, or search for an indicator in the box above.",
	"reports.bysource":         "by name", "sources.settings": "settings",
	"tag.exercise": "exercise", "tag.unfinished": "unfinished", "imputed": "assumed",
	"imputed.long": "The report bears no marking; the default of its source is assumed.",
	"marked.own":   "The report’s own marking.",

	// One report.
	"report.from": "from {0}", "report.received": "received {0}",
	"report.unfinished": "This report is unfinished: its intake was cut short, and others do not see it yet. Hand in the same file again to complete it; nothing is doubled.",
	"arrived":           "Taken in.", "arrived.n": "{0} new, {1} known before, {2} set aside.",
	"camein": "What came in", "camein.whole": "Every piece was read; the original is kept byte for byte.", "camein.another": "Hand in another",
	"aside.some.one": "{0} piece could not be read and was set aside; the rest is in.", "aside.some.other": "{0} pieces could not be read and were set aside; the rest is in.",
	"aside.see": "what and why", "aside": "Set aside", "aside.sub": "kept as received; everything else is in", "aside.short": "kept, with place and reason",
	"aside.n": "{0} set aside", "aside.done": "taken in since",
	"objects": "Objects", "objects.sub": "as they stand in the report", "objects.first": "first {0} of {1}", "objects.none": "This report holds no objects.",
	"handling.h": "Handling", "kept": "kept as received", "types": "By type",

	// Who else saw this.
	"who": "Who else saw this", "who.where": "among {0} readable to you, from {1}", "who.of": "{0} of {1}", "who.too": "too", "who.elsewhere": "stand in other reports",
	"who.others.one": "{0} other source", "who.others.other": "{0} other sources", "who.did.one": "reported", "who.did.other": "reported",
	"who.common.one": "{0} is common and ranked last", "who.common.other": "{0} are common and ranked last",
	"who.nobody":        "Nobody else so far.",
	"who.nobody.of.one": "No other source reported the one value in this report, as far as you can read.", "who.nobody.of.other": "No other source reported any of the {0} different values in this report, as far as you can read.",
	"who.novalues": "This report holds no values that could be matched.", "who.last": "Common, ranked last",
	"who.nothingleft": "Matched in this node; nothing left it.",
	"basis.receipt":   "received", "basis.receipt.long": "No time of the event is given; these are times of receipt.",

	// Handing in.
	"intake": "Hand in", "intake.sub": "a file, an e-mail or pasted text", "intake.from": "Where it comes from",
	"intake.source.n": "Who reports it. Empty means this desk.", "intake.title": "Title", "intake.title.n": "Empty takes the report’s own or the file’s name.",
	"intake.tlp": "Marking of what bears none", "intake.tlp.none": "the source’s default",
	"intake.tlp.n":        "A wider marking inside the report is narrowed to this one, a narrower one stays. A source without a default counts as TLP:RED.",
	"intake.format.auto":  "find out from the content",
	"intake.exercise":     "Part of an exercise",
	"intake.exercise.all": "Everything on this node is exercise data.",
	"intake.what":         "What you hand in", "intake.what.sub": "nothing is changed, nothing is lost", "intake.drop": "Drop files here.",
	"intake.chosen.none": "STIX, MISP, CSV, e-mail or text", "intake.chosen.some": "Chosen: {0}", "intake.choose": "or choose files",
	"intake.paste": "Or paste", "intake.paste.ex": "198.51.100[.]7\nhxxps://update.example/login",
	"intake.do": "Take in and match", "intake.busy": "Reading…", "intake.stays": "stays in this node",
	"next": "What happens next", "next.1": "Kept.", "next.1.t": "The bytes are stored as they are before anything else happens.",
	"next.2": "Read.", "next.2.t": "Piece by piece. What cannot be read is set aside with place, reason and remedy.",
	"next.3": "Matched.", "next.3.t": "You see which other reports and sources mention the same things, and why it matters. Common things are ranked last.",
	"next.4": "Not shared.", "next.4.t": "Nothing leaves this node.",
	"reads": "What can be read", "reads.stix": "2.0 and 2.1: bundle, list or one object a line; .gz and .zip too", "reads.misp": "events and feeds",
	"reads.csv": "columns found by name, or by the source’s saved map", "reads.mail": ".eml with its attachments", "reads.text": "indicators in prose, also written hxxp, [.] or (at)",
	"taken": "Taken in", "pasted": "pasted text", "known": "known", "unread": "not read",
	"res.received": "Received", "res.received.n": "pieces, set aside ones included", "res.new": "New", "res.new.n": "not held before",
	"res.known": "Known", "res.known.n": "held before, equal", "res.conflicting": "Conflicting", "res.conflicting.n": "same version, other content; all kept",

	// Search.
	"search": "Search", "search.title": "Search: {0}", "search.do": "Search", "search.box.long": "Indicator, address range, name, words or id",
	"search.how": "What you can search for", "search.how.value": "An address, host name, link, hash, CVE or technique, plain or defanged:",
	"search.how.cidr": "All addresses in a range, and ranges that hold it:", "search.how.words": "Names, aliases, titles, labels and report text; the start of a word is enough.",
	"search.how.id": "Of a report or an object:", "search.none": "Nothing found among what you can read",
	"search.none.do": "Check the spelling, try the start of a word or a whole range such as 203.0.113.0/24. If you hold a report about it, hand it in: later reports will be matched with it.",
	"kind.id":        "an id", "kind.value": "a value", "kind.cidr": "an address range", "kind.words": "words", "kind.": "",

	// Objects.
	"object.conflict":  "Received with different content under the same version. All forms are kept; none is preferred.",
	"object.marking.n": "Narrowest of all receipts readable to you.",
	"values":           "Values", "values.sub": "what it mentions, and how often others do", "values.none": "It mentions no values that could be matched.",
	"linked": "Linked", "linked.sub": "what it refers to, and what refers to it", "linked.none": "Nothing is linked to it yet.", "nothere": "not here",
	"raw": "As received", "raw.sub": "newest version, shown as text", "raw.open": "Show the bytes", "raw.cut": "Only the first 64 KB are shown; the whole is in the JSON.",
	"receipts": "Receipts", "receipts.sub": "each arrival", "versions": "Versions", "versions.sub": "newest first", "conflicting": "conflicting",
	"graph": "Neighbours", "graph.open": "Neighbours", "graph.back": "Back to the object", "graph.sub": "two steps far", "graph.title": "Neighbours of {0}",
	"graph.rest": "and more", "graph.left": "{0} more not drawn", "graph.scrolls": "Neighbours, scrolls sideways", "graph.label": "{0} and what it is linked to: {1}, {2}. The same is in the table below.",
	"graph.table": "The same as a table", "graph.table.sub": "one link a line",

	// Sources.
	"sources": "Sources", "sources.sub": "who hands in what, under which default", "sources.none": "No source yet",
	"sources.none.do": "A source appears with its first report, or set one here beforehand.", "sources.edit": "Set a source", "sources.edit.of": "Change {0}",
	"sources.other": "another", "sources.name": "Name", "sources.tlp.none": "none set", "sources.zone.n": "IANA name, for times without a zone.",
	"sources.trust.n": "Reliability after the Admiralty scale.", "sources.fromnow": "for what comes in from now on",
	"sources.unmarked": "What comes in without a marking takes the default of its source, and is shown as assumed. Without a default it is TLP:RED.",
	"edit":             "change", "save": "Save", "saved": "Saved.", "saved.n": "Holds for what {0} hands in from now on.", "notset": "none set",
	"trust.A": "completely reliable", "trust.B": "usually reliable", "trust.C": "fairly reliable", "trust.D": "not usually reliable",
	"trust.E": "unreliable", "trust.F": "cannot be judged",

	// Faults.
	"fault.notfound": "Not here", "fault.notfound.text": "There is nothing at this address, or nothing that has been released to you.",
	"fault.invalid": "This cannot be read", "fault.invalid.text": "Something in what was sent is not what it should be. Nothing was changed.",
	"fault.denied": "Refused", "fault.denied.text": "A marking or a role forbids this. Nothing was changed.",
	"fault.conflict": "Changed meanwhile", "fault.conflict.text": "What is recorded contradicts this. Look again and decide anew.",
	"fault.unavailable": "Not possible just now", "fault.unavailable.text": "The node cannot do this at the moment. What it acknowledged is safe; try again shortly.",
	"fault.internal": "A fault in this node", "fault.internal.text": "The cause is in the node’s log. What it acknowledged is safe.",

	// Formats.
	"format.": "not known", "format.stix": "STIX", "format.misp": "MISP", "format.csv": "CSV", "format.jsonl": "JSON lines", "format.mail": "E-mail", "format.text": "Text",

	// Types of objects and values.
	"type.attack-pattern": "technique", "type.campaign": "campaign", "type.course-of-action": "course of action", "type.grouping": "grouping",
	"type.identity": "identity", "type.incident": "incident", "type.indicator": "indicator", "type.infrastructure": "infrastructure",
	"type.intrusion-set": "intrusion set", "type.location": "location", "type.malware": "malware", "type.malware-analysis": "malware analysis",
	"type.note": "note", "type.observed-data": "observed data", "type.opinion": "opinion", "type.report": "report", "type.threat-actor": "threat actor",
	"type.tool": "tool", "type.vulnerability": "vulnerability", "type.relationship": "relationship", "type.sighting": "sighting",
	"type.marking-definition": "marking", "type.extension-definition": "extension", "type.language-content": "translation",
	"type.event": "event", "type.impact": "impact", "type.task": "task",
	"type.artifact": "artifact", "type.autonomous-system": "autonomous system", "type.directory": "directory", "type.domain-name": "domain",
	"type.email-addr": "e-mail address", "type.email-message": "e-mail", "type.file": "file", "type.ipv4-addr": "IPv4 address", "type.ipv6-addr": "IPv6 address",
	"type.mac-addr": "MAC address", "type.mutex": "mutex", "type.network-traffic": "network traffic", "type.process": "process", "type.software": "software",
	"type.url": "link", "type.user-account": "account", "type.windows-registry-key": "registry key", "type.x509-certificate": "certificate",
	"type.ipv4": "IPv4 address", "type.ipv6": "IPv6 address", "type.cidr": "address range", "type.domain": "domain", "type.email": "e-mail address",
	"type.md5": "file, MD5", "type.sha1": "file, SHA-1", "type.sha256": "file, SHA-256", "type.sha512": "file, SHA-512", "type.filename": "file name",
	"type.path": "file path", "type.mac": "MAC address", "type.asn": "autonomous system", "type.regkey": "registry key", "type.useragent": "user agent",
	"type.sha224": "file, SHA-224", "type.sha384": "file, SHA-384", "type.sha3-224": "file, SHA3-224", "type.sha3-256": "file, SHA3-256", "type.sha3-384": "file, SHA3-384",
	"type.sha3-512": "file, SHA3-512", "type.ssdeep": "file, ssdeep", "type.tlsh": "file, TLSH", "type.imphash": "file, import hash", "type.hash": "hash", "type.serial": "serial number",
	"type.port": "port", "type.vendor": "vendor", "type.account": "account", "type.command": "command line", "type.subject": "subject line", "type.messageid": "message id",
	"type.dn": "distinguished name", "type.service": "service", "type.ja3s": "JA3S",
	"type.cve": "vulnerability", "type.technique": "technique", "type.wallet": "wallet", "type.ja3": "JA3", "type.jarm": "JARM",
}
