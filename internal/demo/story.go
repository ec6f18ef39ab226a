package demo

import (
	"bytes"
	"embed"

	"casus/internal/core/report"
	"casus/tlp"
)

//go:embed story
var story embed.FS

// text returns a report that was written by hand. A missing one is a mistake in
// the program, so it panics.
func text(name string) []byte {
	b, err := story.ReadFile("story/" + name)
	if err != nil {
		panic("demo: " + err.Error())
	}
	return b
}

// The objects that more than one report of the story speaks of.
var (
	wiperID    = "malware--" + uuid("copper lantern")
	heronID    = "campaign--" + uuid("paper heron")
	beaconID   = "indicator--" + uuid("beacon of copper lantern")
	wiperFound = at(16, 12, 5)
)

// written returns the reports that were written by hand, by time.
func written() []File {
	return []File{
		{Name: "osm-quiet-loom-1.stix.json", Source: osm, Title: "Routers scanned from leased addresses", At: at(3, 9, 0), Kind: report.STIX, Data: loomFirst()},
		{Name: "orv-border-flows.csv", Source: orv, Title: "Router botnet as seen at the borders", At: at(5, 11, 30), Kind: report.CSV, Data: text("border-flows.csv")},
		{Name: "osm-quiet-loom-2.misp.json", Source: osm, Title: "Quiet Loom: how the nodes talk", At: at(6, 15, 20), Kind: report.MISP, Data: loomSecond()},
		{Name: "vdm-paper-heron.misp.json", Source: vdm, Title: "Paper Heron: letters from a tax office", At: at(10, 13, 40), Kind: report.MISP, Data: heronFirst()},
		{Name: "sav-hameconnage.eml", Source: sav, TLP: new(tlp.Amber), Title: "Vague d'hameçonnage au nom du fisc", At: at(11, 8, 42), Kind: report.Mail, Data: text("lure-campaign-fr.eml")},
		{Name: "plg-lures.stix.json", Source: plg, Title: "Lures kept by a mail filter", At: at(12, 10, 0), Kind: report.STIX, Data: heronLures()},
		{Name: "coffer-customers.eml", Source: banks, TLP: new(tlp.Amber), Title: "Customers asked to pay for their own mailbox", At: at(12, 15, 5), Kind: report.Mail, Data: text("bank-customers.eml")},
		{Name: "vdm-demands.misp.json", Source: vdm, Title: "Paper Heron asks for money", At: at(13, 9, 10), Kind: report.MISP, Data: heronDemands()},
		{Name: "sav-routeurs.misp.json", Source: sav, Title: "Routeurs compromis chez trois opérateurs", At: at(13, 16, 0), Kind: report.MISP, Data: loomFrench()},
		{Name: "plg-routers.csv", Source: plg, TLP: new(tlp.Green), Title: "Infected routers in Pelagora", At: at(14, 9, 30), Kind: report.CSV, Data: text("pelagora-routers.csv")},
		{Name: "lum-copper-lantern.stix.json", Source: lum, Title: "Wiper staged in a grid operator's network", At: wiperFound, Kind: report.STIX, Data: wiperFirst()},
		{Name: "lum-watch-note.txt", Source: lum, TLP: new(tlp.Amber), Title: "Watch log for handover", At: at(16, 14, 0), Kind: report.Text, Data: text("watch-note.txt")},
		{Name: "tidegrid-control-room.csv", Source: grid, TLP: new(tlp.AmberStrict), Title: "Seen in the control room", At: at(16, 16, 30), Kind: report.CSV, Data: text("control-room.csv")},
		{Name: "orv-question.eml", Source: orv, TLP: new(tlp.Green), Title: "Lantern: did anyone else see this address?", At: at(17, 6, 31), Kind: report.Mail, Data: text("grid-question.eml")},
		{Name: "bnh-second-find.misp.json", Source: bnh, Title: "Copper Lantern at a second country's operator", At: at(17, 11, 15), Kind: report.MISP, Data: wiperSecond()},
		{Name: "bnh-ranges.csv", Source: bnh, TLP: new(tlp.Amber), Title: "Blocks leased by one customer", At: at(17, 14, 0), Kind: report.CSV, Data: text("ranges.csv")},
		{Name: "tidegrid-control-room (1).csv", Source: grid, TLP: new(tlp.AmberStrict), Title: "Seen in the control room", At: at(17, 17, 0), Kind: report.CSV, Data: text("control-room.csv")},
		{Name: "lum-forward-tidegrid.csv", Source: lum, TLP: new(tlp.AmberStrict), Title: "Forwarded as received from TIDEGRID", At: at(17, 17, 45), Kind: report.CSV, Data: text("control-room.csv")},
		{Name: "orv-second-operator.txt", Source: orv, TLP: new(tlp.Green), Title: "Chat with the second operator", At: at(18, 7, 20), Kind: report.Text, Data: text("second-operator.txt")},
		{Name: "coffer-list.csv", Source: banks, TLP: new(tlp.Amber), Title: "New lure pages, typed in a hurry", At: at(18, 10, 0), Kind: report.CSV, Data: text("broken-rows.csv")},
		{Name: "vdm-export.stix.json", Source: vdm, Title: "Export of a home-made tool", At: at(18, 14, 30), Kind: report.STIX, Data: text("bad-objects.json")},
		{Name: "bnh-analysis.stix.json", Source: bnh, Title: "What Copper Lantern does", At: at(19, 8, 0), Kind: report.STIX, Data: wiperAnalysis()},
		{Name: "lum-link.stix.json", Source: lum, Title: "Possible link between the routers and the wiper", At: at(19, 15, 0), Kind: report.STIX, Data: falseLink()},
		{Name: "orv-beacon.stix.json", Source: orv, Title: "Beacon of Copper Lantern, our reading", At: at(19, 17, 30), Kind: report.STIX, Data: otherBeacon()},
		{Name: "osm-sinkhole.eml", Source: osm, TLP: new(tlp.Green), Title: "203.0.113.250 is our sinkhole, not theirs", At: at(20, 10, 12), Kind: report.Mail, Data: text("sinkhole.eml")},
		{Name: "lum-copper-lantern-2.stix.json", Source: lum, Title: "Copper Lantern, corrected", At: at(20, 13, 0), Kind: report.STIX, Data: wiperCorrected()},
		{Name: "vdm-debug-path.eml", Source: vdm, TLP: new(tlp.AmberStrict), Title: "About the path with our name in it", At: at(21, 11, 20), Kind: report.Mail, Data: text("debug-path.eml")},
		{Name: "plg-press-note.txt", Source: plg, TLP: new(tlp.Green), Title: "Note on the press reports", At: at(22, 18, 0), Kind: report.Text, Data: text("press-note.txt")},
		{Name: "plg-cut-off.stix.json", Source: plg, Title: "Routers, second list", At: at(23, 9, 0), Kind: report.STIX, Data: cutOff()},
		{Name: "sav-blocs.stix.json", Source: sav, Title: "Blocs d'adresses de Quiet Loom", At: at(23, 11, 0), Kind: report.STIX, Data: loomBlocks()},
		{Name: "sav-situation.eml", Source: sav, TLP: new(tlp.Amber), Title: "Point de situation au 23 novembre", At: at(23, 17, 10), Kind: report.Mail, Data: text("routeurs-fr.eml")},
	}
}

