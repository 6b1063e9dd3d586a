package pods

import (
	"bytes"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// How much of a container's last words is kept, and of its log instead.
const (
	mostWords    = 4096
	mostLog      = 2048
	mostLogLines = 80
)

// lastWords are what a container wrote into its termination log or, if it
// failed without and that is asked for, the end of its log. Without either it
// is what the runtime says.
func (w *worker) lastWords(c *container, ended *podrun.Container) string {
	words := head(w.wordsPath(ended.Config.Name, ended.Config.Attempt), mostWords)
	if len(words) == 0 && ended.ExitCode != 0 && c.spec.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError {
		words = logTail(ended.Config.LogPath)
	}
	if len(words) == 0 {
		return ended.Message
	}
	return string(bytes.ToValidUTF8(words, []byte("\uFFFD")))
}

// head is the beginning of a file, empty if it cannot be read.
func head(name string, most int64) []byte {
	file, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	data, _ := io.ReadAll(io.LimitReader(file, most))
	return data
}

// logTail is the end of a log, without what the format adds.
func logTail(name string) []byte {
	file, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		// A line has some 50 bytes beside its text.
		_, _ = file.Seek(max(0, info.Size()-mostLog-mostLogLines*50), io.SeekStart)
	}
	data, _ := io.ReadAll(file)
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	lines = lines[max(0, len(lines)-mostLogLines):]
	var text []byte
	for _, line := range lines {
		if l, err := crilog.Parse(line); err == nil { // the first may be half a line
			text = append(text, l.Text...)
		}
	}
	return text[max(0, len(text)-mostLog):]
}
