package inference

import "fmt"

// maxBatchBytes bounds what the inputs of fixed width take in a full batch,
// which is there from the start, once a worker.
const maxBatchBytes = 1 << 30

// batchSize reports a batch that takes too much memory.
func (c *compiler) batchSize() {
	row := 0
	for i := range c.plan.inputs {
		if in := &c.plan.inputs[i]; in.layout != raggedLayout {
			row += in.width * elementBytes(in.info.Type)
		}
	}
	if row == 0 || c.opt.MaxRows <= maxBatchBytes/row {
		return
	}
	at, most := []string{"batch", "max_rows"}, maxBatchBytes/row
	if most == 0 {
		c.report(at, "", "one row of the model's inputs takes %d MiB, but a batch may take %d", row>>20, maxBatchBytes>>20)
		return
	}
	c.report(at, fmt.Sprintf("at most %d fit", most), "%d rows of the model's inputs take %d MiB, but a batch may take %d",
		c.opt.MaxRows, row*c.opt.MaxRows>>20, maxBatchBytes>>20)
}
