package stix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// common are the members every domain object of these tests has.
const common = `"spec_version":"2.1","created":"2026-03-01T10:00:00.000Z","modified":"2026-03-01T10:00:00.000Z"`

const uuid4 = "3f2b6f1e-5d0a-4c11-9a53-7be0d1a7c001"

// sdo writes a domain or meta object of a type with further members.
func sdo(typ, members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"type":"` + typ + `","id":"` + typ + `--` + uuid4 + `",` + common + members + `}`
}

// sco writes a cyber-observable.
func sco(typ, members string) string {
	return `{"type":"` + typ + `","id":"` + typ + `--` + uuid4 + `",` + members + `}`
}

const (
	someIdentity = "identity--" + uuid4
	someMarking  = "marking-definition--" + uuid4
	someFile     = "file--" + uuid4
	someIPv4     = "ipv4-addr--" + uuid4
)

// validObjects are one object at least of every type, written from the
// standard's tables of properties. They pass intake and the MUSTs of strict
// validation.
var validObjects = []string{
	sdo("attack-pattern", `"name":"Spear phishing","aliases":["whaling"],"kill_chain_phases":[{"kill_chain_name":"example","phase_name":"deliver"}],"external_references":[{"source_name":"capec","external_id":"CAPEC-163"}]`),
	sdo("campaign", `"name":"Grey Heron","first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z","objective":"lists of customers"`),
	sdo("course-of-action", `"name":"Close port 445","description":"at the border"`),
	sdo("grouping", `"context":"suspicious-activity","object_refs":["`+someFile+`"]`),
	sdo("identity", `"name":"Example GmbH","identity_class":"organization","sectors":["energy"],"roles":["operator"],"contact_information":"soc@example.com"`),
	sdo("incident", `"name":"Case 17","extensions":{"`+IncidentExtension+`":{"extension_type":"property-extension","determination":"suspected","investigation_status":"open","criticality":70,"scores":[{"name":"reach","value":3.5}],"impacted_entity_counts":{"organization":2},"events":[{"event_ref":"event--`+uuid4+`","next_steps":[{"event_ref":"event--`+uuid4+`","condition_type":"required","transition_type":"success"}]}]}}`),
	sdo("indicator", `"pattern":"[ipv4-addr:value = '192.0.2.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-02T00:00:00Z","indicator_types":["malicious-activity"],"confidence":85`),
	sdo("indicator", `"pattern":"alert tcp any any","pattern_type":"snort","valid_from":"2026-01-01T00:00:00.5Z"`),
	sdo("infrastructure", `"name":"Relay","infrastructure_types":["command-and-control"]`),
	sdo("intrusion-set", `"name":"Heron","goals":["espionage"],"resource_level":"team","primary_motivation":"dominance"`),
	sdo("location", `"latitude":48.2,"longitude":16.37,"precision":100`),
	sdo("location", `"region":"northern-europe"`),
	sdo("malware", `"name":"Sandgrouse","is_family":true,"malware_types":["trojan"],"capabilities":["evades-av"]`),
	sdo("malware", `"is_family":false,"sample_refs":["`+someFile+`"]`),
	sdo("malware-analysis", `"product":"examplescan","result":"malicious","sample_ref":"`+someFile+`"`),
	sdo("note", `"content":"Seen twice.","object_refs":["`+someFile+`"],"authors":["A. Analyst"]`),
	sdo("observed-data", `"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":50,"object_refs":["`+someFile+`"]`),
	sdo("observed-data", `"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"ipv4-addr","value":"192.0.2.1"},"1":{"type":"network-traffic","dst_ref":"0","protocols":["tcp"]}}`),
	sdo("opinion", `"opinion":"strongly-disagree","object_refs":["`+someFile+`"],"explanation":"the hash is of an empty file"`),
	sdo("report", `"name":"Weekly","published":"2026-03-01T10:00:00Z","object_refs":["`+someFile+`"],"report_types":["threat-report"]`),
	sdo("threat-actor", `"name":"Unknown","threat_actor_types":["nation-state"],"roles":["director"],"sophistication":"expert"`),
	sdo("tool", `"name":"scanner","tool_types":["vulnerability-scanning"],"tool_version":"7.9"`),
	sdo("vulnerability", `"name":"CVE-2026-0001","external_references":[{"source_name":"cve","external_id":"CVE-2026-0001"}]`),
	sdo("relationship", `"relationship_type":"indicates","source_ref":"indicator--`+uuid4+`","target_ref":"malware--`+uuid4+`","start_time":"2026-01-01T00:00:00Z","stop_time":"2026-01-01T00:00:01Z"`),
	sdo("sighting", `"sighting_of_ref":"indicator--`+uuid4+`","count":3,"where_sighted_refs":["`+someIdentity+`"],"summary":false`),
	sdo("language-content", `"object_ref":"campaign--`+uuid4+`","contents":{"de":{"name":"Graureiher"}}`),
	sdo("extension-definition", `"created_by_ref":"`+someIdentity+`","name":"ours","schema":"https://example.com/s.json","version":"1.0.0","extension_types":["toplevel-property-extension"],"extension_properties":["rank"]`),
	`{"type":"marking-definition","spec_version":"2.1","id":"` + someMarking + `","created":"2026-03-01T10:00:00.000Z","definition_type":"statement","definition":{"statement":"EXERCISE"}}`,
	`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:GREEN","definition":{"tlp":"green"}}`,
	`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003","created":"2022-10-01T00:00:00.000Z","name":"TLP:AMBER+STRICT","extensions":{"` + TLP2Extension + `":{"extension_type":"property-extension","tlp_2_0":"amber+strict"}}}`,
	`{"type":"marking-definition","spec_version":"2.1","id":"` + someMarking + `","created":"2026-03-01T10:00:00.000Z","name":"ours","extensions":{"` + IEPExtension + `":{"extension_type":"property-extension","encrypt_in_transit":"must","permitted_actions":"none","affected_party_notifications":"may","tlp":"amber","provider_attribution":"must-not","unmodified_resale":"must-not","iep_id":"` + uuid4 + `","iep_version":2.0,"description":"no action","start_date":"2026-01-01T00:00:00Z"}}}`,
	sdo("event", `"status":"occurred","event_types":["ransomware"],"start_time":"2026-01-01T00:00:00Z","start_time_fidelity":"day","changed_objects":[{"state_change_type":"caused","result_ref":"impact--`+uuid4+`"}],"extensions":{"`+EventExtension+`":{"extension_type":"new-sdo"}}`),
	sdo("impact", `"impact_category":"availability","criticality":60,"extensions":{"`+ImpactExtension+`":{"extension_type":"new-sdo"},"availability-ext":{"availability_impact":75}}`),
	sdo("task", `"outcome":"ongoing","task_types":["attribution"],"priority":50,"extensions":{"`+TaskExtension+`":{"extension_type":"new-sdo"}}`),
	sco("artifact", `"payload_bin":"VGVzdA==","mime_type":"text/plain"`),
	sco("artifact", `"url":"https://example.com/a.zip","hashes":{"SHA-256":"`+strings.Repeat("ab", 32)+`"},"encryption_algorithm":"mime-type-indicated","decryption_key":"infected"`),
	sco("autonomous-system", `"number":64496,"name":"Example","rir":"RIPE"`),
	sco("directory", `"path":"C:\\Windows","contains_refs":["`+someFile+`"]`),
	sco("domain-name", `"value":"example.com"`),
	sco("email-addr", `"value":"a@example.com","display_name":"A"`),
	sco("email-message", `"is_multipart":true,"body_multipart":[{"body":"hello","content_type":"text/plain"}],"from_ref":"email-addr--`+uuid4+`"`),
	sco("email-message", `"is_multipart":false,"body":"hello","received_lines":["from a by b"]`),
	sco("file", `"name":"a.exe","size":0,"magic_number_hex":"4d5a","extensions":{"ntfs-ext":{"sid":"S-1-5"},"windows-pebinary-ext":{"pe_type":"exe","time_date_stamp":"2026-01-01T00:00:00Z","sections":[{"name":".text","entropy":6.1}]}}`),
	sco("ipv4-addr", `"value":"192.0.2.0/24"`),
	sco("ipv6-addr", `"value":"2001:db8::1/128"`),
	sco("mac-addr", `"value":"d2:fb:49:24:37:18"`),
	sco("mutex", `"name":"Global\\x"`),
	sco("network-traffic", `"src_ref":"`+someIPv4+`","protocols":["ipv4","tcp"],"src_port":65535,"is_active":false,"end":"2026-01-01T00:00:00Z","extensions":{"tcp-ext":{"src_flags_hex":"00000002"}}`),
	sco("process", `"pid":0`),
	sco("process", `"extensions":{"windows-service-ext":{"service_name":"x","start_type":"SERVICE_AUTO_START"}}`),
	sco("software", `"name":"Word","cpe":"cpe:2.3:a:example:word:2000:*:*:*:*:*:*:*"`),
	sco("url", `"value":"https://example.com/x"`),
	sco("user-account", `"account_login":"root","account_type":"unix","extensions":{"unix-account-ext":{"gid":0}}`),
	sco("windows-registry-key", `"key":"HKEY_LOCAL_MACHINE\\x","values":[{"name":"","data_type":"REG_SZ"}]`),
	sco("x509-certificate", `"issuer":"CN=example","x509_v3_extensions":{"key_usage":"sign"}`),
	sdo("x-example-thing", `"colour":"red"`),
	`{"type":"bundle","id":"bundle--` + uuid4 + `","objects":[` + sdo("course-of-action", `"name":"x"`) + `]}`,
	sdo("campaign", `"name":"n","description":"d","labels":["a"],"granular_markings":[{"marking_ref":"`+someMarking+`","selectors":["name","labels.[0]"]},{"lang":"de","selectors":["description"]}]`),
}

