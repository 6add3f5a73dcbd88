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

// effects are the least distances worth an alarm that are tried, the default first.
var effects = map[string]float64{"penstock": 0.1, "penstock, effect 0.03": 0.03}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "the folder that the rows and penstock's results are written to")
	flag.Parse()
	if err := run(*out); err != nil {
		log.Fatal(err)
	}
}

func run(out string) error {
	reference, null := draw(1, referenceRows, nil), draw(2, nullRows, nil)
	if err := reference.write(filepath.Join(out, "reference.csv"), allColumns); err != nil {
		return err
	}
	if err := null.write(filepath.Join(out, "null.csv"), allColumns); err != nil {
		return err
	}
	ref, err := build(reference)
	if err != nil {
		return err
	}
	results := map[string]*result{}
	for name, effect := range effects {
		alarms := watch(null, ref, config(effect))
		results[name] = &result{NullAlarms: len(alarms), NullHours: nullRows / rowsPerHour, Delays: map[string][]int{}}
	}
	for n, s := range shifts {
		for i := range repetitions {
			// An hour without the shift comes first.
			t := draw(uint64(100+n), rowsPerHour+shiftRows, &s, uint64(i))
			if err := t.write(filepath.Join(out, s.file(i)), []string{s.column}); err != nil {
				return err
			}
			for name, effect := range effects {
				r := results[name]
				r.Delays[s.name] = append(r.Delays[s.name], delay(watch(t, ref, config(effect))))
			}
		}
	}
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "penstock.json"), data, 0o644)
}

func config(effect float64) drift.JudgeConfig {
	return drift.JudgeConfig{
		FalseAlarms: 1, Per: 30 * 24 * time.Hour, Effect: effect, MinRows: 500,
		Windows: []drift.WindowSpec{{Name: "1h", Length: time.Hour}},
	}
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
