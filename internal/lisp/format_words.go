package lisp

import (
	"math/big"
	"strings"
)

var ones = strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
var tens = strings.Fields("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
var powers = strings.Fields("- thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion undecillion duodecillion tredecillion quattuordecillion quindecillion sexdecillion septendecillion octodecillion novemdecillion vigintillion")

// english spells a number.
func english(n *big.Int, ordinal bool) string {
	text := new(big.Int).Abs(n).String()
	if len(text) > 3*len(powers) {
		return n.String()
	}
	var parts []string
	for len(text)%3 != 0 {
		text = "0" + text
	}
	groups := len(text) / 3
	for g := 0; g < groups; g++ {
		h, rest := int(text[3*g]-'0'), int(text[3*g+1]-'0')*10+int(text[3*g+2]-'0')
		if h == 0 && rest == 0 {
			continue
		}
		if h > 0 {
			parts = append(parts, ones[h]+" hundred")
		}
		switch {
		case rest >= 20 && rest%10 != 0:
			parts = append(parts, tens[rest/10]+"-"+ones[rest%10])
		case rest >= 20:
			parts = append(parts, tens[rest/10])
		case rest > 0:
			parts = append(parts, ones[rest])
		}
		if p := groups - 1 - g; p > 0 {
			parts = append(parts, powers[p])
		}
	}
	s := strings.Join(parts, " ")
	if s == "" {
		s = "zero"
	}
	if ordinal {
		i := strings.LastIndexAny(s, " -") + 1
		s = s[:i] + ordinalWord(s[i:])
	}
	if n.Sign() < 0 {
		s = "negative " + s
	}
	return s
}

func ordinalWord(w string) string {
	switch w {
	case "one":
		return "first"
	case "two":
		return "second"
	case "three":
		return "third"
	case "five":
		return "fifth"
	case "eight":
		return "eighth"
	case "nine":
		return "ninth"
	case "twelve":
		return "twelfth"
	}
	if strings.HasSuffix(w, "y") {
		return w[:len(w)-1] + "ieth"
	}
	return w + "th"
}

// roman writes 1 to 3999; old style writes IIII for IV.
func roman(n int, old bool) string {
	vals := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	names := strings.Fields("M CM D CD C XC L XL X IX V IV I")
	var b strings.Builder
	for i, v := range vals {
		if old && len(names[i]) == 2 {
			continue
		}
		for ; n >= v; n -= v {
			b.WriteString(names[i])
		}
	}
	return b.String()
}
