package drift

import "math"

// stability gives the population stability index, Σ (q-p) ln(q/p), and the same
// less what two samples of one distribution have on average (arXiv 2307.11878).
// Half a row is added to every cell, so that an empty one has a finite part.
func (c *cellPair) stability() (psi, corrected float64) {
	extra := float64(len(c.a)) / 2
	for i := range c.a {
		p := (float64(c.a[i]) + 0.5) / (float64(c.n) + extra)
		q := (float64(c.b[i]) + 0.5) / (float64(c.m) + extra)
		psi += (q - p) * math.Log(q/p)
	}
	return psi, psi - c.noise()
}

// confidence is the standard normal's quantile at the level of a lower bound, 95 %.
const confidence = 1.6448536269514722

// jensenShannon gives the Jensen-Shannon distance, the square root of the
// divergence to base 2 (Lin 1991), and a value that the distance of the two
// distributions themselves is above with at least 95 % confidence.
//
// The bound takes from the divergence of the samples what it is too large by on
// average (as Miller and Madow did for the entropy), and of its standard deviation
// as many times as the normal distribution wants. The variance is that of the
// delta method, and, as its gradient vanishes where both distributions are the
// same, that of the second order there. A dispersion stretches all of them.
func (c *cellPair) jensenShannon(dispersion float64) (distance, lower float64) {
	var divergence, bias float64
	var a, b moments
	for i := range c.a {
		p, q := c.p[i], c.q[i]
		mean := (p + q) / 2
		a.add(p, mean)
		b.add(q, mean)
		// Entropies of samples are too small: that of the mean, and those of
		// both sides, which count half and with the other sign.
		atP, atQ := p*(1-p)/float64(c.n), q*(1-q)/float64(c.m)
		bias -= (atP + atQ) / mean / 8
		if p > 0 {
			bias += atP / p / 4
		}
		if q > 0 {
			bias += atQ / q / 4
		}
	}
	divergence = (a.mean + b.mean) / 2
	variance := dispersion * (a.variance()/float64(c.n) + b.variance()/float64(c.m)) / 4
	second := dispersion * c.noise() / 8
	if len(c.a) > 1 {
		variance += 2 * second * second / float64(len(c.a)-1)
	}
	bound := divergence - dispersion*bias - confidence*math.Sqrt(variance)
	return math.Sqrt(max(0, divergence) / math.Ln2), math.Sqrt(max(0, bound) / math.Ln2)
}

// moments are those of the logarithm of a share over the mean of both shares.
type moments struct{ mean, square float64 }

func (m *moments) add(share, mean float64) {
	if share > 0 {
		log := math.Log(share / mean)
		m.mean += share * log
		m.square += share * log * log
	}
}

func (m *moments) variance() float64 { return max(0, m.square-m.mean*m.mean) }