func loomFirst() []byte {
	b := newBundle("loom first", osm, at(3, 9, 0), tlp.Green)
	scanner := b.value("ipv4-addr", loomIP)
	b.value("ipv6-addr", loomIP6)
	b.value("mac-addr", loomMAC)
	b.value("domain-name", "loom-a.example")
	b.file(".loomd", "SHA-256", loomARM)
	b.file("", "SHA-256", loomMIPS)
	bot := b.sdo("malware", "Quiet Loom",
		member{"name", "Quiet Loom"},
		member{"description", "Turns home and branch-office routers into relays. Survives a restart, not a new firmware."},
		member{"malware_types", []string{"bot"}},
		member{"is_family", true})
	flaw := b.sdo("vulnerability", loomCVE,
		member{"name", loomCVE},
		member{"description", "EXERCISE number: the page for changing the clock runs what it is given."},
		member{"external_references", []any{members{{"source_name", "cve"}, {"external_id", loomCVE}}}})
	b.relate(bot, "exploits", flaw)
	one := b.indicator("Scanner of Quiet Loom", "Tries the clock page of every router, block by block.", compare("ipv4-addr:value", loomIP))
	two := b.indicator("Where Quiet Loom calls", "Fallen routers call here every ten minutes.", compare("ipv6-addr:value", loomIP6))
	b.indicator("Words the scanner sends", "The scanner introduces itself, for once.", compare("network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", loomAgent))
	b.relate(one, "indicates", bot)
	b.relate(two, "indicates", bot)
	b.observable("network-traffic", members{
		{"src_ref", scanner},
		{"dst_ref", b.value("ipv4-addr", "203.0.113.9")},
		{"dst_port", 443},
		{"protocols", []string{"ipv4", "tcp"}},
	})
	return b.report("Routers scanned from leased addresses",
		"Since Sunday one leased address tries the clock page of every router in our country, block by block. "+
			"Routers that fall open fetch a small program and call home over IPv6. We count about 900. "+
			"They relay traffic for somebody; they attack nothing yet.")
}

