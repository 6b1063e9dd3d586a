package observe

import "strconv"

// appendAccess appends the access line of a finished request. Fields that
// would say nothing are left out.
func (l *Line) appendAccess(b []byte, now *clock) []byte {
	b = append(b, `{"time":`...)
	b = now.append(b, l.End)
	b = append(b, `,"msg":"request"`...)
	b = appendField(b, "id", l.ID)
	b = appendField(b, "client", l.Client)
	b = appendField(b, "user", l.userName())
	b = appendField(b, "method", l.Method)
	b = append(b, `,"uri":`...)
	b = l.appendURI(b)
	a := &l.about
	b = appendField(b, "verb", a.verb)
	b = appendField(b, "resource", a.resource)
	b = appendField(b, "namespace", a.namespace)
	b = appendField(b, "name", a.name)
	b = appendField(b, "backend", l.Backend)
	b = appendNumber(b, "status", int64(l.Status))
	b = appendNumber(b, "sent", l.Sent)
	b = appendNumber(b, "received", l.Received)
	b = append(b, `,"duration":`...)
	b = strconv.AppendFloat(b, float64(l.End.Sub(l.Start).Microseconds())/1e6, 'f', -1, 64)
	if l.Retries > 0 {
		b = appendNumber(b, "retries", int64(l.Retries))
	}
	if l.Upgrade {
		b = append(b, `,"upgrade":true`...)
	}
	if l.Err != nil {
		b = appendField(b, "error", l.Err.Error())
	}
	return append(b, '}', '\n')
}

// appendField appends a further field, unless it is empty.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, n, 10)
}

// appendURI appends path and redacted query as one string.
func (l *Line) appendURI(b []byte) []byte {
	b = append(b, '"')
	b = appendText(b, l.Path)
	if l.Query != "" {
		var room [256]byte
		b = appendText(b, appendRedacted(room[:0], l.Query))
	}
	return append(b, '"')
}

func (l *Line) userName() string {
	if l.User == nil {
		return ""
	}
	return l.User.GetName()
}
