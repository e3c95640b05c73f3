package btf
import ("testing";"os")
func BenchmarkRead(b *testing.B){ blob,_ := os.ReadFile("/sys/kernel/btf/vmlinux"); b.ResetTimer(); for b.Loop() { if _,err:=Read(blob); err!=nil {b.Fatal(err)} } }
func BenchmarkFind(b *testing.B){ blob,_ := os.ReadFile("/sys/kernel/btf/vmlinux"); t,_:=Read(blob); b.ResetTimer(); for b.Loop() { t.Find("task_struct", Struct, Union) } }
func BenchmarkPrefixed(b *testing.B){ blob,_ := os.ReadFile("/sys/kernel/btf/vmlinux"); b.ResetTimer(); t,_:=Read(blob);for b.Loop() { t.prefixes=nil; t.Prefixed("btf_trace_","sched_switch", Typedef) } }
