// Command pod is the program of the pods that bench starts: it serves, writes a
// log, ends, or, as a sandbox's first process, waits.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	task := append(os.Args[1:], "wait", "")
	switch task[0] {
	case "wait":
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM)
		<-end
	case "serve":
		log.Fatal(http.ListenAndServe(task[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, "here")
		})))
	case "log":
		lines, err := strconv.Atoi(task[1])
		if err != nil {
			log.Fatal(err)
		}
		out := bufio.NewWriter(os.Stdout)
		for n := range lines {
			fmt.Fprintf(out, "%099d\n", n)
		}
		if err := out.Flush(); err != nil {
			log.Fatal(err)
		}
	}
}
