package tunnel

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"testing/iotest"
)

// inRecords is how that is written.
func inRecords(t testing.TB, src io.Reader) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	if err := writeRecords(w, src); err != nil {
		t.Fatal(err)
	}
	return w.Body.Bytes()
}

func TestRecordsSayTheEnd(t *testing.T) {
	long := bytes.Repeat([]byte("long"), recordSize)
	for name, src := range map[string]io.Reader{
		"nothing": bytes.NewReader(nil), "a word": bytes.NewReader([]byte("word")), "much": bytes.NewReader(long),
		"in bytes": iotest.OneByteReader(bytes.NewReader([]byte("word"))), "with its end": iotest.DataErrReader(bytes.NewReader(long)),
	} {
		var want bytes.Buffer
		written := inRecords(t, io.TeeReader(src, &want))
		var got bytes.Buffer
		if err := readRecords(&got, iotest.HalfReader(bytes.NewReader(written))); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: %d bytes of %d, %v", name, got.Len(), want.Len(), err)
		}
		for _, cut := range []int{len(written) - 1, len(written) - recordHead, len(written) / 2} {
			if err := readRecords(io.Discard, bytes.NewReader(written[:cut])); !errors.Is(err, errCut) {
				t.Errorf("%s, cut at %d of %d: %v", name, cut, len(written), err)
			}
		}
	}
}

func TestAFailureOfTheSourceIsNoEnd(t *testing.T) {
	w := httptest.NewRecorder()
	err := writeRecords(w, io.MultiReader(bytes.NewReader([]byte("word")), iotest.ErrReader(errors.New("broken"))))
	if !errors.As(err, new(sourceError)) {
		t.Errorf("writing: %v", err)
	}
	if err := readRecords(io.Discard, w.Body); !errors.Is(err, errCut) {
		t.Errorf("reading: %v", err)
	}
}

// Whatever comes, what is taken for data is what records hold, and an end is
// only what an empty record says.
func FuzzReadRecords(f *testing.F) {
	f.Add([]byte("\x00\x04word\x00\x00"))
	f.Add([]byte("\x00\x04wo"))
	f.Add([]byte("\xff\xff"))
	f.Add([]byte{0})
	f.Add([]byte("\x00\x00rest"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got bytes.Buffer
		err := readRecords(&got, bytes.NewReader(data))
		if err != nil {
			return
		}
		var want []byte
		for rest := data; ; {
			size := int(rest[0])<<8 | int(rest[1])
			if size == 0 {
				break
			}
			want, rest = append(want, rest[recordHead:recordHead+size]...), rest[recordHead+size:]
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("got %q of %q", got.Bytes(), data)
		}
	})
}
