package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

// heapGoal is how large the heap grows until the next collection, after one.
func heapGoal() uint64 {
	runtime.GC()
	runtime.GC() // what the first one found unreachable is not in this one's goal
	s := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestCollectionsAreSpared(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	before := heapGoal()
	end := spareCollections(func(string) (string, bool) { return "", false })
	if goal := heapGoal(); goal < before+2*spared*9/10 {
		t.Errorf("the heap grows to %d bytes, and did to %d", goal, before)
	}
	end()
	end = nil
	if goal := heapGoal(); goal > before+spared/2 {
		t.Errorf("in the end the heap grows to %d bytes, and did to %d", goal, before)
	}
}

func TestUsersTellTheCollector(t *testing.T) {
	before := heapGoal()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		end := spareCollections(func(asked string) (string, bool) { return "50", asked == name })
		if goal := heapGoal(); goal > before+spared {
			t.Errorf("%s: the heap grows to %d bytes, and did to %d", name, goal, before)
		}
		end()
	}
}
