package api

import (
	"context"

	"casus/internal/core/privacy"
)

// Privacy is data protection: what holds for persons whose data stands in what came
// in. Who asks must answer for an organisation's data; the others are Denied.
type Privacy interface {
	// FindSubject tells where a value stands, with text also what stands there.
	FindSubject(ctx context.Context, value string, text bool) (privacy.Traces, error)
	// EraseSubject erases what may be erased of that; a dry run only tells.
	EraseSubject(ctx context.Context, value, reason string, dry bool) (privacy.Gone, error)
	// Retention erases what is due by the classes of the sources; a dry run only
	// tells.
	Retention(ctx context.Context, dry bool) (privacy.Run, error)
	Holds(ctx context.Context, all bool) ([]privacy.Hold, error)
	Hold(ctx context.Context, want privacy.NewHold) (privacy.Hold, error)
	Release(ctx context.Context, id, reason string) (privacy.Hold, error)
}

// valueInput bears a value in its body: what names a person stands in no address.
type valueInput struct {
	Body struct {
		Value string `json:"value" maxLength:"1024"`
		Text  bool   `json:"text,omitempty" doc:"with what stands there, for who asked to be told"`
	}
}

type eraseValueInput struct {
	Body struct {
		Value  string `json:"value" maxLength:"1024"`
		Reason string `json:"reason,omitempty" doc:"kept on the record; it must not name the value"`
		DryRun bool   `json:"dry_run,omitempty"`
	}
}

type retentionInput struct {
	Body struct {
		DryRun bool `json:"dry_run,omitempty"`
	}
}

type holdsInput struct {
	All bool `query:"all" doc:"lifted ones too"`
}

type holdInput struct{ Body privacy.NewHold }

func (i *holdInput) asked() string { return i.Body.ID + i.Body.Source }

type liftInput struct {
	Named
	Body struct {
		Reason string `json:"reason" doc:"kept on the record"`
	}
}

// privacy declares the operations of data protection.
func (s *server) privacy() {
	answer(s, op("POST", "/privacy/find", "find-subject", "Where a person's data stands"), func(ctx context.Context, in *valueInput) (privacy.Traces, error) {
		return s.Privacy.FindSubject(ctx, in.Body.Value, in.Body.Text)
	})
	answer(s, op("POST", "/privacy/erase", "erase-subject", "Erase what may be erased of a person's data"), func(ctx context.Context, in *eraseValueInput) (privacy.Gone, error) {
		return s.Privacy.EraseSubject(ctx, in.Body.Value, in.Body.Reason, in.Body.DryRun)
	})
	answer(s, op("POST", "/privacy/retention", "retention", "Erase what is due by the retention classes of the sources"), func(ctx context.Context, in *retentionInput) (privacy.Run, error) {
		return s.Privacy.Retention(ctx, in.Body.DryRun)
	})
	answer(s, op("GET", "/privacy/holds", "list-holds", "Legal holds"), func(ctx context.Context, in *holdsInput) ([]privacy.Hold, error) {
		return s.Privacy.Holds(ctx, in.All)
	})
	answer(s, op("POST", "/privacy/holds", "set-hold", "Keep a report, an object or a source from being erased"), func(ctx context.Context, in *holdInput) (privacy.Hold, error) {
		return s.Privacy.Hold(ctx, in.Body)
	})
	answer(s, op("POST", "/privacy/holds/{id}/release", "release-hold", "Lift a hold"), func(ctx context.Context, in *liftInput) (privacy.Hold, error) {
		return s.Privacy.Release(ctx, in.ID, in.Body.Reason)
	})
}
