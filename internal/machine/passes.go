package machine

// A pass changes f and reports whether it did.
type pass struct {
	name string
	run  func(f *Func) bool
	why  string
}

// passes runs again and again until nothing changes.
var passes = [...]pass{
	{"shortcut", shortcut, "first, so that the others see no blocks that only lead on"},
	{"exits", exits, "an end that all ways share"},
	{"known", known, "what a register or stack slot already holds"},
	{"dead", dead, "what nobody reads, now that others are gone"},
	{"heads", heads, "what both ways begin with"},
	{"early", early, "constants first, so that ends are alike"},
	{"tails", tails, "what several ways end with"},
	{"arms", arms, "a constant for one way is set before the branch, and saves a jump"},
}

// Names lists the passes, which may all be left out.
func Names() (names []string) {
	for _, p := range passes {
		names = append(names, "machine-"+p.name)
	}
	return append(names, "machine-"+last.name)
}

// last runs once, behind the others.
var last = pass{"keep", keep, "addresses that many calls want, in registers that are left"}

// Improve runs the passes but those in off.
func Improve(f *Func, off map[string]bool) {
	defer f.done()
	version := 1              // counts the changes
	var idle [len(passes)]int // at which version a pass has found nothing
	for round, start := 0, 0; start != version && round < 20; round++ {
		start = version
		for i, p := range passes {
			if off["machine-"+p.name] || idle[i] == version {
				continue
			}
			if p.run(f) {
				version++
			} else {
				idle[i] = version
			}
			f.done()
		}
	}
	if !off["machine-"+last.name] && last.run(f) {
		f.done()
		tails(f)
		shortcut(f)
	}
}