func mustFindings(list []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f Finding) bool { return !f.Must })
}

func TestValid(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, raw := range validObjects {
		o, err := Parse([]byte(raw), Limits{})
		if err != nil {
			t.Errorf("Parse(%s): %v", raw, err)
			continue
		}
		seen[o.Type()] = true
		if found := Validate(o, Options{}); len(found) > 0 {
			t.Errorf("Validate(%s) = %v, want nothing", raw, found)
		}
		if found := mustFindings(Validate(o, Options{Strict: true})); len(found) > 0 {
			t.Errorf("Validate(%s) strictly = %v, want no MUST", raw, found)
		}
	}
	for name := range shapes {
		if !seen[name] {
			t.Errorf("no valid object of type %s is tested", name)
		}
	}
	if len(shapes) != 19+2+18+3+1+3 {
		t.Errorf("%d types, want 19 + 2 + 18 + 3, the bundle and the 3 of the incident suite", len(shapes))
	}
}

// invalidCase is an object, and where it breaks which rule.
type invalidCase struct{ name, object, place, rule string }

// invalidObjects break a rule of objects with a history or a marking.
func invalidObjects() []invalidCase {
	return []invalidCase{
		{"id of another type", `{"type":"tool","id":"malware--` + uuid4 + `",` + common + `,"name":"x"}`, "id", "stix-2.1 §2.9"},
		{"id without UUID", `{"type":"tool","id":"tool--x",` + common + `,"name":"x"}`, "id", "stix-2.1 §2.9"},
		{"UUID of no variant", `{"type":"tool","id":"tool--3f2b6f1e-5d0a-4c11-1a53-7be0d1a7c001",` + common + `,"name":"x"}`, "id", "stix-2.1 §2.9"},
		{"type in capitals", `{"type":"Tool","id":"Tool--` + uuid4 + `",` + common + `}`, "type", "stix-2.1 §3.1"},
		{"no name", sdo("tool", ""), "", "stix-2.1 §4.18"},
		{"name is a number", sdo("tool", `"name":7`), "name", "stix-2.1 §4.18"},
		{"null", sdo("tool", `"name":null`), "name", "stix-2.1 §4.18"},
		{"day the month has not", sdo("campaign", `"name":"x","first_seen":"2026-02-29T00:00:00Z"`), "first_seen", "stix-2.1 §2.16"},
		{"time with an offset", sdo("campaign", `"name":"x","first_seen":"2026-02-01T00:00:00+01:00"`), "first_seen", "stix-2.1 §2.16"},
		{"last before first", sdo("campaign", `"name":"x","first_seen":"2026-02-01T00:00:00.0002Z","last_seen":"2026-02-01T00:00:00.0001Z"`), "last_seen", "stix-2.1 §4.2"},
		{"modified before created", `{"type":"tool","id":"tool--` + uuid4 + `","spec_version":"2.1","created":"2026-03-01T10:00:00.002Z","modified":"2026-03-01T10:00:00.001Z","name":"x"}`, "modified", "stix-2.1 §4.18"},
		{"valid_until is valid_from", sdo("indicator", `"pattern":"[a:b=1]","pattern_type":"sigma","valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-01T00:00:00.000Z"`), "valid_until", "stix-2.1 §4.7"},
		{"empty list", sdo("tool", `"name":"x","aliases":[]`), "aliases", "stix-2.1 §2.12"},
		{"list of another kind", sdo("tool", `"name":"x","aliases":["a",1]`), "aliases.[1]", "stix-2.1 §4.18"},
		{"reserved name", sdo("tool", `"name":"x","severity":"high"`), "severity", "stix-2.1 §3.8"},
		{"short name", sdo("tool", `"name":"x","mp":"high"`), "mp", "stix-2.1 §3.1"},
		{"hyphen in a name", sdo("tool", `"name":"x","x-foo":"high"`), "x-foo", "stix-2.1 §3.1"},
		{"confidence above 100", sdo("tool", `"name":"x","confidence":101`), "confidence", "stix-2.1 §3.2"},
		{"confidence with a fraction", sdo("tool", `"name":"x","confidence":10.5`), "confidence", "stix-2.1 §2.10"},
		{"creator is no identity", sdo("tool", `"name":"x","created_by_ref":"tool--`+uuid4+`"`), "created_by_ref", "stix-2.1 §3.2"},
		{"marking is no marking", sdo("tool", `"name":"x","object_marking_refs":["tool--`+uuid4+`"]`), "object_marking_refs.[0]", "stix-2.1 §3.2"},
		{"reference with a name alone", sdo("tool", `"name":"x","external_references":[{"source_name":"a"}]`), "external_references.[0]", "stix-2.1 §2.5"},
		{"selector to nothing", sdo("tool", `"name":"x","granular_markings":[{"marking_ref":"`+someMarking+`","selectors":["description"]}]`), "granular_markings.[0].selectors.[0]", "stix-2.1 §7.2.3"},
		{"selector beyond the list", sdo("tool", `"name":"x","labels":["a"],"granular_markings":[{"marking_ref":"`+someMarking+`","selectors":["labels.[1]"]}]`), "granular_markings.[0].selectors.[0]", "stix-2.1 §7.2.3"},
		{"marking and language", sdo("tool", `"name":"x","granular_markings":[{"lang":"de","marking_ref":"`+someMarking+`","selectors":["name"]}]`), "granular_markings.[0].lang", "stix-2.1 §7.2.3"},
		{"neither marking nor language", sdo("tool", `"name":"x","granular_markings":[{"selectors":["name"]}]`), "granular_markings.[0]", "stix-2.1 §7.2.3"},
		{"extension that is text", sdo("tool", `"name":"x","extensions":{"a-ext":"b"}`), "extensions.a-ext", "stix-2.1 §3.2"},
		{"extension without a type", sdo("tool", `"name":"x","extensions":{"extension-definition--`+uuid4+`":{"a":1}}`), "extensions.extension-definition--" + uuid4, "stix-2.1 §3.2"},
		{"latitude alone", sdo("location", `"region":"asia","latitude":1`), "latitude", "stix-2.1 §4.10"},
		{"latitude beyond the pole", sdo("location", `"latitude":90.01,"longitude":0`), "latitude", "stix-2.1 §4.10"},
		{"a place nowhere", sdo("location", `"city":"x"`), "", "stix-2.1 §4.10"},
		{"family without a name", sdo("malware", `"is_family":true`), "", "stix-2.1 §4.11"},
		{"opinion of one's own", sdo("opinion", `"opinion":"maybe","object_refs":["`+someFile+`"]`), "opinion", "stix-2.1 §10.18"},
		{"relationship type with a blank", sdo("relationship", `"relationship_type":"is a","source_ref":"tool--`+uuid4+`","target_ref":"tool--`+uuid4+`"`), "relationship_type", "stix-2.1 §5.1"},
		{"relationship to a relationship", sdo("relationship", `"relationship_type":"uses","source_ref":"tool--`+uuid4+`","target_ref":"relationship--`+uuid4+`"`), "target_ref", "stix-2.1 §5.1"},
		{"observed campaign", sdo("observed-data", `"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"object_refs":["campaign--`+uuid4+`"]`), "object_refs.[0]", "stix-2.1 §4.14"},
		{"local reference to nothing", sdo("observed-data", `"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"network-traffic","protocols":["tcp"],"src_ref":"1"}}`), "objects.0.src_ref", "stix-2.1 §2.9"},
		{"TLP of one's own", `{"type":"marking-definition","spec_version":"2.1","id":"` + someMarking + `","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"green"}}`, "", "stix-2.1 §7.2.1"},
		{"red called white", `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"white"}}`, "", "stix-2.1 §7.2.1"},
		{"TLP 2.0 red called clear", `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","created":"2022-10-01T00:00:00.000Z","extensions":{"` + TLP2Extension + `":{"extension_type":"property-extension","tlp_2_0":"clear"}}}`, "extensions", "stix-2.1 §7.2.1"},
		{"marking that marks itself", `{"type":"marking-definition","spec_version":"2.1","id":"` + someMarking + `","created":"2017-01-20T00:00:00.000Z","object_marking_refs":["` + someMarking + `"],"definition_type":"statement","definition":{"statement":"x"}}`, "object_marking_refs", "stix-2.1 §3.2"},
		{"marking without meaning", `{"type":"marking-definition","spec_version":"2.1","id":"` + someMarking + `","created":"2017-01-20T00:00:00.000Z","name":"x"}`, "", "stix-2.1 §7.2.1"},
		{"properties not added", sdo("extension-definition", `"created_by_ref":"`+someIdentity+`","name":"a","schema":"b","version":"1","extension_types":["new-sdo"],"extension_properties":["rank"]`), "extension_properties", "stix-2.1 §7.3"},
	}
}

