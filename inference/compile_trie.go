package inference

// leaf finds or makes the node that a path in the config leads to. A path that
// cannot be read is reported at the given place.
func (c *compiler) leaf(at []string, text, user string, required bool) (node int, ok bool) {
	p, err := parsePath(text)
	if err != nil {
		c.report(at, "", "%s", err)
		return 0, false
	}
	return c.leafAt(at, p, text, user, required)
}

// leafAt is leaf for a path that is already read.
func (c *compiler) leafAt(at []string, p path, text, user string, required bool) (node int, ok bool) {
	c.referenced = append(c.referenced, reference{at, p, text, user, required})
	for depth := 1; depth <= len(p); depth++ {
		if node, ok = c.child(node, p[:depth]); !ok {
			c.report(at, "", "%s: %s is used as an object in one path and as an array in another",
				user, p[:depth-1])
			return 0, false
		}
	}
	if n := &c.plan.nodes[node]; len(n.targets) == 0 {
		n.name = text
	}
	return node, true
}

// child finds or makes the node at p, whose parent exists. It gives false when
// the parent's children are of the other sort.
func (c *compiler) child(parent int, p path) (int, bool) {
	name := p.String()
	if node, ok := c.known[name]; ok {
		return node, true
	}
	siblings := c.plan.nodes[parent].children
	if len(siblings) > 0 {
		first := c.plan.nodes[siblings[0]].last()
		if (first.index >= 0) != (p[len(p)-1].index >= 0) {
			return 0, false
		}
	}
	node := len(c.plan.nodes)
	c.plan.nodes = append(c.plan.nodes, plannedNode{path: p, name: name})
	c.plan.nodes[parent].children = append(siblings, node)
	c.known[name] = node
	return node, true
}

// last is the step from the parent to the node.
func (n *plannedNode) last() step { return n.path[len(n.path)-1] }

// addTarget adds what becomes of a node's value, and marks the way to it when
// it is a feature.
func (c *compiler) addTarget(node int, t target) {
	n := &c.plan.nodes[node]
	n.targets = append(n.targets, t)
	if !t.feature() {
		return
	}
	for depth := 1; depth <= len(n.path); depth++ {
		c.plan.nodes[c.known[n.path[:depth].String()]].needed = true
	}
}
