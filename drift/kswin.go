package drift

import "slices"

// KSWIN tests the newest values of a window against as many drawn from the older
// ones with the Kolmogorov-Smirnov test: Raab, Heusinger and Schleif 2020, Reactive
// soft prototype computing for concept drift streams, Neurocomputing 416. The draw
// follows from Seed (SplitMix64), so that the same series gives the same changes
// anywhere; they are not those that river's generator gives.
type KSWIN struct {
	Alpha      float64 `json:"alpha"`       // p-value of a change
	WindowSize int     `json:"window_size"` // values
	StatSize   int     `json:"stat_size"`   // newest values, at most half of the window
	Seed       uint64  `json:"seed"`

	window []float64 // the oldest first
	state  uint64
}

// kswinSmallest is the least distance that counts, as in river.
const kswinSmallest = 0.1

// NewKSWIN makes one with river's defaults.
func NewKSWIN() *KSWIN { return &KSWIN{Alpha: 0.005, WindowSize: 100, StatSize: 30} }

// Update takes the next value.
func (k *KSWIN) Update(x float64) bool {
	if len(k.window) == 0 {
		k.state = k.Seed
	}
	k.window = append(k.window, x)
	if len(k.window) < k.WindowSize {
		return false
	}
	k.window = k.window[len(k.window)-k.WindowSize:]
	older := k.WindowSize - k.StatSize
	drawn := ascending(k.draw(k.window[:older]), isNumber)
	newest := ascending(k.window[older:], isNumber)
	if ksDistance(drawn, newest) <= kswinSmallest || ksPValue(drawn, newest) > k.Alpha {
		return false
	}
	k.window = k.window[:0]
	return true
}

// draw takes as many values as are tested, none twice.
func (k *KSWIN) draw(older []float64) []float64 {
	older = slices.Clone(older)
	for i := range min(k.StatSize, len(older)) {
		j := i + int(k.next()%uint64(len(older)-i))
		older[i], older[j] = older[j], older[i]
	}
	return older[:min(k.StatSize, len(older))]
}

// next is SplitMix64: Steele, Lea and Flood 2014, Fast splittable pseudorandom
// number generators, OOPSLA.
func (k *KSWIN) next() uint64 {
	k.state += 0x9e3779b97f4a7c15
	z := k.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
