// Command sink takes uploads: it reads each request's body to its end and
// answers with the number of bytes. bench puts it behind the proxies that it
// measures.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"
)

const bufferSize = 256 << 10

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	flag.Parse()
	buffers := sync.Pool{New: func() any { return new([bufferSize]byte) }}
	server := &http.Server{
		Addr: *listen, ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			buffer := buffers.Get().(*[bufferSize]byte)
			defer buffers.Put(buffer)
			var sum int64
			for {
				n, err := r.Body.Read(buffer[:])
				sum += int64(n)
				if errors.Is(err, io.EOF) {
					fmt.Fprintln(w, sum)
					return
				}
				if err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
					return
				}
			}
		}),
	}
	log.Fatal(server.ListenAndServe())
}
