package demo

// Names of reports that the truth speaks of often.
const (
	fLoom1    = "osm-quiet-loom-1.stix.json"
	fBorder   = "orv-border-flows.csv"
	fLoom2    = "osm-quiet-loom-2.misp.json"
	fHeron    = "vdm-paper-heron.misp.json"
	fHeronFR  = "sav-hameconnage.eml"
	fLures    = "plg-lures.stix.json"
	fBank     = "coffer-customers.eml"
	fDemands  = "vdm-demands.misp.json"
	fLoomFR   = "sav-routeurs.misp.json"
	fRouters  = "plg-routers.csv"
	fWiper    = "lum-copper-lantern.stix.json"
	fWatch    = "lum-watch-note.txt"
	fControl  = "tidegrid-control-room.csv"
	fQuestion = "orv-question.eml"
	fSecond   = "bnh-second-find.misp.json"
	fRanges   = "bnh-ranges.csv"
	fForward  = "lum-forward-tidegrid.csv"
	fChat     = "orv-second-operator.txt"
	fHurry    = "coffer-list.csv"
	fExport   = "vdm-export.stix.json"
	fAnalysis = "bnh-analysis.stix.json"
	fLink     = "lum-link.stix.json"
	fBeacon   = "orv-beacon.stix.json"
	fSinkhole = "osm-sinkhole.eml"
	fCorrect  = "lum-copper-lantern-2.stix.json"
	fDebug    = "vdm-debug-path.eml"
	fPress    = "plg-press-note.txt"
	fCutOff   = "plg-cut-off.stix.json"
	fBlocks   = "sav-blocs.stix.json"
	fState    = "sav-situation.eml"
)

// designed lists every value that reports of different sources share on purpose,
// with all reports that hold it.
func designed() []mention {
	return []mention{
		// Copper Lantern.
		{"ipv4", holdIP, []place{{fWiper, holdIP}, {fWatch, holdIP}, {fControl, holdIP}, {fQuestion, holdIP}, {fForward, holdIP}, {fBeacon, holdIP}, {fCorrect, holdIP}}},
		{"cidr", holdRange, []place{{fRanges, holdRange}}},
		{"domain", holdDomain, []place{{fWiper, holdDomain}, {fQuestion, "Relay-Frost.example"}, {fSecond, "RELAY-FROST.example."}}},
		{"url", holdURL, []place{{fWiper, holdURL}, {fQuestion, holdURL}, {fSecond, "HTTP://CDN-Lantern.example:80/stage/p.bin"}}},
		{"filename", holdFile, []place{{fWiper, holdFile}, {fControl, holdFile}, {fWatch, holdFile}, {fSecond, holdFile}, {fForward, holdFile}}},
		{"sha256", holdSHA256, []place{{fWiper, holdSHA256}, {fWatch, holdSHA256}, {fSecond, "839D2E035D857F382429A12C4E72FC0F324AFF21F06197F9DF3B52DD398E7C04"}}},
		{"sha1", holdSHA1, []place{{fWiper, holdSHA1}, {fControl, "76055C739243B31861F6F80367AEE6262803F117"}, {fForward, "76055C739243B31861F6F80367AEE6262803F117"}}},
		{"md5", holdMD5, []place{{fWiper, holdMD5}, {fChat, "9D4941FF44093D82973C89E9374A9B8C"}, {fBeacon, holdMD5}}},
		{"mutex", holdMutex, []place{{fWiper, holdMutex}, {fSecond, holdMutex}}},
		{"regkey", holdKeyLow, []place{{fWiper, holdKey}, {fSecond, `HKLM\SOFTWARE\Lantern\Hold`}}},
		{"domain", holdAsked, []place{{fControl, holdAsked}, {fForward, holdAsked}}},
		// Paper Heron.
		{"email", heronMail, []place{{fHeron, heronMail}, {fHeronFR, heronMail}, {fBank, "Billing@Paper-Heron.example"}, {fDemands, heronMail}, {fPress, heronMail}}},
		{"domain", heronDomain, []place{{fHeron, "Login-Heron.example."}, {fLures, heronDomain}, {fExport, heronDomain}, {fState, heronDomain}}},
		{"url", heronURL, []place{{fHeronFR, heronURL}, {fLures, heronURL}}},
		{"domain", heronIDN, []place{{fHeronFR, "impôts-sauvraine.example"}, {fLures, heronIDN}}},
		{"sha256", heronLure, []place{{fLures, heronLure}, {fBank, heronLure}}},
		{"sha256", heronISO, []place{{fHeron, heronISO}, {fHurry, heronISO}}},
		{"filename", "refund_notice_11.iso", []place{{fHeron, "Refund_Notice_11.iso"}, {fBank, "Refund_Notice_11.iso"}}},
		{"wallet", heronWallet, []place{{fBank, "BC1Q2GAFYJA5MDRT95JWWHFWC9L308N3CF3QQF4RE9"}, {fDemands, heronWallet}, {fState, heronWallet}}},
		// Quiet Loom.
		{"ipv4", loomIP, []place{{fLoom1, loomIP}, {fBorder, loomIP}, {fSinkhole, loomIP}}},
		{"cidr", loomRange, []place{{fRouters, loomRange}}},
		{"ipv6", loomIP6, []place{{fLoom1, loomIP6}, {fRouters, "2001:0DB8:0051:0000:0000:0000:0000:0007"}, {fState, loomIP6}}},
		{"ipv6", loomSpare6, []place{{fLoom2, loomSpare6}}},
		{"cidr", loomRange6, []place{{fBlocks, loomRange6}}},
		{"domain", "loom-a.example", []place{{fLoom1, "loom-a.example"}, {fBorder, "loom-a.example"}}},
		{"useragent", loomAgent, []place{{fLoom1, loomAgent}, {fLoomFR, loomAgent}}},
		{"ja3", loomJA3, []place{{fBorder, loomJA3}, {fLoom2, loomJA3}, {fLoomFR, loomJA3}, {fRouters, "3A71FAA1D2A3838626771B656313D5F7"}}},
		{"mac", loomMAC, []place{{fLoom1, loomMAC}, {fLoomFR, "00-00-5E-00-53-17"}}},
		{"cve", loomCVE, []place{{fLoom1, loomCVE}, {fBorder, loomCVE}, {fLoomFR, loomCVE}, {fChat, loomCVE}, {fSinkhole, loomCVE}, {fPress, loomCVE}}},
		{"asn", loomASN, []place{{fBorder, loomASN}, {fLoom2, loomASN}, {fBlocks, "64500"}}},
		{"filename", ".loomd", []place{{fLoom1, ".loomd"}, {fRouters, ".loomd"}}},
		// The false trail.
		{"filename", holdPDBName, []place{{fDebug, holdPDBName}}},
		{"ipv4", sinkholeIP, []place{{fLoom2, sinkholeIP}, {fLink, sinkholeIP}, {fSinkhole, sinkholeIP}, {fState, sinkholeIP}}},
	}
}

