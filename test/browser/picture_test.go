//go:build host

package browser

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// pictures names the directory to which the pictures in docs/ are written, by
// whoever sets it:
//
//	CAUSEWAY_PICTURES=$PWD/docs/images go test -tags host ./test/browser
const pictures = "CAUSEWAY_PICTURES"

// picture keeps what is to be seen, if anybody wants it.
func (p *tab) picture(name string) {
	p.t.Helper()
	dir := os.Getenv(pictures)
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColors(full)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), small.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// fewColors returns the upper part of a picture in its most frequent colours,
// which are enough for a page and take a quarter of the bytes.
func fewColors(full image.Image) image.Image {
	const height, colors = 640, 256
	area := full.Bounds()
	area.Max.Y = min(area.Max.Y, area.Min.Y+height)
	count := map[color.RGBA]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			r, g, b, _ := full.At(x, y).RGBA()
			count[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	var palette color.Palette
	for len(palette) < colors && len(count) > 0 {
		var most color.RGBA
		for c, n := range count {
			if n > count[most] || n == count[most] && (c.R > most.R || c.R == most.R && c.G > most.G) {
				most = c
			}
		}
		palette = append(palette, most)
		delete(count, most)
	}
	out := image.NewPaletted(area, palette)
	draw.Draw(out, area, full, area.Min, draw.Src)
	return out
}
