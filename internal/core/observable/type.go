package observable

// Type is the kind of a value.
type Type string

// The types. See the package comment for their normal and index forms.
const (
	IPv4      Type = "ipv4"
	IPv6      Type = "ipv6"
	CIDR      Type = "cidr"
	Domain    Type = "domain"
	URL       Type = "url"
	Email     Type = "email"
	MD5       Type = "md5"
	SHA1      Type = "sha1"
	SHA224    Type = "sha224"
	SHA256    Type = "sha256"
	SHA384    Type = "sha384"
	SHA512    Type = "sha512"
	SHA3x224  Type = "sha3-224"
	SHA3x256  Type = "sha3-256"
	SHA3x384  Type = "sha3-384"
	SHA3x512  Type = "sha3-512"
	SSDeep    Type = "ssdeep"
	TLSH      Type = "tlsh"
	ImpHash   Type = "imphash"
	Hash      Type = "hash" // any other kind, "name:value"
	FileName  Type = "filename"
	Path      Type = "path"
	MAC       Type = "mac"
	ASN       Type = "asn"
	RegKey    Type = "regkey"
	Mutex     Type = "mutex"
	UserAgent Type = "useragent"
	CVE       Type = "cve"
	Technique Type = "technique"
	Wallet    Type = "wallet"
	JA3       Type = "ja3"
	JA3S      Type = "ja3s"
	JARM      Type = "jarm"
	Serial    Type = "serial"
	Port      Type = "port"
	Software  Type = "software"
	Vendor    Type = "vendor"
	Account   Type = "account"
	Command   Type = "command"
	Subject   Type = "subject"
	MessageID Type = "messageid"
	DN        Type = "dn"
	Service   Type = "service"
)

// Key is a value in normal form. Keys are comparable; two values are the same
// when their keys are equal. The zero Key is no value.
type Key struct {
	Type   Type
	Normal string
}

// String returns "type normal", for messages.
func (k Key) String() string { return string(k.Type) + " " + k.Normal }

// shape says how a body is written in the index form.
type shape uint8

const (
	shapeText   shape = iota
	shapeIP           // size bytes of address
	shapeCIDR         // size-1 bytes of base, one of length
	shapeDomain       // reversed labels
	shapeHex          // size raw bytes of the hexadecimal normal form
	shapeMAC          // six bytes
	shapeASN          // four bytes
	shapePort         // two bytes
)

// kind is what is fixed about one type code.
type kind struct {
	typ   Type
	shape shape
	size  int    // length of a fixed body, 0 for text
	name  string // for people
	path  string // where STIX keeps such a value
}

