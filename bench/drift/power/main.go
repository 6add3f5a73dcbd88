// Command power draws streams with and without a shift, lets penstock's judge
// watch them, and writes the same rows for the tools that it is compared with:
// see power.py beside it.
//
//	power -out DIR
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/penstock/penstock/drift"
)

const (
	rowsPerHour   = 1000
	referenceRows = 20_000
	nullRows      = 240_000 // ten days
	shiftRows     = 20_000
	repetitions   = 10
)

// result is what power.py puts into the table.
type result struct {
	NullAlarms int              `json:"null_alarms"`
	NullHours  int              `json:"null_hours"`
	Delays     map[string][]int `json:"delays"` // rows; -1: not within shiftRows
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "the folder that the rows and penstock's results are written to")
	effect := flag.Float64("effect", 0.1, "the smallest distance worth an alarm")
	flag.Parse()
	if err := run(*out, *effect); err != nil {
		log.Fatal(err)
	}
}

func run(out string, effect float64) error {
	reference := draw(1, referenceRows, nil)
	if err := reference.write(filepath.Join(out, "reference.csv"), allColumns); err != nil {
		return err
	}
	ref, err := build(reference)
	if err != nil {
		return err
	}
	config := drift.JudgeConfig{
		FalseAlarms: 1, Per: 30 * 24 * time.Hour, Effect: effect, MinRows: 500,
		Windows: []drift.WindowSpec{{Name: "1h", Length: time.Hour}},
	}
	null := draw(2, nullRows, nil)
	if err := null.write(filepath.Join(out, "null.csv"), allColumns); err != nil {
		return err
	}
	r := result{NullHours: nullRows / rowsPerHour, Delays: map[string][]int{}}
	r.NullAlarms = len(watch(null, ref, config))
	for n, s := range shifts {
		for i := range repetitions {
			// An hour without the shift comes first.
			t := draw(uint64(100+n), rowsPerHour+shiftRows, &s, uint64(i))
			if err := t.write(filepath.Join(out, s.file(i)), []string{s.column}); err != nil {
				return err
			}
			r.Delays[s.name] = append(r.Delays[s.name], delay(watch(t, ref, config)))
		}
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "penstock.json"), data, 0o644)
}

// delay is how many shifted rows had come when the first alarm began.
func delay(begins []int) int {
	for _, row := range begins {
		if row > rowsPerHour {
			return row - rowsPerHour
		}
	}
	return -1
}
