package rewrite

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// codings are the content codings that can be undone and done again.
var codings = map[string]func(*Rules, Sink, io.Reader) error{
	"":         plainly,
	"identity": plainly,
	"gzip":     coded(gzipped),
	"x-gzip":   coded(gzipped),
	"deflate":  coded(deflated),
	"br":       coded(brotlied),
	"zstd":     coded(zstandard),
}

var errNotDeflate = errors.New("not deflate")

// encoder compresses what is written to it.
type encoder interface {
	io.WriteCloser
	Flush() error
}

// codec opens a coding: a reader of src decoded, and an encoder of the same
// kind. The error says that src is not in that coding.
type codec func(src io.Reader, dst io.Writer) (io.Reader, encoder, error)

// plainly copies a page that is not compressed.
func plainly(r *Rules, dst Sink, src io.Reader) error {
	return r.html(dst, eager{src, dst.Flush})
}

// coded copies a compressed page. Until the first bytes could be decoded it
// keeps the original ones: if they are not what the header says, they go out
// untouched.
func coded(open codec) func(*Rules, Sink, io.Reader) error {
	return func(r *Rules, dst Sink, src io.Reader) error {
		kept := &keeper{src: src, keep: true}
		var out encoder
		flush := func() {
			if out != nil {
				// An error shows in the next write.
				_ = out.Flush()
			}
			dst.Flush()
		}
		in, enc, err := open(eager{kept, flush}, dst)
		first := make([]byte, 512)
		n := 0
		if err == nil {
			n, err = io.ReadAtLeast(in, first, 1)
		}
		if err != nil && n == 0 {
			return intact(dst, io.MultiReader(&kept.kept, src))
		}
		kept.keep, kept.kept = false, bytes.Buffer{}
		out = enc
		if err := r.html(enc, io.MultiReader(bytes.NewReader(first[:n]), in)); err != nil {
			return err
		}
		return enc.Close()
	}
}

// intact copies a body as it is, and sends each piece when it comes.
func intact(dst Sink, src io.Reader) error {
	_, err := io.Copy(struct{ io.Writer }{dst}, eager{src, dst.Flush})
	return err
}

// keeper keeps what was read through it, as long as it is told to.
type keeper struct {
	src  io.Reader
	keep bool
	kept bytes.Buffer
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.src.Read(p)
	if k.keep {
		k.kept.Write(p[:n])
	}
	return n, err
}

func gzipped(src io.Reader, dst io.Writer) (io.Reader, encoder, error) {
	in, err := gzip.NewReader(src)
	return in, gzip.NewWriter(dst), err
}

// deflated reads the zlib format, which the name means (RFC 9110, section
// 8.4.1.2), and bare deflate, which some servers send; it writes what it read.
func deflated(src io.Reader, dst io.Writer) (io.Reader, encoder, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(src, head)
	src = io.MultiReader(bytes.NewReader(head[:n]), src)
	if err != nil {
		return nil, nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		in, err := zlib.NewReader(src)
		return in, zlib.NewWriter(dst), err
	}
	if bytes.IndexByte([]byte("< \t\r\n\xef"), head[0]) >= 0 {
		// Bare deflate has no mark by which it could be told from a page that is
		// not compressed at all; but pages begin so.
		return nil, nil, errNotDeflate
	}
	enc, err := flate.NewWriter(dst, flate.DefaultCompression)
	return flate.NewReader(src), enc, err
}

func brotlied(src io.Reader, dst io.Writer) (io.Reader, encoder, error) {
	return brotli.NewReader(src), brotli.NewWriterLevel(dst, 4), nil
}

// zstandard works on the caller's goroutine and in the memory that RFC 9659
// grants to content codings.
func zstandard(src io.Reader, dst io.Writer) (io.Reader, encoder, error) {
	in, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, nil, err
	}
	enc, err := zstd.NewWriter(dst, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	return in, enc, err
}
