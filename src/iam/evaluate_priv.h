#ifndef RB_IAM_EVALUATE_PRIV_H
#define RB_IAM_EVALUATE_PRIV_H

#include "iam/evaluate.h"

/* What judging a statement is made of. */

/** rb_policy_has_variables: whether ${…} are variables in documents of @version. */
gboolean rb_policy_has_variables(const char *version);

/**
 * rb_variables_expand: (transfer full): @text with the values of its ${…}. @wild: its own `*` and `?` become
 * RB_WILD_MANY and RB_WILD_ONE of match_priv.h, and what values bring along stays literal.
 * Returns: NULL when a variable has neither one value nor a default, or is written wrongly
 */
char *rb_variables_expand(const char *text, const RbRequestContext *context, gboolean wild);

/** rb_variable_end: behind the "}" of the variable that begins at @text; NULL: none begins there. */
const char *rb_variable_end(const char *text);

/** rb_compare_numbers, _dates: -1, 0 or 1 in @order. Returns: FALSE when one of the two is none */
gboolean rb_compare_numbers(const char *a, const char *b, int *order);
gboolean rb_compare_dates(const char *a, const char *b, int *order);

/** rb_address_within: whether address @text is in @block: "203.0.113.0/24", "2001:db8::/32", or one address.
 */
gboolean rb_address_within(const char *block, const char *text);

/** rb_binary_equal: the same bytes in base64. */
gboolean rb_binary_equal(const char *a, const char *b);

/** How a principal element names who asks; the higher, the more directly. */
typedef enum {
    RB_NAMED_NOT,
    RB_NAMED_ACCOUNT, /* its account may decide */
    RB_NAMED_ROLE,    /* the role of the session */
    RB_NAMED_DIRECTLY,
} RbNamed;

/** rb_statement_names: by Principal or NotPrincipal of @statement. */
RbNamed rb_statement_names(const RbPolicyStatement *statement, const RbRequest *request);

/** rb_request_account: of who asks: "" when nobody of an account does. */
char *rb_request_account(const RbRequest *request);
/** rb_request_owner: the account of the resource. */
char *rb_request_owner(const RbRequest *request);

/** rb_policy_kind_has_principals: whether such a document says who: without Principal it applies to nobody.
 */
gboolean rb_policy_kind_has_principals(RbPolicyKind kind);

/** rb_statement_covers: action and resource of @statement hold. */
gboolean rb_statement_covers(const RbPolicy *policy, const RbPolicyStatement *statement,
                             const RbRequest *request);

/** rb_statement_missed: how many conditions do not hold; @first: the first of them, or NULL. */
guint rb_statement_missed(const RbPolicy *policy, const RbPolicyStatement *statement,
                          const RbRequestContext *context, const RbPolicyCondition **first);

#endif
