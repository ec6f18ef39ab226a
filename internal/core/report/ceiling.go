package report

import "casus/internal/core/marking"

// Ceiling is up to which classification a node takes things in.
type Ceiling struct {
	// Level is the highest classification that is taken in, "" for the lowest
	// levels alone.
	Level marking.Level `json:"level"`
	// Reason is why it was set so.
	Reason string `json:"reason"`
}
