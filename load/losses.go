package load

import "maps"

// lossesMap is the map that `compile --count-losses` adds: one value on each
// processor, a struct with a counter for each map that may lose something.
const lossesMap = "whistler_losses"

// Losses says how much each map could not take so far: records that a ring
// buffer had no room for, new entries of a full map. It is empty where the
// object does not count them.
func (c *Collection) Losses() (map[string]uint64, error) {
	m, spec := c.coll.Maps[lossesMap], c.Spec.Maps[lossesMap]
	if m == nil || spec == nil {
		return nil, nil
	}
	var perCPU [][]byte
	if err := m.Lookup(uint32(0), &perCPU); err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for _, v := range perCPU {
		fields, _ := Decode(spec.Value, v).([]Field)
		for _, f := range fields {
			n, _ := f.Value.(uint64)
			out[f.Name] += n
		}
	}
	maps.DeleteFunc(out, func(_ string, n uint64) bool { return n == 0 })
	return out, nil
}
