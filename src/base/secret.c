#include "base/secret.h"

#include "base/encoding.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

struct RbSecret {
    gatomicrefcount refs;
    gsize size;
    char bytes[]; /* size + 1, the last one NUL */
};

RbSecret *
rb_secret_new(const void *data, gsize size)
{
    RbSecret *secret = g_malloc0(sizeof *secret + size + 1);

    g_atomic_ref_count_init(&secret->refs);
    secret->size = size;
    if (size > 0)
        memcpy(secret->bytes, data, size);
    return secret;
}

RbSecret *
rb_secret_new_text(const char *text)
{
    return rb_secret_new(text, strlen(text));
}

RbSecret *
rb_secret_take_text(char *text)
{
    RbSecret *secret = rb_secret_new_text(text);

    rb_wipe_free(text);
    return secret;
}

RbSecret *
rb_secret_new_random(gsize n_bytes)
{
    guint8 bytes[64];
    char *text;

    g_assert(n_bytes > 0 && n_bytes <= sizeof bytes);
    if (RAND_bytes(bytes, (int)n_bytes) != 1)
        g_error("the system's random generator does not answer");
    text = rb_base64url_encode(bytes, n_bytes);
    rb_wipe(bytes, sizeof bytes);
    return rb_secret_take_text(text);
}

RbSecret *
rb_secret_ref(RbSecret *secret)
{
    g_atomic_ref_count_inc(&secret->refs);
    return secret;
}

void
rb_secret_unref(RbSecret *secret)
{
    if (secret == NULL || !g_atomic_ref_count_dec(&secret->refs))
        return;
    OPENSSL_cleanse(secret->bytes, secret->size);
    g_free(secret);
}

const char *
rb_secret_reveal(const RbSecret *secret)
{
    return secret->bytes;
}

gsize
rb_secret_size(const RbSecret *secret)
{
    return secret->size;
}

gboolean
rb_secret_equal(const RbSecret *a, const RbSecret *b)
{
    return a != NULL && b != NULL && a->size == b->size && CRYPTO_memcmp(a->bytes, b->bytes, a->size) == 0;
}

gboolean
rb_secret_equal_text(const RbSecret *a, const char *text)
{
    return a != NULL && text != NULL && a->size == strlen(text) &&
           CRYPTO_memcmp(a->bytes, text, a->size) == 0;
}

char *
rb_secret_handle(const RbSecret *secret)
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)secret->bytes, secret->size);
}

char *
rb_text_handle(const char *text)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

void
rb_wipe(void *data, gsize size)
{
    OPENSSL_cleanse(data, size);
}

void
rb_wipe_free(char *text)
{
    if (text == NULL)
        return;
    OPENSSL_cleanse(text, strlen(text));
    g_free(text);
}
