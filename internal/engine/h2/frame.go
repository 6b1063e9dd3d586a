package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

const (
	headLen = 9
	// frameSize is the largest frame that every side takes, and the largest
	// that this one sends and takes (RFC 9113, section 4.2).
	frameSize = 16 << 10
	// initialWindow is every window's size at first (RFC 9113, section 6.9.2).
	initialWindow = 65535
	// tableSize is that of the tables of HPACK (RFC 9113, section 6.5.2).
	tableSize = 4096
)

// frameHead is what each frame begins with (RFC 9113, section 4.1).
type frameHead struct {
	length int
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

func parseHead(b []byte) frameHead {
	return frameHead{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   http2.FrameType(b[3]),
		flags:  http2.Flags(b[4]),
		stream: binary.BigEndian.Uint32(b[5:]) & maxWindow,
	}
}

func appendHead(b []byte, length int, kind http2.FrameType, flags http2.Flags, stream uint32) []byte {
	return append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags),
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

func appendReset(b []byte, stream uint32, code http2.ErrCode) []byte {
	b = appendHead(b, 4, http2.FrameRSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendWindow(b []byte, stream uint32, increment int) []byte {
	b = appendHead(b, 4, http2.FrameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(b, uint32(increment))
}

func appendGoAway(b []byte, last uint32, code http2.ErrCode) []byte {
	b = appendHead(b, 8, http2.FrameGoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendSettings(b []byte, settings ...http2.Setting) []byte {
	b = appendHead(b, 6*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		b = binary.BigEndian.AppendUint16(b, uint16(s.ID))
		b = binary.BigEndian.AppendUint32(b, s.Val)
	}
	return b
}

// parseUint31 parses a number whose first bit is reserved.
func parseUint31(p []byte) uint32 { return binary.BigEndian.Uint32(p) & maxWindow }
