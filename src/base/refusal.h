#ifndef RB_BASE_REFUSAL_H
#define RB_BASE_REFUSAL_H

#include <glib.h>

/*
 * Every way to say no, once. Ids are stable: alerts and runbooks match on them.
 * X(CODE, id, HTTP status, what happened, what to do next). docs/refusals.md is generated from here.
 *
 * A refusal: we looked, and the answer is no. A fault: we could not tell. Both end without credentials.
 * The two sentences are all that a person sees; error->message, for the audit log, has the exact reason.
 */
/* clang-format off */
#define RB_REFUSALS_REQUEST(X) /* what reaches us over HTTP */ \
    X(REQUEST_MALFORMED, "request.malformed", 400, "This request could not be read.", "Start again from the portal.") \
    X(REQUEST_TOO_LARGE, "request.too_large", 413, "This request is too large.", "Send less, or ask your administrator about the limit.") \
    X(REQUEST_NOT_FOUND, "request.not_found", 404, "There is nothing at this address.", "Check the address, or start from the portal.") \
    X(REQUEST_METHOD, "request.method", 405, "This address does not take that kind of request.", "Start again from the portal.") \
    X(REQUEST_TOO_MANY, "request.too_many", 429, "There were too many requests.", "Wait a minute, then try again.") \
    X(REQUEST_HOST, "request.host", 421, "This service does not answer to that name.", "Use the address your administrator gave you.") \
    X(REQUEST_FORGED, "request.forged", 403, "This request did not come from our own page.", "Go back to the portal and try again there.")

#define RB_REFUSALS_IDENTITY(X) /* verified facts → an identity */ \
    X(IDENTITY_NAME_MISSING, "identity.name_missing", 403, "Your organisation's sign-in did not say who you are in a form AWS accepts.", "Ask your administrator which attribute carries your name.") \
    X(IDENTITY_NAME_UNUSABLE, "identity.name_unusable", 403, "Your name has characters that an AWS session name cannot carry.", "Ask your administrator to choose another attribute as your name.") \
    X(IDENTITY_NAME_TAKEN, "identity.name_taken", 403, "Another identity provider already vouches for somebody of this name.", "Ask your administrator; two people must never share one name in AWS.") \
    X(IDENTITY_MALFORMED, "identity.malformed", 403, "What your organisation's sign-in said about you could not be read.", "Ask your administrator; the incident id leads to the reason.") \
    X(IDENTITY_TOO_MANY_GROUPS, "identity.too_many_groups", 403, "Your organisation's sign-in listed more groups than are accepted.", "Ask your administrator to send only the groups that matter here.") \
    X(IDENTITY_GROUPS_INCOMPLETE, "identity.groups_incomplete", 403, "Your organisation's sign-in did not send all of your groups.", "Ask your administrator to filter the groups it sends; an incomplete list is never used.")

