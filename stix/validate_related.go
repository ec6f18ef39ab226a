package stix

import "strings"

// relation says which types a relationship leads to from one type.
type relation struct{ from, kind string }

// related lists the relationships the standard and the Incident Extension
// Suite suggest. "*" stands for every cyber-observable.
//
// Source: stix-2.1 appendix B; stix-incident-ext §2.
var related = relationTable(`
attack-pattern delivers malware
attack-pattern targets identity location vulnerability
attack-pattern uses malware tool
campaign attributed-to intrusion-set threat-actor
campaign compromises infrastructure
campaign originates-from location
campaign targets identity location vulnerability
campaign uses attack-pattern infrastructure malware tool
campaign associated-with incident
course-of-action investigates indicator
course-of-action mitigates attack-pattern indicator malware tool vulnerability
course-of-action remediates malware vulnerability
domain-name resolves-to domain-name ipv4-addr ipv6-addr
event impacts infrastructure *
event led-to event
event located-at location
identity assigned task
identity contact-for incident task
identity located-at location
identity participated-in task
identity performed task
incident attributed-to intrusion-set threat-actor
incident impacts identity infrastructure
incident led-to incident
incident located-at location
incident targets identity infrastructure
indicator based-on observed-data event
indicator detected incident
indicator indicates attack-pattern campaign infrastructure intrusion-set malware threat-actor tool
infrastructure communicates-with infrastructure ipv4-addr ipv6-addr domain-name url
infrastructure consists-of infrastructure observed-data *
infrastructure controls infrastructure malware
infrastructure delivers malware
infrastructure has vulnerability
infrastructure hosts tool malware
infrastructure located-at location
infrastructure uses infrastructure
intrusion-set attributed-to threat-actor
intrusion-set compromises infrastructure
intrusion-set hosts infrastructure
intrusion-set originates-from location
intrusion-set owns infrastructure
intrusion-set targets identity location vulnerability
intrusion-set uses attack-pattern infrastructure malware tool
ipv4-addr belongs-to autonomous-system
ipv4-addr resolves-to mac-addr
ipv6-addr belongs-to autonomous-system
ipv6-addr resolves-to mac-addr
malware authored-by threat-actor intrusion-set
malware beacons-to infrastructure
malware communicates-with ipv4-addr ipv6-addr domain-name url
malware controls malware
malware downloads malware tool file
malware drops malware tool file
malware exfiltrates-to infrastructure
malware exploits vulnerability
malware originates-from location
malware performed event
malware targets identity infrastructure location vulnerability
malware uses attack-pattern infrastructure malware tool
malware variant-of malware
malware-analysis analysis-of malware
malware-analysis av-analysis-of malware
malware-analysis characterizes malware
malware-analysis dynamic-analysis-of malware
malware-analysis static-analysis-of malware
task blocks event
task causes event
task creates indicator
task detects event
task impacts infrastructure *
task located-at location
task uses course-of-action
threat-actor attributed-to identity
threat-actor compromises infrastructure
threat-actor hosts infrastructure
threat-actor impersonates identity
threat-actor located-at location
threat-actor owns infrastructure
threat-actor targets identity location vulnerability
threat-actor uses attack-pattern infrastructure malware tool
tool delivers malware
tool drops malware
tool has vulnerability
tool performed event task
tool targets identity infrastructure location vulnerability
tool uses infrastructure
`)

func relationTable(text string) map[relation][]string {
	t := make(map[relation][]string, 96)
	for line := range strings.Lines(text) {
		if w := strings.Fields(line); len(w) > 2 {
			t[relation{w[0], w[1]}] = w[2:]
		}
	}
	return t
}

// suggested reports whether the standard suggests the relationship, or one end
// is of a custom type.
//
// Source: stix-2.1 §3.7, appendix B.
func suggested(from, kind, to string) bool {
	switch kind {
	case "related-to":
		return true
	case "derived-from", "duplicate-of":
		return from == to
	}
	a, b := ClassOf(from), ClassOf(to)
	if a == ClassCustom || b == ClassCustom {
		return true
	}
	for _, t := range related[relation{from, kind}] {
		if t == to || t == "*" && b == ClassSCO {
			return true
		}
	}
	return false
}
