#ifndef RB_ROLEBRIDGECTL_EXPLAIN_H
#define RB_ROLEBRIDGECTL_EXPLAIN_H

#include "mapping/mapping.h"

/** What a person asked about; NULL: everything. */
typedef struct {
    const char *account; /* name or id */
    const char *role;
} RbExplainFilter;

/** rb_explain_count: how many grants the filter lets through. */
guint rb_explain_count(const RbDecision *decision, const RbExplainFilter *filter);

/** rb_explain_text: (transfer full): the decision for a person to read. */
char *rb_explain_text(const RbSnapshot *snapshot, const RbDecision *decision, const RbContext *context,
                      const RbExplainFilter *filter);

#endif
