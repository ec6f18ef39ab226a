package api

import (
	"context"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
)

// collectionBody is a collection as it is made.
type collectionBody struct {
	ID          string   `json:"id,omitempty" doc:"a UUID; one is made when empty"`
	Alias       string   `json:"alias,omitempty" doc:"another name for addresses"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Source      string   `json:"source,omitempty" doc:"what is written to it comes from this source"`
	Audience    []string `json:"audience,omitempty" maxItems:"1000" doc:"organisations it is there for; empty means everybody"`
	Readable    bool     `json:"can_read"`
	Writable    bool     `json:"can_write"`
	Filter      struct {
		Sources       []string `json:"sources,omitempty" maxItems:"1000"`
		Types         []string `json:"types,omitempty" maxItems:"1000"`
		TLP           string   `json:"tlp,omitempty" doc:"the most restrictive label let in"`
		Organisations []string `json:"organisations,omitempty" maxItems:"1000"`
	} `json:"filter,omitzero" doc:"what is in it; what is empty asks for nothing"`
}

func (b *collectionBody) collection() (report.Collection, error) {
	label, err := labelOf(b.Filter.TLP)
	return report.Collection{
		ID: b.ID, Alias: b.Alias, Title: b.Title, Description: b.Description, Source: b.Source, Audience: orgsOf(b.Audience), Readable: b.Readable, Writable: b.Writable,
		Filter: report.Membership{Sources: b.Filter.Sources, Types: b.Filter.Types, Ceiling: label, Organisations: orgsOf(b.Filter.Organisations)},
	}, err
}

func orgsOf(names []string) []alliance.Org {
	var out []alliance.Org
	for _, n := range names {
		out = append(out, alliance.Org(n))
	}
	return out
}

// collections declares the operations about collections.
func (s *server) collections() {
	if s.Collections == nil {
		return
	}
	answer(s, op("GET", "/collections", "list-collections", "What programs that speak TAXII can ask for"), func(ctx context.Context, _ *empty) ([]report.Collection, error) {
		return s.Collections.Collections(ctx)
	})
	answer(s, op("POST", "/collections", "add-collection", "Make a collection: a saved filter over what its readers may read"), func(ctx context.Context, in *struct{ Body collectionBody }) (report.Collection, error) {
		c, err := in.Body.collection()
		if err != nil {
			return c, err
		}
		return s.Collections.SetCollection(ctx, c)
	})
	answer(s, op("DELETE", "/collections/{id}", "remove-collection", "End a collection; what was in it stays"), func(ctx context.Context, in *idInput) (map[string]bool, error) {
		return map[string]bool{"removed": true}, s.Collections.RemoveCollection(ctx, in.ID)
	})
}
