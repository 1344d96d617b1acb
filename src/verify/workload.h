#ifndef RB_VERIFY_WORKLOAD_H
#define RB_VERIFY_WORKLOAD_H

/* Inside verify/ alone: what the files workload*.c share. */
#include "verify/oidc.h"

enum {
    RB_WORKLOAD_MAX_TOKEN = 20000,     /* bytes, as STS takes them */
    RB_WORKLOAD_MAX_CLAIMS = 200,      /* that become attributes */
    RB_WORKLOAD_MAX_VALUES = 1000,     /* of all of them together */
    RB_WORKLOAD_MAX_NAME_PARTS = 16,   /* of a name template */
    RB_WORKLOAD_MAX_AUDIENCES = 16,    /* of one provider */
    RB_WORKLOAD_DEFAULT_AGE_S = 86400, /* longest life of a token, from iat to exp */
};

/** One piece of a name template: literal text, then the claim whose value follows it (NULL: the end). */
typedef struct {
    char *text, *claim;
} RbNamePart;

/** One issuer of workload tokens, as configured; immutable but for its keyring. */
typedef struct {
    const RbSeat *seat;
    RbOidcSource source;
    GStrv audiences;
    GArray *name; /* RbNamePart; the last one's claim is NULL */
    GStrv group_claims;
    GStrv claims; /* that become attributes; empty: all */
    gint64 max_age_s;
} RbWorkload;

/* ---- workload_name.c ---- */
/** rb_name_template_parse: (transfer full): "gh-${repository_id}-${run_id}" in parts; NULL and a static
 * sentence in @why. */
GArray *rb_name_template_parse(const char *text, const char **why);
/**
 * rb_name_template_fill: (transfer full): the name that @attributes give. Two different sets of values never
 * give one name: a value may not have the character that separates it from the next. Returns: NULL with
 * identity.name_missing or identity.name_unusable
 */
char *rb_name_template_fill(const GArray *parts, const GArray *attributes, GError **error);

/* ---- workload_identity.c ---- */
/** rb_workload_attributes: (transfer full): every claim about the workload that is a text, number or truth,
 * or a list of them, nested ones as "a.b"; their text is in @claims or kept in @made. NULL with
 * identity.malformed when there are too many, or two of one name. */
GArray *rb_workload_attributes(const RbWorkload *workload, const json_t *claims, GStringChunk *made,
                               GError **error);
/** rb_workload_identity: whom the verified @claims are about. */
RbIdentity *rb_workload_identity(const RbWorkload *workload, const json_t *claims, GError **error);

#endif
