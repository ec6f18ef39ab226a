// Package bench makes the input that speed is measured with: STIX 2.1 objects
// in the mix of a national node's traffic, from a seed.
//
// The mix: 38 % indicators, 25 % observables, 20 % relationships, 10 %
// sightings, 4 % observed-data, 2 % malware and intrusion sets, 1 % reports of
// 31 references; half of the values are shared, drawn from Zipf(1.2), half are
// unique; about 950 bytes an object. Addresses and names are those reserved for
// documentation and benchmarks.
package bench

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"casus/stix"
)

// zipf draws 0, 1, 2, … with weight 1/(k+1)^s by inversion of the continuous
// form, which is exact enough for a load and needs no table.
type zipf struct {
	r *rand.Rand
	s float64
	n float64
}

func (z zipf) draw() int {
	a := 1 - z.s
	u := z.r.Float64()
	x := math.Pow(1+u*(math.Pow(z.n, a)-1), 1/a)
	return int(x) - 1
}

// maker holds what one stream draws from.
type maker struct {
	r      *rand.Rand
	z      zipf
	unique int
	at     time.Time
	recent []string // ids of domain objects to point at
	seen   []string // ids of observables to point at
	actor  []string
}

// Write writes n objects as lines of JSON to w and returns the bytes written.
// The same n and seed give the same bytes.
func Write(w io.Writer, n int, seed uint64) (int64, error) {
	r := rand.New(rand.NewPCG(seed, 0x6361737573))
	m := &maker{r: r, z: zipf{r, 1.2, float64(max(n/4, 1000))}, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for range 40 {
		m.actor = append(m.actor, m.id("identity"))
	}
	bw := bufio.NewWriterSize(w, 1<<20)
	total := int64(0)
	for range n {
		line := m.object()
		total += int64(len(line)) + 1
		if _, err := bw.WriteString(line); err != nil {
			return total, err
		}
		if err := bw.WriteByte('\n'); err != nil {
			return total, err
		}
	}
	return total, bw.Flush()
}

func (m *maker) id(typ string) string {
	var b [16]byte
	for i := 0; i < 16; i += 8 {
		v := m.r.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return typ + "--" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// pick returns one of ids, an identity when there is none yet.
func (m *maker) pick(ids []string) string {
	if len(ids) == 0 {
		return m.actor[m.r.IntN(len(m.actor))]
	}
	return ids[m.r.IntN(len(ids))]
}

// keep adds id to those that later objects point at.
func (m *maker) keep(ids []string, id string) []string {
	if len(ids) < 50_000 {
		return append(ids, id)
	}
	ids[m.r.IntN(len(ids))] = id
	return ids
}

// sco returns the id of an observable, of a made-up one at the very start.
func (m *maker) sco() string {
	if len(m.seen) == 0 {
		return m.id("ipv4-addr")
	}
	return m.pick(m.seen)
}

// number returns the number of a value: shared or unique.
func (m *maker) number() int {
	if m.r.IntN(2) == 0 {
		return m.z.draw()
	}
	m.unique++
	return 1<<30 + m.unique
}

var words = strings.Fields(`beacon staging loader wiper router relay mail lure portal grid bank port ferry ministry
harbour turbine sensor update archive gateway proxy mirror tunnel dropper stage second first observed during night
shift operator reported unusual traffic towards address from several hosts after maintenance window closed again
campaign infrastructure reuse certificate shared likely moderate confidence analyst note pending review`)

func (m *maker) text(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[m.r.IntN(len(words))])
	}
	return b.String()
}

// value returns a kind of observable and its value.
func (m *maker) value() (kind, v string) {
	n := m.number()
	switch n % 5 {
	case 0:
		return "ipv4-addr", fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&255, n&255)
	case 1:
		return "domain-name", fmt.Sprintf("%s-%x.%s.example", words[n%len(words)], n, words[n/7%len(words)])
	case 2:
		return "url", fmt.Sprintf("http://%s-%x.example/%s/%x", words[n%len(words)], n/3, words[n/11%len(words)], n)
	case 3:
		return "email-addr", fmt.Sprintf("%s.%x@%s.example", words[n%len(words)], n, words[n/5%len(words)])
	}
	return "file", fmt.Sprintf("%016x%016x%016x%016x", uint64(n)*0x9e3779b97f4a7c15, uint64(n)*0xbf58476d1ce4e5b9, uint64(n)*0x94d049bb133111eb, uint64(n)^0xdeadbeefcafef00d)
}

