package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// String prints f as Parse reads it:
//
//	func f
//	slot s1 8 key
//	b0(v0:ctx):
//		v1 = const 5
//		v2 = ult.8 v0 #7
//		store.4 s1+4 v1
//		br.8 ne v2 #0 b1(v1) b2
func (f *Func) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "func %s\n", f.Name)
	for i, sl := range f.Slots {
		if sl != nil {
			fmt.Fprintf(&s, "slot s%d %d %s\n", i, sl.Size, sl.Name)
		}
	}
	for _, b := range f.Blocks {
		s.WriteString("b" + strconv.Itoa(b.ID))
		if len(b.Params) > 0 {
			var names []string
			for _, p := range b.Params {
				names = append(names, p.def())
			}
			s.WriteString("(" + strings.Join(names, ",") + ")")
		}
		s.WriteString(":\n")
		for _, v := range b.Values {
			s.WriteString("\t" + v.LongString() + "\n")
		}
		if b.Term != nil {
			s.WriteString("\t" + b.Term.LongString())
			for _, e := range b.Succs {
				s.WriteString(" b" + strconv.Itoa(e.To.ID))
				if len(e.Args) > 0 {
					var names []string
					for _, a := range e.Args {
						names = append(names, a.String())
					}
					s.WriteString("(" + strings.Join(names, ",") + ")")
				}
			}
			s.WriteByte('\n')
		}
	}
	return s.String()
}

// String is v's name.
func (v *Value) String() string { return "v" + strconv.Itoa(v.ID) }

func (v *Value) def() string {
	if v.Type != Scalar {
		return v.String() + ":" + v.Type.String()
	}
	return v.String()
}

// LongString is v with what computes it.
func (v *Value) LongString() string {
	var s strings.Builder
	info := &ops[v.Op]
	if v.Op.HasResult() {
		s.WriteString(v.def() + " = ")
	}
	s.WriteString(info.name)
	if v.Op.Sized() {
		fmt.Fprintf(&s, ".%d", v.Size)
	}
	if v.Op == OpBr {
		s.WriteString(" " + v.Cmp.String())
	}
	if info.flags&sym != 0 {
		fmt.Fprintf(&s, " %q", v.Sym)
	}
	args := v.Args
	switch {
	case v.Slot != 0:
		fmt.Fprintf(&s, " s%d%+d", v.Slot, v.Aux)
	case info.flags&slot != 0 && len(args) > 0:
		fmt.Fprintf(&s, " %v%+d", args[0], v.Aux)
		args = args[1:]
	case info.flags&aux != 0:
		fmt.Fprintf(&s, " %d", v.Aux)
	}
	for _, a := range args {
		s.WriteString(" " + a.String())
	}
	if v.HasImm {
		fmt.Fprintf(&s, " #%d", v.Imm)
	}
	if v.Core != "" {
		s.WriteString(" @" + v.Core)
	}
	return s.String()
}

// Parse reads one function as String prints it; `;` begins a comment.
func Parse(text string) (f *Func, err error) {
	p := parser{f: NewFunc(""), values: map[int]*Value{}, blocks: map[int]*Block{}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case parseError:
			f, err = nil, fmt.Errorf("line %d: %s", p.line, string(e))
		default:
			panic(e)
		}
	}()
	for _, line := range strings.Split(text, "\n") {
		p.line++
		line, _, _ = strings.Cut(line, ";")
		if words := strings.Fields(line); len(words) > 0 {
			p.parseLine(words)
		}
	}
	// Values without a result get names behind all others.
	for _, b := range p.f.Blocks {
		for _, v := range append(b.Values, b.Term) {
			if v != nil && v.ID < 0 {
				v.ID = p.f.nextV
				p.f.nextV++
			}
		}
	}
	return p.f, nil
}

type parseError string

type parser struct {
	f       *Func
	b       *Block
	line    int
	unnamed int
	values  map[int]*Value
	blocks  map[int]*Block
}

