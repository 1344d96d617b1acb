#include "access/priv.h"
#include "base/encoding.h"
#include "base/log.h"
#include "iam/arn.h"

#include <openssl/evp.h>
#include <string.h>

/* Verify → decide → record → issue → record for who never signs in: a job or pod with its own issuer's token,
 * a program with an assertion. */

/* Anybody may send tokens, and each is looked at; a crowd of jobs may come from one address. */
static const RbLimit arriving = { "assume", 2000, 20 };

#define FORMAT_PREFIX "urn:oasis:names:tc:SAML:2.0:nameid-format:"
#define PROVIDER_PREFIX "saml-provider/"

enum { SHA1_BYTES = 20 };

void
rb_assumed_free(RbAssumed *assumed)
{
    if (assumed == NULL)
        return;
    rb_credentials_unref(assumed->credentials);
    g_free(assumed->subject);
    g_free(assumed->issuer);
    g_free(assumed->audience);
    g_free(assumed->subject_type);
    g_free(assumed->name_qualifier);
    g_free(assumed);
}

/* ---- the proof ---- */

gboolean
rb_proof_settle(RbAccess *access, const RbProof *proof, RbBatch *batch, gint64 now, GError **error)
{
    const RbVerified *verified = proof->verified;
    gboolean once = verified->replay_key != NULL;

    if (once)
        rb_batch_add(batch, RB_RECORD_REPLAY, verified->replay_key, NULL,
                     MAX(verified->replay_until, now + 1), json_object());
    return rb_name_claim(access, batch, verified->identity->name, rb_provider_realm(proof->provider), now,
                         once ? RB_NAME_S : RB_WORKLOAD_NAME_S, error);
}

gboolean
rb_proof_conflict(RbAccess *access, const RbProof *proof, gint64 now, GError **error)
{
    const char *key = proof->verified->replay_key;
    g_autoptr(RbRecord) seen = NULL;

    if (key == NULL)
        return TRUE;
    if (!rb_access_find(access, RB_RECORD_REPLAY, key, now, &seen, error))
        return FALSE;
    return seen == NULL ||
           rb_refuse(error, rb_replayed_code(proof->provider), "proof '%s' was used before", key);
}

void
rb_proof_facts(const RbProof *proof, json_t *facts)
{
    const RbVerified *verified = proof->verified;

    rb_facts_text(facts, "issuer", verified->identity->issuer);
    rb_facts_text(facts, "audience", verified->audience);
    rb_facts_text(facts, "proof", verified->proof_id);
    rb_facts_text(facts, "role_arn", proof->role_arn);
}

/* ---- the question ---- */

/* The account's SAML provider, which only names itself in the answer:
 * "arn:aws:iam::ACCOUNT:saml-provider/NAME" of the account that the role is in. */
static gboolean
check_arns(const RbAssumeAsk *ask, RbArn **principal, GError **error)
{
    const char *why = NULL;
    g_autoptr(RbRoleArn) role = rb_role_arn_parse(ask->role_arn, &why);
    g_autoptr(RbArn) arn = NULL;

    if (role == NULL)
        return rb_refuse(error, RB_QUERY_INVALID, "RoleArn is not the ARN of a role: %s", why);
    if (ask->assertion == NULL)
        return TRUE;
    arn = rb_arn_parse(ask->principal_arn, &why);
    if (arn == NULL)
        return rb_refuse(error, RB_QUERY_INVALID, "PrincipalArn is not an ARN: %s", why);
    if (strcmp(arn->service, "iam") != 0 || !g_str_has_prefix(arn->resource, PROVIDER_PREFIX) ||
        !rb_arn_is_name(arn->resource + strlen(PROVIDER_PREFIX), 1, 128))
        return rb_refuse(error, RB_QUERY_INVALID, "PrincipalArn is not the ARN of a SAML provider");
    if (strcmp(arn->account, role->account) != 0 || strcmp(arn->partition, role->partition) != 0)
        return rb_refuse(error, RB_QUERY_INVALID, "PrincipalArn and RoleArn are of two accounts");
    *principal = g_steal_pointer(&arn);
    return TRUE;
}

