package whistler_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

func BenchmarkZ(b *testing.B) {
	fs, _ := filepath.Glob("bench/lisp/*.lisp")
	for _, f := range fs {
		text, _ := os.ReadFile(f)
		s := whistler.Source{Name: filepath.Base(f), Text: string(text)}
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			slots := 0
			for b.Loop() {
				o, err := whistler.Compile(context.Background(), []whistler.Source{s}, whistler.Options{Kernel: kernel.Machine{}, Arch: "amd64"})
				if err != nil {
					b.Fatal(err)
				}
				slots = o.Programs()[0].Slots
			}
			b.ReportMetric(float64(slots), "slots")
		})
	}
}