func loomSecond() []byte {
	e := newEvent("loom second", osm, "Quiet Loom: how the nodes talk", at(6, 15, 20), tlp.Green)
	e.put("ja3-fingerprint-md5", loomJA3, "every node, every version")
	e.put("AS", loomASN, "leases the block; answers letters after a week")
	e.put("ip-dst", sinkholeIP, "our sinkhole since 6 November, listed so that nobody blocks it")
	e.put("domain", "loom-c.example", "third rendezvous name, ours now")
	e.put("ip-dst|port", loomSpare6+"|443", "spare address of the same block")
	e.note("Counting", "We took over three names at noon. By three o'clock 611 routers had asked for orders. They get none.")
	return e.bytes()
}

func heronFirst() []byte {
	e := newEvent("heron first", vdm, "Paper Heron: letters from a tax office", at(10, 13, 40), tlp.Green)
	e.put("email-src", heronMail, "same sender in all 1,900 letters")
	e.put("domain", "Login-Heron.example.", "page that takes the password")
	e.put("ip-src", "198.51.100.140", "sends the letters")
	e.put("filename", "Refund_Notice_11.iso", "attached to a tenth of them")
	e.put("md5", noiseEmptyMD5, "second attachment, empty")
	e.object("file", "file", "the disk image",
		relation{"filename", "filename", "Refund_Notice_11.iso"},
		relation{"sha256", "sha256", heronISO},
	)
	return e.response()
}

func heronLures() []byte {
	b := newBundle("heron lures", plg, at(12, 10, 0), tlp.Green)
	page := b.value("domain-name", heronIDN)
	b.value("url", heronURL)
	b.value("domain-name", heronDomain)
	b.file("Refund.html", "SHA-256", heronLure)
	b.file("blank.txt", "SHA-256", noiseEmpty)
	b.value("ipv4-addr", noiseResolver)
	lure := b.indicator("Lure in the name of a tax office", "A page in one file, with a form for the password.", compare("file:hashes.'SHA-256'", heronLure))
	wave := b.version(heronID, at(12, 10, 0), at(12, 10, 0),
		member{"name", "Paper Heron"},
		member{"description", "Letters about a refund. The password is used within the hour, the mailbox held to ransom."},
		member{"first_seen", stamp(at(9, 6, 0))})
	b.relate(lure, "indicates", wave)
	b.relate(lure, "related-to", page)
	return b.report("Lures kept by a mail filter",
		"One filter in Pelagora kept 140 letters. The name of the page is written with a French letter, "+
			"so the list shows it in its coded form. The name server the lure asks is a public one and means nothing.")
}

func heronDemands() []byte {
	e := newEvent("heron demands", vdm, "Paper Heron asks for money", at(13, 9, 10), tlp.Amber)
	e.put("btc", heronWallet, "one wallet for all victims")
	e.put("email-src", heronMail, "the demand")
	e.put("url", heronSum, "page that shows the sum")
	e.note("Sums", "Demands are between 80 and 150, small enough to be paid without asking anybody.")
	return e.bytes()
}

func loomFrench() []byte {
	e := newEvent("loom french", sav, "Routeurs compromis chez trois opérateurs", at(13, 16, 0), tlp.Amber)
	e.put("ja3-fingerprint-md5", loomJA3, "même empreinte que celle d'Ostmere")
	e.put("user-agent", loomAgent, "relevé dans les journaux d'un opérateur")
	e.put("mac-address", "00-00-5E-00-53-17", "routeur de la première victime")
	e.put("vulnerability", loomCVE, "correctif disponible depuis août")
	e.put("ip-src", noisePrivate, "côté intérieur, sans valeur")
	e.note("Situation", "Trois opérateurs, 340 routeurs. Les appareils servent de relais la nuit. "+
		"Nous avons commencé par les plus anciens.")
	return e.bytes()
}

