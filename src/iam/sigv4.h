#ifndef RB_IAM_SIGV4_H
#define RB_IAM_SIGV4_H

#include "base/secret.h"

#include <glib.h>

/*
 * AWS Signature Version 4: signing and verifying, in the Authorization header and in a presigned query.
 * Paths are canonicalised as every service but S3 wants them: normalised and percent-encoded once more.
 */

enum {
    RB_SIGV4_SKEW_S = 900,
    RB_SIGV4_MAX_HEADERS = 100,
    RB_SIGV4_MAX_TARGET = 64 * 1024,
};

typedef struct {
    const char *name; /* any case */
    const char *value;
} RbSigv4Header;

/** A request as it is on the wire. */
typedef struct {
    const char *method;
    const char *target; /* "/path?query", undecoded */
    const RbSigv4Header *headers;
    guint n_headers;
    const void *body;
    gsize body_size;
} RbSigv4Request;

/** Who signs, for which region and service. */
typedef struct {
    const char *access_key_id;
    const RbSecret *secret;
    const RbSecret *session_token; /* NULL: none */
    const char *region, *service;
} RbSigv4Signer;

/** Derived signing keys, so that four of the five HMACs are saved; thread-safe, bounded, wiped when freed. */
typedef struct RbSigv4Keys RbSigv4Keys;
RbSigv4Keys *rb_sigv4_keys_new(void);
void rb_sigv4_keys_free(RbSigv4Keys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSigv4Keys, rb_sigv4_keys_free)

/**
 * rb_sigv4_sign:
 * @keys: cache, or NULL
 * @request: with a Host header; without Authorization, X-Amz-Date and X-Amz-Security-Token, which the caller
 * adds afterwards: the value written to @date, the signer's session token, and what is returned
 *
 * Signs every header given but those that proxies change (connection, user-agent and alike).
 * Returns: (transfer full): the value of the Authorization header, or NULL with fault.internal
 */
char *rb_sigv4_sign(RbSigv4Keys *keys, const RbSigv4Signer *signer, const RbSigv4Request *request, gint64 now,
                    char date[17], GError **error);

/**
 * rb_sigv4_presign: every header given is signed and must be sent; @expires_s from 1 to 604800.
 * Returns: (transfer full): the whole target with X-Amz-Signature, a secret while it is valid; or NULL with
 * fault.internal
 */
RbSecret *rb_sigv4_presign(RbSigv4Keys *keys, const RbSigv4Signer *signer, const RbSigv4Request *request,
                           gint64 now, gint64 expires_s, GError **error);

/**
 * RbSigv4Lookup: the secret of @access_key_id; @session_token is what came with it, or NULL.
 * Returns: (transfer full): the secret, or NULL: with @error set, or without for sigv4.unknown_key
 */
typedef RbSecret *(*RbSigv4Lookup)(const char *access_key_id, const char *session_token, gpointer data,
                                   GError **error);

typedef struct {
    const char *region; /* NULL: any */
    const char *service;
    RbSigv4Lookup lookup;
    gpointer data;
    RbSigv4Keys *keys; /* cache, or NULL */
} RbSigv4Verifier;

typedef struct {
    char *access_key_id;
    char *region;
    gint64 signed_at;
    gboolean presigned;
} RbSigv4Verified;
void rb_sigv4_verified_free(RbSigv4Verified *verified);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSigv4Verified, rb_sigv4_verified_free)

/**
 * rb_sigv4_verify: recomputed from the raw target and headers. Refused: no or two signatures, duplicate query
 * names, a signature that leaves out host or an x-amz-* header, another region or service, more than 15
 * minutes of skew. A presigned request to sts is good for 15 minutes whatever X-Amz-Expires says, as at AWS.
 * Returns: (transfer full): who signed, or NULL with sigv4.*
 */
G_GNUC_WARN_UNUSED_RESULT
RbSigv4Verified *rb_sigv4_verify(const RbSigv4Verifier *verifier, const RbSigv4Request *request, gint64 now,
                                 GError **error);

/** rb_sigv4_time_format: "20261124T090000Z". */
void rb_sigv4_time_format(gint64 utc_s, char text[17]);

/** rb_sigv4_time_parse: exactly that form. */
gboolean rb_sigv4_time_parse(const char *text, gint64 *utc_s);

#endif