// kinds is indexed by type code. Codes are never reused.
var kinds = [...]kind{
	1:  {IPv4, shapeIP, 4, "IPv4 address", "ipv4-addr:value"},
	2:  {IPv6, shapeIP, 16, "IPv6 address", "ipv6-addr:value"},
	3:  {CIDR, shapeCIDR, 5, "IPv4 range", "ipv4-addr:value"},
	4:  {CIDR, shapeCIDR, 17, "IPv6 range", "ipv6-addr:value"},
	5:  {Domain, shapeDomain, 0, "domain name", "domain-name:value"},
	6:  {URL, shapeText, 0, "URL", "url:value"},
	7:  {Email, shapeText, 0, "e-mail address", "email-addr:value"},
	8:  {MD5, shapeHex, 16, "MD5", "file:hashes.MD5"},
	9:  {SHA1, shapeHex, 20, "SHA-1", "file:hashes.SHA-1"},
	10: {SHA224, shapeHex, 28, "SHA-224", "file:hashes.SHA-224"},
	11: {SHA256, shapeHex, 32, "SHA-256", "file:hashes.SHA-256"},
	12: {SHA384, shapeHex, 48, "SHA-384", "file:hashes.SHA-384"},
	13: {SHA512, shapeHex, 64, "SHA-512", "file:hashes.SHA-512"},
	14: {SHA3x224, shapeHex, 28, "SHA3-224", "file:hashes.SHA3-224"},
	15: {SHA3x256, shapeHex, 32, "SHA3-256", "file:hashes.SHA3-256"},
	16: {SHA3x384, shapeHex, 48, "SHA3-384", "file:hashes.SHA3-384"},
	17: {SHA3x512, shapeHex, 64, "SHA3-512", "file:hashes.SHA3-512"},
	18: {SSDeep, shapeText, 0, "ssdeep", "file:hashes.SSDEEP"},
	19: {TLSH, shapeHex, 35, "TLSH", "file:hashes.TLSH"},
	20: {ImpHash, shapeHex, 16, "import hash", "file:extensions.windows-pebinary-ext.imphash"},
	21: {Hash, shapeText, 0, "hash", "file:hashes"},
	22: {FileName, shapeText, 0, "file name", "file:name"},
	23: {Path, shapeText, 0, "path", "directory:path"},
	24: {MAC, shapeMAC, 6, "MAC address", "mac-addr:value"},
	25: {ASN, shapeASN, 4, "autonomous system", "autonomous-system:number"},
	26: {RegKey, shapeText, 0, "registry key", "windows-registry-key:key"},
	27: {Mutex, shapeText, 0, "mutex", "mutex:name"},
	28: {UserAgent, shapeText, 0, "user agent", "network-traffic:extensions.http-request-ext.request_header.User-Agent"},
	29: {CVE, shapeText, 0, "vulnerability", "vulnerability:name"},
	30: {Technique, shapeText, 0, "ATT&CK technique", "attack-pattern:external_references.external_id"},
	31: {Wallet, shapeText, 0, "wallet address", "cryptocurrency-wallet:address"},
	32: {JA3, shapeHex, 16, "JA3 fingerprint", "network-traffic:ja3"},
	33: {JA3S, shapeHex, 16, "JA3S fingerprint", "network-traffic:ja3s"},
	34: {JARM, shapeHex, 31, "JARM fingerprint", "network-traffic:jarm"},
	35: {Serial, shapeText, 0, "certificate serial number", "x509-certificate:serial_number"},
	36: {Port, shapePort, 2, "port", "network-traffic:dst_port"},
	37: {Software, shapeText, 0, "software name", "software:name"},
	38: {Vendor, shapeText, 0, "vendor name", "software:vendor"},
	39: {Account, shapeText, 0, "account", "user-account:account_login"},
	40: {Command, shapeText, 0, "command line", "process:command_line"},
	41: {Subject, shapeText, 0, "mail subject", "email-message:subject"},
	42: {MessageID, shapeText, 0, "mail message id", "email-message:message_id"},
	43: {DN, shapeText, 0, "distinguished name", "x509-certificate:subject"},
	44: {Service, shapeText, 0, "service name", "process:extensions.windows-service-ext.service_name"},
}

// codes finds the code of a type; the second code of CIDR is chosen by family.
var codes = func() map[Type]uint8 {
	m := make(map[Type]uint8, len(kinds))
	for c := len(kinds) - 1; c > 0; c-- {
		m[kinds[c].typ] = uint8(c)
	}
	return m
}()

// Types returns all types, in the order of their codes.
func Types() []Type {
	var out []Type
	for c := 1; c < len(kinds); c++ {
		if kinds[c].typ != kinds[c-1].typ {
			out = append(out, kinds[c].typ)
		}
	}
	return out
}

// Known reports whether t is one of the types above.
func (t Type) Known() bool { return codes[t] != 0 }

// Name returns what people call the type, such as "IPv4 address"; the type
// itself if it is not known.
func (t Type) Name() string {
	if c := codes[t]; c != 0 {
		if t == CIDR {
			return "address range"
		}
		return kinds[c].name
	}
	return string(t)
}

// STIXPath returns where STIX usually keeps such a value, such as
// "ipv4-addr:value"; empty if the type is not known.
func (k Key) STIXPath() string {
	c := codes[k.Type]
	if k.Type == CIDR && isV6Text(k.Normal) {
		c = 4
	}
	return kinds[c].path
}

func isV6Text(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == ':' {
			return true
		}
	}
	return false
}
