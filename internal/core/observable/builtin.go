package observable

import "strconv"

// BuiltIn returns what is known here without any list handed in: addresses and
// names that belong to nobody in particular, well-known resolvers and
// services, hashes of nothing, names of files that every system has. All of it
// is our own collection of public facts.
//
// With exercise set, documentation addresses, AS numbers and .example names
// are taken for real, as in exercises they stand for real ones.
func BuiltIn(exercise bool) *Lists {
	l := &Lists{exercise: exercise}
	total := 0
	ips := setOf(IPv4, IPv6, CIDR)
	for _, r := range specialRanges {
		if r.documentation && exercise {
			continue
		}
		total += l.fact(r.prefix, r.why, ips)
	}
	for _, r := range resolvers {
		why := "a public resolver run by " + r.who + ", seen everywhere"
		for _, a := range r.addrs {
			total += l.fact(a, why, ips)
		}
	}
	for _, r := range services {
		why := l.addReason("a well-known service of " + r.who + ", seen everywhere")
		for _, d := range r.names {
			l.addHost(d, why, setOf(Domain))
			total++
		}
	}
	mail := l.addReason("a mail provider that anybody can use")
	for _, d := range mailProviders {
		l.addHost(d, mail, setOf(Domain))
		total++
	}
	for _, h := range emptyHashes {
		l.addExact(h.hash, l.addReason("the "+h.typ.Name()+" of "+h.what), setOf(h.typ))
		total++
	}
	file := l.addReason("the name of a file that every system has or anybody may choose")
	for name := range commonFiles {
		l.addExact(name, file, setOf(FileName))
		total++
	}
	for v, why := range commonValues {
		l.addExact(v.Normal, l.addReason(why), setOf(v.Type))
		total++
	}
	nest(l.v4, 32)
	nest(l.v6, 128)
	l.infos = []Info{{Name: "built-in facts", Kind: "mixed", Entries: total, BuiltIn: true}}
	return l
}

// fact adds one address or range with its reason and returns 1.
func (l *Lists) fact(prefix, why string, types typeSet) int {
	k, err := normalIP(CIDR, prefix)
	if err != nil || !l.addSpan(k, l.addReason(why), types) {
		panic("observable: built-in range " + strconv.Quote(prefix))
	}
	return 1
}

// specialRanges are the addresses that belong to nobody in particular.
//
// Source: iana-ipv4-special; iana-ipv6-special; rfc5737 §3; rfc3849 §2.
var specialRanges = []struct {
	prefix        string
	why           string
	documentation bool
}{
	{"0.0.0.0/8", "an address of \"this network\", never that of a host elsewhere", false},
	{"10.0.0.0/8", "a private address, used in countless networks at once", false},
	{"100.64.0.0/10", "an address shared by customers of a provider (carrier-grade NAT)", false},
	{"127.0.0.0/8", "a loopback address, the computer itself", false},
	{"169.254.0.0/16", "a link-local address, given by a computer to itself", false},
	{"172.16.0.0/12", "a private address, used in countless networks at once", false},
	{"192.0.0.0/24", "an address reserved for protocols", false},
	{"192.0.2.0/24", "an address reserved for documentation", true},
	{"192.31.196.0/24", "an address of the AS112 project, which answers for private ones", false},
	{"192.52.193.0/24", "an address reserved for relays of multicast", false},
	{"192.88.99.0/24", "an address of the withdrawn 6to4 relays", false},
	{"192.168.0.0/16", "a private address, used in countless networks at once", false},
	{"192.175.48.0/24", "an address of the AS112 project, which answers for private ones", false},
	{"198.18.0.0/15", "an address reserved for measuring", false},
	{"198.51.100.0/24", "an address reserved for documentation", true},
	{"203.0.113.0/24", "an address reserved for documentation", true},
	{"224.0.0.0/4", "a multicast address", false},
	{"240.0.0.0/4", "a reserved address, used by nobody", false},
	{"255.255.255.255/32", "the broadcast address", false},
	{"::/128", "the address that stands for none", false},
	{"::1/128", "a loopback address, the computer itself", false},
	{"64:ff9b:1::/48", "an address for translating between IPv4 and IPv6 within a network", false},
	{"100::/64", "an address whose traffic is thrown away", false},
	{"2001:2::/48", "an address reserved for measuring", false},
	{"2001:10::/28", "an address of a withdrawn scheme (ORCHID)", false},
	{"2001:20::/28", "an identifier, not an address of a host (ORCHIDv2)", false},
	{"2001:db8::/32", "an address reserved for documentation", true},
	{"2620:4f:8000::/48", "an address of the AS112 project, which answers for private ones", false},
	{"3fff::/20", "an address reserved for documentation", true},
	{"5f00::/16", "an identifier of a path in a network, not of a host", false},
	{"fc00::/7", "a private address, valid only within one network", false},
	{"fe80::/10", "a link-local address, given by a computer to itself", false},
	{"fec0::/10", "a site-local address of a withdrawn scheme", false},
	{"ff00::/8", "a multicast address", false},
}

