#ifndef RB_SANDBOX_SIGNATURE_H
#define RB_SANDBOX_SIGNATURE_H

#include "base/secret.h"
#include "sandbox/http.h"

#include <glib.h>

/*
 * Signature Version 4 as AWS checks it (reference §7), written apart from iam/, which signs: a mistake made
 * on both sides would hide itself.
 */

/** A refusal in AWS's words: code, HTTP status, message. */
typedef struct {
    const char *code; /* "AccessDenied" */
    int status;
    char *message;
    char *why; /* for the log: what exactly stood against it; may be NULL */
} RbAwsError;

void rb_aws_error_clear(RbAwsError *error);

/** rb_aws_refuse: sets @error. Returns: FALSE */
gboolean rb_aws_refuse(RbAwsError *error, int status, const char *code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/** What a request claims to be signed with; made by rb_box_signature_read. */
typedef struct {
    char *access_key_id;
    char *date, *region, *service; /* of the credential scope */
    char *stamp;                   /* X-Amz-Date */
    char *token;                   /* X-Amz-Security-Token, or NULL */
    char *signature;
    GStrv signed_headers;
    gboolean presigned;
} RbBoxSignature;

/**
 * rb_box_signature_read: finds the signature in the header or the query. Returns: (transfer full): it, or
 * NULL with MissingAuthenticationToken or IncompleteSignature
 */
RbBoxSignature *rb_box_signature_read(const RbBoxRequest *request, RbAwsError *error);
void rb_box_signature_free(RbBoxSignature *signature);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxSignature, rb_box_signature_free)

/** rb_box_signature_check_scope: service, region (one of @regions), scope date and the 15 minutes around
 * @now. */
gboolean rb_box_signature_check_scope(const RbBoxSignature *signature, const char *service,
                                      const char *const *regions, gint64 now, RbAwsError *error);

/** rb_box_signature_check: recomputes it from the request as received, with @secret. */
gboolean rb_box_signature_check(const RbBoxSignature *signature, const RbBoxRequest *request,
                                const RbSecret *secret, RbAwsError *error);

/** rb_box_signature_canonical: (transfer full): the canonical request, for tests against published vectors.
 */
char *rb_box_signature_canonical(const RbBoxSignature *signature, const RbBoxRequest *request);

/** rb_box_signature_compute: (transfer full): hex signature over @canonical; for tests, which sign. */
char *rb_box_signature_compute(const RbBoxSignature *signature, const char *canonical,
                               const RbSecret *secret);

#endif