// invalidObservables break a rule of observables.
func invalidObservables() []invalidCase {
	return []invalidCase{
		{"artifact twice", sco("artifact", `"payload_bin":"VGVzdA==","url":"https://example.com","hashes":{"MD5":"`+strings.Repeat("a", 32)+`"}`), "payload_bin", "stix-2.1 §6.1"},
		{"no Base64", sco("artifact", `"payload_bin":"VGVzdA="`), "payload_bin", "stix-2.1 §2.1"},
		{"short hash", sco("file", `"hashes":{"MD5":"abcd"}`), "hashes.MD5", "stix-2.1 §2.7"},
		{"file without name or hash", sco("file", `"size":1`), "", "stix-2.1 §6.7"},
		{"negative size", sco("file", `"name":"x","size":-1`), "size", "stix-2.1 §6.7"},
		{"empty extension", sco("file", `"name":"x","extensions":{"ntfs-ext":{}}`), "extensions.ntfs-ext", "stix-2.1 §6.7.3"},
		{"odd hexadecimal", sco("file", `"name":"x","magic_number_hex":"4d5"`), "magic_number_hex", "stix-2.1 §2.8"},
		{"parts of a simple message", sco("email-message", `"is_multipart":false,"body_multipart":[{"body":"x"}]`), "body_multipart", "stix-2.1 §6.6"},
		{"active traffic that ended", sco("network-traffic", `"protocols":["tcp"],"src_ref":"`+someIPv4+`","is_active":true,"end":"2026-01-01T00:00:00Z"`), "end", "stix-2.1 §6.12"},
		{"port beyond 65535", sco("network-traffic", `"protocols":["tcp"],"src_ref":"`+someIPv4+`","dst_port":65536`), "dst_port", "stix-2.1 §6.12"},
		{"traffic from a file", sco("network-traffic", `"protocols":["tcp"],"src_ref":"`+someFile+`"`), "src_ref", "stix-2.1 §6.12"},
		{"address of five parts", sco("ipv4-addr", `"value":"192.0.2.1.1"`), "value", "stix-2.1 §6.8"},
		{"range too narrow", sco("ipv4-addr", `"value":"192.0.2.1/33"`), "value", "stix-2.1 §6.8"},
		{"IPv4 as IPv6", sco("ipv6-addr", `"value":"192.0.2.1"`), "value", "stix-2.1 §6.9"},
		{"bare process", `{"type":"process","id":"process--` + uuid4 + `"}`, "", "stix-2.1 §6.13"},
	}
}

