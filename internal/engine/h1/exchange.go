package h1

import (
	"net/http"
	"net/url"
)

// exchange is a request and its response, in one piece of memory. Others may
// keep any part of it.
type exchange struct {
	request   http.Request
	url       url.URL
	values    [12]string // of the header
	hasLength bool

	ctx      requestContext
	body     body
	response response
}

// newExchange returns an exchange on the connection, of which the head is not
// known yet.
func (c *conn) newExchange() *exchange {
	x := &exchange{}
	x.ctx.Context = c.ctx
	x.request = *c.base.WithContext(&x.ctx)
	x.response = response{c: c, x: x, declared: -1}
	return x
}

// ready makes the body and the header of the answer.
func (x *exchange) ready(c *conn) {
	x.request.Body = http.NoBody
	if n := x.request.ContentLength; n > 0 {
		x.body.c, x.body.ctx, x.body.left = c, &x.ctx, n
		x.request.Body = &x.body
	} else {
		x.body.whole.Store(true)
	}
	x.response.header, x.response.closing = make(http.Header), x.request.Close
}