// resolvers are public resolvers that anybody's computer may ask.
var resolvers = []struct {
	who   string
	addrs []string
}{
	{"Google", []string{"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"}},
	{"Cloudflare", []string{"1.1.1.1", "1.0.0.1", "1.1.1.2", "1.0.0.2", "1.1.1.3", "1.0.0.3", "2606:4700:4700::1111", "2606:4700:4700::1001"}},
	{"Quad9", []string{"9.9.9.9", "149.112.112.112", "9.9.9.10", "149.112.112.10", "9.9.9.11", "149.112.112.11", "2620:fe::fe", "2620:fe::9"}},
	{"Cisco OpenDNS", []string{"208.67.222.222", "208.67.220.220", "208.67.222.123", "208.67.220.123", "2620:119:35::35", "2620:119:53::53"}},
	{"AdGuard", []string{"94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff"}},
	{"CleanBrowsing", []string{"185.228.168.9", "185.228.169.9", "185.228.168.168", "185.228.169.168"}},
	{"Level 3", []string{"4.2.2.1", "4.2.2.2", "4.2.2.3", "4.2.2.4", "4.2.2.5", "4.2.2.6"}},
	{"Verisign", []string{"64.6.64.6", "64.6.65.6"}},
	{"DNS.WATCH", []string{"84.200.69.80", "84.200.70.40"}},
	{"Comodo", []string{"8.26.56.26", "8.20.247.20"}},
	{"Yandex", []string{"77.88.8.8", "77.88.8.1", "77.88.8.2", "77.88.8.88", "77.88.8.3", "77.88.8.7"}},
	{"AliDNS", []string{"223.5.5.5", "223.6.6.6"}},
	{"DNSPod", []string{"119.29.29.29"}},
	{"114DNS", []string{"114.114.114.114", "114.114.115.115"}},
	{"Hurricane Electric", []string{"74.82.42.42", "2001:470:20::2"}},
	{"Mullvad", []string{"194.242.2.2", "194.242.2.3"}},
	{"DNS0.EU", []string{"193.110.81.0", "185.253.5.0"}},
	{"Control D", []string{"76.76.2.0", "76.76.10.0"}},
}

