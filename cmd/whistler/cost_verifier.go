package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/load"
)

// longestLog is how much of the verifier's log is read, in bytes.
const longestLog = 64 << 20

// verifier counts the instructions that the verifier processed, by form.
func (p *costed) verifier(coll *load.Collection) error {
	log, err := coll.VerifierLog(p.name, longestLog)
	if err == nil {
		err = p.readLog(log, int(coll.Processed(p.name)))
	}
	if err == nil {
		return nil
	}
	p.drop(processedColumn)
	if p.total[processedColumn] = int(coll.Processed(p.name)); errors.Is(err, load.ErrLongLog) {
		return fmt.Errorf("%w; %d were processed in all", err, p.total[processedColumn])
	}
	return err
}

// readLog counts the steps in a log, of which the verifier counted processed.
func (p *costed) readLog(log string, processed int) error {
	for line := range strings.SplitSeq(log, "\n") {
		if slot, ok := logStep(line); ok && !p.count(processedColumn, slot) {
			return fmt.Errorf("the verifier's log has a step at slot %d, of %d", slot, len(p.at))
		}
		// "stack depth 16+0": the program's own, then its functions'.
		if rest, ok := strings.CutPrefix(line, "stack depth "); ok && p.stack < 0 {
			own, _, _ := strings.Cut(rest, "+")
			if n, err := strconv.Atoi(own); err == nil {
				p.stack, p.stackSeen = n, true
			}
		}
		if rest, ok := strings.CutPrefix(line, "processed "); ok && processed == 0 { // before Linux 5.16
			word, _, _ := strings.Cut(rest, " ")
			processed, _ = strconv.Atoi(word)
		}
	}
	if n := p.total[processedColumn]; n != processed {
		return fmt.Errorf("the verifier's log shows %d of %d instructions", n, processed)
	}
	p.has[processedColumn] = true
	return nil
}

// logStep is the slot of a line of the log that tells of an instruction
// processed: as it is executed, or found to be reached in a known state.
//
//	"7: (85) call bpf_map_lookup_elem#1"   =>  7
//	"from 5 to 9: safe", "9: safe"         =>  9
func logStep(line string) (slot int, ok bool) {
	if rest, from := strings.CutPrefix(line, "from "); from {
		if line, ok = strings.CutSuffix(rest, ": safe"); !ok {
			return 0, false
		}
		_, line, _ = strings.Cut(line, " to ")
		line, _, _ = strings.Cut(line, " ") // "(speculative execution)"
		line += ": safe"
	}
	number, rest, ok := strings.Cut(line, ": ")
	if !ok || rest != "safe" && (len(rest) < 5 || rest[0] != '(' || rest[3] != ')' || rest[4] != ' ') {
		return 0, false
	}
	slot, err := strconv.Atoi(number)
	return slot, err == nil
}
