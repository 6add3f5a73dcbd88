package inference

// takes says what an element type is filled from.
func takes(t ElementType) string {
	switch {
	case t == Bool:
		return "true or false"
	case t == String:
		return "a string"
	case t.Float():
		return "a number"
	}
	return "an integer"
}

// valueWords names the kind of a JSON value by its first byte.
func valueWords(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}
