#include "sandbox/openid.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

enum { LIFE_S = 300 };

/* A number that a name always has, as its repository id. */
static gint64
number_of(const char *name)
{
    guint8 digest[32];
    gint64 number = 0;

    rb_sha256(name, strlen(name), digest);
    for (int i = 0; i < 4; i++)
        number = number * 256 + digest[i];
    return number;
}

char *
rb_box_ci_token(const RbBoxCi *ci, const RbBoxJob *job, gint64 now)
{
    const char *repository = job->repository == NULL ? "acme/data-pipeline" : job->repository;
    const char *ref = job->ref == NULL ? "refs/heads/main" : job->ref;
    const char *slash = strchr(repository, '/');
    g_autofree char *owner =
        slash == NULL ? g_strdup(repository) : g_strndup(repository, (gsize)(slash - repository));
    g_autofree char *subject =
        g_strdup_printf("repo:%s:%s:%s", repository, job->environment == NULL ? "ref" : "environment",
                        job->environment == NULL ? ref : job->environment);
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, number_of(repository));
    g_autofree char *run = g_strdup_printf("%" G_GINT64_FORMAT, now);
    g_autofree char *workflow = g_strdup_printf("%s/.ci/deploy.yaml@%s", repository, ref);
    g_autoptr(RbSecret) jti = rb_secret_new_random(24);
    json_t *claims =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "iss",
                  ci->issuer, "sub", subject, "aud", job->audience == NULL ? "rolebridge" : job->audience,
                  "jti", rb_secret_reveal(jti), "iat", (json_int_t)now, "nbf", (json_int_t)now, "exp",
                  (json_int_t)now + LIFE_S, "repository", repository, "repository_id", id, "repository_owner",
                  owner, "ref", ref, "ref_type", g_str_has_prefix(ref, "refs/tags/") ? "tag" : "branch",
                  "run_id", run, "run_attempt", "1", "job_workflow_ref", workflow, "event_name", "push");
    char *token;

    if (job->environment != NULL)
        json_object_set_new(claims, "environment", json_string(job->environment));
    token = rb_box_token_sign(ci->key, "JWT", claims);
    json_decref(claims);
    return token;
}

static void
answer_discovery(const RbBoxCi *ci, RbBoxAnswer *answer)
{
    g_autofree char *jwks = g_strconcat(ci->issuer, "/jwks.json", NULL);
    g_autofree char *text =
        rb_box_json_text(json_pack("{s:s, s:s, s:[s], s:[s], s:[s], s:[s]}", "issuer", ci->issuer, "jwks_uri",
                                   jwks, "response_types_supported", "id_token", "subject_types_supported",
                                   "public", "id_token_signing_alg_values_supported",
                                   rb_box_token_key_algorithm(ci->key), "scopes_supported", "openid"));

    rb_box_answer_text(answer, 200, "application/json", "%s\n", text);
    rb_box_answer_header(answer, "Cache-Control", "public, max-age=3600");
}

static void
answer_keys(const RbBoxCi *ci, RbBoxAnswer *answer)
{
    const RbBoxTokenKey *const keys[] = { ci->key };
    g_autofree char *text = rb_box_token_keys_json(keys, 1);

    rb_box_answer_text(answer, 200, "application/json", "%s\n", text);
    rb_box_answer_header(answer, "Cache-Control", "public, max-age=3600");
}

/* As a CI's runner asks for its job's token; here nobody must prove to be a job. */
static void
answer_token(const RbBoxCi *ci, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GHashTable) fields = rb_box_fields(request->query);
    g_autofree char *token = NULL;

    if (fields == NULL) {
        rb_box_answer_text(answer, 400, "application/json", "{\"error\":\"the query cannot be read\"}\n");
        return;
    }
    token = rb_box_ci_token(ci,
                            &(RbBoxJob){ .repository = g_hash_table_lookup(fields, "repository"),
                                         .ref = g_hash_table_lookup(fields, "ref"),
                                         .audience = g_hash_table_lookup(fields, "audience"),
                                         .environment = g_hash_table_lookup(fields, "environment") },
                            now);
    rb_log(RB_LOG_INFO, "ci.token", "repository", g_hash_table_lookup(fields, "repository"), "ref",
           g_hash_table_lookup(fields, "ref"), NULL);
    rb_box_answer_text(answer, 200, "application/json", "{\"value\":\"%s\"}\n", token);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
}

gboolean
rb_box_ci_answer(const RbBoxCi *ci, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    if (ci->key == NULL || !g_str_has_prefix(request->path, "/ci/"))
        return FALSE;
    if (strcmp(request->path, "/ci/.well-known/openid-configuration") == 0)
        answer_discovery(ci, answer);
    else if (strcmp(request->path, "/ci/jwks.json") == 0)
        answer_keys(ci, answer);
    else if (strcmp(request->path, "/ci/token") == 0)
        answer_token(ci, request, now, answer);
    else
        return FALSE;
    return TRUE;
}
