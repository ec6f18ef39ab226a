// Package observable knows the values that reports are about: addresses,
// names, hashes, files, identifiers. It finds them in objects and in prose,
// brings each into one normal form, so that two people who wrote the same
// thing differently meet, gives that form as bytes for an ordered index, and
// says which values are so common that they tell little.
//
// It is pure: no I/O but the reader handed to [ReadList], no clock, no state.
// It does not decide who may see a value and keeps no index itself.
//
// # Normal forms
//
// [Normal] is idempotent: the normal form of a normal form is itself. What is
// thrown away is listed here, because a match rests on it.
//
//   - addresses: RFC 5952 text; an IPv4 address mapped into IPv6 is the IPv4
//     address; the zone is dropped; leading zeros in IPv4 are refused, since
//     some read them as octal. A range is masked to its base; a range of one
//     address is that address.
//   - domain: IDNA (UTS 46, non-transitional) to ASCII, lower case, one
//     trailing dot dropped. A name whose last label is a number is an address
//     gone wrong and refused. Underscores are allowed.
//   - url: scheme and host as above, default port, fragment and dot segments
//     dropped, percent-encoding of unreserved characters undone, an empty path
//     is "/", an empty query is none. Without a scheme http is assumed. The
//     fragment is dropped because it never reaches a server.
//   - email: the whole address in lower case, though the local part could by
//     its standard be case-sensitive: no mail system in use makes it so.
//   - hashes: lower-case hexadecimal; ssdeep keeps its case; tlsh loses "T1".
//   - filename: lower case and NFC, as the system it came from is not known.
//   - path: a Windows path in lower case with single backslashes, without
//     \\?\ ; any other path keeps its case, with single slashes.
//   - regkey: the hive's long name, the rest in lower case.
//   - mac aa:bb:cc:dd:ee:ff, asn AS123, cve CVE-2021-44228, technique
//     T1059.001; a wallet keeps its case where that is part of it.
//   - mutex, user agent, account, command and other names: white space at the
//     ends dropped and, but for a mutex, runs of it made one space; account,
//     software, vendor, service and distinguished names also in lower case.
//
// No normal form holds a NUL.
//
// # Index form, byte for byte
//
// [Key.Bytes] is one byte of type code, then a body. Codes are never reused.
//
//	code  type        body
//	1     ipv4        4 bytes, big-endian
//	2     ipv6        16 bytes
//	3     cidr (v4)   4 bytes base, 1 byte prefix length
//	4     cidr (v6)   16 bytes base, 1 byte prefix length
//	5     domain      labels from the right, each two parted by 0x01: "com\x01example\x01www"
//	6     url         text
//	7     email       text
//	8..17 md5 sha1 sha224 sha256 sha384 sha512 sha3-224 sha3-256 sha3-384 sha3-512: the raw bytes
//	18    ssdeep      text
//	19    tlsh        35 raw bytes
//	20    imphash     16 raw bytes
//	21    hash        text "name:value", kinds of hash without a code of their own
//	22    filename    text
//	23    path        text
//	24    mac         6 raw bytes
//	25    asn         4 bytes, big-endian
//	26    regkey      text
//	27    mutex       text
//	28    useragent   text
//	29    cve         text
//	30    technique   text
//	31    wallet      text
//	32    ja3         16 raw bytes
//	33    ja3s        16 raw bytes
//	34    jarm        31 raw bytes
//	35    serial      text, certificate serial numbers
//	36    port        2 bytes, big-endian
//	37    software    text
//	38    vendor      text
//	39    account     text
//	40    command     text
//	41    subject     text, of mail
//	42    messageid   text, of mail
//	43    dn          text, distinguished names in certificates
//	44    service     text, of Windows
//
// Text bodies over 512 bytes are their first 480 bytes and 43 characters of
// base64url of the SHA-256 of the whole, 523 bytes in all. Text and domain
// bodies hold no NUL, so NUL may end them in a longer key; all other bodies have
// the fixed length above. The addresses of a range are neighbours ([Range]), and
// so are a domain and its subdomains.
package observable