// services are names that every network looks up all day.
var services = []struct {
	who   string
	names []string
}{
	{"Google", []string{
		"google.com", "googleapis.com", "gstatic.com", "googleusercontent.com", "google-analytics.com", "googletagmanager.com",
		"doubleclick.net", "youtube.com", "ytimg.com", "ggpht.com", "goo.gl", "dns.google", "android.com", "gvt1.com",
	}},
	{"Microsoft", []string{
		"microsoft.com", "windows.com", "windowsupdate.com", "office.com", "office365.com", "microsoftonline.com", "live.com",
		"msn.com", "bing.com", "msftconnecttest.com", "msftncsi.com", "skype.com", "sharepoint.com", "visualstudio.com", "outlook.com",
		"akadns.net", "msecnd.net", "azure.com", "windows.net",
	}},
	{"Apple", []string{"apple.com", "icloud.com", "mzstatic.com", "cdn-apple.com", "aaplimg.com"}},
	{"Amazon", []string{"amazon.com", "amazonaws.com", "media-amazon.com"}},
	{"Cloudflare", []string{"cloudflare.com", "cloudflare-dns.com", "one.one.one.one"}},
	{"Akamai", []string{"akamai.net", "akamaiedge.net", "akamaihd.net", "edgesuite.net", "edgekey.net"}},
	{"GitHub", []string{"github.com", "githubusercontent.com", "githubassets.com"}},
	{"Meta", []string{"facebook.com", "fbcdn.net", "instagram.com", "whatsapp.com", "whatsapp.net"}},
	{"Mozilla", []string{"mozilla.org", "mozilla.com", "firefox.com", "mozilla.net"}},
	{"X", []string{"twitter.com", "x.com", "t.co", "twimg.com"}},
	{"Wikimedia", []string{"wikipedia.org", "wikimedia.org"}},
	{"Telegram", []string{"telegram.org", "t.me"}},
	{"Discord", []string{"discord.com", "discordapp.com"}},
	{"Dropbox", []string{"dropbox.com"}},
	{"LinkedIn", []string{"linkedin.com", "licdn.com"}},
	{"Adobe", []string{"adobe.com"}},
	{"DigiCert", []string{"digicert.com", "verisign.com", "symcd.com"}},
	{"Let's Encrypt", []string{"letsencrypt.org", "lencr.org"}},
	{"Sectigo", []string{"sectigo.com", "comodoca.com", "usertrust.com"}},
	{"GlobalSign", []string{"globalsign.com", "globalsign.net"}},
	{"the NTP pool", []string{"ntp.org"}},
	{"Ubuntu", []string{"ubuntu.com", "canonical.com"}},
	{"Debian", []string{"debian.org"}},
	{"the IETF and IANA", []string{"ietf.org", "iana.org", "rfc-editor.org"}},
	{"the W3C", []string{"w3.org"}},
	{"a service that tells callers their address", []string{
		"ipify.org", "ipinfo.io", "ip-api.com", "icanhazip.com", "ifconfig.me",
		"checkip.dyndns.org", "whatismyip.com",
	}},
	{"a site where anybody pastes text", []string{"pastebin.com"}},
	{"VirusTotal", []string{"virustotal.com"}},
	{"MITRE", []string{"mitre.org"}},
	{"NIST", []string{"nist.gov"}},
}

var mailProviders = []string{
	"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "yahoo.co.uk", "protonmail.com", "proton.me", "gmx.net", "gmx.de",
	"web.de", "mail.com", "aol.com", "zoho.com", "yandex.ru", "yandex.com", "mail.ru", "qq.com", "163.com", "126.com", "tutanota.com",
	"tuta.io", "fastmail.com", "me.com", "hotmail.co.uk", "seznam.cz", "wp.pl", "laposte.net", "orange.fr", "libero.it", "t-online.de",
}

