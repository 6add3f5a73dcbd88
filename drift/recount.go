package drift

// Recount makes of what was counted without a reference what s counts, which has
// the same fields: values that were counted by hash become those of the reference's
// names, Other and New. Numbers keep their buckets, so that s must be of a reference
// that was collected (Collect), which splits none. Where there were more than
// MaxCategories values, those that were not told apart stay Other.
func (s *Schema) Recount(d *Delta) {
	for i := range d.Panes {
		p := &d.Panes[i]
		p.Texts = nil
		for j := range p.Fields[:min(len(p.Fields), len(s.Fields))] {
			s.Fields[j].recount(&p.Fields[j])
		}
	}
}

func (f *FieldSchema) recount(c *Counts) {
	if f.dictionary == nil {
		return
	}
	named := c.Categories[:0]
	for _, category := range c.Categories {
		switch slot := f.dictionary.find(category.Key).slot; {
		case slot >= firstName:
			named = append(named, category)
		case slot == newSlot && !f.Open:
			c.New += category.N
		default:
			c.Other += category.N
		}
	}
	c.Categories = named
}
