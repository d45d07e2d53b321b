package check

import (
	"slices"

	"firn/internal/format"
)

// record writes what no record says yet: the packs not to be relied on, whether
// snapshots need them now or not, and the chunks to be stored again. Segments that
// turned out damaged must not be believed from the local cache any longer.
func (c *checker) record() {
	if slices.ContainsFunc(c.ledger.list, func(f *Finding) bool { return isSegment(f.Object) }) {
		c.report.Unrecorded = c.origin.Cache().DropIndex()
	}
	record := c.unwritten()
	if c.opts.NoRecord || len(record.DamagedPacks) == 0 && len(record.DamagedChunks) == 0 {
		return
	}
	record.Kind, record.Time = format.RecordDamage, c.origin.Now().UnixNano()
	name, err := c.origin.WriteRecord(c.ctx, record)
	if err != nil {
		c.report.Unrecorded = err
		return
	}
	c.report.Record = name
}

func isSegment(name string) bool {
	_, _, err := format.ParseSegmentName(name)
	return err == nil
}

// unwritten returns what is to be recorded and is not yet.
func (c *checker) unwritten() *format.Record {
	record := new(format.Record)
	for _, p := range c.packs.order {
		if p.fault != nil && !p.recorded {
			record.DamagedPacks = append(record.DamagedPacks, p.info.Name)
			if len(record.Reasons) < maxReasons {
				record.Reasons = append(record.Reasons, p.info.Name.Object()+": "+string(p.fault.Kind))
			}
		}
	}
	known := c.records.DamagedChunks()
	for _, id := range c.cured {
		if !known[id] {
			record.DamagedChunks = append(record.DamagedChunks, id)
		}
	}
	return record
}

// maxReasons bounds the words in a record.
const maxReasons = 1000
