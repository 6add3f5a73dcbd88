# What the scripts here share: they source it, and are at the repository's top then.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=dist/bench
mkdir -p "$work"
broker=

# draw FILE COUNT: draws so many events, unless they are there.
draw() {
	[ -s "$1" ] && [ "$(wc -l < "$1")" = "$2" ] && return
	python3 bench/python/events.py testdata/models/card_fraud_gbdt/schema.json "$2" > "$1.part"
	mv "$1.part" "$1"
}

# start_kafka FLAG…: starts a real Kafka with topics in and out; its process is $broker.
start_kafka() {
	go build -C bench -o "../$work/stream" ./stream
	"$work/stream" broker "$@" > "$work/broker" &
	broker=$!
	until grep -q pid "$work/broker"; do sleep 0.2; done
}

# kafka_at plain|proxied: its address.
kafka_at() { sed -n "s/^$1 //p" "$work/broker"; }
