package cardevents

// field is one member of the event.
type field struct {
	object string // the object that it is in; empty: the event itself
	name   string
	value  value
	null   float64 // share of the events in which it is null
	absent float64 // share of the events in which it is not there
}

// keyField is what the stream is partitioned by.
const keyField = "card_id"

// usualFields are those that the fraud model was trained on, in the order in
// which they are written. An object's fields stand together.
func usualFields() []field {
	return []field{
		{name: "transaction_id", value: uuid},
		{name: "event_time", value: timestamp},
		{name: keyField, value: oneOf("c", 8, 200_000, 1.6)},
		{name: "merchant_id", value: oneOf("m", 6, 15_000, 2.5)},
		{name: "country", value: categories(
			weighted{`"DE"`, 30}, weighted{`"FR"`, 15}, weighted{`"NL"`, 9}, weighted{`"PL"`, 9}, weighted{`"ES"`, 8},
			weighted{`"IT"`, 8}, weighted{`"GB"`, 8}, weighted{`"US"`, 7}, weighted{`"TR"`, 3}, weighted{`"BR"`, 3},
		)},
		{name: "amount", value: decimal(2, 0.01, 25_000, lognormal(3.3, 1.25))},
		{name: "amount_avg_30d", value: decimal(2, 1, 9_000, lognormal(3.5, 0.7))},
		{name: "amount_sum_24h", value: decimal(2, 0, 60_000, lognormal(3.9, 1.1))},
		{name: "tx_count_1h", value: whole(0, 40, poisson(0.6))},
		{name: "tx_count_24h", value: whole(0, 200, poisson(3.1))},
		{name: "secs_since_last", value: whole(1, 2_592_000, exponential(21_000)), null: 0.03},
		{name: "merchant_risk", value: decimal(4, 0, 1, power(0, 1, 2.6))},
		{name: "mcc", value: categories(
			weighted{"5411", 28}, weighted{"5812", 17}, weighted{"5541", 12}, weighted{"5732", 6}, weighted{"4829", 3},
			weighted{"6011", 7}, weighted{"7995", 2}, weighted{"5912", 8}, weighted{"4111", 11}, weighted{"5999", 6},
		)},
		{name: "distance_home_km", value: decimal(1, 0, 18_000, lognormal(2.1, 1.6))},
		{name: "is_3ds", value: bernoulli(0.61)},
		{name: "card_present", value: bernoulli(0.44)},
		{name: "hour", value: indices(4, 2, 1, 1, 1, 2, 4, 8, 12, 14, 15, 17, 20, 18, 16, 16, 18, 22, 23, 19, 14, 10, 8, 6)},
		{name: "weekday", value: indices(1, 1, 1, 1, 1, 1, 1)},
		{name: "failed_pin_24h", value: whole(0, 9, poisson(0.08))},
		{object: "customer", name: "age", value: whole(18, 97, normal(43, 15))},
		{object: "customer", name: "tenure_days", value: whole(0, 12_000, exponential(1_300))},
		{object: "customer", name: "credit_limit", value: categories(
			weighted{"500", 10}, weighted{"1000", 25}, weighted{"2000", 28},
			weighted{"5000", 22}, weighted{"10000", 11}, weighted{"25000", 4},
		)},
		{object: "customer", name: "utilization", value: decimal(3, 0, 1.2, power(0, 1.2, 1.7))},
		{object: "device", name: "age_days", value: whole(0, 4_000, exponential(400)), absent: 0.05},
		{object: "device", name: "ip_risk", value: decimal(4, 0, 1, power(0, 1, 3.2))},
	}
}

// shiftedFields are the usual ones but for those that a wave of fraud moves.
func shiftedFields() []field {
	moved := map[string]value{
		"country": categories(
			weighted{`"DE"`, 18}, weighted{`"FR"`, 9}, weighted{`"NL"`, 6}, weighted{`"PL"`, 7}, weighted{`"ES"`, 6},
			weighted{`"IT"`, 6}, weighted{`"GB"`, 8}, weighted{`"US"`, 16}, weighted{`"TR"`, 11}, weighted{`"BR"`, 13},
		),
		"amount":           decimal(2, 0.01, 25_000, lognormal(3.9, 1.35)),
		"tx_count_1h":      whole(0, 40, poisson(1.2)),
		"distance_home_km": decimal(1, 0, 18_000, lognormal(3.0, 1.8)),
		"is_3ds":           bernoulli(0.45),
		"card_present":     bernoulli(0.28),
		"hour":             indices(16, 15, 14, 13, 10, 7, 5, 7, 9, 10, 11, 12, 14, 13, 12, 12, 13, 15, 16, 15, 13, 13, 14, 15),
		"failed_pin_24h":   whole(0, 9, poisson(0.2)),
		"age_days":         whole(0, 4_000, exponential(150)), // of the device
		"ip_risk":          decimal(4, 0, 1, power(0, 1, 1.9)),
	}
	fields := usualFields()
	for i := range fields {
		if v, ok := moved[fields[i].name]; ok {
			fields[i].value = v
		}
	}
	return fields
}