// wiper adds the malware object that all of Lumera's bundles share byte for byte.
func wiper(b *bundle) string {
	return b.version(wiperID, wiperFound, wiperFound,
		member{"name", "Copper Lantern"},
		member{"description", "Lies still until a date, then overwrites the first megabyte of every disk on its list."},
		member{"malware_types", []string{"wiper"}},
		member{"is_family", false})
}

func wiperFirst() []byte {
	b := newBundle("wiper first", lum, wiperFound, tlp.Amber)
	b.observable("file", members{
		{"hashes", members{{"MD5", holdMD5}, {"SHA-1", holdSHA1}, {"SHA-256", holdSHA256}}},
		{"name", holdFile},
	}, member{"size", 311296})
	b.file("p.bin", "SHA-256", holdLoader)
	b.observable("mutex", members{{"name", holdMutex}})
	b.observable("windows-registry-key", members{
		{"key", holdKey},
		{"values", []any{members{{"name", "When"}, {"data", "2026-12-01T05:00"}, {"data_type", "REG_SZ"}}}},
	})
	bad := wiper(b)
	b.relate(b.version(beaconID, wiperFound, wiperFound,
		member{"name", "Beacon of Copper Lantern"},
		member{"description", "Calls every six hours. No orders seen."},
		member{"indicator_types", []string{"malicious-activity"}},
		member{"pattern", compare("ipv4-addr:value", holdIP)},
		member{"pattern_type", "stix"},
		member{"pattern_version", "2.1"},
		member{"valid_from", stamp(at(16, 8, 50))}), "indicates", bad)
	b.relate(b.indicator("Name used when the address is silent", "Asked for after two failed calls.", compare("domain-name:value", holdDomain)), "indicates", bad)
	b.relate(b.indicator("Where the program is fetched", "Plain HTTP, one file.", compare("url:value", holdURL)), "indicates", bad)
	b.relate(b.indicator("Copper Lantern itself", "The service on the engineering stations.", compare("file:hashes.'SHA-256'", holdSHA256)), "indicates", bad)
	return b.report("Wiper staged in a grid operator's network",
		"An operator in the south of Lumera found a service nobody had installed on two engineering stations. "+
			"It holds a list of disks and a date, 1 December at 05:00, and does nothing before. "+
			"No damage so far. We ask every grid operator to look for the mutex and the registry key, "+
			"and to leave what they find running until the control network is cut off.")
}

func wiperSecond() []byte {
	e := newEvent("wiper second", bnh, "Copper Lantern at a second country's operator", at(17, 11, 15), tlp.Amber)
	e.put("domain", "RELAY-FROST.example.", "asked for every six hours")
	e.put("url", "HTTP://CDN-Lantern.example:80/stage/p.bin", "from the task")
	e.put("mutex", holdMutex, "")
	e.put("regkey", `HKLM\SOFTWARE\Lantern\Hold`, "same date in it")
	e.put("pdb", holdPDB, "too good to be true; see the analysis")
	e.put("filename|sha256", holdFile+"|"+"839D2E035D857F382429A12C4E72FC0F324AFF21F06197F9DF3B52DD398E7C04", "identical file")
	e.put("filename", noiseProcess, "parent, ordinary")
	e.put("ip-dst", noiseResolver, "name lookups")
	e.object("file", "file", "a driver beside it",
		relation{"filename", "filename", "lanthold.sys"},
		relation{"sha256", "sha256", holdDriver},
	)
	e.note("State of things", "One station, switched off by the operator before we could look at its memory. "+
		"The date is the one Lumera found.")
	return e.bytes()
}

func wiperAnalysis() []byte {
	b := newBundle("wiper analysis", bnh, at(19, 8, 0), tlp.Amber)
	driver := b.file("lanthold.sys", "SHA-256", holdDriver)
	wipe := b.technique("Disk Structure Wipe", "T1561.002")
	script := b.technique("Command and Scripting Interpreter", noiseScript)
	bad := b.sdo("malware", "Copper Lantern",
		member{"name", "Copper Lantern"},
		member{"aliases", []string{"LANTERN HOLD"}},
		member{"malware_types", []string{"wiper"}},
		member{"is_family", true},
		member{"sample_refs", []string{driver}})
	b.relate(bad, "uses", wipe)
	b.relate(bad, "uses", script)
	b.sdo("note", "debug path",
		member{"abstract", "The debug path was written afterwards"},
		member{"content", "The path of the debug file stands in a section that no compiler makes, and the build time is " +
			"the same to the second in all copies. We believe both were put there. This says nothing about who did it."},
		member{"object_refs", []string{bad}})
	return b.report("What Copper Lantern does",
		"The program wipes the beginning of each disk through its own driver, and would have needed about forty seconds "+
			"per station. It has no way to spread and no way to be called off. The name in its debug path was planted.")
}

