package node

import (
	"strings"
	"time"
	"unicode"

	"casus/internal/core/report"
	"casus/internal/fault"
)

const maxSourceName = 128

// checkSource says what is wrong with the settings of a source.
func checkSource(src report.Source) error {
	switch {
	case src.Name == "" || len(src.Name) > maxSourceName || strings.ContainsFunc(src.Name, unicode.IsControl):
		return fault.Errorf(fault.Invalid, "node: source name %.40q: want 1 to %d bytes without control characters", src.Name, maxSourceName)
	case src.Trust != "" && (len(src.Trust) != 1 || src.Trust[0] < 'A' || src.Trust[0] > 'F'):
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: source %s: trust %.10q", src.Name, src.Trust), "use A (reliable) to F (cannot be judged)")
	}
	if err := report.CheckMap(src.Map); err != nil {
		return err
	}
	if src.Zone != "" {
		if _, err := time.LoadLocation(src.Zone); err != nil || src.Zone == "Local" {
			return fault.WithHint(fault.Errorf(fault.Invalid, "node: source %s: time zone %.40q is not known", src.Name, src.Zone), "use an IANA name such as Europe/Paris, or UTC")
		}
	}
	return src.Check()
}
