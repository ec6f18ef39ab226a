// Command casus is a node of a collective cyber-defence platform: it takes
// reports in, keeps them for good and says who else saw the same things.
package main

import (
	"os"
	_ "time/tzdata" // the zones of sources, on machines that have none

	"casus/internal/edge/cli"
	"casus/internal/node"
)

func main() { os.Exit(cli.Main(node.Host{}, os.Args[1:])) }