// invalidBeyond break a rule of incidents, bundles or patterns.
func invalidBeyond() []invalidCase {
	indicator := func(pattern string) string {
		return sdo("indicator", `"pattern":"`+pattern+`","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"`)
	}
	return []invalidCase{
		{"impact of no kind", sdo("impact", `"impact_category":"physical"`), "impact_category", "stix-incident-ext §2.3"},
		{"loss of nothing said", sdo("impact", `"impact_category":"confidentiality","extensions":{"confidentiality-ext":{"loss_type":"contained"}}`), "extensions.confidentiality-ext", "stix-incident-ext §2.3.2.2"},
		{"event of no status", sdo("event", `"status":"maybe"`), "status", "stix-incident-ext §5.3"},
		{"change between types", sdo("task", `"outcome":"failed","changed_objects":[{"state_change_type":"resolved","initial_ref":"impact--`+uuid4+`","result_ref":"tool--`+uuid4+`"}]`), "changed_objects.[0]", "stix-incident-ext §3.5"},
		{"bundle in a bundle", `{"type":"bundle","id":"bundle--` + uuid4 + `","objects":[{"type":"bundle"}]}`, "objects.[0]", "stix-2.1 §8"},
		{"bad object in a bundle", `{"type":"bundle","id":"bundle--` + uuid4 + `","objects":[` + sdo("tool", "") + `]}`, "objects.[0]", "stix-2.1 §4.18"},
		{"pattern without brackets", indicator("file:name = 'x'"), "pattern", "stix-2.1 §9"},
		{"pattern in double quotes", indicator(`[file:name = \"x\"]`), "pattern", "stix-2.1 §9"},
		{"qualifier twice", indicator("[file:name = 'x'] WITHIN 5 SECONDS WITHIN 6 SECONDS"), "pattern", "stix-2.1 §9"},
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	for _, tt := range slices.Concat(invalidObjects(), invalidObservables(), invalidBeyond()) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(tt.object), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			found := Validate(o, Options{})
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Place == tt.place && f.Rule == tt.rule && f.Must && f.Remedy != "" }) {
				t.Errorf("Validate(%s) = %+v, want one at %q by %s", tt.object, found, tt.place, tt.rule)
			}
		})
	}
}

