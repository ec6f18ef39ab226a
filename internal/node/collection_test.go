package node

import (
	"slices"
	"sync"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
)

// TestCollectionsTold: who may only read a collection is not told of which sources and
// organisations it speaks, nor for whom else it is there; what is in it stays.
func TestCollectionsTold(t *testing.T) {
	t.Parallel()
	n, _, ben, fay := allies(t)
	admin := as(t, n, alliance.Administrator)
	c := report.Collection{
		Title: "shared", Readable: true, Writable: true, Audience: []alliance.Org{"AAA/csirt", "BBB/csirt"}, Source: "secret feed",
		Filter: report.Membership{Sources: []string{"another feed"}, Organisations: []alliance.Org{"AAA/csirt"}},
	}
	if _, err := n.SetCollection(admin, c); err != nil {
		t.Fatal(err)
	}
	all, err := n.Collections(admin)
	if err != nil || len(all) != 1 || all[0].Source != c.Source || !slices.Equal(all[0].Filter.Sources, c.Filter.Sources) {
		t.Errorf("who manages them is told %+v, %v", all, err)
	}
	told, err := n.Collections(ben)
	if err != nil || len(told) != 1 || told[0].Title != c.Title {
		t.Fatalf("whom it is there for is told %+v, %v", told, err)
	}
	if x := told[0]; x.Source != "" || x.Audience != nil || x.Filter.Sources != nil || x.Filter.Organisations != nil {
		t.Errorf("whom it is there for is told %+v", x)
	}
	if served, err := (taxii{n}).Collections(ben); err != nil || !slices.Equal(served[0].Filter.Sources, c.Filter.Sources) {
		t.Errorf("it is filtered by %+v, %v", served, err)
	}
	if none, err := n.Collections(fay); err != nil || len(none) != 0 {
		t.Errorf("others are told %+v, %v", none, err)
	}
}

// TestCollectionsAtOnce: of collections of one alias made at once there is one.
func TestCollectionsAtOnce(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for k := range errs {
		wg.Go(func() {
			_, errs[k] = n.SetCollection(t.Context(), report.Collection{Title: "t", Alias: "one", Readable: true})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		switch {
		case err == nil:
			made++
		case fault.KindOf(err) != fault.Conflict:
			t.Error(err)
		}
	}
	if all, err := n.Collections(t.Context()); made != 1 || err != nil || len(all) != 1 {
		t.Errorf("%d made, %d there, %v", made, len(all), err)
	}
}
