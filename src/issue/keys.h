#ifndef RB_ISSUE_KEYS_H
#define RB_ISSUE_KEYS_H

#include "base/diagnostics.h"
#include "sign/sign.h"

#include <glib.h>
#include <jansson.h>

/*
 * The keys that rolebridge signs with when AWS accounts trust it: a directory with keys.json, which says what
 * each key is for and when, a certificate a key, and the private keys. What a key does at a moment is a
 * function of keys.json and the time alone: a rotation needs nobody at its moment, and two instances that
 * share the directory never differ.
 */

/** What a key signs: web identity tokens, SAML assertions. */
typedef enum { RB_KEY_TOKEN, RB_KEY_ASSERTION } RbKeyUse;

enum {
    RB_KEYS_MAX = 64,                             /* in a directory, those whose time is over included */
    RB_KEYS_MAX_FILE = 256 * 1024,                /* bytes of keys.json */
    RB_KEYS_CERTIFICATE_S = 10 * 365 * 24 * 3600, /* of a certificate: longer than any key is used */
    RB_KEYS_BACKDATE_S = 3600,                    /* and the clocks of those who look at it */
    RB_KEYS_MAX_AGE_S = 3600,                     /* how long others may keep what is published */
    RB_KEYS_LOOK_EVERY_S = 30,                    /* the background looks for a change */
};

/** A key that can be used. Immutable; reference-counted, shared between threads. */
typedef struct {
    gatomicrefcount refs;
    char *kid;
    RbKeyUse use;
    const char *algorithm; /* a JWS name: "ES256", "RS256" */
    RbPrivateKey *key;
    GBytes *certificate; /* DER */
    gint64 created_at, signs_from, published_until /* 0: open */;
} RbSigningKey;
RbSigningKey *rb_signing_key_ref(RbSigningKey *key);
void rb_signing_key_unref(RbSigningKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSigningKey, rb_signing_key_unref)

/** Where the keys are. */
typedef struct {
    char *dir;                          /* absolute */
    char *pkcs11_module, *pkcs11_token; /* keys are made on this token and stay there; NULL: in files */
    RbSecret *pkcs11_pin;
} RbSigningKeysSetting;
void rb_signing_keys_setting_clear(RbSigningKeysSetting *setting);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbSigningKeysSetting, rb_signing_keys_setting_clear)

/** What is known of the directory; swapped whole, safe to use from any thread. */
typedef struct RbSigningKeys RbSigningKeys;

/** rb_signing_keys_new: (transfer full): no key yet: rb_signing_keys_reload() reads them. NULL with
 * fault.keys. */
RbSigningKeys *rb_signing_keys_new(const RbSigningKeysSetting *setting, GError **error);
void rb_signing_keys_free(RbSigningKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSigningKeys, rb_signing_keys_free)

/** rb_signing_keys_reload: reads the directory: every key that is published at @now or later. A bad directory
 * is refused as a whole with fault.keys, which says the first mistake; the old keys stay. */
gboolean rb_signing_keys_reload(RbSigningKeys *keys, gint64 now, GError **error);

/** rb_signing_keys_refresh: the same, when keys.json is another one than was read last; @changed: (out)
 * whether it was. */
gboolean rb_signing_keys_refresh(RbSigningKeys *keys, gint64 now, gboolean *changed, GError **error);

/** rb_signing_keys_current: (transfer full): the key that signs for @use at @now: of those published, the one
 * whose signs_from came last. NULL with fault.keys: there is none. */
RbSigningKey *rb_signing_keys_current(RbSigningKeys *keys, RbKeyUse use, gint64 now, GError **error);

/** rb_signing_keys_next: (transfer full): the published key that will sign for @use after the current one;
 * NULL: none. */
RbSigningKey *rb_signing_keys_next(RbSigningKeys *keys, RbKeyUse use, gint64 now);

/** rb_signing_keys_published: (transfer full): the RbSigningKeys of @use that are published at @now, in the
 * order of keys.json. */
