package onnxfile

import "slices"

// scope is the values of one graph or function body while it is walked, and
// which of its nodes need which.
type scope struct {
	outer *scope // the graph around it, whose values it may use
	owner int32  // the node of outer that it belongs to
	given map[string]int32
	nodes int32
	edges []edge

	outputs []string // names of the values that a graph returns
}

// outside marks a value that no node gives: an input or an initializer.
const outside = -1

// edge says that node to uses what node from gives.
type edge struct{ from, to int32 }

// give notes that node by gives name. It returns false when something else
// does too. An initializer that is also an input is its default value, and
// runtimes take the last of two initializers, so only nodes are held to it.
func (s *scope) give(name string, by int32) bool {
	other, there := s.given[name]
	s.given[name] = by
	return !there || other == outside && by == outside
}

// use notes that node by uses name, here or, for a graph within a node, in
// the graphs around it; outside stands for what is no node, such as the
// graph's own outputs. It returns false when nothing gives the name, and in
// how many graphs it looked.
func (s *scope) use(name string, by int32) (found bool, looked int) {
	for ; s != nil; by, s = s.owner, s.outer {
		looked++
		if from, ok := s.given[name]; ok {
			if from != outside && by != outside {
				s.edges = append(s.edges, edge{from, by})
			}
			return true, looked
		}
	}
	return false, looked
}

// cycle gives the name of a value that is needed to compute itself. Nodes may
// stand in any order in the file, as they may for the runtime.
func (s *scope) cycle() (name string, found bool) {
	if !slices.ContainsFunc(s.edges, func(e edge) bool { return e.from >= e.to }) {
		return "", false // each node uses only what earlier ones give
	}
	waiting := s.unordered()
	// Of the nodes that wait for ever, some only wait for those on a cycle: so
	// go backwards from any until one comes again.
	needs := make([]int32, s.nodes)
	at := int32(-1)
	for _, e := range s.edges {
		if waiting[e.from] > 0 && waiting[e.to] > 0 {
			needs[e.to] = e.from
			at = e.to
		}
	}
	if at < 0 {
		return "", false
	}
	for range s.nodes {
		at = needs[at]
	}
	for value, by := range s.given {
		if by == at && (!found || value < name) {
			name, found = value, true
		}
	}
	return name, true
}

// unordered puts the nodes in an order in which each comes after those that it
// uses, and gives for every node how many of its uses never came.
func (s *scope) unordered() (waiting []int32) {
	waiting = make([]int32, s.nodes)
	first := make([]int32, s.nodes+1) // where a node's users begin in users
	for _, e := range s.edges {
		waiting[e.to]++
		first[e.from+1]++
	}
	for i := range s.nodes {
		first[i+1] += first[i]
	}
	users := make([]int32, len(s.edges))
	fill := slices.Clone(first)
	for _, e := range s.edges {
		users[fill[e.from]] = e.to
		fill[e.from]++
	}
	ready := make([]int32, 0, s.nodes)
	for i, n := range waiting {
		if n == 0 {
			ready = append(ready, int32(i))
		}
	}
	for len(ready) > 0 {
		node := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, user := range users[first[node]:first[node+1]] {
			if waiting[user]--; waiting[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	return waiting
}