static RbVerified *
verify(RbAccess *access, const RbVisit *visit, const RbAssumeAsk *ask, GError **error)
{
    RbVerified *verified = ask->token != NULL
                               ? rb_providers_token(access->providers, ask->token, visit->now, error)
                               : rb_providers_assertion(access->providers, ask->assertion, visit->now, error);

    if (verified == NULL || verified->identity->expires_at == 0 ||
        verified->identity->expires_at > visit->now)
        return verified;
    rb_verified_free(verified);
    (void)rb_refuse(error, RB_SAML_SESSION_OVER, "the identity provider's own session is over");
    return NULL;
}

/* ---- the answer ---- */

char *
rb_saml_name_qualifier(const char *issuer, const char *account, const char *provider)
{
    g_autofree char *text = g_strconcat(issuer, account, "/", provider, NULL);
    guint8 digest[SHA1_BYTES];

    if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) != 1)
        g_error("no SHA-1");
    return g_base64_encode(digest, sizeof digest);
}

char *
rb_saml_subject_type(const char *format)
{
    const char *kind =
        format != NULL && g_str_has_prefix(format, FORMAT_PREFIX) ? format + strlen(FORMAT_PREFIX) : "";

    return g_strdup(strcmp(kind, "persistent") == 0 || strcmp(kind, "transient") == 0 ? kind : format);
}

static RbAssumed *
assumed_new(const RbVerified *verified, const RbArn *principal, RbCredentials *credentials)
{
    const RbIdentity *identity = verified->identity;
    RbAssumed *assumed = g_new0(RbAssumed, 1);

    assumed->credentials = credentials;
    assumed->subject = g_strdup(identity->subject);
    assumed->issuer = g_strdup(identity->issuer);
    assumed->audience = g_strdup(verified->audience);
    if (principal == NULL)
        return assumed;
    assumed->subject_type = rb_saml_subject_type(identity->name_id_format);
    assumed->name_qualifier = rb_saml_name_qualifier(identity->issuer, principal->account,
                                                     principal->resource + strlen(PROVIDER_PREFIX));
    return assumed;
}

/* Whoever the mapping brings nothing may be anybody (everybody can run a job at a public issuer): his
 * refusals are counted like a stranger's, so his subject goes on record under another name. */
static json_t *
end_facts(RbProof *proof)
{
    json_t *facts = g_steal_pointer(&proof->facts);

    if (!proof->granted) {
        rb_facts_text(facts, "token_subject", proof->verified->identity->subject);
        (void)json_object_del(facts, "subject");
    }
    return facts;
}

static RbAssumed *
assume(RbAccess *access, const RbVisit *visit, const RbAssumeAsk *ask, json_t **facts, GError **error)
{
    g_autoptr(RbArn) principal = NULL;
    g_autoptr(RbVerified) verified = NULL;
    RbCredentials *credentials;
    RbProof proof = { .role_arn = ask->role_arn, .asked_s = ask->duration_s };

    if (!rb_limits_take_address(access->limits, &arriving, visit->source_ip, visit->now)) {
        (void)rb_refuse(error, RB_REQUEST_TOO_MANY, "tokens arrive too often from this address");
        return NULL;
    }
    if (!check_arns(ask, &principal, error))
        return NULL;
    verified = verify(access, visit, ask, error);
    if (verified == NULL)
        return NULL;
    proof.verified = verified;
    proof.provider = rb_providers_find(access->providers, verified->identity->provider);
    credentials = rb_obtain_for_proof(access, visit, &proof, error);
    if (credentials != NULL)
        return assumed_new(verified, principal, credentials);
    *facts = end_facts(&proof);
    return NULL;
}

RbAssumed *
rb_access_assume(RbAccess *access, const RbVisit *visit, const RbAssumeAsk *ask, GError **error)
{
    g_autoptr(GError) why = NULL;
    json_t *facts = NULL;
    RbAssumed *assumed = assume(access, visit, ask, &facts, &why);

    if (assumed != NULL)
        return assumed;
    return rb_access_end(access, visit, ask->token != NULL ? "workload" : "assertion", facts,
                         g_steal_pointer(&why), error);
}
