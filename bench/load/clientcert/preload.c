/* Gives a program that uses OpenSSL a client certificate, for tools that have
 * no flag for it. CLIENT_CERTIFICATE is a PEM file of the certificate and its
 * key. It is built and preloaded by bench, and no part of Causeway. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

enum { PEM = 1 }; /* SSL_FILETYPE_PEM */
int SSL_CTX_use_certificate_chain_file(void *ctx, const char *file);
int SSL_CTX_use_PrivateKey_file(void *ctx, const char *file, int type);

void *SSL_CTX_new(const void *method) {
	void *(*real)(const void *) = (void *(*)(const void *))dlsym(RTLD_NEXT, "SSL_CTX_new");
	void *ctx = real(method);
	const char *file = getenv("CLIENT_CERTIFICATE");
	if (ctx == NULL || file == NULL)
		return ctx;
	if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1 || SSL_CTX_use_PrivateKey_file(ctx, file, PEM) != 1)
		abort();
	return ctx;
}
