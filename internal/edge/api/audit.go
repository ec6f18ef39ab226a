package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"casus/internal/audit"
	"casus/internal/core/report"
)

type auditInput struct {
	Since  string `query:"since" maxLength:"40" doc:"from this day or instant on"`
	Until  string `query:"until" maxLength:"40" doc:"before this day or instant"`
	Kind   string `query:"kind" enum:"read,refusal"`
	Actor  string `query:"actor" maxLength:"64" doc:"key of a person, or nobody"`
	Action string `query:"action" maxLength:"200" doc:"what was done or asked for, or how that begins"`
	Object string `query:"object" maxLength:"4096" doc:"id of an object, a report or a piece set aside"`
	Query  string `query:"query" maxLength:"4096" doc:"what was searched for, as typed"`
	Cursor string `query:"cursor" maxLength:"200" doc:"from next of the page before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"500"`
}

func (in *auditInput) filter() (audit.Filter, error) {
	f := audit.Filter{Kind: in.Kind, Actor: in.Actor, Action: in.Action, Object: in.Object, Query: in.Query}
	var err error
	if f.Since, err = report.DayOrInstant(in.Since); err != nil {
		return f, err
	}
	f.Until, err = report.DayOrInstant(in.Until)
	return f, err
}

// audit declares the operations of auditors.
func (s *server) audit() {
	answer(s, op("GET", "/audit", "list-audit", "Who read what is closely held, and who was refused, newest first"), func(ctx context.Context, in *auditInput) (audit.Listing, error) {
		f, err := in.filter()
		if err != nil {
			return audit.Listing{}, err
		}
		return s.Audits.Trail(ctx, f, in.Cursor, in.Limit)
	})
	answer(s, op("GET", "/audit/{id}", "get-audit", "The entries of the trail with a short id"), func(ctx context.Context, in *idInput) (audit.Listing, error) {
		list, err := s.Audits.TrailEntry(ctx, in.ID)
		return audit.Listing{Entries: list}, err
	})
	huma.Register(s.api, streamed[audit.Verdict](s, op("POST", "/audit/verify", "verify-audit", "Check that nothing of the trail was changed or lost")), func(_ context.Context, in *empty) (*huma.StreamResponse, error) {
		return stream(s, in, func(ctx context.Context, _ func(report.Progress)) (audit.Verdict, error) {
			return s.Audits.VerifyTrail(ctx)
		}), nil
	})
}
