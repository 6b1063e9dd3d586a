package rewrite

import (
	"compress/flate"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// coding is a content coding that can be undone and done again. Its coders
// take up to some megabytes each and are used again.
type coding struct {
	decoders, encoders sync.Pool // of decoder and encoder
}

// decoder undoes a coding. An error of Reset says that src is not in it.
type decoder interface {
	io.Reader
	Reset(src io.Reader) error
}

// encoder compresses what is written to it.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(dst io.Writer)
}

var (
	gzipped   = newCoding(func() any { return new(gzip.Reader) }, func() any { return gzip.NewWriter(nil) })
	wrapped   = newCoding(func() any { return new(zlibReader) }, func() any { return zlib.NewWriter(nil) })
	bare      = newCoding(func() any { return new(flateReader) }, newFlateWriter)
	brotlied  = newCoding(func() any { return new(brotli.Reader) }, newBrotliWriter)
	zstandard = newCoding(newZstdReader, newZstdWriter)
)

func newCoding(decoder, encoder func() any) *coding {
	return &coding{decoders: sync.Pool{New: decoder}, encoders: sync.Pool{New: encoder}}
}

// codingName returns the name of the one content coding of a body, in lower
// case; "" means none. A list of several is returned as it is: no name.
func codingName(h http.Header) string {
	lines := h["Content-Encoding"]
	if len(lines) == 0 {
		return ""
	}
	var names []string
	for name := range strings.SplitSeq(strings.ToLower(strings.Join(lines, ",")), ",") {
		if name = strings.TrimSpace(name); name != "" && name != "identity" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// codingOf returns the coding of a name, for a body that begins with first.
// It is nil for names that are not known.
//
// Deflate means the zlib format (RFC 9110, section 8.4.1.2), but some servers
// send bare deflate. The two cannot be mistaken for each other: what is the
// mark of zlib begins a stored block in the other, with padding that nobody
// writes.
func codingOf(name string, first []byte) *coding {
	switch name {
	case "gzip", "x-gzip":
		return gzipped
	case "deflate":
		if len(first) >= 2 && first[0]&0x0f == 8 && (uint(first[0])<<8|uint(first[1]))%31 == 0 {
			return wrapped
		}
		return bare
	case "br":
		return brotlied
	case "zstd":
		return zstandard
	}
	return nil
}

// zlibReader is a decoder of the zlib format.
type zlibReader struct{ io.Reader }

func (z *zlibReader) Reset(src io.Reader) (err error) {
	if z.Reader == nil {
		z.Reader, err = zlib.NewReader(src)
		return err
	}
	return z.Reader.(zlib.Resetter).Reset(src, nil)
}

// flateReader is a decoder of bare deflate, the standard library's: the other
// one takes some streams that are cut off for complete ones, which only the
// checksums of gzip and zlib make up for.
type flateReader struct{ io.Reader }

func (f *flateReader) Reset(src io.Reader) error {
	if f.Reader == nil {
		f.Reader = flate.NewReader(src)
		return nil
	}
	return f.Reader.(flate.Resetter).Reset(src, nil)
}

// ended reads a decoder of which one takes its end for an error: when the last
// bytes come in pieces, the brotli library says that there are too many, though
// it has decoded all. Where there really are too many, the page is complete and
// they mean nothing, to browsers either.
type ended struct{ io.Reader }

func (e ended) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err != nil && err.Error() == "brotli: excessive input" {
		err = io.EOF
	}
	return n, err
}

func newFlateWriter() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is not one
	}
	return w
}

// newBrotliWriter makes an encoder that is as quick as the others and keeps
// 256 KiB of the past, not the 4 MiB that the library would.
func newBrotliWriter() any {
	return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: 4, LGWin: 18})
}

// newZstdReader makes a decoder that works on the caller's goroutine and in
// the memory that RFC 9659 grants to content codings.
func newZstdReader() any {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		panic(err) // the options are wrong
	}
	return zstdReader{r}
}

// zstdReader hides from the decoder that a source is whole in memory, which
// it would decode at once.
type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Reset(src io.Reader) error { return z.Decoder.Reset(struct{ io.Reader }{src}) }

func newZstdWriter() any {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are wrong
	}
	return w
}
