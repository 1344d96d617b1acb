#ifndef RB_IAM_PRIV_H
#define RB_IAM_PRIV_H

#include "iam/sigv4.h"

#include <glib.h>

/* The parts that signing and verifying share. */

/** One name and value, as they stand in the canonical form. */
typedef struct {
    char *name, *value;
} RbPair;
/** rb_pairs_new: an array of RbPair that owns and wipes its strings. */
GArray *rb_pairs_new(void);
void rb_pairs_add(GArray *pairs, char *name, char *value);

/** rb_canonical_path: (transfer full): of @target without its query. */
char *rb_canonical_path(const char *target);

/** rb_query_parse: the pairs of @target's query, decoded. Returns: NULL for broken percent-encoding. */
GArray *rb_query_parse(const char *target);
/** rb_query_print: (transfer full): encoded and sorted; pairs named @without (may be NULL) are left out. */
char *rb_query_print(const GArray *pairs, const char *without);
const char *rb_query_get(const GArray *pairs, const char *name);

/** rb_canonical_headers: lower-case name and trimmed value of every header, sorted, duplicates joined. */
GArray *rb_canonical_headers(const RbSigv4Header *headers, guint n);
const char *rb_pairs_find(const GArray *pairs, const char *name);

/** What goes into the hash. @signed_headers: "a;b;c" in order; each must be among @headers. */
typedef struct {
    const char *method, *path, *query, *signed_headers, *payload_hash;
    const GArray *headers;
} RbCanonical;

/** rb_canonical_hash: hex SHA-256 of the canonical request. */
void rb_canonical_hash(const RbCanonical *canonical, char hex[65]);

/** rb_sigv4_signature: hex signature of the string to sign. @date is the whole time stamp. */
void rb_sigv4_signature(RbSigv4Keys *keys, const RbSigv4Signer *signer, const char *date,
                        const char *canonical_hash, char hex[65]);

/** rb_sha256_hex: hex SHA-256 of @data. */
void rb_sha256_hex(const void *data, gsize size, char hex[65]);

/** rb_sigv4_key: the derived key for @yyyymmdd. */
void rb_sigv4_key(RbSigv4Keys *keys, const RbSigv4Signer *signer, const char *yyyymmdd, guint8 key[32]);

#endif
