//go:build !race

package modelgate

const raceDetector = false
