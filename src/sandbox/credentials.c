#include "sandbox/box.h"

#include "base/encoding.h"
#include "base/log.h"

#include <jansson.h>
#include <string.h>

enum { LIFE_S = 3600, RENEW_S = 1200 };

struct RbBoxLender {
    RbBoxCloud *cloud;
    const RbBoxRole *role;
    const RbSecret *token;
    GMutex mutex;
    RbBoxPrincipal *session;
};

RbBoxLender *
rb_box_lender_new(RbBoxCloud *cloud, const RbBoxRole *role, const RbSecret *token)
{
    RbBoxLender *lender = g_new0(RbBoxLender, 1);

    lender->cloud = cloud;
    lender->role = role;
    lender->token = token;
    g_mutex_init(&lender->mutex);
    return lender;
}

void
rb_box_lender_free(RbBoxLender *lender)
{
    if (lender == NULL)
        return;
    rb_box_principal_unref(lender->session);
    g_mutex_clear(&lender->mutex);
    g_free(lender);
}

/* The session on loan, a new one in its last twenty minutes. */
static RbBoxPrincipal *
current_session(RbBoxLender *lender, gint64 now)
{
    RbBoxPrincipal *session;

    g_mutex_lock(&lender->mutex);
    if (lender->session == NULL || now >= lender->session->expires_at - RENEW_S) {
        rb_box_principal_unref(lender->session);
        lender->session =
            rb_box_cloud_start_session(lender->cloud, &(RbBoxSessionSpec){ .role = lender->role,
                                                                           .session_name = "bridge",
                                                                           .issued_at = now,
                                                                           .expires_at = now + LIFE_S });
    }
    session = rb_box_principal_ref(lender->session);
    g_mutex_unlock(&lender->mutex);
    return session;
}

static gboolean
is_loopback_host(const char *host)
{
    return host != NULL && (g_str_has_prefix(host, "127.") || g_str_has_prefix(host, "localhost:") ||
                            strcmp(host, "localhost") == 0);
}

void
rb_box_lender_answer(RbBoxLender *lender, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    const char *token = rb_box_request_header(request, "Authorization");
    g_autoptr(RbBoxPrincipal) session = NULL;
    g_autofree char *expiration = NULL;
    json_t *json;
    char *text;

    if (lender->token == NULL || token == NULL || !rb_secret_equal_text(lender->token, token) ||
        !is_loopback_host(rb_box_request_header(request, "Host"))) {
        rb_log(RB_LOG_INFO, "credentials.refused", "why", "the token is missing or wrong", NULL);
        rb_box_answer_text(
            answer, 403, "application/json",
            "{\"code\":\"AccessDenied\",\"message\":\"The authorization token is missing or wrong.\"}\n");
        return;
    }
    session = current_session(lender, now);
    expiration = rb_time_format(session->expires_at);
    json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "AccessKeyId", session->access_key_id, "SecretAccessKey",
                  rb_secret_reveal(session->secret), "Token", rb_secret_reveal(session->token), "Expiration",
                  expiration, "RoleArn", lender->role->arn, "AccountId", session->account);
    text = json_dumps(json, JSON_COMPACT);
    rb_box_answer_text(answer, 200, "application/json", "%s", text);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
    rb_log(RB_LOG_INFO, "credentials.lent", "to", session->arn, "until", expiration, NULL);
    free(text);
    json_decref(json);
}
