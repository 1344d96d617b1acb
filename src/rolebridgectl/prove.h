#ifndef RB_ROLEBRIDGECTL_PROVE_H
#define RB_ROLEBRIDGECTL_PROVE_H

#include "prove/prove.h"
#include "prove/subject.h"

/* `rolebridgectl prove`: what holds for every request, asked of roles in accounts. */

/** Everything the command line can say. */
typedef struct {
    char *mappings, *never, *on, *within, *role, *account;
    char **names; /* OLD, NEW */
    double timeout_s;
    gboolean no_new_access, json;
} RbProveAsked;

/** One question about one role in one account. */
typedef struct {
    const RbCompiledAccount *account;
    const RbCompiledRole *role;
    RbProofSubject *before, *after; /* before: only with --no-new-access, NULL where the role was not there */
    gboolean is_new;                /* it was not there */
    gboolean same;                  /* nothing differs: proved without a formula */
    guint first;                    /* the item with the same question; itself */
    RbProof *proof;                 /* of the first */
    GError *error;
} RbProveItem;

/** rb_prove_items: (transfer full) (element-type RbProveItem): what is to be asked; equal questions are
 * marked.
 * @before, @then: NULL but for --no-new-access. */
GPtrArray *rb_prove_items(const RbProveAsked *asked, const RbSnapshot *before, const RbCompiled *then,
                          const RbSnapshot *after, const RbCompiled *now);

/** rb_prove_ask: answers all of them, on every processor; @progress: on stderr. */
void rb_prove_ask(const RbProveAsked *asked, GPtrArray *items, gboolean progress);

/** rb_prove_proof: of an item, or NULL: a fault, or nothing differed. */
const RbProof *rb_prove_proof(const GPtrArray *items, guint i);
RbProofVerdict rb_prove_verdict(const GPtrArray *items, guint i);

void rb_prove_print(const RbProveAsked *asked, const GPtrArray *items, gboolean colour);
/** rb_prove_json: (transfer full): the same for a program. */
json_t *rb_prove_json(const RbProveAsked *asked, const GPtrArray *items);

#endif
