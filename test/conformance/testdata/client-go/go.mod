// The go command wants a file of this name; the modules are in v0.*.mod.
module example.test/client-go

go 1.24.0
