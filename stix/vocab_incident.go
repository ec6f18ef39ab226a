package stix

// The vocabularies and enumerations of the Incident Extension Suite.
var (
	// Source: stix-incident-ext §4.1.
	assetTypes = list("asset-type-ov", "stix-incident-ext §4.1", `
		building-doors building-windows buildings computers-mobile computers-personal computers-server environment
		ics-actuator ics-engineering-workstation ics-historian ics-hmi ics-other ics-plc ics-safety-system
		ics-sensor inventory network-device private-infrastructure public-infrastructure security-containers
		vehicles`)

	// Source: stix-incident-ext §4.2.
	detectionMethods = list("detection-methods-ov", "stix-incident-ext §4.2", `
		automated-tool commercial-solution external-notification human-review message-from-attacker
		propriety-solution system-outage user-reporting`)

	// Source: stix-incident-ext §4.3.
	entityTypes = list("entity-type-ov", "stix-incident-ext §4.3", `
		computers-mobile computers-personal computers-server customer customer-individual customer-organization
		domain-controller employee group ics-actuator ics-engineering-workstation ics-historian ics-hmi ics-other
		ics-plc ics-safety-system ics-sensor individual network-device organization system vehicles`)

	// Source: stix-incident-ext §4.4.
	eventTypes = list("event-type-ov", "stix-incident-ext §4.4", `
		aggregation-information-phishing-schemes benign blocked brute-force-attempt c&c-server-hosting
		compromised-system confirmed connection-malware-port connection-malware-system content-forbidden-by-law
		control-system-bypass copyrighted-content data-exfiltration deferred deletion-information
		denial-of-service destruction dictionary-attack-attempt discarded disruption-data-transmission
		dissemination-malware-email dissemination-phishing-emails dns-cache-poisoning dns-local-resolver-hijacking
		dns-spoofing-registered dns-rebinding dns-server-compromise dns-spoofing-unregistered
		dns-stub-resolver-hijacking dns-zone-transfer domain-name-compromise duplicate email-flooding
		equipment-loss equipment-theft exploit exploit-attempt exploit-framework-exhausting-resources
		exploit-tool-exhausting-resources failed file-inclusion file-inclusion-attempt hosting-malware-webpage
		hosting-phishing-sites illegitimate-use-name illegitimate-use-resources infected-by-known-malware
		insufficient-data known-malware lame-delegations major modification-information misconfiguration natural
		negotiation network-scanning no-apt packet-flood password-cracking-attempt policy-violation ransomware
		ransomware-payment refuted scan-probe silently-discarded supply-chain-customer supply-chain-vendor spam
		sql-injection sql-injection-attempt successful system-probe theft-access-credentials unattributed
		unauthorized-access-information unauthorized-access-system unauthorized-equipment unauthorized-release
		unauthorized-use undetermined unintentional unknown-apt unspecified vandalism wiretapping worm-spreading
		xss xss-attempt`)

	// Source: stix-incident-ext §4.5.
	externalImpacts = list("external-impact-ov", "stix-incident-ext §4.5", `
		economic emergency-services foreign-relations national-security public-confidence public-health
		public-safety`)

	// Source: stix-incident-ext §4.6.
	investigationStatuses = list("incident-investigation-ov", "stix-incident-ext §4.6", "closed new open")

	// Source: stix-incident-ext §4.7.
	informationTypes = list("information-type-ov", "stix-incident-ext §4.7", `
		classified-material communication credentials-admin credentials-user financial legal payment phi pii
		proprietary system`)

	// Source: stix-incident-ext §4.8.
	monetaryImpacts = list("monetary-impact-type-ov", "stix-incident-ext §4.8", `
		asset-and-fraud brand-damage business-disruption competitive-advantage legal-and-regulatory
		operating-costs ransom-demand ransom-payment response-and-recovery uncategorized`)

	// Source: stix-incident-ext §4.9.
	stateChanges = list("state-change-type-ov", "stix-incident-ext §4.9",
		"caused contributed-to input mitigated output resolved")

	// Source: stix-incident-ext §4.10.
	taskTypes = list("task-type-ov", "stix-incident-ext §4.10", `
		administrative attribution containment declared detected eradication escalated exercised-control
		external-intelligence external-outreach external-support implemented-control investigation negotiation
		playbook-execution playbook-step-execution ransom-payment recovery reported routine-updates
		victim-notification`)

	// Source: stix-incident-ext §5.1.
	activityConditions = list("activity-condition-enum", "stix-incident-ext §5.1", "optional required unknown")

	// Source: stix-incident-ext §5.2.
	activityTransitions = list("activity-transition-enum", "stix-incident-ext §5.2",
		"completion failure success unknown")

	// Source: stix-incident-ext §5.3.
	eventStatuses = list("event-status-enum", "stix-incident-ext §5.3",
		"ongoing occurred not-occurred pending undetermined")

	// Source: stix-incident-ext §5.4.
	confidentialityLosses = list("incident-confidentiality-loss-enum", "stix-incident-ext §5.4",
		"confirmed-loss contained exploited-loss none suspected-loss")

	// Source: stix-incident-ext §5.5.
	determinations = list("incident-determination-enum", "stix-incident-ext §5.5",
		"blocked confirmed failed-attempt false-positive suspected")

	// Source: stix-incident-ext §5.6.
	integrityAlterations = list("integrity-alteration-enum", "stix-incident-ext §5.6", `
		potential-destruction potential-modification partial-destruction partial-modification full-destruction
		full-modification none`)

	// Source: stix-incident-ext §5.7.
	physicalImpacts = list("physical-impact-enum", "stix-incident-ext §5.7",
		"damaged-functional damaged-nonfunctional destruction none unknown")

	// Source: stix-incident-ext §5.8.
	recoverabilities = list("recoverability-enum", "stix-incident-ext §5.8",
		"extended not-applicable not-recoverable regular supplemented")

	// Source: stix-incident-ext §5.9.
	taskOutcomes = list("task-outcome-enum", "stix-incident-ext §5.9",
		"cancelled failed ongoing pending successful unknown")

	// Source: stix-incident-ext §5.10.
	fidelities = list("timestamp-fidelity-enum", "stix-incident-ext §5.10", "day hour minute month second year")

	// Source: stix-incident-ext §5.11.
	traceabilities = list("traceability-enum", "stix-incident-ext §5.11",
		"accountability-lost partial-accountability provable-accountability")
)

var incidentVocabularies = []*Vocabulary{
	assetTypes, detectionMethods, entityTypes, eventTypes, externalImpacts, investigationStatuses,
	informationTypes, monetaryImpacts, stateChanges, taskTypes, activityConditions, activityTransitions,
	eventStatuses, confidentialityLosses, determinations, integrityAlterations, physicalImpacts,
	recoverabilities, taskOutcomes, fidelities, traceabilities,
}
