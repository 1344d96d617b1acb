#ifndef RB_SANDBOX_ASSERTION_H
#define RB_SANDBOX_ASSERTION_H

#include "sandbox/provider.h"
#include "sandbox/sts.h"

/* SAML responses as AWS judges them (reference §2.2, §2.3), written apart from sign/ and verify/. */

typedef struct {
    char *role_arn, *provider_arn;
} RbBoxRolePair;

/** RbBoxAssertion: what a Response says; trusted only after rb_box_assertion_check. */
typedef struct RbBoxAssertion RbBoxAssertion;

/** rb_box_assertion_read: (transfer full): @base64 is a Response with one assertion, or InvalidIdentityToken.
 */
RbBoxAssertion *rb_box_assertion_read(const char *base64, RbAwsError *error);
void rb_box_assertion_free(RbBoxAssertion *assertion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxAssertion, rb_box_assertion_free)

/** rb_box_assertion_roles: the RbBoxRolePairs of its Role attribute, not yet trusted. */
const GPtrArray *rb_box_assertion_roles(const RbBoxAssertion *assertion);

/** rb_box_assertion_check: signature, issuer, times, audience, recipient, session name, in AWS's words. */
gboolean rb_box_assertion_check(const RbBoxAssertion *assertion, RbBoxProvider *provider,
                                const char *saml_url, gint64 now, RbAwsError *error);

/** What an assertion brings to a session besides tags. */
typedef struct {
    char *issuer, *recipient, *subject, *subject_type, *qualifier, *session_name, *source_identity;
    gint64 end;        /* SessionNotOnOrAfter; 0: not said */
    gint64 duration_s; /* SessionDuration; 0: not said */
} RbBoxVouched;

/** rb_box_assertion_carry: of an assertion that was checked: writes session name, tags and source identity to
 * @ask, the rest to @vouched, which @ask borrows from. */
gboolean rb_box_assertion_carry(const RbBoxAssertion *assertion, const RbBoxProvider *provider, RbStsAsk *ask,
                                RbBoxVouched *vouched, RbAwsError *error);
void rb_box_vouched_clear(RbBoxVouched *vouched);

/** rb_box_assertion_add_keys: the saml: condition keys. */
void rb_box_assertion_add_keys(const RbBoxAssertion *assertion, const RbBoxProvider *provider,
                               const RbBoxVouched *vouched, RbBoxContext *context);

/** rb_box_assume_with: (transfer full): a session of @ask's role, which the assertion must pair with
 * @provider, by an assertion that is checked here; in the @console it lasts as SessionDuration says. */
RbBoxPrincipal *rb_box_assume_with(const RbStsCall *call, const RbBoxAssertion *assertion,
                                   RbBoxProvider *provider, gboolean console, RbStsAsk *ask,
                                   RbBoxVouched *vouched, gint64 *packed, RbAwsError *error);

#endif
