package stix

import (
	"slices"
	"strings"
)

// Vocabulary is one of the word lists the standard defines. An open vocabulary
// suggests words, an enumeration allows no others.
type Vocabulary struct {
	name   string
	rule   string
	closed bool
	words  []string
	known  map[string]struct{}
}

// Name returns the name the standard gives the list, for example "region-ov".
func (v *Vocabulary) Name() string { return v.name }

// Rule returns the section that defines the list, for example "stix-2.1 §10.21".
func (v *Vocabulary) Rule() string { return v.rule }

// Closed reports whether only words of the list are allowed.
func (v *Vocabulary) Closed() bool { return v.closed }

// Words returns the words in the standard's order, as a new slice.
func (v *Vocabulary) Words() []string { return slices.Clone(v.words) }

// Has reports whether word stands in the list, exactly as written.
func (v *Vocabulary) Has(word string) bool {
	_, ok := v.known[word]
	return ok
}

func (v *Vocabulary) has(word []byte) bool {
	_, ok := v.known[string(word)]
	return ok
}

// Vocabularies returns the 32 lists of the standard and then those of the
// Incident Extension Suite, each in the order of its document.
func Vocabularies() []*Vocabulary {
	return append(slices.Clone(coreVocabularies), incidentVocabularies...)
}

// VocabularyNamed returns the list with the given name.
func VocabularyNamed(name string) (v *Vocabulary, ok bool) {
	for _, v := range Vocabularies() {
		if v.name == name {
			return v, true
		}
	}
	return nil, false
}

// list makes a vocabulary of the words in text, which are separated by blanks.
// Names ending in "-enum" are closed.
func list(name, rule, text string) *Vocabulary {
	v := &Vocabulary{name: name, rule: rule, closed: strings.HasSuffix(name, "-enum"), words: strings.Fields(text)}
	v.known = make(map[string]struct{}, len(v.words))
	for _, w := range v.words {
		v.known[w] = struct{}{}
	}
	return v
}

