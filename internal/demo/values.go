package demo

// The values the story turns on, in plain spelling. The written reports spell
// several of them otherwise: defanged, in capitals, with a trailing dot or in full.
const (
	holdIP      = "203.0.113.77"
	holdRange   = "203.0.113.64/28"
	holdDomain  = "relay-frost.example"
	holdURL     = "http://cdn-lantern.example/stage/p.bin"
	holdAsked   = "historian.tidegrid.example"
	holdFile    = "gridsvc_update.exe"
	holdMD5     = "9d4941ff44093d82973c89e9374a9b8c"
	holdSHA1    = "76055c739243b31861f6f80367aee6262803f117"
	holdSHA256  = "839d2e035d857f382429a12c4e72fc0f324aff21f06197f9df3b52dd398e7c04"
	holdMutex   = `Global\LanternHold7`
	holdKey     = `HKEY_LOCAL_MACHINE\SOFTWARE\Lantern\Hold`
	holdKeyLow  = `HKEY_LOCAL_MACHINE\software\lantern\hold`
	holdLoader  = "4794d4bc23327668620aa02ae51631127120cf91fcdc6ad0d4a4c76787a02b35"
	holdDriver  = "d6db5f58e15c13691d73899dffb088c441accd13797ceb512584f53c465a99a4"
	holdPDB     = `D:\veld\hammer\release\hold.pdb`
	sinkholeIP  = "203.0.113.250"
	holdPDBName = "hold.pdb"
	heronMail   = "billing@paper-heron.example"
	heronDomain = "login-heron.example"
	heronURL    = "https://login-heron.example/compte"
	heronSum    = "https://login-heron.example/solde"
	heronIDN    = "xn--impts-sauvraine-esb.example"
	heronLure   = "8d68837d1c131e6a449a030b71de9cbca50b79f8b94079b6a2619be45b4439d9"
	heronISO    = "2c2fcd61fc67611ba8ac5bcfa77a63b7dddc45b9e588a675381fcfae5bb770ee"
	heronWallet = "bc1q2gafyja5mdrt95jwwhfwc9l308n3cf3qqf4re9"
	loomIP      = "198.51.100.23"
	loomRange   = "198.51.100.16/29"
	loomSpare6  = "2001:db8:51::9"
	loomIP6     = "2001:db8:51::7"
	loomRange6  = "2001:db8:51::/48"
	loomAgent   = "QuietLoom/2.1 (router; mips)"
	loomJA3     = "3a71faa1d2a3838626771b656313d5f7"
	loomMAC     = "00:00:5e:00:53:17"
	loomCVE     = "CVE-2026-9990417"
	loomASN     = "AS64500"
	loomARM     = "f14a205e7c557977a4852adf93bd2cb95e2372ead0347f78de184b6295bfea20"
	loomMIPS    = "fea06113a22e2207f991d1ce877443d9ddf5279f2b340bb1dd33b6a243204be6"
)

// The values planted as noise: facts about everyday systems, which many reports
// hold and which tie nothing to anything.
const (
	noiseResolver = "8.8.8.8"
	noisePrivate  = "10.0.0.1"
	noiseEmpty    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	noiseEmptyMD5 = "d41d8cd98f00b204e9800998ecf8427e"
	noiseProcess  = "svchost.exe"
	noiseScript   = "T1059"
)
