module github.com/penstock/penstock/bench

go 1.26.0

replace github.com/penstock/penstock => ../

require github.com/penstock/penstock v0.0.0-00010101000000-000000000000