// within is a value that stands in a report as part of another: the host of a
// URL, the file of a path.
type within struct {
	typ, normal string
	place              // how the whole is spelled
	whole       string // the whole in normal form
}

func parts() []within {
	return []within{
		{"domain", heronDomain, place{fHeronFR, heronURL}, heronURL},
		{"domain", heronDomain, place{fLures, heronURL}, heronURL},
		{"domain", heronDomain, place{fDemands, heronSum}, heronSum},
		{"filename", holdPDBName, place{fSecond, holdPDB}, holdPDB},
	}
}

// common is a value planted as noise.
type common struct {
	mention
	why string
}

func noise() []common {
	return []common{
		{mention{"ipv4", noiseResolver, []place{{fLures, noiseResolver}, {fQuestion, noiseResolver}, {fSecond, noiseResolver}}}, "a public resolver"},
		{mention{"ipv4", noisePrivate, []place{{fLoomFR, noisePrivate}, {fControl, noisePrivate}, {fForward, noisePrivate}, {fChat, noisePrivate}}}, "a private address"},
		{mention{"sha256", noiseEmpty, []place{{fLures, noiseEmpty}, {fBank, noiseEmpty}}}, "an empty file"},
		{mention{"filename", noiseProcess, []place{{fControl, noiseProcess}, {fForward, noiseProcess}, {fChat, noiseProcess}, {fSecond, noiseProcess}}}, "the name of a file that every system has"},
		{mention{"technique", noiseScript, []place{{fChat, noiseScript}, {fAnalysis, noiseScript}, {fLink, noiseScript}}}, "technique"},
	}
}

func quarantined() []TruthQuarantine {
	return []TruthQuarantine{
		{File: fHurry, What: "address with a part above 255", Reason: "is not a value of a known form"},
		{File: fHurry, What: "hash cut short", Reason: "is not a value of a known form"},
		{File: fExport, What: "time in the thirteenth month", Reason: "is no timestamp"},
		{File: fExport, What: "marking given twice, RED and then CLEAR", Reason: "appears twice"},
		{File: fExport, What: "marking given again under a name in capitals", Reason: "does not begin with a lower-case letter"},
		{File: fExport, What: "malware under the id of an indicator", Reason: "does not begin with the type"},
		{File: fExport, What: "id without a UUID", Reason: "is no identifier"},
		{File: fCutOff, What: "bundle cut off inside an object", Reason: "the file ends inside an object"},
	}
}
