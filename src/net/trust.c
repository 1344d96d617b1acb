#include "base/encoding.h"
#include "base/refusal.h"
#include "net/priv.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

/* Debian's bundle: one file, read once, where the directory of hashes would be read again and again. */
#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static gboolean
load(X509_STORE *store, const char *file, GError **error)
{
    g_autofree char *quoted = rb_text_quote(file);

    if (X509_STORE_load_file(store, file) == 1)
        return TRUE;
    ERR_clear_error();
    return rb_fault(error, RB_FAULT_NETWORK, "%s: no certificates could be read from it", quoted);
}

static gboolean
load_system(X509_STORE *store, GError **error)
{
    const char *file = secure_getenv("SSL_CERT_FILE"), *dir = secure_getenv("SSL_CERT_DIR");

    if (file != NULL && file[0] != '\0')
        return load(store, file, error);
    if (dir != NULL && dir[0] != '\0')
        return X509_STORE_load_path(store, dir) == 1 ||
               rb_fault(error, RB_FAULT_NETWORK, "SSL_CERT_DIR: no directory of certificates");
    if (g_file_test(BUNDLE, G_FILE_TEST_EXISTS))
        return load(store, BUNDLE, error);
    return X509_STORE_set_default_paths(store) == 1 ||
           rb_fault(error, RB_FAULT_NETWORK, "this machine has no CA certificates");
}

X509_STORE *
rb_trust_load(const char *ca_file, GError **error)
{
    g_autoptr(X509_STORE) store = X509_STORE_new();

    if (store == NULL)
        g_error("out of memory");
    if (!load_system(store, error) || (ca_file != NULL && !load(store, ca_file, error)))
        return NULL;
    /* as curl does for its own store: a trusted certificate ends the chain, root or not */
    (void)X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    return g_steal_pointer(&store);
}