// TestOptions: what each option adds to intake.
func TestOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, object string
		opt          Options
		place        string
		must         bool
	}{
		{"precision", `{"type":"tool","id":"tool--` + uuid4 + `","spec_version":"2.1","created":"2026-03-01T10:00:00Z","modified":"2026-03-01T10:00:00.000Z","name":"x"}`, Options{Strict: true}, "created", true},
		{"open vocabulary", sdo("tool", `"name":"x","tool_types":["hammer"]`), Options{Strict: true}, "tool_types.[0]", false},
		{"version of a UUID", sco("url", `"value":"https://example.com"`), Options{Strict: true}, "id", false},
		{"unsuggested relationship", sdo("relationship", `"relationship_type":"drops","source_ref":"campaign--`+uuid4+`","target_ref":"tool--`+uuid4+`"`), Options{Strict: true}, "relationship_type", false},
		{"custom property", sdo("tool", `"name":"x","x_rank":1`), Options{Strict: true}, "x_rank", false},
		{"custom property, strictly", sdo("tool", `"name":"x","x_rank":1`), Options{StrictProperties: true}, "x_rank", true},
		{"custom property of an extension", sco("file", `"name":"x","extensions":{"ntfs-ext":{"sid":"1","foo":1}}`), Options{StrictProperties: true}, "extensions.ntfs-ext.foo", true},
		{"custom extension", sco("file", `"name":"x","extensions":{"x-foo-ext":{"foo":1}}`), Options{StrictProperties: true}, "extensions.x-foo-ext", true},
		{"custom type", sdo("x-thing", `"colour":"red"`), Options{StrictTypes: true}, "type", true},
		{"custom type in a pattern", sdo("indicator", `"pattern":"[x-thing:name = 'a']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"`), Options{StrictTypes: true}, "pattern", true},
		{"anonymous campaign", sdo("campaign", `"name":"x"`), Options{Interop: true}, "", true},
		{"MAC in capitals", sco("mac-addr", `"value":"D2-FB-49-24-37-18"`), Options{Strict: true}, "value", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(tt.object), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if found := Validate(o, Options{}); len(found) > 0 {
				t.Errorf("at intake: %v, want nothing", found)
			}
			found := Validate(o, tt.opt)
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Place == tt.place && f.Must == tt.must }) {
				t.Errorf("Validate = %+v, want one at %q", found, tt.place)
			}
		})
	}
}

