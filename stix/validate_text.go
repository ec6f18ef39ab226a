package stix

import "bytes"

// isTimestamp reports whether b is a timestamp: YYYY-MM-DDTHH:mm:ss[.s+]Z with
// a day the calendar has. A leap second is let pass.
//
// Source: stix-2.1 §2.16; rfc3339 §5.6.
func isTimestamp(b []byte) bool {
	if len(b) < minTimestamp || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return false
	}
	year, month, day := two(b, 0)*100+two(b, 2), two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return false
	}
	fraction := b[19 : len(b)-1]
	if len(fraction) == 0 {
		return true
	}
	if fraction[0] != '.' || len(fraction) == 1 {
		return false
	}
	for _, ch := range fraction[1:] {
		if ch < '0' || ch > '9' {
			return false
		}
	}
	return true
}

// minTimestamp is the length of a timestamp without a fraction.
const minTimestamp = len("2016-01-20T12:31:12Z")

// two returns the number of two digits at b[i], or something very negative.
func two(b []byte, i int) int {
	x, y := b[i]-'0', b[i+1]-'0'
	if x > 9 || y > 9 {
		return -1 << 20
	}
	return int(x)*10 + int(y)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// compareTimestamps compares two timestamps of any precision, which are valid or
// at least as long as the shortest.
func compareTimestamps(a, b []byte) int {
	if d := bytes.Compare(a[:19], b[:19]); d != 0 {
		return d
	}
	x, y := a[19:len(a)-1], b[19:len(b)-1]
	for i := 1; i < len(x) || i < len(y); i++ {
		p, q := byte('0'), byte('0')
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if p != q {
			return int(p) - int(q)
		}
	}
	return 0
}

// isRFC4122 reports whether b is a UUID of the variant of RFC 4122, in versions
// 1 to 8: RFC 9562 has added three since.
//
// Source: stix-2.1 §2.9; rfc4122 §4.1; rfc9562 §4.
func isRFC4122(b []byte) bool {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' || b[14] < '1' || b[14] > '8' {
		return false
	}
	for i, ch := range b[:36] {
		if !hexTable[ch] && (ch != '-' || i != 8 && i != 13 && i != 18 && i != 23) {
			return false
		}
	}
	return isVariant(b[19])
}

// isVariant reports whether ch, the hexadecimal digit at 19 of a UUID, says that
// it is of the variant of RFC 9562.
func isVariant(ch byte) bool {
	switch ch {
	case '8', '9', 'a', 'b', 'A', 'B':
		return true
	}
	return false
}

// validTypeName reports whether b can name a type: 3 to 250 lower-case letters,
// digits and hyphens, beginning with a letter, hyphens single.
//
// Source: stix-2.1 §3.1.
func validTypeName(b []byte) bool {
	if len(b) < 3 || len(b) > 250 || b[0] < 'a' || b[0] > 'z' || b[len(b)-1] == '-' {
		return false
	}
	for i, ch := range b {
		if (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && (ch != '-' || b[i-1] == '-') {
			return false
		}
	}
	return true
}

// badPropertyName says what is wrong with the name of a property, or "".
//
// Source: stix-2.1 §3.1.
func badPropertyName(b []byte) string {
	if len(b) < 3 || len(b) > 250 {
		return "is not between 3 and 250 characters long"
	}
	if b[0] < 'a' || b[0] > 'z' {
		return "does not begin with a lower-case letter"
	}
	for _, ch := range b {
		if (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '_' {
			return "has a character other than lower-case letters, digits and underscore"
		}
	}
	return ""
}

// isHex reports whether b is hexadecimal of whole bytes, in either case.
//
// Source: stix-2.1 §2.8.
func isHex(b []byte) bool {
	if len(b) == 0 || len(b)%2 != 0 {
		return false
	}
	for _, ch := range b {
		if !hexTable[ch] {
			return false
		}
	}
	return true
}

// hexTable tells the hexadecimal digits.
var hexTable = func() (t [256]bool) {
	for _, ch := range []byte("0123456789abcdefABCDEF") {
		t[ch] = true
	}
	return t
}()

// isBase64 reports whether b is Base64 of RFC 4648 §4, padding included.
//
// Source: stix-2.1 §2.1.
func isBase64(b []byte) bool {
	if len(b)%4 != 0 {
		return false
	}
	n := len(b)
	for i := 0; i < 2 && n > 0 && b[n-1] == '='; i++ {
		n--
	}
	for _, ch := range b[:n] {
		if (ch|0x20 < 'a' || ch|0x20 > 'z') && (ch < '0' || ch > '9') && ch != '+' && ch != '/' {
			return false
		}
	}
	return true
}
