#ifndef RB_TESTS_ACCESS_DOUBLES_H
#define RB_TESTS_ACCESS_DOUBLES_H

#include "issue/issue.h"
#include "verify/verify.h"

/*
 * An identity provider and an AWS that do as they are told, in the place of verify/ and issue/, where a test
 * of the order of calls needs neither signatures nor a network.
 *
 * Answers of the provider are fields: SAMLResponse = "SUBJECT|NAME|PROOF|GROUP,GROUP|mfa or -|EXPIRES_AT or
 * -|INDEX or -"; "forged" is refused. SAMLRequest = "ID|SUBJECT|INDEX,INDEX" is the IdP's logout;
 * SAMLResponse to the logout = "IN_RESPONSE_TO|yes or no". Tokens of ci and assertions of partner are texts
 * as of the first; "forged" is refused.
 */

typedef struct {
    guint calls, fail_at; /* the n-th call fails; 0: none */
} RbDoubleFailure;
extern RbDoubleFailure rb_double_provider_failure, rb_double_issuer_failure;

/** Providers: corp and partner (realms of their own), branch (realm corp), ci (a workload issuer). */
RbProviders *rb_double_providers(void);
RbIssuer *rb_double_issuer(void);

/** What STS was asked for last. */
extern gint64 rb_double_asked_s;
/** How many sets of credentials are alive: those that were dropped must be freed. */
extern gint rb_double_credentials;

#endif