#define RB_REFUSALS_SAML(X) /* verify/saml*, in the order of the checks */ \
    X(SAML_MALFORMED, "saml.malformed", 400, "The answer of your sign-in could not be read.", "Start again from the portal.") \
    X(SAML_TOO_LARGE, "saml.too_large", 413, "The answer of your sign-in is larger than accepted.", "Ask your administrator to send only the groups that matter here.") \
    X(SAML_FORBIDDEN_XML, "saml.forbidden_xml", 400, "The answer of your sign-in holds XML that is never accepted.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_DUPLICATE_ID, "saml.duplicate_id", 400, "The answer of your sign-in uses one ID twice.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_VERSION, "saml.version", 400, "The answer of your sign-in is not SAML 2.0.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_DESTINATION, "saml.destination", 403, "The answer of your sign-in was meant for another address.", "Start again from the portal.") \
    X(SAML_STATUS, "saml.status", 403, "Your organisation's sign-in refused.", "Start again from the portal; if it stays, ask the people who run the sign-in.") \
    X(SAML_NO_AUTHN_CONTEXT, "saml.no_authn_context", 403, "Your organisation's sign-in could not sign you in in the way that was asked for.", "Set up the second factor at your organisation's sign-in, then try again.") \
    X(SAML_ISSUER, "saml.issuer", 403, "The answer came from another identity provider.", "Start again from the portal.") \
    X(SAML_UNSOLICITED, "saml.unsolicited", 403, "This sign-in was not started here.", "Start again from the portal.") \
    X(SAML_IN_RESPONSE_TO, "saml.in_response_to", 403, "The answer belongs to another sign-in.", "Start again from the portal.") \
    X(SAML_ASSERTION_COUNT, "saml.assertion_count", 400, "The answer of your sign-in does not hold exactly one assertion.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_UNSIGNED, "saml.unsigned", 403, "The answer of your sign-in is not signed where it must be.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_SIGNATURE_PROFILE, "saml.signature_profile", 403, "The answer of your sign-in is signed in a form that is never accepted.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_ALGORITHM, "saml.algorithm", 403, "The answer of your sign-in is signed with an algorithm that is not accepted.", "Ask your administrator to set SHA-256 at the identity provider.") \
    X(SAML_SIGNATURE_INVALID, "saml.signature_invalid", 403, "The answer of your sign-in was not signed by your organisation's sign-in.", "Start again from the portal; if it stays, tell your administrator the incident id.") \
    X(SAML_ENCRYPTION_ALGORITHM, "saml.encryption_algorithm", 403, "The answer of your sign-in is encrypted in a way that is not accepted.", "Ask your administrator to set RSA-OAEP with AES-GCM at the identity provider.") \
    X(SAML_DECRYPTION_FAILED, "saml.decryption_failed", 403, "The answer of your sign-in could not be decrypted.", "Tell your administrator: the identity provider encrypts for another key.") \
    X(SAML_SUBJECT, "saml.subject", 403, "The answer of your sign-in does not say who you are.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_CONFIRMATION, "saml.confirmation", 403, "The answer of your sign-in cannot be used by a browser.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_RECIPIENT, "saml.recipient", 403, "The answer of your sign-in was made out to another address.", "Start again from the portal.") \
    X(SAML_EXPIRED, "saml.expired", 403, "The answer of your sign-in is too old.", "Start again from the portal; if it stays, the clocks differ: tell your administrator.") \
    X(SAML_NOT_YET_VALID, "saml.not_yet_valid", 403, "The answer of your sign-in is from the future.", "Tell your administrator: the clocks of the bridge and the identity provider differ.") \
    X(SAML_AUDIENCE, "saml.audience", 403, "The answer of your sign-in was meant for another service.", "Start again from the portal.") \
    X(SAML_CONDITION, "saml.condition", 403, "The answer of your sign-in sets a condition that is not understood.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_AUTHN_STATEMENT, "saml.authn_statement", 403, "The answer of your sign-in does not say when and how you signed in.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(SAML_STALE_SIGN_IN, "saml.stale_sign_in", 403, "You were asked to sign in again, and the answer is from an earlier sign-in.", "Start again from the portal.") \
    X(SAML_SESSION_OVER, "saml.session_over", 403, "Your session at your organisation's sign-in is over.", "Start again from the portal.") \
    X(SAML_MFA_MISSING, "saml.mfa_missing", 403, "A second factor was asked for, and the answer does not show one.", "Sign in again with your second factor.") \
    X(SAML_METADATA, "saml.metadata", 503, "The identity provider's metadata cannot be used.", "Tell your administrator the incident id.") \
    X(SAML_METADATA_EXPIRED, "saml.metadata_expired", 503, "What is known of the identity provider has expired.", "Tell your administrator: its metadata must be refreshed.") \
    X(SAML_LOGOUT_UNSUPPORTED, "saml.logout_unsupported", 404, "Single logout is not set up with this identity provider.", "Sign out at your organisation's sign-in itself.") \
    X(SAML_REPLAYED, "saml.replayed", 403, "This answer of your sign-in was used before.", "Start again from the portal.")

#define RB_REFUSALS_JWT(X) /* sign/jws, verify/jwt, in the order of the checks */ \
    X(JWT_TOO_LARGE, "jwt.too_large", 413, "The token of your sign-in is larger than accepted.", "Ask your administrator to send only the groups that matter here.") \
    X(JWT_MALFORMED, "jwt.malformed", 400, "The token of your sign-in could not be read.", "Start again from the portal; if it stays, tell your administrator the incident id.") \
    X(JWT_HEADER, "jwt.header", 403, "The token of your sign-in is in a form that is never accepted.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(JWT_ALGORITHM, "jwt.algorithm", 403, "The token of your sign-in is signed with an algorithm that is not accepted.", "Ask your administrator to set RS256, PS256, ES256, ES384 or EdDSA at the identity provider.") \
    X(JWT_TYPE, "jwt.type", 403, "The token is of another kind than is needed here.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(JWT_KEY_UNKNOWN, "jwt.key_unknown", 403, "The token of your sign-in was signed with a key that is not known.", "Start again from the portal in a minute; if it stays, tell your administrator the incident id.") \
    X(JWT_SIGNATURE_INVALID, "jwt.signature_invalid", 403, "The token of your sign-in was not signed by your organisation's sign-in.", "Start again from the portal; if it stays, tell your administrator the incident id.") \
    X(JWT_ISSUER, "jwt.issuer", 403, "The token came from another identity provider.", "Start again from the portal.") \
    X(JWT_AUDIENCE, "jwt.audience", 403, "The token of your sign-in was meant for another service.", "Start again from the portal.") \
    X(JWT_EXPIRED, "jwt.expired", 403, "The token of your sign-in is too old.", "Start again from the portal; if it stays, the clocks differ: tell your administrator.") \
    X(JWT_NOT_YET_VALID, "jwt.not_yet_valid", 403, "The token of your sign-in is from the future.", "Tell your administrator: the clocks of the bridge and the identity provider differ.") \
    X(JWT_LIFETIME, "jwt.lifetime", 403, "The token is made to last longer than is accepted.", "Have the issuer make tokens of a shorter life, or ask your administrator to raise max_age.") \
    X(JWT_SUBJECT, "jwt.subject", 403, "The token of your sign-in does not say who you are.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(JWT_NONCE, "jwt.nonce", 403, "The token belongs to another sign-in.", "Start again from the portal.") \
    X(JWT_HASH, "jwt.hash", 403, "The token of your sign-in does not belong to what came with it.", "Start again from the portal; if it stays, tell your administrator the incident id.") \
    X(JWT_STALE_SIGN_IN, "jwt.stale_sign_in", 403, "You were asked to sign in again, and the answer is from an earlier sign-in.", "Start again from the portal.") \
    X(JWT_REPLAYED, "jwt.replayed", 403, "This token was used before.", "Start again from the portal.")

#define RB_REFUSALS_OIDC(X) /* verify/oidc*, in the order of the checks */ \
    X(OIDC_DISCOVERY, "oidc.discovery", 503, "What the identity provider says about itself cannot be used.", "Tell your administrator the incident id.") \
    X(OIDC_KEYS, "oidc.keys", 503, "The identity provider's keys cannot be used.", "Tell your administrator the incident id.") \
    X(OIDC_REQUEST, "oidc.request", 503, "The identity provider did not take the sign-in.", "Tell your administrator the incident id; the setting is at the identity provider.") \
    X(OIDC_MALFORMED, "oidc.malformed", 400, "The answer of your sign-in could not be read.", "Start again from the portal.") \
    X(OIDC_UNSOLICITED, "oidc.unsolicited", 403, "This sign-in was not started here.", "Start again from the portal.") \
    X(OIDC_STATE, "oidc.state", 403, "The answer belongs to another sign-in.", "Start again from the portal.") \
    X(OIDC_ISSUER, "oidc.issuer", 403, "The answer came from another identity provider.", "Start again from the portal.") \
    X(OIDC_REFUSED, "oidc.refused", 403, "Your organisation's sign-in refused.", "Start again from the portal; if it stays, ask the people who run the sign-in.") \
    X(OIDC_TOKEN_REFUSED, "oidc.token_refused", 403, "The identity provider did not take the code of this sign-in.", "Start again from the portal; if it stays, tell your administrator the incident id.") \
    X(OIDC_TOKEN_ANSWER, "oidc.token_answer", 403, "The identity provider's answer could not be read.", "Tell your administrator the incident id.") \
    X(OIDC_USERINFO, "oidc.userinfo", 403, "What the identity provider says about you could not be used.", "Tell your administrator the incident id.") \
    X(OIDC_ACR, "oidc.acr", 403, "Your organisation's sign-in did not sign you in in the way that was asked for.", "Set up what your organisation's sign-in asks for, then try again.") \
    X(OIDC_MFA_MISSING, "oidc.mfa_missing", 403, "A second factor was asked for, and the answer does not show one.", "Sign in again with your second factor.") \
    X(OIDC_LOGOUT_TOKEN, "oidc.logout_token", 400, "This is not a logout token.", "Tell your administrator the incident id; the setting is at the identity provider.")

#define RB_REFUSALS_SIGN(X) /* sign: keys */ \
    X(SIGN_KEY, "sign.key", 500, "A key or certificate of this service cannot be used.", "Tell your administrator the incident id.")

#define RB_REFUSALS_MAPPING(X) /* mapping: why a role is not granted */ \
    X(MAPPING_NOT_ASSIGNED, "mapping.not_assigned", 403, "None of your groups brings this role in this account.", "Ask the owner of the role to add one of your groups.") \
    X(MAPPING_MFA_REQUIRED, "mapping.mfa_required", 403, "This role needs a sign-in with a second factor.", "Sign in again with your second factor.") \
    X(MAPPING_OUTSIDE_HOURS, "mapping.outside_hours", 403, "This role is only available at certain hours.", "Come back within those hours.") \
    X(MAPPING_SOURCE_IP, "mapping.source_ip", 403, "This role is not available from your network.", "Connect from the network the role asks for.") \
    X(MAPPING_SEPARATION_OF_DUTIES, "mapping.separation_of_duties", 403, "This role cannot be held together with another role of yours.", "Ask the owner of the roles which of the two you should have.") \
    X(MAPPING_PROVIDER, "mapping.provider", 403, "This role is only available after another way of signing in.", "Sign in with the identity provider that the role asks for.") \
    X(MAPPING_ATTRIBUTE, "mapping.attribute", 403, "Your sign-in does not say about you what this role asks for.", "Ask the owner of the role; your directory may hold an old value.") \
    X(MAPPING_TAG, "mapping.tag", 403, "Your sign-in lacks a value that this role passes on to AWS.", "Ask your administrator to have your directory state it, once.") \
    X(MAPPING_ACCOUNT_UNFIT, "mapping.account_unfit", 403, "This account is not set up for this role.", "Tell the owner of the role; the account lacks a setting that the role needs.") \
    X(MAPPING_PATTERN_LIMIT, "mapping.pattern_limit", 403, "It could not be told whether one of your groups brings this role.", "Tell your administrator: an expression in the mapping takes too long.")

#define RB_REFUSALS_SESSION(X) /* access: sessions, tokens, transactions */ \
    X(SESSION_MISSING, "session.missing", 401, "You are not signed in.", "Sign in.") \
    X(SESSION_EXPIRED, "session.expired", 401, "Your sign-in has expired.", "Sign in again.") \
    X(SIGN_IN_UNKNOWN, "signin.unknown", 400, "This sign-in is over, or was not started in this browser, or too long ago.", "Start again from the portal.") \
    X(SIGN_IN_NO_PROVIDER, "signin.no_provider", 404, "There is no such identity provider.", "Choose one on the portal.")

#define RB_REFUSALS_SSO(X) /* access: clients that sign people in */ \
    X(SSO_INVALID_CLIENT, "sso.invalid_client", 401, "This client is not registered here, or its registration has expired.", "Sign in again from the client.") \
    X(SSO_INVALID_GRANT, "sso.invalid_grant", 400, "This code or token is not valid, was used before, or has expired.", "Sign in again from the client.") \
    X(SSO_INVALID_REQUEST, "sso.invalid_request", 400, "The client sent a request that could not be read.", "Update the client, or report it to its maker.") \
    X(SSO_INVALID_SCOPE, "sso.invalid_scope", 400, "The client asked for a scope that is not offered.", "Use sso:account:access.") \
    X(SSO_UNSUPPORTED_GRANT, "sso.unsupported_grant_type", 400, "The client asked for a kind of sign-in that is not offered.", "Update the client.") \
    X(SSO_INVALID_METADATA, "sso.invalid_client_metadata", 400, "The client described itself in a way that is not accepted.", "Update the client, or report it to its maker.") \
    X(SSO_INVALID_REDIRECT, "sso.invalid_redirect_uri", 400, "The client named an address to return to that is not its own.", "Sign in again from the client.") \
    X(SSO_PENDING, "sso.authorization_pending", 400, "The sign-in has not been confirmed yet.", "Confirm it in the browser.") \
    X(SSO_SLOW_DOWN, "sso.slow_down", 400, "The client asks too often.", "Wait before asking again.") \
    X(SSO_EXPIRED, "sso.expired_token", 400, "The sign-in was not confirmed in time.", "Start again from the client.") \
    X(SSO_DENIED, "sso.access_denied", 400, "The sign-in was denied in the browser.", "Start again from the client if this was not meant.") \
    X(SSO_UNKNOWN_CODE, "sso.unknown_code", 404, "There is no sign-in waiting for this code.", "Check the code, or start again from the client.")

#define RB_REFUSALS_STS(X) /* issue: AWS said no, or we did not ask */ \
    X(STS_DURATION, "sts.duration", 400, "The session you asked for is longer than allowed.", "Ask for a shorter one; the message says how long it may be.") \
    X(STS_ACCESS_DENIED, "sts.access_denied", 403, "AWS refused this role to the bridge.", "Tell your administrator: the trust policy of the role does not let the bridge in.") \
    X(STS_TAGS, "sts.tags", 403, "The session tags of this role do not fit what AWS accepts.", "Tell your administrator the incident id.") \
    X(STS_POLICY, "sts.policy", 403, "The session policy of this role is not one that AWS accepts.", "Tell your administrator the incident id.") \
    X(STS_REGION, "sts.region_disabled", 403, "The AWS region used for this account is not enabled in it.", "Tell your administrator: enable the region there, or choose another for the account.") \
    X(STS_INVALID, "sts.invalid", 403, "AWS did not accept the request for this role.", "Tell your administrator the incident id.") \
    X(STS_PROVIDER, "sts.provider", 403, "AWS does not take the bridge's word for this account.", "Tell your administrator the incident id: the account's identity provider in IAM and the bridge do not fit together.") \
    X(STS_DESTINATION, "sts.destination", 400, "This address is not one of the AWS console.", "Start from the portal.")

#define RB_REFUSALS_QUERY(X) /* POST /sts: what a client asked in STS's own words */ \
    X(QUERY_NO_ACTION, "query.no_action", 400, "The request names no action.", "Use an AWS SDK or CLI; this address exchanges tokens as STS does.") \
    X(QUERY_ACTION, "query.action", 400, "This address only exchanges tokens: AssumeRoleWithWebIdentity and AssumeRoleWithSAML.", "AWS_ENDPOINT_URL_STS (or another endpoint setting) points to rolebridge: unset it for calls that are meant for AWS itself.") \
    X(QUERY_MISSING, "query.missing", 400, "The request lacks a parameter.", "Use an AWS SDK or CLI, or add what the message names.") \
    X(QUERY_INVALID, "query.invalid", 400, "The request has a parameter that is not accepted.", "Correct what the message names, and send it again.") \
    X(QUERY_POLICY, "query.policy", 400, "Session policies cannot be passed here.", "Leave out Policy and PolicyArns, and ask the owner of the role for a narrower one.")

#define RB_REFUSALS_SIGV4(X) /* iam: a request signed with AWS Signature Version 4 */ \
    X(SIGV4_MISSING, "sigv4.missing", 403, "This request is not signed.", "Sign it with AWS Signature Version 4.") \
    X(SIGV4_MALFORMED, "sigv4.malformed", 400, "The signature of this request could not be read.", "Update the client, or report it to its maker.") \
    X(SIGV4_SCOPE, "sigv4.scope", 403, "This request was signed for another region, service or day.", "Configure the client for this endpoint's region.") \
    X(SIGV4_SKEW, "sigv4.skew", 403, "This request was signed too long ago, or by a clock that is wrong.", "Correct the clock of the machine that signed it, and send it again.") \
    X(SIGV4_UNKNOWN_KEY, "sigv4.unknown_key", 403, "The access key of this request is not known here.", "Get new credentials.") \
    X(SIGV4_MISMATCH, "sigv4.mismatch", 403, "The signature of this request does not match it.", "Check the secret key, and that nothing between changes the request.")

#define RB_REFUSALS_STORE(X) /* store */ \
    X(STORE_EXISTS, "store.exists", 409, "This was used before.", "Start again from the portal.") \
    X(STORE_MISSING, "store.missing", 404, "This is no longer known here.", "Start again from the portal.") \
    X(AUDIT_BROKEN, "audit.broken", 500, "The audit log was changed, or its newest records are missing.", "Keep the file as it is, and compare it with exported copies (docs/audit.md).")

#define RB_REFUSALS_LOCAL(X) /* rolebridge: the servers on a person's own machine */ \
    X(LOCAL_TOKEN, "local.token", 401, "The token of this request is missing or wrong.", "Use the variables that rolebridge gave.") \
    X(LOCAL_USER, "local.user", 403, "This request came from another user of this machine.", "Run the program as the user who runs rolebridge.")

#define RB_REFUSALS(X) RB_REFUSALS_REQUEST(X) RB_REFUSALS_IDENTITY(X) RB_REFUSALS_SAML(X) RB_REFUSALS_JWT(X) RB_REFUSALS_OIDC(X) RB_REFUSALS_SIGN(X) RB_REFUSALS_MAPPING(X) RB_REFUSALS_SESSION(X) RB_REFUSALS_SSO(X) RB_REFUSALS_STS(X) RB_REFUSALS_QUERY(X) RB_REFUSALS_SIGV4(X) RB_REFUSALS_STORE(X) RB_REFUSALS_LOCAL(X)

#define RB_FAULTS(X) \
    X(INTERNAL, "fault.internal", 500, "Something went wrong here.", "Try again; if it stays, tell your administrator the incident id.") \
    X(FILE, "fault.file", 500, "A file of this service could not be read.", "Tell your administrator the incident id.") \
    X(STORE, "fault.store", 503, "The records of this service cannot be reached, so nothing is granted.", "Try again in a minute; if it stays, tell your administrator the incident id.") \
    X(NETWORK, "fault.network", 503, "A service that is needed for this does not answer.", "Try again in a minute; if it stays, tell your administrator the incident id.") \
    X(STS, "fault.sts", 503, "AWS does not answer.", "Try again in a minute; if it stays, tell your administrator the incident id.") \
    X(STS_CREDENTIALS, "fault.sts_credentials", 503, "The bridge itself cannot sign in to AWS.", "Tell your administrator the incident id: the bridge's own AWS credentials need attention.") \
    X(STS_KEYS, "fault.sts_keys", 503, "AWS could not fetch the bridge's keys.", "Try again in a minute; if it stays, tell your administrator: the bridge's issuer must be reachable from the internet.") \
    X(STS_CLOCK, "fault.sts_clock", 503, "The bridge's clock and that of AWS differ.", "Tell your administrator: the bridge's clock must be set.") \
    X(KEYS, "fault.keys", 503, "The keys that this service signs with cannot be used.", "Try again in a minute; if it stays, tell your administrator the incident id.") \
    X(BUSY, "fault.busy", 503, "There is too much to do at the moment.", "Try again in a few seconds.")
/* clang-format on */

typedef enum {
    RB_ACCEPTED = 0, /* for tables of test cases: no refusal */
#define X(code, id, status, what, next) RB_##code,
    RB_REFUSALS(X)
#undef X
        RB_N_REFUSALS
} RbRefusalCode;

typedef enum {
    RB_FAULT_NONE = 0,
#define X(code, id, status, what, next) RB_FAULT_##code,
    RB_FAULTS(X)
#undef X
        RB_N_FAULTS
} RbFaultCode;

/** What a person and a script are told of a refusal or fault. All strings are static. */
typedef struct {
    const char *id; /* "saml.signature_invalid" */
    int status;     /* HTTP */
    const char *what;
    const char *next;
} RbOutcome;

#define RB_REFUSAL (rb_refusal_quark())
#define RB_FAULT (rb_fault_quark())
GQuark rb_refusal_quark(void);
GQuark rb_fault_quark(void);

/**
 * rb_refuse: sets @error to the refusal @code with the exact reason, for the audit log: one fact on one line,
 * no secret, values from outside through rb_text_quote(). Returns: FALSE, so that a check can `return
 * rb_refuse(…)`
 */
gboolean rb_refuse(GError **error, RbRefusalCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** rb_fault: the same for what could not be decided. Returns: FALSE */
gboolean rb_fault(GError **error, RbFaultCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * rb_outcome: the catalogue's entry for @error. An error of any other domain is fault.internal: it is a bug
 * that it came this far, and it never grants anything.
 */
const RbOutcome *rb_outcome(const GError *error);

/**
 * rb_outcome_detail: what of the exact reason the person may see, too: for the few codes whose reason is
 * written for him, because he needs it to ask again, and holds nothing that he did not say or may not know.
 * NULL for all others.
 */
const char *rb_outcome_detail(const GError *error);

/** rb_outcome_by_id: the entry whose id is @id, or NULL. Used by documentation and tests. */
const RbOutcome *rb_outcome_by_id(const char *id);

/**
 * rb_refuse_by_id: sets @error to the refusal or fault whose id is @id, as another rolebridge program stated
 * it; an id that this version does not know is fault.internal with the id in the message. Returns: FALSE
 */
gboolean rb_refuse_by_id(GError **error, const char *id, const char *message);

/** rb_outcomes: all entries, refusals first, ended by one whose id is NULL. */
const RbOutcome *rb_outcomes(void);

/** rb_is_refusal: TRUE when @error is the refusal @code. */
gboolean rb_is_refusal(const GError *error, RbRefusalCode code);

#endif