func (p *parser) parseLine(w []string) {
	switch {
	case w[0] == "func" && len(w) == 2:
		p.f.Name = w[1]
		return
	case w[0] == "slot" && len(w) >= 3:
		for id := p.number(w[1][1:]); len(p.f.Slots) <= id; {
			p.f.Slots = append(p.f.Slots, &Slot{})
		}
		p.f.Slots[p.number(w[1][1:])] = &Slot{Size: p.number(w[2]), Name: strings.Join(w[3:], " ")}
		return
	case strings.HasSuffix(w[0], ":"):
		name, rest, has := strings.Cut(strings.TrimSuffix(w[0], ":"), "(")
		p.b = p.block(name)
		p.f.Blocks = append(p.f.Blocks, p.b)
		if has {
			for _, d := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
				v := p.define(d)
				v.Op = OpParam
				p.b.Params = append(p.b.Params, v)
			}
		}
		return
	case p.b == nil:
		panic(parseError("instruction outside of a block"))
	}
	var v *Value
	if len(w) > 2 && w[1] == "=" {
		v, w = p.define(w[0]), w[2:]
	} else {
		v = p.anonymous()
	}
	name, size, hasSize := strings.Cut(w[0], ".")
	if v.Op = OpNamed(name); v.Op == OpInvalid {
		panic(parseError("unknown op " + name))
	}
	if hasSize {
		v.Size = uint8(p.number(size))
	} else if v.Op.Sized() {
		v.Size = 8
	}
	info := &ops[v.Op]
	for _, word := range w[1:] {
		switch {
		case word[0] == 'b':
			name, rest, has := strings.Cut(word, "(")
			e := Edge{To: p.block(name)}
			if has {
				for _, a := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
					e.Args = append(e.Args, p.value(a))
				}
			}
			p.b.Succs = append(p.b.Succs, e)
		case word[0] == '"':
			s, err := strconv.Unquote(word)
			if err != nil {
				panic(parseError("bad string " + word))
			}
			v.Sym = s
		case word[0] == '@':
			v.Core = word[1:]
		case word[0] == '#':
			v.HasImm, v.Imm = true, p.int64(word[1:])
		case v.Op == OpBr && OpNamed(word) != OpInvalid:
			v.Cmp = OpNamed(word)
		case word[0] == 'v' || word[0] == 's' && info.flags&slot != 0:
			base, off := word, ""
			if i := strings.IndexAny(word, "+-"); i > 0 {
				base, off = word[:i], word[i:]
				v.Aux = p.int64(strings.TrimPrefix(off, "+"))
			}
			if base[0] == 's' {
				v.Slot = p.number(base[1:])
			} else {
				v.Args = append(v.Args, p.value(base))
			}
		default:
			v.Aux = p.int64(word)
		}
	}
	if info.flags&term != 0 {
		p.b.Term = v
	} else {
		p.b.Values = append(p.b.Values, v)
	}
}

func (p *parser) block(name string) *Block {
	if name == "" || name[0] != 'b' {
		panic(parseError("want a block, have " + name))
	}
	id := p.number(name[1:])
	b := p.blocks[id]
	if b == nil {
		b = &Block{ID: id}
		p.blocks[id] = b
		p.f.nextB = max(p.f.nextB, id+1)
	}
	return b
}

func (p *parser) define(word string) *Value {
	name, typ, _ := strings.Cut(word, ":")
	v := p.value(name)
	t, ok := typeNamed(typ)
	if !ok {
		panic(parseError("unknown type " + typ))
	}
	v.Type = t
	return v
}

func (p *parser) value(word string) *Value {
	if word == "" || word[0] != 'v' {
		panic(parseError("want a value, have " + word))
	}
	id := p.number(word[1:])
	v := p.values[id]
	if v == nil {
		v = &Value{ID: id}
		p.values[id] = v
		p.f.nextV = max(p.f.nextV, id+1)
	}
	return v
}

// anonymous makes the value of an op without a result. Its name must not be
// one that the text uses; -1 - n never is.
func (p *parser) anonymous() *Value {
	p.unnamed++
	return &Value{ID: -p.unnamed}
}

func (p *parser) number(word string) int { return int(p.int64(word)) }

func (p *parser) int64(word string) int64 {
	n, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		panic(parseError("want a number, have " + word))
	}
	return n
}
