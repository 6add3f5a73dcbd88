package inference

import (
	"testing"
	"time"
)

func TestEventTime(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{EventTime: "meta.ts"}, nil)
	for value, want := range map[string]string{
		`"2026-11-21T09:00:00Z"`:                "2026-11-21T09:00:00Z",
		`"2026-11-21T09:00:00.123456789+01:30"`: "2026-11-21T07:30:00.123456789Z",
		`"2026-11-21t09:00:00.1-00:30"`:         "2026-11-21T09:30:00.1Z",
		`"2026-11-21 09:00:00.1234567899z"`:     "2026-11-21T09:00:00.123456789Z",
		`"2024-02-29T23:59:59Z"`:                "2024-02-29T23:59:59Z",
		`"1969-12-31T23:59:59.5Z"`:              "1969-12-31T23:59:59.5Z",
		`"1700-01-01T00:00:00Z"`:                "1700-01-01T00:00:00Z",
		`"\u0032026-11-21T09:00:00Z"`:           "2026-11-21T09:00:00Z",
		`1780000000`:                            "2026-05-28T20:26:40Z",
		`1780000000.5`:                          "2026-05-28T20:26:40.5Z",
		`1780000000.1234567891234`:              "2026-05-28T20:26:40.123456789Z",
		`1.78e9`:                                "2026-05-28T20:26:40Z",
		`1780000000123`:                         "2026-05-28T20:26:40.123Z",
		`1780000000123.25`:                      "2026-05-28T20:26:40.12325Z",
		`1780000000123456`:                      "2026-05-28T20:26:40.123456Z",
		`1780000000123456789`:                   "2026-05-28T20:26:40.123456789Z",
		`100000000000`:                          "1973-03-03T09:46:40Z",
		`100000000000000`:                       "1973-03-03T09:46:40Z",
		`100000000000000000`:                    "1973-03-03T09:46:40Z",
		`9223372036`:                            "2262-04-11T23:47:16Z",
		`9223372036854`:                         "2262-04-11T23:47:16.854Z",
		`9223372036854775`:                      "2262-04-11T23:47:16.854775Z",
		// Of 11, 14 and 17 digits are only times beyond: never the next unit.
		`10000000000`:                 "",
		`99999999999`:                 "",
		`10000000000000`:              "",
		`99999999999999`:              "",
		`10000000000000000`:           "",
		`99999999999999999`:           "",
		`-1`:                          "1969-12-31T23:59:59Z",
		`-1500000000000`:              "1922-06-20T21:20:00Z",
		`0`:                           "1970-01-01T00:00:00Z",
		`0.000000001`:                 "1970-01-01T00:00:00.000000001Z",
		`1e-30`:                       "1970-01-01T00:00:00Z",
		`0e400`:                       "1970-01-01T00:00:00Z",
		`"1780000000"`:                "2026-05-28T20:26:40Z",
		`"1780000000123"`:             "2026-05-28T20:26:40.123Z",
		`9223372036854775807`:         "2262-04-11T23:47:16.854775807Z",
		`9223372036854775808`:         "",
		`18446744073709551615`:        "",
		`1e400`:                       "",
		`99999999999999999999`:        "",
		`"2026-11-21T09:00:00"`:       "",
		`"2026-11-21"`:                "",
		`"2026-13-21T09:00:00Z"`:      "",
		`"2026-02-29T09:00:00Z"`:      "",
		`"2026-00-10T09:00:00Z"`:      "",
		`"2026-01-00T09:00:00Z"`:      "",
		`"2026-11-21T24:00:00Z"`:      "",
		`"2026-11-21T09:60:00Z"`:      "",
		`"2026-11-21T09:00:60Z"`:      "",
		`"2026-11-21T09:00:00.Z"`:     "",
		`"2026-11-21T09:00:00.1"`:     "",
		`"2026-11-21T09:00:00+0100"`:  "",
		`"2026-11-21T09:00:00+24:00"`: "",
		`"2026-11-21T09:00:00+01:60"`: "",
		`"2026-11-21T09:00:00+0a:00"`: "",
		`"2026-11-21T09:00:00Zx"`:     "",
		`"2026-11-21T0a:00:00Z"`:      "",
		`"2026-11-21x09:00:00Z"`:      "",
		`"2026/11-21T09:00:00Z"`:      "",
		`"2026-11-21T09.00.00Z"`:      "",
		`"2300-01-01T00:00:00Z"`:      "",
		`"1600-01-01T00:00:00Z"`:      "",
		`"yesterday"`:                 "",
		`" 1780000000"`:               "",
		`""`:                          "",
		`null`:                        "",
		`true`:                        "",
		`[1780000000]`:                "",
		`{}`:                          "",
	} {
		b := plan.NewBatch(1)
		if r := b.DecodeJSON([]byte(`{"x":1,"meta":{"ts":` + value + `}}`)); r != nil {
			t.Errorf("%s: %v", value, r)
			continue
		}
		got := ""
		if nanos, ok := b.EventTime(0); ok {
			got = time.Unix(0, nanos).UTC().Format(time.RFC3339Nano)
		}
		if got != want || b.HasFlags(0) != (want == "") {
			t.Errorf("%s: %q, flagged %v; want %q", value, got, b.HasFlags(0), want)
		}
	}
}

// TestEventTimeIsNotKeptFromAnEarlierRow decodes a good time and then none at
// all into the same row.
func TestEventTimeIsNotKeptFromAnEarlierRow(t *testing.T) {
	b := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{EventTime: "ts"}, nil).NewBatch(1)
	decodeAll(t, b, `{"x":1,"ts":1}`)
	b.Reset()
	decodeAll(t, b, `{"x":1}`)
	if _, ok := b.EventTime(0); ok || string(b.AppendFlags(nil, 0)) != `"event_time"` {
		t.Errorf("a row without a time has one, flags %s", b.AppendFlags(nil, 0))
	}
	b = compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{}, nil).NewBatch(1)
	decodeAll(t, b, `{"x":1,"ts":1}`)
	if _, ok := b.EventTime(0); ok || b.HasFlags(0) {
		t.Error("a mapping without an event time has one, or flags its lack")
	}
}

func FuzzEventTime(f *testing.F) {
	for _, s := range []string{"2026-11-21T09:00:00Z", "2026-11-21T09:00:00.123456789+01:30", "2024-02-29t23:59:59.5-23:59", "1780000000.25", "-5", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		nanos, ok := parseRFC3339([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		// time.Parse also takes a comma for the dot and a time zone of 24 hours.
		if err == nil && want.Year() > 1700 && want.Year() < 2200 {
			if ok && nanos != want.UnixNano() {
				t.Errorf("%q: %d, want %d", s, nanos, want.UnixNano())
			}
		} else if ok && err != nil && s[10] == 'T' && s[len(s)-1] != 'z' {
			t.Errorf("%q: %d, but time.Parse says %v", s, nanos, err)
		}
		parseEpoch([]byte(s))
	})
}
