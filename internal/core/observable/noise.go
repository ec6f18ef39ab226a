package observable

import (
	"strings"
)

// byNature says why a value is common whatever anybody lists: because of what
// kind of thing it is, or because its form says so.
func byNature(k Key, exercise bool) (string, bool) {
	switch k.Type {
	case Technique:
		return "an ATT&CK technique: many unrelated actors use it, alone it adds little", true
	case Port:
		if what, ok := commonPorts[k.Normal]; ok {
			return "port " + k.Normal + " (" + what + "), in use everywhere", true
		}
		return "a port number: alone it says little", true
	case Software:
		return "the name of a product, not of anything an attacker left", true
	case Vendor:
		return "the name of a vendor, not of anything an attacker left", true
	case Domain:
		return domainNature(k.Normal, exercise)
	case UserAgent:
		return agentNature(k.Normal)
	case ASN:
		return asnNature(k.Normal, exercise)
	case MAC:
		switch {
		case k.Normal == "00:00:00:00:00:00":
			return "the empty MAC address", true
		case k.Normal == "ff:ff:ff:ff:ff:ff":
			return "the broadcast MAC address, seen in every network", true
		case strings.HasPrefix(k.Normal, "01:00:5e:"), strings.HasPrefix(k.Normal, "33:33:"):
			return "a multicast MAC address, seen in every network", true
		}
	case Path:
		return pathNature(k)
	default: // lists alone tell
	}
	return "", false
}

// domainNature knows names that belong to nobody in particular.
func domainNature(name string, exercise bool) (string, bool) {
	if r, ok := reservedName(name, exercise); ok {
		return r, true
	}
	if s, listed := suffix(name); s == name && (listed || strings.IndexByte(name, '.') < 0) {
		return "a bare public suffix: everything registered under ." + name + " shares it", true
	}
	return "", false
}

// reservedName knows names that nobody can register.
//
// Source: rfc2606 §2, §3.
func reservedName(name string, exercise bool) (string, bool) {
	top := name[strings.LastIndexByte(name, '.')+1:]
	switch top {
	case "example":
		if !exercise {
			return "a name under .example, reserved for documentation", true
		}
		return "", false
	case "test":
		return "a name under .test, reserved for testing", true
	case "invalid":
		return "a name under .invalid, which never exists", true
	case "localhost":
		return "the computer itself", true
	case "local":
		return "a name under .local, valid only within one network", true
	case "internal", "lan", "home", "corp", "localdomain":
		return "a name under ." + top + ", valid only within one network", true
	case "arpa":
		return "a name under .arpa, made by looking up addresses", true
	}
	if second, ok := strings.CutSuffix(name[:len(name)-len(top)], "example."); ok && (second == "" || second[len(second)-1] == '.') {
		switch top {
		case "com", "net", "org", "edu":
			return "a name under example." + top + ", reserved for documentation", true
		}
	}
	return "", false
}

// agentNature knows what ordinary browsers and tools send.
func agentNature(ua string) (string, bool) {
	if strings.HasPrefix(ua, "Mozilla/5.0 (") || ua == "Mozilla/5.0" || ua == "Mozilla/4.0" {
		for _, end := range [...]string{" Safari/", " Firefox/", " Trident/7.0", " Edg/", "rv:11.0) like Gecko"} {
			if strings.Contains(ua, end) {
				return "a user agent that ordinary browsers send", true
			}
		}
		if len(ua) == len("Mozilla/5.0") {
			return "a user agent that ordinary browsers and many tools send", true
		}
	}
	if strings.HasPrefix(ua, "Mozilla/4.0 (compatible; MSIE ") && len(ua) < 80 {
		return "a user agent that old browsers send and many tools copy", true
	}
	for _, tool := range [...]string{
		"curl/", "Wget/", "python-requests/", "Python-urllib/", "Go-http-client/", "Java/", "okhttp/",
		"PostmanRuntime/", "libwww-perl/", "axios/", "Microsoft-CryptoAPI/", "Microsoft BITS/", "Windows-Update-Agent/", "WinHTTP",
		"aria2/", "Apache-HttpClient/", "node-fetch/",
	} {
		if strings.HasPrefix(ua, tool) {
			return "a user agent of a tool that everybody uses", true
		}
	}
	return "", false
}

// asnNature knows numbers that belong to nobody (RFC 5398, 6996, 7300) or that
// hold very many hosts.
func asnNature(as string, exercise bool) (string, bool) {
	b := (Key{ASN, as}).Bytes()
	if len(b) != 5 {
		return "", false
	}
	n := uint32(b[1])<<24 | uint32(b[2])<<16 | uint32(b[3])<<8 | uint32(b[4])
	switch {
	case n == 0 || n == 23456 || n == 65535 || n == 1<<32-1:
		return "a reserved AS number", true
	case n >= 64496 && n <= 64511 || n >= 65536 && n <= 65551:
		if exercise {
			return "", false
		}
		return "an AS number reserved for documentation", true
	case n >= 64512 && n <= 65534 || n >= 4200000000:
		return "a private AS number, used by many at once", true
	}
	if who, ok := bigNetworks[n]; ok {
		return "the network of " + who + ", which holds very many unrelated hosts", true
	}
	return "", false
}

// pathNature knows the folders that every system has, and its own programs in
// them.
func pathNature(k Key) (string, bool) {
	p := k.Normal
	if _, ok := commonFolders[p]; ok {
		return "a folder that every system has", true
	}
	i := strings.LastIndexAny(p, `\/`)
	if i < 0 {
		return "", false
	}
	if _, ok := systemFolders[p[:i]]; ok {
		if _, ok := commonFiles[p[i+1:]]; ok {
			return "a file that every system has in its usual place", true
		}
	}
	return "", false
}
