package web

import (
	"fmt"
	"slices"

	"casus/internal/core/report"
)

// Bounds of the graph on one page.
const (
	maxNodes  = 150 // nodes drawn
	maxOpened = 32  // neighbours whose own neighbours are asked for
)

// Layout of the graph, in SVG units.
const (
	nodeWidth  = 250
	nodeHeight = 34
	nodeGap    = 8
	layerGap   = 110
	graphEdge  = 8
)

// graphPage draws an object and what it is linked to, two steps far.
type graphPage struct {
	*frame
	O             report.Object
	Name          string
	Width, Height int
	Nodes         []Node
	Edges         []Edge
	Left          int // neighbours not drawn
}

// Node is one object in the drawing.
type Node struct {
	X, Y       int
	TextX      int
	TypeY      int
	NameY      int
	ID         string
	Type, Name string
	Short      string
	Held       bool
	Self       bool
	layer      int
}

// Edge links two nodes.
type Edge struct {
	Path     string
	How      string
	From, To string // names
	FromID   string
	ToID     string
	FromHeld bool
	ToHeld   bool
	from, to int
}

func (*graphPage) template() string { return "graph" }

func graph(c *call) (page, error) {
	o, err := c.r.Object(c.ctx(), c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f := c.frameOf(o)
	p := &graphPage{frame: f, O: o, Name: nameOf(o)}
	g := &grower{p: p, at: map[string]int{}, edges: map[[2]int]bool{}}
	g.node(report.Neighbor{ID: o.ID, Type: o.Type, Name: o.Name, Held: true}, 0)
	for _, n := range o.Linked {
		g.link(0, n, 1)
	}
	opened := 0
	for i := 1; i < len(p.Nodes) && opened < maxOpened && len(p.Nodes) < maxNodes; i++ {
		if p.Nodes[i].layer != 1 || !p.Nodes[i].Held {
			continue
		}
		opened++
		next, err := c.r.Object(c.ctx(), p.Nodes[i].ID)
		if err != nil {
			continue // withheld since it was listed; it stays a node without neighbours
		}
		f.mark(next.TLP)
		for _, n := range next.Linked {
			g.link(i, n, 2)
		}
	}
	f.Title = f.T("graph.title", p.Name)
	p.layOut()
	ids := cited(o, o.Linked)
	for _, n := range p.Nodes[1:] {
		if n.Held {
			ids[n.ID] = true
		}
	}
	return p, c.markCited(ids)
}

// grower adds nodes and edges once each, up to the bound.
type grower struct {
	p     *graphPage
	at    map[string]int
	edges map[[2]int]bool
}

// node returns the place of n among the nodes, -1 when there is no room.
func (g *grower) node(n report.Neighbor, layer int) int {
	if i, ok := g.at[n.ID]; ok {
		return i
	}
	if len(g.p.Nodes) >= maxNodes {
		g.p.Left++
		return -1
	}
	const shortRunes = 31
	name := n.Name
	if name == "" {
		name = n.ID
	}
	name = defang(name)
	i := len(g.p.Nodes)
	g.p.Nodes = append(g.p.Nodes, Node{
		ID: n.ID, Type: g.p.Kind(n.Type), Name: name, Short: cut(name, shortRunes), Held: n.Held, Self: layer == 0, layer: layer,
	})
	g.at[n.ID] = i
	return i
}

func (g *grower) link(from int, n report.Neighbor, layer int) {
	to := g.node(n, layer)
	if to < 0 || to == from || g.edges[[2]int{from, to}] || g.edges[[2]int{to, from}] {
		return
	}
	g.edges[[2]int{from, to}] = true
	a, b := g.p.Nodes[from], g.p.Nodes[to]
	g.p.Edges = append(g.p.Edges, Edge{
		from: from, to: to, How: n.How,
		From: a.Name, FromID: a.ID, FromHeld: a.Held, To: b.Name, ToID: b.ID, ToHeld: b.Held,
	})
}

// layOut puts each layer in a column, in the order of what it hangs on, and
// centres the columns on the tallest.
func (p *graphPage) layOut() {
	var layers [3][]int
	for i, n := range p.Nodes {
		layers[n.layer] = append(layers[n.layer], i)
	}
	parent := make([]int, len(p.Nodes))
	for _, e := range p.Edges {
		if p.Nodes[e.to].layer > p.Nodes[e.from].layer {
			parent[e.to] = e.from
		}
	}
	slices.SortStableFunc(layers[1], func(a, b int) int { return cmpNodes(p.Nodes[a], p.Nodes[b]) })
	place := make([]int, len(p.Nodes))
	for y, i := range layers[1] {
		place[i] = y
	}
	slices.SortStableFunc(layers[2], func(a, b int) int { return place[parent[a]] - place[parent[b]] })
	tallest, columns := 1, 0
	for _, l := range layers {
		tallest = max(tallest, len(l))
		if len(l) > 0 {
			columns++
		}
	}
	p.Height = tallest*(nodeHeight+nodeGap) - nodeGap + 2*graphEdge
	p.Width = max(columns, 2)*(nodeWidth+layerGap) - layerGap + 2*graphEdge
	for x, l := range layers {
		top := graphEdge + (tallest-len(l))*(nodeHeight+nodeGap)/2
		for y, i := range l {
			n := &p.Nodes[i]
			n.X, n.Y = graphEdge+x*(nodeWidth+layerGap), top+y*(nodeHeight+nodeGap)
			n.TextX, n.TypeY, n.NameY = n.X+10, n.Y+13, n.Y+27
		}
	}
	for i := range p.Edges {
		e := &p.Edges[i]
		e.Path = curve(p.Nodes[e.from], p.Nodes[e.to])
	}
}

func cmpNodes(a, b Node) int {
	if a.Held != b.Held {
		if a.Held {
			return -1
		}
		return 1
	}
	switch {
	case a.Type < b.Type:
		return -1
	case a.Type > b.Type:
		return 1
	}
	return 0
}

// curve joins two nodes: across the gap between layers, or around the right
// side within one.
func curve(a, b Node) string {
	if a.layer > b.layer {
		a, b = b, a
	}
	y1, y2 := a.Y+nodeHeight/2, b.Y+nodeHeight/2
	x1 := a.X + nodeWidth
	if a.layer == b.layer {
		const bow = 40
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bow, y1, x1+bow, y2, x1, y2)
	}
	mid := x1 + (b.X-x1)/2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, mid, y1, mid, y2, b.X, y2)
}
