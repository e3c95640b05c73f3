package facts

import (
	"fmt"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir"
)

// TestCallbacks gives bodies of a callback, which for-each-map-elem calls with a
// variable v6 that is 0 before, and what follows; the finding is that it is walked
// too often, or the walk is as short as most says.
func TestCallbacks(t *testing.T) {
	const (
		count = "v4 = load.8 v3+0\nv5 = add.8 v4 #1\nstore.8 v3+0 v5\nv6 = const 0\nret v6"
		test  = "br.8 ugt v6 #5 b1 b2\nb1:\nret v1\nb2:\nret v6"
	)
	for _, c := range []struct {
		name, body, rest string
		most             int
	}{
		{"nothing is tested", count, "ret v1", 30},
		{"a count is tested", count, test, 0},
		{"a count is tested in the body", "v4 = load.8 v3+0\nv5 = add.8 v4 #1\nstore.8 v3+0 v5\nv6 = const 0\nbr.8 ugt v5 #100000 b1 b1\nb1:\nret v6", "ret v1", 0},
		{"a count up to a limit", "v4 = load.8 v3+0\nbr.8 ult v4 #5 b1 b2\nb1:\nv5 = add.8 v4 #1\nstore.8 v3+0 v5\njump b2\nb2:\nv6 = const 0\nret v6", test, 120},
		{"a constant", "v4 = const 7\nstore.8 v3+0 v4\nv6 = const 0\nret v6", test, 40},
		{"a value of the map", "v4 = load.4 v2+0\nstore.8 v3+0 v4\nv6 = const 0\nret v6", test, 50},
		{"a sum of them", "v4 = load.4 v2+0\nv5 = load.8 v3+0\nv7 = add.8 v4 v5\nstore.8 v3+0 v7\nv6 = const 0\nret v6", test, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := parse(t, "slot s1 8 frame\nb0(v0:ctx):\nv1 = const 0\nv2:map = mapaddr \"h\"\nv3:func = mapaddr \"body\"\nv4:stack = stackaddr s1+0\nstore.8 v4+0 v1\nv5 = call 164 v2 v3 v4 v1\nv6 = load.8 v4+0\n"+c.rest)
			body := parse(t, "b0(v0:map,v1:value,v2:value,v3:stack):\n"+c.body)
			env := testEnv()
			_, alone := Check(caller, env)
			env.Callback = func(name string) *Body {
				if name == "body" {
					return &Body{Func: body}
				}
				return nil
			}
			text := caller.String()
			found, insns := Check(caller, env)
			if caller.String() != text {
				t.Errorf("the caller has changed:\n%s", caller)
			}
			switch {
			case c.most == 0 && (len(found) != 1 || found[0].Kind != TooComplex || !found[0].Callback):
				t.Errorf("found %v in %d instructions", found, insns)
			case c.most > 0 && (len(found) > 0 || insns <= alone || insns > c.most):
				t.Errorf("found %v in %d instructions, %d without the callback", found, insns, alone)
			}
		})
	}
}

// TestTurns wants a callback of bpf-loop whose count is tested afterwards to be
// walked as often as the loop turns.
func TestTurns(t *testing.T) {
	body := parse(t, "b0(v0,v3:stack):\nv4 = load.8 v3+0\nv5 = add.8 v4 #1\nstore.8 v3+0 v5\nv6 = const 0\nret v6")
	walked := func(turns int) int {
		env := testEnv()
		env.Callback = func(string) *Body { return &Body{Func: body} }
		found, insns := Check(parse(t, fmt.Sprintf("slot s1 8 frame\nb0(v0:ctx):\nv1 = const 0\nv2 = const %d\nv3:func = mapaddr \"body\"\nv4:stack = stackaddr s1+0\n"+
			"store.8 v4+0 v1\nv5 = call 181 v2 v3 v4 v1\nv6 = load.8 v4+0\nbr.8 ugt v6 #5 b1 b2\nb1:\nret v1\nb2:\nret v6", turns)), env)
		if len(found) > 0 {
			t.Errorf("%d turns: found %v", turns, found)
		}
		return insns
	}
	one := walked(101) - walked(100)
	if one < 4 || one > 10 || walked(200)-walked(100) != 100*one {
		t.Errorf("%d instructions for 100 turns, %d for 101, %d for 200", walked(100), walked(101), walked(200))
	}
}

// TestSplice gives callers whose callbacks cannot be put in place.
func TestSplice(t *testing.T) {
	body := parse(t, "b0(v0:map,v1:value,v2:value,v3:stack):\nv4 = load.8 v3+0\nret v4")
	const begin = "slot s1 16 frame\nb0(v0:ctx):\nv1 = const 0\nv2:map = mapaddr \"h\"\nv3:func = mapaddr \"body\"\nv4:stack = stackaddr s1+0\n"
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"a frame", "store.8 v4+0 v1\nv5 = call 164 v2 v3 v4 v1\nret v1", true},
		{"half a word is stored", "store.4 v4+0 v1\nv5 = call 164 v2 v3 v4 v1\nret v1", false},
		{"half a word is loaded", "store.8 v4+0 v1\nv5 = call 164 v2 v3 v4 v1\nv6 = load.4 v4+0\nret v6", true},
		{"between two words", "store.8 v4+4 v1\nv5 = call 164 v2 v3 v4 v1\nret v1", false},
		{"the frame goes elsewhere", "store.8 v4+0 v1\nv5 = callsub \"g\" v4\nv6 = call 164 v2 v3 v4 v1\nret v1", false},
		{"not at its beginning", "v5:stack = stackaddr s1+8\nstore.8 v4+8 v1\nv6 = call 164 v2 v3 v5 v1\nret v1", false},
		{"another function", "v5:func = mapaddr \"other\"\nv6 = call 164 v2 v5 v4 v1\nret v1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := testEnv()
			env.Callback = func(name string) *Body {
				if name == "body" {
					return &Body{Func: body}
				}
				return nil
			}
			s := splice(parse(t, begin+c.text), &env)
			if (s != nil) != c.want {
				t.Fatalf("in place: %v", s != nil)
			}
			if s == nil {
				return
			}
			calls := 0
			for _, b := range s.f.Blocks {
				for _, v := range b.Values {
					if v.Op == ir.OpCall {
						calls++
					}
				}
			}
			if calls != 1 || s.numCells() != 2 {
				t.Errorf("%d calls, %d cells:\n%s", calls, s.numCells(), s.f)
			}
		})
	}
}