// The vocabularies and enumerations of the standard.
var (
	// Source: stix-2.1 §10.1.
	accountTypes = list("account-type-ov", "stix-2.1 §10.1",
		"facebook ldap nis openid radius skype tacacs twitter unix windows-local windows-domain")

	// Source: stix-2.1 §10.2.
	attackMotivations = list("attack-motivation-ov", "stix-2.1 §10.2", `
		accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-satisfaction
		revenge unpredictable`)

	// Source: stix-2.1 §10.3.
	resourceLevels = list("attack-resource-level-ov", "stix-2.1 §10.3",
		"individual club contest team organization government")

	// Source: stix-2.1 §10.4.
	encryptionAlgorithms = list("encryption-algorithm-enum", "stix-2.1 §10.4",
		"AES-256-GCM ChaCha20-Poly1305 mime-type-indicated")

	// Source: stix-2.1 §10.5.
	extensionTypes = list("extension-type-enum", "stix-2.1 §10.5",
		"new-sdo new-sco new-sro property-extension toplevel-property-extension")

	// Source: stix-2.1 §10.6.
	groupingContexts = list("grouping-context-ov", "stix-2.1 §10.6",
		"suspicious-activity malware-analysis unspecified")

	// Source: stix-2.1 §10.7.
	hashAlgorithms = list("hash-algorithm-ov", "stix-2.1 §10.7",
		"MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 SSDEEP TLSH")

	// Source: stix-2.1 §10.8.
	identityClasses = list("identity-class-ov", "stix-2.1 §10.8",
		"individual group system organization class unknown")

	// Source: stix-2.1 §10.9.
	implementationLanguages = list("implementation-language-ov", "stix-2.1 §10.9", `
		applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby rust scala
		swift typescript visual-basic x86-32 x86-64`)

	// Source: stix-2.1 §10.10.
	indicatorTypes = list("indicator-type-ov", "stix-2.1 §10.10",
		"anomalous-activity anonymization benign compromised malicious-activity attribution unknown")

	// Source: stix-2.1 §10.11.
	industrySectors = list("industry-sector-ov", "stix-2.1 §10.11", `
		agriculture aerospace automotive chemical commercial communications construction defense education energy
		entertainment financial-services government emergency-services government-local government-national
		government-public-services government-regional healthcare hospitality-leisure infrastructure dams nuclear
		water insurance legal manufacturing mining non-profit pharmaceuticals retail technology
		telecommunications transportation utilities`)

	// Source: stix-2.1 §10.12.
	infrastructureTypes = list("infrastructure-type-ov", "stix-2.1 §10.12", `
		amplification anonymization botnet command-and-control control-system exfiltration firewall
		hosting-malware hosting-target-lists phishing reconnaissance routers-switches staging workstation unknown`)

	// Source: stix-2.1 §10.13.
	malwareCapabilities = list("malware-capabilities-ov", "stix-2.1 §10.13", `
		accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics
		anti-sandbox anti-vm captures-input-peripherals captures-output-peripherals captures-system-state-data
		cleans-traces-of-infection commits-fraud communicates-with-c2 compromises-data-availability
		compromises-data-integrity compromises-system-availability controls-local-machine
		degrades-security-software degrades-system-updates determines-c2-server emails-spam escalates-privileges
		evades-av exfiltrates-data fingerprints-host hides-artifacts hides-executing-code infects-files
		infects-remote-machines installs-other-components persists-after-system-reboot prevents-artifact-access
		prevents-artifact-deletion probes-network-environment self-modifies steals-authentication-credentials
		violates-system-operational-integrity`)

	// Source: stix-2.1 §10.14.
	malwareResults = list("malware-result-ov", "stix-2.1 §10.14",
		"malicious suspicious benign unknown")

	// Source: stix-2.1 §10.15.
	malwareTypes = list("malware-type-ov", "stix-2.1 §10.15", `
		adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware remote-access-trojan
		resource-exploitation rogue-security-software rootkit screen-capture spyware trojan unknown virus
		webshell wiper worm`)

	// Source: stix-2.1 §10.16.
	addressFamilies = list("network-socket-address-family-enum", "stix-2.1 §10.16",
		"AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH")

	// Source: stix-2.1 §10.17.
	socketTypes = list("network-socket-type-enum", "stix-2.1 §10.17",
		"SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET")

	// Source: stix-2.1 §10.18.
	opinions = list("opinion-enum", "stix-2.1 §10.18",
		"strongly-disagree disagree neutral agree strongly-agree")

	// Source: stix-2.1 §10.19.
	patternTypes = list("pattern-type-ov", "stix-2.1 §10.19",
		"stix pcre sigma snort suricata yara")

	// Source: stix-2.1 §10.20.
	processorArchitectures = list("processor-architecture-ov", "stix-2.1 §10.20",
		"alpha arm ia-64 mips powerpc sparc x86 x86-64")

	// Source: stix-2.1 §10.21.
	regions = list("region-ov", "stix-2.1 §10.21", `
		africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean
		central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia
		southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe southern-europe
		western-europe oceania antarctica australia-new-zealand melanesia micronesia polynesia`)

	// Source: stix-2.1 §10.22.
	reportTypes = list("report-type-ov", "stix-2.1 §10.22", `
		attack-pattern campaign identity incident indicator intrusion-set malware observed-data threat-actor
		threat-report tool vulnerability`)

	// Source: stix-2.1 §10.23.
	threatActorTypes = list("threat-actor-type-ov", "stix-2.1 §10.23", `
		activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state
		private-sector sensationalist spy terrorist unknown`)

	// Source: stix-2.1 §10.24.
	threatActorRoles = list("threat-actor-role-ov", "stix-2.1 §10.24",
		"agent director independent infrastructure-architect infrastructure-operator malware-author sponsor")

	// Source: stix-2.1 §10.25.
	sophistications = list("threat-actor-sophistication-ov", "stix-2.1 §10.25",
		"none minimal intermediate advanced expert innovator strategic")

	// Source: stix-2.1 §10.26.
	toolTypes = list("tool-type-ov", "stix-2.1 §10.26", `
		denial-of-service exploitation information-gathering network-capture credential-exploitation
		remote-access vulnerability-scanning unknown`)

	// Source: stix-2.1 §10.27.
	integrityLevels = list("windows-integrity-level-enum", "stix-2.1 §10.27",
		"low medium high system")

	// Source: stix-2.1 §10.28.
	binaryTypes = list("windows-pebinary-type-ov", "stix-2.1 §10.28",
		"dll exe sys")

	// Source: stix-2.1 §10.29.
	registryDatatypes = list("windows-registry-datatype-enum", "stix-2.1 §10.29", `
		REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK
		REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD
		REG_INVALID_TYPE`)

	// Source: stix-2.1 §10.30.
	serviceStartTypes = list("windows-service-start-type-enum", "stix-2.1 §10.30",
		"SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED SERVICE_SYSTEM_ALERT")

	// Source: stix-2.1 §10.31.
	serviceTypes = list("windows-service-type-enum", "stix-2.1 §10.31",
		"SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS SERVICE_WIN32_SHARE_PROCESS")

	// Source: stix-2.1 §10.32.
	serviceStatuses = list("windows-service-status-enum", "stix-2.1 §10.32", `
		SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED SERVICE_RUNNING SERVICE_START_PENDING
		SERVICE_STOP_PENDING SERVICE_STOPPED`)
)

var coreVocabularies = []*Vocabulary{
	accountTypes, attackMotivations, resourceLevels, encryptionAlgorithms,
	extensionTypes, groupingContexts, hashAlgorithms, identityClasses,
	implementationLanguages, indicatorTypes, industrySectors, infrastructureTypes,
	malwareCapabilities, malwareResults, malwareTypes, addressFamilies,
	socketTypes, opinions, patternTypes, processorArchitectures,
	regions, reportTypes, threatActorTypes, threatActorRoles,
	sophistications, toolTypes, integrityLevels, binaryTypes,
	registryDatatypes, serviceStartTypes, serviceTypes, serviceStatuses,
}