// TestOldVersion: STIX 2.0 is looked at lightly, decided for each object.
// The first finding becomes the reason of a quarantined piece, which every node
// must give alike.
func TestFindingsInOneOrder(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(`{"type":"observed-data","id":"observed-data--`+uuid4+`"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	first := Validate(o, Options{Version: "2.1"})
	if len(first) < 5 {
		t.Fatalf("Validate found %d faults, want several", len(first))
	}
	for range 20 {
		if got := Validate(o, Options{Version: "2.1"}); !slices.Equal(got, first) {
			t.Fatalf("Validate = %v, then %v", first, got)
		}
	}
}

func TestOldVersion(t *testing.T) {
	t.Parallel()
	old := `{"type":"indicator","id":"indicator--` + uuid4 + `","created":"2016-04-06T20:03:48.000Z","modified":"2016-04-06T20:03:48.000Z","labels":["malicious-activity"],"pattern":"[file:name = \"x\"]","valid_from":"2016-01-01T00:00:00Z","x-odd":[]}`
	tests := []struct {
		object string
		opt    Options
		want   int
	}{
		{old, Options{}, 0},
		{old, Options{Strict: true}, 0},
		{strings.Replace(old, "2016-01-01", "2016-13-01", 1), Options{}, 1},
		{strings.Replace(old, `"pattern"`, `"patterns"`, 1), Options{}, 1},
		{old, Options{Version: "2.1"}, 4}, // spec_version, pattern_type, name and value of x-odd
		{`{"type":"bundle","spec_version":"2.0","id":"bundle--` + uuid4 + `","objects":[` + old + `]}`, Options{}, 0},
	}
	for i, tt := range tests {
		o, err := Parse([]byte(tt.object), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if found := Validate(o, tt.opt); len(found) != tt.want {
			t.Errorf("%d: Validate = %v, want %d findings", i, found, tt.want)
		}
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"2016-01-20T12:31:12Z": true, "2016-01-20T12:31:12.1Z": true, "2016-02-29T00:00:00.123456789012Z": true,
		"2016-12-31T23:59:60Z": true, "2015-02-29T00:00:00Z": false, "2016-01-20T12:31:12.Z": false,
		"2016-01-20t12:31:12Z": false, "2016-01-20T24:00:00Z": false, "2016-01-20 12:31:12Z": false,
		"2016-01-20T12:31:12": false, "2016-01-20T12:31:1 Z": false, "": false, "2016-04-31T00:00:00Z": false,
	} {
		if got := isTimestamp([]byte(text)); got != want {
			t.Errorf("isTimestamp(%q) = %v, want %v", text, got, want)
		}
	}
	a, b := []byte("2016-01-20T12:31:12.10Z"), []byte("2016-01-20T12:31:12.1Z")
	if got := compareTimestamps(a, b); got != 0 {
		t.Errorf("compareTimestamps(%s, %s) = %d, want 0", a, b, got)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		opt  Options
		says string // nothing for a pattern that passes
	}{
		{"[file:name = 'a']", Options{StrictTypes: true}, ""},
		{"[x-thing:name = 'a']", Options{}, ""},
		{"[file:size = 1 OR x-thing:name = 'a']", Options{StrictTypes: true}, "x-thing"},
		{"[file:name = 'a'", Options{}, "line 1, column 17"},
		{"[file:name = 'a'] REPEATS 0 TIMES", Options{}, "above 0"},
	} {
		o, err := Parse([]byte(sdo("indicator", `"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":`+strconv.Quote(c.text))), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		found := Validate(o, c.opt)
		switch {
		case c.says == "" && len(found) > 0, c.says != "" && (len(found) != 1 || !strings.Contains(found[0].Message, c.says)):
			t.Errorf("Validate(%s) = %v, want one finding that says %q", c.text, found, c.says)
		}
	}
}

func TestVocabularies(t *testing.T) {
	t.Parallel()
	if len(coreVocabularies) != 32 {
		t.Errorf("%d vocabularies of the standard, want 32", len(coreVocabularies))
	}
	seen := make(map[string]bool)
	for _, v := range Vocabularies() {
		if seen[v.Name()] || len(v.Words()) == 0 || len(v.known) != len(v.words) || !strings.Contains(v.Rule(), "§") {
			t.Errorf("vocabulary %s: seen before, empty, with doubles or without a source", v.Name())
		}
		seen[v.Name()] = true
	}
	if v, ok := VocabularyNamed("opinion-enum"); !ok || !v.Closed() || !v.Has("neutral") || v.Has("Neutral") {
		t.Errorf("VocabularyNamed(opinion-enum) = %v, %v", v, ok)
	}
	if v, ok := VocabularyNamed("region-ov"); !ok || v.Closed() || !v.Has("antarctica") {
		t.Errorf("VocabularyNamed(region-ov) = %v, %v", v, ok)
	}
	for _, w := range []string{"rust", "legal", "private-sector", "incident"} { // added by errata 01
		if !slices.ContainsFunc(coreVocabularies, func(v *Vocabulary) bool { return v.Has(w) }) {
			t.Errorf("no vocabulary has %q", w)
		}
	}
}

func TestConfidenceScales(t *testing.T) {
	t.Parallel()
	for _, s := range Scales() {
		last := ""
		for n := range 101 {
			w, ok := s.Word(n)
			if !ok {
				t.Fatalf("%s: no word for %d", s.Name(), n)
			}
			last = w
		}
		words := s.Words()
		if last != words[len(words)-1] {
			t.Errorf("%s: 100 is %q, want %q", s.Name(), last, words[len(words)-1])
		}
		for _, w := range words {
			n, ok := s.Value(w)
			if back, _ := s.Word(n); !ok || back != w {
				t.Errorf("%s: %q is %d, and that is %q", s.Name(), w, n, back)
			}
		}
		for _, n := range []int{-1, 101} {
			if w, ok := s.Word(n); ok {
				t.Errorf("%s: %d is %q, want nothing", s.Name(), n, w)
			}
		}
	}
	if n, ok := Admiralty().Value("6 - Truth cannot be judged"); ok {
		t.Errorf("truth that cannot be judged is %d, want no number", n)
	}
}

var laterTime = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

// BenchmarkValidate checks an indicator of the mean size of the import mix.
func BenchmarkValidate(b *testing.B) {
	raw := sdo("indicator", `"created_by_ref":"`+someIdentity+`","name":"Beacon of the Grey Heron","description":"`+strings.Repeat("Seen in outgoing mail. ", 7)+
		`","indicator_types":["malicious-activity"],"pattern":"[domain-name:value = 'cdn.grey-heron.example'] OR [ipv4-addr:value = '192.0.2.77']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2026-01-01T00:00:00Z","kill_chain_phases":[{"kill_chain_name":"lockheed-martin-cyber-kill-chain","phase_name":"command-and-control"}],"labels":["heron","beacon"],"confidence":75,"external_references":[{"source_name":"example","url":"https://example.com/reports/17"}],"object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]`)
	for _, mode := range []struct {
		name string
		opt  Options
	}{{"intake", Options{}}, {"strict", Options{Strict: true}}} {
		b.Run(fmt.Sprintf("%s/%dB", mode.name, len(raw)), func(b *testing.B) {
			o, err := Parse([]byte(raw), Limits{})
			if err != nil {
				b.Fatal(err)
			}
			if found := Validate(o, Options{}); len(found) > 0 {
				b.Fatal(found)
			}
			b.ReportAllocs()
			for b.Loop() {
				Validate(o, mode.opt)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

// vectorObjects returns the objects of the conformance vectors, if they are
// there: the same folder as for the conformance tests.
func vectorObjects() (list [][]byte) {
	dir := os.Getenv("CASUS_CONFORMANCE")
	switch {
	case dir == "":
		dir = "../../shared/conformance"
	case !filepath.IsAbs(dir):
		dir = filepath.Join("..", dir)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "stix", "objects.json"))
	if err != nil {
		return nil
	}
	c := cursor{b: source{raw: raw}.get("cases")}
	for {
		e, ok := c.element()
		if !ok {
			return list
		}
		if o := (source{raw: e}).get("object"); o != nil {
			list = append(list, o)
		}
	}
}

// FuzzValidate: no object that can be read makes validation panic or find an
// endless number of things, and a stricter look finds no less.
func FuzzValidate(f *testing.F) {
	for _, raw := range validObjects {
		f.Add([]byte(raw))
	}
	for _, raw := range vectorObjects() {
		f.Add(raw)
	}
	f.Add([]byte(`{"type":"indicator","id":"x","pattern":"[a:b = ","pattern_type":"stix","granular_markings":[{"selectors":["a.[0","b.","[1]"]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := Parse(raw, Limits{})
		if err != nil {
			return
		}
		found := Validate(o, Options{})
		strict := Validate(o, Options{Strict: true, StrictTypes: true, StrictProperties: true, Interop: true})
		if len(found) > maxFindings || len(strict) > maxFindings || len(strict) < len(found) {
			t.Errorf("%d findings at intake, %d strictly", len(found), len(strict))
		}
		MarkingOf(o)
		for _, v := range []string{"2.0", "2.1"} {
			Validate(o, Options{Version: v, Strict: true})
		}
	})
}
