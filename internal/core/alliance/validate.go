package alliance

import (
	"errors"
	"slices"

	"casus/internal/fault"
)

// Validate returns everything that is wrong with d, nil when nothing is: names
// that are badly formed or stand twice, and references to what is not there. The
// errors are Invalid faults, joined.
func (d *Directory) Validate() error {
	c := check{d: d, members: map[Member]bool{}, orgs: map[Org]bool{}, persons: map[Key]Org{}}
	for _, m := range d.Members {
		c.add(m.Validate())
		c.once(c.members[m], "member", string(m))
		c.members[m] = true
	}
	for _, o := range d.Organisations {
		c.add(o.ID.Validate())
		c.once(c.orgs[o.ID], "organisation", string(o.ID))
		c.orgs[o.ID] = true
	}
	for _, p := range d.Persons {
		c.add(p.Key.Validate())
		_, twice := c.persons[p.Key]
		c.once(twice, "person", string(p.Key))
		c.persons[p.Key] = p.Org
	}
	c.organisations()
	c.people()
	c.deputies()
	c.groups()
	return errors.Join(c.errs...)
}

type check struct {
	d       *Directory
	errs    []error
	members map[Member]bool
	orgs    map[Org]bool
	persons map[Key]Org
}

func (c *check) add(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *check) once(twice bool, what, id string) {
	if twice {
		c.add(fault.Errorf(fault.Invalid, "alliance: %s %s stands twice", what, id))
	}
}

func (c *check) known(where string, o Org) {
	if !c.orgs[o] {
		c.add(fault.Errorf(fault.Invalid, "alliance: %s: organisation %.60q is not there", where, o))
	}
}

func (c *check) organisations() {
	for _, o := range c.d.Organisations {
		if !c.members[o.ID.Member()] {
			c.add(fault.Errorf(fault.Invalid, "alliance: organisation %s: member %s is not there", o.ID, o.ID.Member()))
		}
		if o.Kind == Unknown || int(o.Kind) >= len(kinds) {
			c.add(fault.Errorf(fault.Invalid, "alliance: organisation %s has no kind", o.ID))
		}
		for _, cl := range o.Clients {
			c.known("clients of "+string(o.ID), cl)
			if cl == o.ID {
				c.add(fault.Errorf(fault.Invalid, "alliance: organisation %s is its own client", o.ID))
			}
		}
	}
}

func (c *check) people() {
	for _, p := range c.d.Persons {
		where := "person " + string(p.Key)
		c.known(where, p.Org)
		for _, post := range p.Posts {
			c.role(where, post.Role)
			c.add(post.Span.Validate())
		}
		for _, s := range p.Leave {
			c.add(s.Validate())
		}
		for _, cl := range p.Clearances {
			c.add(cl.Span.Validate())
			if cl.Ladder == "" || cl.Level == "" {
				c.add(fault.Errorf(fault.Invalid, "alliance: %s: a clearance names no ladder or no level", where))
			}
		}
		for _, a := range p.Access {
			c.add(a.Span.Validate())
			if a.Caveat == "" {
				c.add(fault.Errorf(fault.Invalid, "alliance: %s: access to no caveat", where))
			}
		}
	}
}

func (c *check) role(where string, r Role) {
	if r == NoRole || int(r) >= len(roles) {
		c.add(fault.Errorf(fault.Invalid, "alliance: %s: a post without a role", where))
	}
}

func (c *check) deputies() {
	for _, dep := range c.d.Deputies {
		where := "deputy " + string(dep.By)
		c.role(where, dep.Role)
		c.add(dep.Span.Validate())
		of, ok := c.persons[dep.For]
		by, there := c.persons[dep.By]
		switch {
		case !ok || !there:
			c.add(fault.Errorf(fault.Invalid, "alliance: %s of %s: a person is not there", where, dep.For))
		case dep.For == dep.By:
			c.add(fault.Errorf(fault.Invalid, "alliance: %s stands in for itself", where))
		case of != by:
			c.add(fault.Errorf(fault.Invalid, "alliance: %s of %s: they act for %s and %s", where, dep.For, by, of))
		}
	}
}

func (c *check) groups() {
	var seen []Group
	for _, g := range c.d.Groups {
		c.add(g.ID.Validate())
		c.once(slices.Contains(seen, g.ID), "release group", string(g.ID))
		seen = append(seen, g.ID)
		c.known("release group "+string(g.ID), g.Owner)
		for _, o := range g.Orgs {
			c.known("release group "+string(g.ID), o)
		}
	}
}
