package drift

import "math"

// ADWIN keeps a window of the latest values and cuts it wherever the means of the
// two parts differ more than chance allows: Bifet and Gavaldà 2007, Learning from
// time-changing data with adaptive windowing, SIAM Data Mining. The window is an
// exponential histogram, so that it takes logarithmic space. As in river, a change
// empties it.
type ADWIN struct {
	Delta           float64 `json:"delta"`             // chance of a false change at a check
	Clock           int     `json:"clock"`             // values from check to check
	MaxBuckets      int     `json:"max_buckets"`       // of one size, before two become one of the next
	MinWindowLength int     `json:"min_window_length"` // values in either part
	GracePeriod     int     `json:"grace_period"`      // values before the first check

	window adwinWindow
}

// NewADWIN makes one with river's defaults.
func NewADWIN() *ADWIN {
	return &ADWIN{Delta: 0.002, Clock: 32, MaxBuckets: 5, MinWindowLength: 5, GracePeriod: 10}
}

// Update takes the next value.
func (a *ADWIN) Update(x float64) bool {
	a.window.add(x, a.MaxBuckets)
	if a.window.length%a.Clock != 0 || a.window.length <= a.GracePeriod || !a.changed() {
		return false
	}
	a.window = adwinWindow{}
	return true
}

// adwinWindow is a histogram of exponential buckets.
type adwinWindow struct {
	totals  [][]float64 // of the buckets of 2^i values, the oldest first
	length  int
	total   float64
	squares float64 // sum of the squared distances from the mean
}

func (w *adwinWindow) add(x float64, maxBuckets int) {
	if n := float64(w.length); n > 0 {
		off := x - w.total/n
		w.squares += n * off * off / (n + 1)
	}
	w.length++
	w.total += x
	if w.totals == nil {
		w.totals = [][]float64{nil}
	}
	w.totals[0] = append(w.totals[0], x)
	for i := 0; len(w.totals[i]) > maxBuckets; i++ {
		if i+1 == len(w.totals) {
			w.totals = append(w.totals, nil)
		}
		row := w.totals[i]
		w.totals[i+1] = append(w.totals[i+1], row[0]+row[1])
		w.totals[i] = append(row[:0], row[2:]...)
	}
}

// changed tries every cut between two buckets, from the oldest on. All are tried,
// the one behind the newest bucket of a size too.
func (a *ADWIN) changed() bool {
	w := &a.window
	confidence := math.Log(2 * math.Log(float64(w.length)) / a.Delta)
	variance := w.squares / float64(w.length)
	older, total := 0, 0.0
	for i := len(w.totals) - 1; i >= 0; i-- {
		for _, t := range w.totals[i] {
			older, total = older+1<<i, total+t
			newer := w.length - older
			if older < a.MinWindowLength || newer < a.MinWindowLength {
				continue
			}
			m := 1/float64(older-a.MinWindowLength+1) + 1/float64(newer-a.MinWindowLength+1)
			allowed := math.Sqrt(2*m*variance*confidence) + 2./3*confidence*m
			if math.Abs(total/float64(older)-(w.total-total)/float64(newer)) > allowed {
				return true
			}
		}
	}
	return false
}
