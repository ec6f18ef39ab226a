package api

import (
	"context"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
)

type whyInput struct {
	Named
	Reader string `query:"reader" maxLength:"64" doc:"me, an organisation, a member or a person's key; empty means me"`
}

type releaseInput struct {
	Named
	Body releaseBody
}

// releaseBody is a release as it is asked for.
type releaseBody struct {
	To    []string  `json:"to,omitempty" maxItems:"1000" doc:"organisations, for example AAA/csirt"`
	TLP   string    `json:"tlp,omitempty" doc:"takes the place of the source's default, tightens what a sender said"`
	Until time.Time `json:"until,omitzero" doc:"when the release to these ends"`
}

func (b releaseBody) release() (report.Release, error) {
	label, err := labelOf(b.TLP)
	if y := b.Until.Year(); err == nil && !b.Until.IsZero() && (y < 1970 || y > 9999) {
		err = fault.Errorf(fault.Invalid, "api: until: year %d, want 1970 to 9999", y)
	}
	return report.Release{To: b.To, TLP: label, Until: b.Until.UTC()}, err
}

// releases declares the operations about who may read.
func (s *server) releases() {
	answer(s, op("GET", "/objects/{id}/why", "why-object", "How a reader stands to an object, and by which rules"), func(ctx context.Context, in *whyInput) (report.Why, error) {
		return s.Releases.Why(ctx, in.ID, in.Reader)
	})
	answer(s, op("POST", "/reports/{id}/preview", "preview-report", "What each reader would get of a report if it were released so; nothing is changed"), func(ctx context.Context, in *releaseInput) (report.Preview, error) {
		ask, err := in.Body.release()
		if err != nil {
			return report.Preview{}, err
		}
		return s.Releases.Preview(ctx, in.ID, ask)
	})
}
