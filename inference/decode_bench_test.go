package inference

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// fraudMapping is the mapping of testdata/models/card_fraud_gbdt: 20 floats out
// of 25 keys.
func fraudMapping(tb testing.TB) *Plan {
	tb.Helper()
	cfg := &Config{Inputs: []Input{{Name: "input", List: true}}}
	for i, from := range []string{
		"amount", "amount_avg_30d", "amount_sum_24h", "tx_count_1h", "tx_count_24h", "secs_since_last", "merchant_risk",
		"mcc", "distance_home_km", "is_3ds", "card_present", "hour", "weekday", "failed_pin_24h", "customer.age",
		"customer.tenure_days", "customer.credit_limit", "customer.utilization", "device.age_days", "device.ip_risk",
	} {
		cfg.Inputs[0].Columns = append(cfg.Inputs[0].Columns, Column{From: from, Missing: Missing{Policy: MissingNaN}, At: i})
	}
	plan, problems := Compile(cfg, []TensorInfo{{Name: "input", Type: Float32, Shape: []int64{Dynamic, 20}}}, CompileOptions{})
	if plan == nil {
		tb.Fatal(problems)
	}
	return plan
}

// fraudEvents are 200 different events of some 520 bytes.
func fraudEvents(tb testing.TB) [][]byte {
	tb.Helper()
	text, err := os.ReadFile("../testdata/models/card_fraud_gbdt/events.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

// fraudStruct is what a careful user of encoding/json would decode into.
type fraudStruct struct {
	Amount        *float32 `json:"amount"`
	AmountAvg30d  *float32 `json:"amount_avg_30d"`
	AmountSum24h  *float32 `json:"amount_sum_24h"`
	TxCount1h     *float32 `json:"tx_count_1h"`
	TxCount24h    *float32 `json:"tx_count_24h"`
	SecsSinceLast *float32 `json:"secs_since_last"`
	MerchantRisk  *float32 `json:"merchant_risk"`
	MCC           *float32 `json:"mcc"`
	DistanceHome  *float32 `json:"distance_home_km"`
	Is3DS         *bool    `json:"is_3ds"`
	CardPresent   *bool    `json:"card_present"`
	Hour          *float32 `json:"hour"`
	Weekday       *float32 `json:"weekday"`
	FailedPin24h  *float32 `json:"failed_pin_24h"`
	Customer      struct {
		Age         *float32 `json:"age"`
		TenureDays  *float32 `json:"tenure_days"`
		CreditLimit *float32 `json:"credit_limit"`
		Utilization *float32 `json:"utilization"`
	} `json:"customer"`
	Device struct {
		AgeDays *float32 `json:"age_days"`
		IPRisk  *float32 `json:"ip_risk"`
	} `json:"device"`
}

// BenchmarkDecode compares one event's way into a tensor row with
// encoding/json's into a struct, over 200 different events in turn.
func BenchmarkDecode(b *testing.B) {
	events := fraudEvents(b)
	size := 0
	for _, e := range events {
		size += len(e)
	}
	b.Run("penstock", func(b *testing.B) {
		batch := fraudMapping(b).NewBatch(256)
		b.SetBytes(int64(size / len(events)))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if batch.Full() {
				batch.Reset()
			}
			if r := batch.DecodeJSON(events[i]); r != nil {
				b.Fatal(r)
			}
			if i++; i == len(events) {
				i = 0
			}
		}
	})
	b.Run("encoding_json_struct", func(b *testing.B) {
		b.SetBytes(int64(size / len(events)))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			var v fraudStruct
			if err := json.Unmarshal(events[i], &v); err != nil {
				b.Fatal(err)
			}
			if i++; i == len(events) {
				i = 0
			}
		}
	})
}

// BenchmarkDecodeArray decodes embeddings of 24 values in 300 bytes.
func BenchmarkDecodeArray(b *testing.B) {
	text, err := os.ReadFile("../testdata/models/mlp_f16/events.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	events := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	batch := compiled(b, []TensorInfo{declared("embedding", Float16, 24)}, CompileOptions{}, nil).NewBatch(256)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if batch.Full() {
			batch.Reset()
		}
		if r := batch.DecodeJSON(events[i]); r != nil {
			b.Fatal(r)
		}
		if i++; i == len(events) {
			i = 0
		}
	}
}