func (m *maker) stamp() string {
	m.at = m.at.Add(time.Duration(m.r.IntN(2000)) * time.Millisecond)
	return m.at.Format("2006-01-02T15:04:05.000Z")
}

const markingGreen = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

func (m *maker) head(typ string) (id, head string) {
	id = m.id(typ)
	at := m.stamp()
	return id, fmt.Sprintf(`{"type":"%s","spec_version":"2.1","id":"%s","created_by_ref":"%s","created":"%s","modified":"%s"`, typ, id, m.actor[m.r.IntN(len(m.actor))], at, at)
}

func (m *maker) tail() string {
	return fmt.Sprintf(`,"confidence":%d,"labels":["%s","%s"],"lang":"en","external_references":[{"source_name":"casus-bench","description":"%s","external_id":"B-%d"}],"object_marking_refs":["%s"]}`,
		m.r.IntN(101), words[m.r.IntN(len(words))], words[m.r.IntN(len(words))], m.text(14), m.r.IntN(1<<20), markingGreen)
}

func (m *maker) object() string {
	switch p := m.r.IntN(100); {
	case p < 38:
		return m.indicator()
	case p < 63:
		return m.observable()
	case p < 83:
		_, h := m.head("relationship")
		return fmt.Sprintf(`%s,"relationship_type":"related-to","description":"%s","source_ref":"%s","target_ref":"%s"`, h, m.text(36), m.pick(m.recent), m.pick(m.recent)) + m.tail()
	case p < 93:
		_, h := m.head("sighting")
		return fmt.Sprintf(`%s,"description":"%s","first_seen":"%s","last_seen":"%s","count":%d,"sighting_of_ref":"%s","where_sighted_refs":["%s"]`, h, m.text(30), m.at.Format(time.RFC3339), m.at.Format(time.RFC3339), 1+m.r.IntN(90), m.pick(m.recent), m.actor[m.r.IntN(len(m.actor))]) + m.tail()
	case p < 97:
		_, h := m.head("observed-data")
		at := m.at.Format(time.RFC3339)
		return fmt.Sprintf(`%s,"first_observed":"%s","last_observed":"%s","number_observed":%d,"object_refs":["%s","%s"]`, h, at, at, 1+m.r.IntN(50), m.sco(), m.sco()) + m.tail()
	case p < 99:
		id, h := m.head("malware")
		m.recent = m.keep(m.recent, id)
		return fmt.Sprintf(`%s,"name":"%s %x","is_family":true,"description":"%s"`, h, m.text(2), m.r.IntN(4000), m.text(40)) + m.tail()
	}
	_, h := m.head("report")
	refs := make([]string, 31)
	for i := range refs {
		refs[i] = `"` + m.pick(m.recent) + `"`
	}
	return fmt.Sprintf(`%s,"name":"%s","description":"%s","published":"%s","object_refs":[%s]`, h, m.text(6), m.text(60), m.at.Format(time.RFC3339), strings.Join(refs, ",")) + m.tail()
}

func (m *maker) indicator() string {
	id, h := m.head("indicator")
	m.recent = m.keep(m.recent, id)
	kind, v := m.value()
	pattern := fmt.Sprintf("[%s:value = '%s']", kind, v)
	if kind == "file" {
		pattern = fmt.Sprintf("[file:hashes.'SHA-256' = '%s']", v)
	}
	return fmt.Sprintf(`%s,"name":"%s","description":"%s","indicator_types":["malicious-activity"],"pattern":"%s","pattern_type":"stix","pattern_version":"2.1","valid_from":"%s"`,
		h, m.text(4), m.text(30), pattern, m.at.Format(time.RFC3339)) + m.tail()
}

func (m *maker) observable() string {
	kind, v := m.value()
	body := fmt.Sprintf(`"value":"%s"`, v)
	if kind == "file" {
		body = fmt.Sprintf(`"hashes":{"SHA-256":"%s"},"size":%d,"name":"%s.bin"`, v, m.r.IntN(1<<24), words[m.r.IntN(len(words))])
	}
	raw := fmt.Sprintf(`{"type":"%s","spec_version":"2.1",%s}`, kind, body)
	id, err := stix.SCOID([]byte(raw))
	if err != nil {
		id = m.id(kind)
	}
	m.seen = m.keep(m.seen, id)
	return fmt.Sprintf(`{"type":"%s","spec_version":"2.1","id":"%s",%s,"object_marking_refs":["%s"],"x_casus_context":"%s"}`, kind, id, body, markingGreen, m.text(60))
}