// technique adds an ATT&CK technique by its number.
func (b *bundle) technique(name, id string) string {
	return b.sdo("attack-pattern", name, member{"name", name},
		member{"external_references", []any{members{{"source_name", "mitre-attack"}, {"external_id", id}}}})
}

func falseLink() []byte {
	b := newBundle("false link", lum, at(19, 15, 0), tlp.Amber)
	bad := wiper(b)
	b.relate(b.indicator("Address both talk to", "Seen from a station with the wiper and from routers.", compare("ipv4-addr:value", sinkholeIP),
		member{"confidence", 35}), "indicates", bad)
	b.relate(bad, "uses", b.technique("Command and Scripting Interpreter", noiseScript))
	return b.report("Possible link between the routers and the wiper",
		"A station with the wiper and several hundred routers of Quiet Loom talk to the same address. "+
			"Low confidence. If it holds, the two are one campaign, and the routers are its way out of the country.")
}

// otherBeacon holds Lumera's indicator as Orvane's tool wrote it back: same id and
// same version, other content.
func otherBeacon() []byte {
	b := newBundle("other beacon", orv, at(19, 17, 30), tlp.Green)
	b.author = "identity--" + uuid("identity "+lum)
	b.version(beaconID, wiperFound, wiperFound,
		member{"name", "Beacon of Copper Lantern"},
		member{"description", "EXERCISE: also reached over port 443. Written by our tool, which keeps the old date."},
		member{"indicator_types", []string{"malicious-activity"}},
		member{"pattern", "[ipv4-addr:value = '203.0.113.77' AND file:hashes.MD5 = '" + holdMD5 + "']"},
		member{"pattern_type", "stix"},
		member{"pattern_version", "2.1"},
		member{"valid_from", stamp(at(16, 8, 50))})
	return b.bytes()
}

func wiperCorrected() []byte {
	b := newBundle("wiper corrected", lum, at(20, 13, 0), tlp.Amber)
	bad := wiper(b)
	b.version(beaconID, wiperFound, at(20, 13, 0),
		member{"name", "Beacon of Copper Lantern"},
		member{"description", "The address went silent on 19 November at 21:00 and has not come back."},
		member{"indicator_types", []string{"malicious-activity"}},
		member{"pattern", compare("ipv4-addr:value", holdIP)},
		member{"pattern_type", "stix"},
		member{"pattern_version", "2.1"},
		member{"valid_from", stamp(at(16, 8, 50))},
		member{"valid_until", stamp(at(19, 21, 0))})
	b.sdo("note", "withdrawn",
		member{"abstract", "The link to the routers is withdrawn"},
		member{"content", "The shared address is a sinkhole of a partner. Our report of 19 November was wrong; nothing else ties the two together."},
		member{"object_refs", []string{bad}})
	return b.report("Copper Lantern, corrected",
		"We withdraw the link to Quiet Loom. What stands: two operators in two countries, one program, one date.")
}

// cutOff is a bundle whose transfer broke off in the middle of an object.
func cutOff() []byte {
	b := newBundle("cut off", plg, at(23, 9, 0), tlp.Green)
	b.value("ipv6-addr", "2001:db8:5e11::4")
	b.value("ipv6-addr", "2001:db8:5e11::5")
	b.value("domain-name", "loom-d.example")
	whole := b.report("Routers, second list", "Eleven more routers, all of one make.")
	start, _, _ := bytes.CutLast(whole, []byte(`"published"`))
	return start
}

func loomBlocks() []byte {
	b := newBundle("loom blocks", sav, at(23, 11, 0), tlp.Amber)
	b.value("ipv6-addr", loomRange6)
	b.observable("autonomous-system", members{{"number", 64500}}, member{"name", "EXERCISE-LEASE"})
	b.indicator("Tout le bloc appelé par les routeurs", "À couper en entier.", "[ipv6-addr:value ISSUBSET '"+loomRange6+"']",
		member{"lang", "fr"})
	return b.report("Blocs d'adresses de Quiet Loom",
		"Les routeurs appellent plusieurs adresses d'un même bloc. Nous proposons de couper le bloc entier.")
}
