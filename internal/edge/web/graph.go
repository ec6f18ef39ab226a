package web

import (
	"fmt"
	"slices"
	"strings"

	"casus/internal/core/report"
)

// Bounds of the graph on one page.
const (
	maxNodes    = 150 // nodes drawn
	maxOpened   = 32  // neighbours whose own neighbours are asked for
	maxChildren = 6   // neighbours drawn of one neighbour; a last node counts the rest
)

// Layout of the graph, in SVG units.
const (
	nodeWidth  = 250
	nodeHeight = 34
	nodeGap    = 8
	layerGap   = 110
	graphEdge  = 8
	// selfLowest is how far down the object itself may stand: on the first
	// screen, however long the columns are.
	selfLowest = 240
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

// Node is one object in the drawing, or what is left of the neighbours of one.
type Node struct {
	X, Y       int
	TextX      int
	TypeY      int
	NameY      int
	ID         string
	Link       string
	Type, Name string
	Short      string
	Held       bool
	Self       bool
	Rest       bool
	layer      int
	parent     int
}

// Edge links two nodes.
type Edge struct {
	Path     string
	How      string
	From, To string // names
	FromLink string
	ToLink   string
	Rest     bool
	// Across says that the edge is none of the tree, which is drawn stronger.
	Across   bool
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
	g.node(report.Neighbor{ID: o.ID, Type: o.Type, Name: o.Name, Held: true}, 0, 0)
	for _, n := range o.Linked {
		g.link(0, n, 1)
	}
	opened := 0
	for i := 1; i < len(p.Nodes) && opened < maxOpened && len(p.Nodes) < maxNodes; i++ {
		if n := p.Nodes[i]; n.layer != 1 || !n.Held {
			continue
		}
		opened++
		next, err := c.r.Object(c.ctx(), p.Nodes[i].ID)
		if err != nil {
			continue // withheld since it was listed; it stays a node without neighbours
		}
		f.mark(next.TLP)
		g.children(i, next)
	}
	f.Title = f.T("graph.title", p.Shown(p.Name))
	p.layOut()
	ids := cited(o, o.Linked)
	for _, n := range p.Nodes[1:] {
		if n.Held && !n.Rest {
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
func (g *grower) node(n report.Neighbor, layer, parent int) int {
	if i, ok := g.at[n.ID]; ok {
		return i
	}
	if len(g.p.Nodes) >= maxNodes {
		g.p.Left++
		return -1
	}
	name := n.Name
	if name == "" {
		name = n.ID
	}
	i := len(g.p.Nodes)
	node := Node{ID: n.ID, Type: g.p.Kind(n.Type), Name: g.p.Shown(name), Held: n.Held, Self: layer == 0, layer: layer, parent: parent}
	if n.Held && layer > 0 {
		node.Link = objectPath(n.ID)
	}
	g.add(node)
	g.at[n.ID] = i
	return i
}

func (g *grower) add(n Node) {
	const shortRunes = 31
	n.Short = cut(n.Name, shortRunes)
	g.p.Nodes = append(g.p.Nodes, n)
}

// link joins the node at from with its neighbour n.
func (g *grower) link(from int, n report.Neighbor, layer int) {
	to := g.node(n, layer, from)
	if to < 0 || to == from || g.edges[[2]int{from, to}] || g.edges[[2]int{to, from}] {
		return
	}
	g.edges[[2]int{from, to}] = true
	g.edge(from, to, n.How)
}

func (g *grower) edge(from, to int, how string) {
	a, b := g.p.Nodes[from], g.p.Nodes[to]
	e := Edge{from: from, to: to, How: how, From: a.Name, FromLink: a.Link, To: b.Name, ToLink: b.Link, Rest: b.Rest}
	if a.Self {
		e.FromLink = objectPath(a.ID)
	}
	g.p.Edges = append(g.p.Edges, e)
}

// children joins a neighbour with its own neighbours: all that are drawn
// already, the first few that are not, and one node for the rest.
func (g *grower) children(at int, o report.Object) {
	fresh, rest := 0, 0
	for _, n := range o.Linked {
		if _, drawn := g.at[n.ID]; !drawn {
			if fresh >= maxChildren {
				rest++
				continue
			}
			fresh++
		}
		g.link(at, n, 2)
	}
	if rest == 0 {
		return
	}
	if rest == 1 || len(g.p.Nodes) >= maxNodes {
		g.p.Left += rest
		return
	}
	to := len(g.p.Nodes)
	g.add(Node{
		ID: o.ID, Link: objectPath(o.ID) + "/graph", Type: g.p.T("graph.rest"), Name: g.p.Count("n.objects", rest),
		Held: true, Rest: true, layer: 2, parent: at,
	})
	g.edge(at, to, "")
}

// layOut draws a tree of three columns: each neighbour stands beside its own,
// the object beside the first of them.
func (p *graphPage) layOut() {
	const row = nodeHeight + nodeGap
	kids := make([][]int, len(p.Nodes))
	for i, n := range p.Nodes {
		if i > 0 {
			kids[n.parent] = append(kids[n.parent], i)
		}
	}
	first := kids[0]
	slices.SortStableFunc(first, func(a, b int) int { return compare(p.Nodes[a], p.Nodes[b]) })
	rows, columns := 0, min(2, len(p.Nodes))
	for _, i := range first {
		own := kids[i]
		for k, j := range own {
			p.place(j, graphEdge+(rows+k)*row)
			columns = 3
		}
		span := max(1, len(own))
		p.place(i, graphEdge+rows*row+(span-1)*row/2)
		rows += span
	}
	rows = max(rows, 1)
	p.place(0, min(graphEdge+(rows-1)*row/2, selfLowest))
	p.Height = rows*row - nodeGap + 2*graphEdge
	p.Width = columns*(nodeWidth+layerGap) - layerGap + 2*graphEdge
	for i := range p.Edges {
		e := &p.Edges[i]
		e.Path = curve(p.Nodes[e.from], p.Nodes[e.to])
		e.Across = p.Nodes[e.to].parent != e.from
	}
}

func (p *graphPage) place(i, y int) {
	n := &p.Nodes[i]
	n.X, n.Y = graphEdge+n.layer*(nodeWidth+layerGap), y
	n.TextX, n.TypeY, n.NameY = n.X+10, n.Y+13, n.Y+27
}

// compare orders neighbours: those that are here first, then by type.
func compare(a, b Node) int {
	if a.Held != b.Held {
		if a.Held {
			return -1
		}
		return 1
	}
	return strings.Compare(a.Type, b.Type)
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
