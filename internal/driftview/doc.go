// Package driftview shows drift reports to people: as a table for a terminal, and
// as one HTML page that needs nothing but itself.
package driftview