GPtrArray *rb_signing_keys_published(RbSigningKeys *keys, RbKeyUse use, gint64 now);

/** rb_signing_keys_jwks: (transfer full): the JWK set of the published token keys, each with alg, use, kid,
 * x5c. */
json_t *rb_signing_keys_jwks(RbSigningKeys *keys, gint64 now);

/* ---- keys.json, for whoever keeps the directory ---- */

/** One key as keys.json has it. */
typedef struct {
    char *kid;
    RbKeyUse use;
    const char *algorithm;
    char *key; /* "KID.key", or "pkcs11:…": where on a token */
    gint64 created_at, signs_from, published_until /* 0: open */;
    guint line, column; /* of its entry */
} RbKeyEntry;
void rb_key_entry_free(RbKeyEntry *entry);

/** rb_key_use_name: "token", "assertion". */
const char *rb_key_use_name(RbKeyUse use);
/** rb_key_use_find: FALSE for any other @name. */
gboolean rb_key_use_find(const char *name, RbKeyUse *use);
/** rb_key_algorithm: (transfer none): the JWS name @name as a static text, when keys for @use may have it;
 * NULL: not. */
const char *rb_key_algorithm(RbKeyUse use, const char *name);

/** rb_key_entries_read: (transfer full): what keys.json in @dir says, in its order, as RbKeyEntry; all
 * mistakes go to @problems, also those of the directory itself. NULL after any. */
GPtrArray *rb_key_entries_read(const char *dir, RbDiagnostics *problems);
/** rb_key_entries_write: replaces keys.json whole. */
gboolean rb_key_entries_write(const char *dir, const GPtrArray *entries, GError **error);
/** rb_key_entries_current, _next: (transfer none): see rb_signing_keys_current(), rb_signing_keys_next(). */
const RbKeyEntry *rb_key_entries_current(const GPtrArray *entries, RbKeyUse use, gint64 now);
const RbKeyEntry *rb_key_entries_next(const GPtrArray *entries, RbKeyUse use, gint64 now);
/** A key to be made. */
typedef struct {
    RbKeyUse use;
    const char *algorithm; /* NULL: rb_key_algorithm_usual() */
    const char *name;      /* CN of its certificate: the issuer's host */
    gint64 signs_from;
} RbKeyOrder;

/** rb_key_algorithm_usual: "ES256" for tokens, "RS256" for assertions. */
const char *rb_key_algorithm_usual(RbKeyUse use);

/** rb_key_entries_make: makes a key and its certificate, adds it to @entries and writes all of it down, so
 * that it is published from @now on. Returns: (transfer none): the new one; NULL with sign.key or a fault,
 * and @entries as they were. */
const RbKeyEntry *rb_key_entries_make(const RbSigningKeysSetting *setting, GPtrArray *entries,
                                      const RbKeyOrder *order, gint64 now, GError **error);

/** rb_key_entries_check_order: whether a key may be made now: not while one waits to sign. FALSE with
 * sign.key. */
gboolean rb_key_entries_check_order(const GPtrArray *entries, const RbKeyOrder *order, gint64 now,
                                    GError **error);

/** rb_key_entries_retire: ends the publication of @kid at @now, writes that down and deletes its private key.
 * The key that signs is retired only with @leaked: then the next one signs at once, or, without a next one,
 * the one before. Returns: FALSE with sign.key: no such key, it was retired before, it signs, nothing would
 * sign; or with a fault. */
gboolean rb_key_entries_retire(const RbSigningKeysSetting *setting, GPtrArray *entries, const char *kid,
                               gboolean leaked, gint64 now, GError **error);

/** rb_key_entry_on_token: whether its private half is on a PKCS#11 token. */
gboolean rb_key_entry_on_token(const RbKeyEntry *entry);

/** rb_key_entry_published: whether others may learn of it at @now. */
gboolean rb_key_entry_published(const RbKeyEntry *entry, gint64 now);

#endif
