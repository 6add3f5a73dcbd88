package inference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock/penstock"
)

// The oracle decodes events the slow and obvious way: encoding/json's tokens
// become a tree, in which every path is looked up. It shares no code with the
// decoder but parsePath and the config's types.

// oracleValue is a JSON value: nil, bool, json.Number, string, oracleArray or
// oracleObject.
type (
	oracleValue  any
	oracleArray  []oracleValue
	oracleObject []oracleMember
	oracleMember struct {
		key   string
		value oracleValue
	}
)

// oracleRow is what an event should become.
type oracleRow struct {
	class  penstock.ErrorClass // "" when the event is good
	inputs [][]any             // float64, *big.Int, bool or string by element
	flags  []string
	pass   map[string]oracleValue
}

func oracleTree(event []byte) (oracleValue, bool) {
	if !utf8.Valid(event) || !json.Valid(event) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	return oracleRead(d, 0)
}

func oracleRead(d *json.Decoder, depth int) (oracleValue, bool) {
	token, err := d.Token()
	if err != nil {
		return nil, false
	}
	ok := true
	switch token {
	case json.Delim('{'):
		object := oracleObject{}
		for d.More() && ok {
			key, err := d.Token()
			if err != nil {
				return nil, false
			}
			var value oracleValue
			value, ok = oracleRead(d, depth+1)
			object = append(object, oracleMember{key.(string), value})
		}
		d.Token()
		return object, ok && depth < 128
	case json.Delim('['):
		array := oracleArray{}
		for d.More() && ok {
			var value oracleValue
			value, ok = oracleRead(d, depth+1)
			array = append(array, value)
		}
		d.Token()
		return array, ok && depth < 128
	}
	return token, ok
}

// oracleFind follows a path. Absent and null values, and those below, are nil.
func oracleFind(v oracleValue, p path) (found oracleValue, present bool, class penstock.ErrorClass) {
	for _, s := range p {
		switch parent := v.(type) {
		case nil:
			return nil, false, ""
		case oracleObject:
			if s.index >= 0 {
				return nil, false, penstock.ClassType
			}
			seen := 0
			v = nil
			for _, m := range parent {
				if m.key == s.key {
					v = m.value
					seen++
				}
			}
			if seen > 1 {
				return nil, false, penstock.ClassDecode
			}
			if seen == 0 {
				return nil, false, ""
			}
		case oracleArray:
			if s.index < 0 {
				return nil, false, penstock.ClassType
			}
			if s.index >= len(parent) {
				return nil, false, ""
			}
			v = parent[s.index]
		default:
			return nil, false, penstock.ClassType
		}
	}
	return v, true, ""
}

// worse orders the classes: a malformed event, then a wrong type, then a
// missing value.
func worse(a, b penstock.ErrorClass) penstock.ErrorClass {
	for _, c := range []penstock.ErrorClass{penstock.ClassDecode, penstock.ClassType, penstock.ClassMissing} {
		if a == c || b == c {
			return c
		}
	}
	return ""
}

// oracleDecode decodes an event by a config.
func oracleDecode(cfg *Config, infos []TensorInfo, event []byte) (row oracleRow) {
	tree, ok := oracleTree(event)
	if _, object := tree.(oracleObject); !ok || !object {
		return oracleRow{class: penstock.ClassDecode}
	}
	row.pass = map[string]oracleValue{}
	for _, text := range cfg.Output.Pass {
		p, _ := parsePath(text)
		value, present, class := oracleFind(tree, p)
		if class == penstock.ClassDecode {
			row.class = class
		} else if present {
			row.pass[text] = value
		}
	}
	row.inputs = make([][]any, len(infos))
	present := make([][]any, len(infos))
	for i, info := range infos {
		in := oracleInput(cfg, info.Name)
		for c := range in.Columns {
			o := oracleColumn{row: &row, in: in, col: &in.Columns[c], typ: info.Type}
			o.fill(tree, info.Shape[1:])
			row.inputs[i] = append(row.inputs[i], o.values...)
			present[i] = append(present[i], o.present...)
		}
	}
	for i, info := range infos {
		if in := oracleInput(cfg, info.Name); in.MaskOf != "" {
			source := slices.IndexFunc(infos, func(t TensorInfo) bool { return t.Name == in.MaskOf })
			row.inputs[i] = present[source]
		}
	}
	return row
}

func oracleInput(cfg *Config, name string) *Input {
	for i := range cfg.Inputs {
		if cfg.Inputs[i].Name == name {
			return &cfg.Inputs[i]
		}
	}
	panic("the oracle wants every input in the config: " + name)
}

// oracleColumn reads one column or array.
type oracleColumn struct {
	row             *oracleRow
	in              *Input
	col             *Column
	typ             ElementType
	values, present []any
}

func (o *oracleColumn) fail(class penstock.ErrorClass) { o.row.class = worse(o.row.class, class) }