// emptyHashes are hashes of what is no file worth naming.
var emptyHashes = []struct {
	typ        Type
	hash, what string
}{
	{MD5, "d41d8cd98f00b204e9800998ecf8427e", "an empty file"},
	{SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "an empty file"},
	{SHA224, "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f", "an empty file"},
	{SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "an empty file"},
	{SHA384, "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b", "an empty file"},
	{SHA512, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e", "an empty file"},
	{SHA3x256, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", "an empty file"},
	{SHA3x512, "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26", "an empty file"},
	{MD5, "68b329da9893e34099c7d8ad5cb9c940", "a file of one line end"},
	{SHA1, "adc83b19e793491b1c6ea0fd8b46cd9f32e592fc", "a file of one line end"},
	{SHA256, "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b", "a file of one line end"},
	{MD5, "00000000000000000000000000000000", "nothing: all zeros"},
	{SHA1, "0000000000000000000000000000000000000000", "nothing: all zeros"},
	{SHA256, "0000000000000000000000000000000000000000000000000000000000000000", "nothing: all zeros"},
	{MD5, "ffffffffffffffffffffffffffffffff", "nothing: all ones"},
	{ImpHash, "f34d5f2d4577ed6d9ceec516c1f5a744", "every .NET program"},
}

// commonFiles are names that every system has or that anybody may choose.
var commonFiles = set(
	"svchost.exe", "cmd.exe", "powershell.exe", "pwsh.exe", "explorer.exe", "rundll32.exe", "regsvr32.exe", "lsass.exe", "services.exe",
	"winlogon.exe", "csrss.exe", "smss.exe", "wininit.exe", "taskhost.exe", "taskhostw.exe", "conhost.exe", "dllhost.exe", "spoolsv.exe",
	"mshta.exe", "wscript.exe", "cscript.exe", "msiexec.exe", "certutil.exe", "bitsadmin.exe", "schtasks.exe", "at.exe", "net.exe", "net1.exe",
	"whoami.exe", "ipconfig.exe", "systeminfo.exe", "tasklist.exe", "taskkill.exe", "reg.exe", "regedit.exe", "sc.exe", "wmic.exe",
	"vssadmin.exe", "wevtutil.exe", "notepad.exe", "calc.exe", "iexplore.exe", "msedge.exe", "chrome.exe", "firefox.exe", "outlook.exe",
	"winword.exe", "excel.exe", "powerpnt.exe", "acrord32.exe", "java.exe", "javaw.exe", "python.exe", "w3wp.exe", "msbuild.exe",
	"installutil.exe", "regasm.exe", "nltest.exe", "ping.exe", "nslookup.exe", "netstat.exe", "xcopy.exe", "robocopy.exe", "curl.exe",
	"kernel32.dll", "ntdll.dll", "user32.dll", "advapi32.dll", "ws2_32.dll", "wininet.dll", "shell32.dll", "ntoskrnl.exe",
	"setup.exe", "install.exe", "update.exe", "updater.exe", "uninstall.exe", "test.exe", "a.exe", "1.exe", "file.exe", "sample.exe",
	"readme.txt", "readme.md", "license.txt", "license", "changelog.txt", "desktop.ini", "thumbs.db", "autorun.inf", "index.html",
	"index.php", "index.htm", "default.aspx", "robots.txt", "favicon.ico", "style.css", "main.js", "jquery.js", "jquery.min.js", "config.php",
	"config.json", "package.json", "web.config", "manifest.json", "document.pdf", "document.docx", "document.doc", "invoice.pdf",
	"image.png", "image.jpg", "logo.png", "attachment", "untitled", "temp.tmp", "log.txt", "hosts", "passwd", "shadow", "bash", "sh",
	"sshd", "cron", "crontab", "ls", "ps", "wget", "curl", "python", "perl", ".htaccess", ".bashrc", "authorized_keys", "image001.png",
	"image001.jpg", "smime.p7s", "winmail.dat", "noname", "password.txt", "passwords.txt",
)

// commonFolders are folders that every system has.
var commonFolders = set(
	`c:`, `c:\`, `c:\windows`, `c:\windows\system32`, `c:\windows\syswow64`, `c:\windows\temp`, `c:\windows\system32\drivers`,
	`c:\windows\system32\drivers\etc`, `c:\windows\system32\wbem`, `c:\windows\system32\windowspowershell\v1.0`, `c:\program files`,
	`c:\program files (x86)`, `c:\programdata`, `c:\users`, `c:\users\public`, `c:\windows\tasks`, `%temp%`, `%appdata%`, `%localappdata%`,
	`%programdata%`, `%systemroot%`, `%systemroot%\system32`, `%windir%`, `%windir%\system32`, `%userprofile%`, `%public%`, `%tmp%`,
	"/", "/tmp", "/etc", "/var", "/var/tmp", "/var/log", "/usr", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin", "/home", "/root",
	"/dev/shm", "/dev", "/proc", "/opt", "/var/www", "/var/www/html", "/usr/lib", "/lib", "/etc/cron.d", "/etc/init.d", "/dev/null",
)

// systemFolders are folders where only the system's own programs stand.
var systemFolders = set(
	`c:\windows`, `c:\windows\system32`, `c:\windows\syswow64`, `c:\windows\system32\drivers`, `c:\windows\system32\drivers\etc`,
	`c:\windows\system32\wbem`, `c:\windows\system32\windowspowershell\v1.0`, `%systemroot%`, `%systemroot%\system32`, `%windir%`,
	`%windir%\system32`, "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/etc",
)

// commonValues are single values with a reason of their own.
var commonValues = map[Key]string{
	{Account, "administrator"}: "an account that every Windows system has",
	{Account, "admin"}:         "an account name in use everywhere",
	{Account, "root"}:          "an account that every Unix system has",
	{Account, "guest"}:         "an account that every Windows system has",
	{Account, "system"}:        "an account that every Windows system has",
	{Account, "user"}:          "an account name in use everywhere",
	{Account, "test"}:          "an account name in use everywhere",
	{Account, "0"}:             "the number of the root account",
	{Account, "1000"}:          "the number of the first account of a Unix system",

	{RegKey, `HKEY_LOCAL_MACHINE\software\microsoft\windows\currentversion\run`}:         "the usual place to start programs from, used by half of all software",
	{RegKey, `HKEY_CURRENT_USER\software\microsoft\windows\currentversion\run`}:          "the usual place to start programs from, used by half of all software",
	{RegKey, `HKEY_LOCAL_MACHINE\software\microsoft\windows\currentversion\runonce`}:     "the usual place to start programs from, used by half of all software",
	{RegKey, `HKEY_CURRENT_USER\software\microsoft\windows\currentversion\runonce`}:      "the usual place to start programs from, used by half of all software",
	{RegKey, `HKEY_LOCAL_MACHINE\system\currentcontrolset\services`}:                     "the place where Windows keeps every service",
	{RegKey, `HKEY_LOCAL_MACHINE\software\microsoft\windows nt\currentversion\winlogon`}: "a key that every Windows system has",
	{RegKey, `HKEY_LOCAL_MACHINE`}:  "a whole hive of the registry",
	{RegKey, `HKEY_CURRENT_USER`}:   "a whole hive of the registry",
	{RegKey, `HKEY_CLASSES_ROOT`}:   "a whole hive of the registry",
	{RegKey, `HKEY_USERS`}:          "a whole hive of the registry",
	{RegKey, `HKEY_CURRENT_CONFIG`}: "a whole hive of the registry",

	{Wallet, "0x0000000000000000000000000000000000000000"}: "the empty address, where coins are destroyed",
	{Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}:         "the address of Bitcoin's first block",

	{JARM, "00000000000000000000000000000000000000000000000000000000000000"}: "the fingerprint of a host that did not answer",

	{SSDeep, "3::"}: "the ssdeep of an empty file",
	{Serial, "0"}:   "an empty serial number",
	{Serial, "1"}:   "the serial number that self-made certificates have",
}

// commonPorts says what the best known ports are for.
var commonPorts = map[string]string{
	"20": "FTP data", "21": "FTP", "22": "SSH", "23": "Telnet", "25": "mail", "53": "DNS", "67": "DHCP", "80": "HTTP", "88": "Kerberos",
	"110": "POP3", "123": "NTP", "135": "RPC", "137": "NetBIOS", "139": "NetBIOS", "143": "IMAP", "161": "SNMP", "389": "LDAP",
	"443": "HTTPS", "445": "SMB", "465": "mail", "587": "mail", "636": "LDAP", "853": "DNS", "993": "IMAP", "995": "POP3", "1433": "SQL Server",
	"1723": "PPTP", "3306": "MySQL", "3389": "remote desktop", "5432": "PostgreSQL", "5900": "VNC", "5985": "WinRM", "8000": "HTTP",
	"8080": "HTTP", "8443": "HTTPS", "8888": "HTTP",
}

// bigNetworks are networks that hold very many unrelated hosts.
var bigNetworks = map[uint32]string{
	13335: "Cloudflare", 15169: "Google", 396982: "Google Cloud", 8075: "Microsoft", 16509: "Amazon", 14618: "Amazon", 20940: "Akamai",
	54113: "Fastly", 16276: "OVH", 24940: "Hetzner", 14061: "DigitalOcean", 63949: "Akamai Linode", 20473: "Vultr", 45102: "Alibaba Cloud",
	132203: "Tencent Cloud", 37963: "Alibaba Cloud", 3320: "Deutsche Telekom", 7922: "Comcast", 3356: "Lumen", 4134: "China Telecom",
	36351: "IBM Cloud", 31898: "Oracle Cloud", 60781: "Leaseweb", 51167: "Contabo", 714: "Apple", 32934: "Meta",
}
