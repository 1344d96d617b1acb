#ifndef RB_BASE_SECRET_H
#define RB_BASE_SECRET_H

#include <glib.h>

/**
 * RbSecret: bytes that must not be seen: a key, a token, a password. Opaque, sized once, wiped when freed
 * (OPENSSL_cleanse). Reference-counted so that a cached credential can be shared between threads without
 * copies. Every use of the bytes goes through rb_secret_reveal(), so that grep finds all of them.
 */
typedef struct RbSecret RbSecret;

/** rb_secret_new: a copy of @size bytes at @data; the caller still wipes its own copy. */
RbSecret *rb_secret_new(const void *data, gsize size);

/** rb_secret_new_text: a copy of the NUL-terminated @text. */
RbSecret *rb_secret_new_text(const char *text);

/** rb_secret_take_text: takes @text over: copies it, wipes it and frees it with g_free(). */
RbSecret *rb_secret_take_text(char *text);

/** rb_secret_new_random: @n_bytes from the system's generator as base64url text without padding. Never fails:
 * a machine without randomness aborts. */
RbSecret *rb_secret_new_random(gsize n_bytes);

RbSecret *rb_secret_ref(RbSecret *secret);
void rb_secret_unref(RbSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSecret, rb_secret_unref)

/** rb_secret_reveal: the bytes, NUL-terminated beyond their size; valid as long as @secret. */
const char *rb_secret_reveal(const RbSecret *secret);
gsize rb_secret_size(const RbSecret *secret);

/** rb_secret_equal: compares in constant time (for equal sizes). NULL equals nothing. */
gboolean rb_secret_equal(const RbSecret *a, const RbSecret *b);

/** rb_secret_equal_text: the same, against text as received. */
gboolean rb_secret_equal_text(const RbSecret *a, const char *text);

/** rb_secret_handle: (transfer full): hex SHA-256 of the bytes: what a store keeps of a cookie, code or
 * token. */
char *rb_secret_handle(const RbSecret *secret);

/** rb_text_handle: (transfer full): the same for text as received from outside. */
char *rb_text_handle(const char *text);

/** rb_wipe: overwrites @size bytes at @data in a way the compiler keeps. */
void rb_wipe(void *data, gsize size);

/** rb_wipe_free: wipes and frees a g_malloc'ed string; NULL is fine. */
void rb_wipe_free(char *text);

#endif