func (o *oracleColumn) fill(tree oracleValue, dims []int64) {
	p, _ := parsePath(o.col.From)
	value, _, class := oracleFind(tree, p)
	if class != "" {
		o.fail(class)
		return
	}
	elements := int64(1)
	for _, d := range dims {
		elements *= d
	}
	switch {
	case o.in.List || len(dims) == 0 || len(dims) == 1 && dims[0] == 1:
		o.element(value)
	case value == nil && elements < 0: // a missing ragged row is one substitute
		o.element(nil)
	case value == nil:
		for range elements {
			o.element(nil)
		}
	default:
		o.array(value, dims)
	}
}

func (o *oracleColumn) array(value oracleValue, dims []int64) {
	array, ok := value.(oracleArray)
	if !ok || dims[0] >= 0 && (int64(len(array)) > dims[0] || int64(len(array)) < dims[0] && o.in.Pad == nil) {
		o.fail(penstock.ClassType)
		return
	}
	for _, v := range array {
		if len(dims) > 1 {
			o.array(v, dims[1:])
		} else {
			o.element(v)
		}
	}
	for i := int64(len(array)); i < dims[0]; i++ {
		o.add(o.literal(o.in.Pad), 0)
	}
}

func (o *oracleColumn) add(v any, present int64) {
	o.values = append(o.values, v)
	o.present = append(o.present, big.NewInt(present))
}

func (o *oracleColumn) literal(lit *Literal) any {
	switch {
	case o.typ == String:
		return lit.Text
	case o.typ == Bool:
		return lit.Text == "true"
	case o.typ.Float():
		f, _ := strconv.ParseFloat(lit.Text, 64)
		return f
	}
	i, _ := new(big.Int).SetString(lit.Text, 10)
	return i
}

func (o *oracleColumn) element(value oracleValue) {
	if value == nil {
		flag := "missing:" + o.col.From
		switch o.col.Missing.Policy {
		case MissingReject:
			o.fail(penstock.ClassMissing)
			return
		case MissingNaN:
			o.add(math.NaN(), 0)
		case MissingFill:
			o.add(o.literal(&o.col.Missing.Fill), 0)
		}
		if !slices.Contains(o.row.flags, flag) {
			o.row.flags = append(o.row.flags, flag)
		}
		return
	}
	v, ok := o.convert(value)
	if !ok {
		o.fail(penstock.ClassType)
		return
	}
	o.add(v, 1)
}

func (o *oracleColumn) convert(value oracleValue) (any, bool) {
	text, isText := value.(string)
	truth, isBool := value.(bool)
	number, isNumber := value.(json.Number)
	switch {
	case o.typ == String:
		return text, isText
	case o.typ == Bool:
		return truth, isBool
	case isBool:
		number = "0"
		if truth {
			number = "1"
		}
	case isText && o.col.Coerce:
		// A JSON number and nothing else: Unmarshal would also skip space.
		if strings.TrimSpace(text) != text || json.Unmarshal([]byte(text), &number) != nil || text == "null" || text[0] == '"' {
			return nil, false
		}
	case !isNumber:
		return nil, false
	}
	if o.typ.Float() {
		return oracleFloat(string(number))
	}
	return oracleInteger(string(number), o.typ)
}

// oracleBits is how an element lies in a tensor.
func oracleBits(typ ElementType, v any) string {
	switch v := v.(type) {
	case float64:
		switch typ {
		case Float16:
			return fmt.Sprint(slowHalf(v))
		case Float32:
			return fmt.Sprint(math.Float32bits(float32(v)))
		}
		return fmt.Sprint(math.Float64bits(v))
	case *big.Int:
		if typ.Float() {
			f, _ := new(big.Float).SetInt(v).Float64()
			return oracleBits(typ, f)
		}
		return v.String()
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprintf("%q", v)
}

// tensorBits writes a tensor's elements as oracleBits does.
func tensorBits(t *Tensor) []string {
	bits := make([]string, t.Count())
	for i := range bits {
		switch t.Type {
		case Float16, Uint16:
			bits[i] = fmt.Sprint(Values[uint16](t)[i])
		case Float32, Uint32:
			bits[i] = fmt.Sprint(Values[uint32](t)[i])
		case Float64, Uint64:
			bits[i] = fmt.Sprint(Values[uint64](t)[i])
		case Int8:
			bits[i] = fmt.Sprint(Values[int8](t)[i])
		case Int16:
			bits[i] = fmt.Sprint(Values[int16](t)[i])
		case Int32:
			bits[i] = fmt.Sprint(Values[int32](t)[i])
		case Int64:
			bits[i] = fmt.Sprint(Values[int64](t)[i])
		case Uint8, Bool:
			bits[i] = fmt.Sprint(Values[uint8](t)[i])
		case String:
			bits[i] = fmt.Sprintf("%q", t.TextAt(i))
		}
	}
	return bits
}
