#include "sandbox/idp_priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

/* Ends of sessions: asked for by a client's browser, and told to clients by the back channel. */

enum { LIFE_S = 120, CONNECT_MS = 1000, TOTAL_MS = 3000, MAX_ANSWER = 64 * 1024 };

typedef struct {
    char *url, *token;
} Letter;

void
rb_box_letter_free(gpointer data)
{
    Letter *letter = data;

    g_free(letter->url);
    g_free(letter->token);
    g_free(letter);
}

void
rb_box_openid_tell(RbBoxIdp *idp, const RbBoxSignOn *sign_on, const char *but, gint64 now)
{
    GHashTableIter iter;
    gpointer id;

    if (idp->setting.openid == NULL)
        return;
    g_hash_table_iter_init(&iter, sign_on->clients);
    while (g_hash_table_iter_next(&iter, &id, NULL)) {
        const RbBoxClient *client = rb_box_openid_client(idp, id);
        g_autoptr(RbSecret) jti = rb_secret_new_random(24);
        json_t *claims;
        Letter *letter;

        if (client == NULL || client->backchannel == NULL || g_strcmp0(id, but) == 0)
            continue;
        claims =
            json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:{s:{}}}", "iss", idp->setting.openid->issuer,
                      "aud", client->id, "iat", (json_int_t)now, "exp", (json_int_t)now + LIFE_S, "jti",
                      rb_secret_reveal(jti), "sub", sign_on->person->uid, "sid", sign_on->index, "events",
                      "http://schemas.openid.net/event/backchannel-logout");
        letter = g_new0(Letter, 1);
        letter->url = g_strdup(client->backchannel);
        letter->token = rb_box_token_sign(rb_box_openid_key(idp, client), "logout+jwt", claims);
        json_decref(claims);
        g_ptr_array_add(idp->outbox, letter);
    }
}

/* Not under the lock: whoever reads a letter may ask for the keys before answering. */
void
rb_box_openid_send(RbBoxIdp *idp, GPtrArray *letters)
{
    for (guint i = 0; i < letters->len; i++) {
        const Letter *letter = letters->pdata[i];
        g_autofree char *form = g_strconcat("logout_token=", letter->token, NULL);
        g_autoptr(GBytes) body = g_bytes_new(form, strlen(form));
        g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", letter->url);
        g_autoptr(RbHttpResponse) response = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *status = NULL;

        rb_http_request_limits(request, CONNECT_MS, TOTAL_MS, MAX_ANSWER);
        rb_http_request_body(request, "application/x-www-form-urlencoded", body);
        response = idp->setting.http == NULL ? NULL : rb_http_fetch(idp->setting.http, request, &error);
        status = response == NULL ? NULL : g_strdup_printf("%d", response->status);
        rb_log(RB_LOG_INFO, "idp.told_logout", "address", letter->url, "status", status, "why",
               error == NULL ? NULL : error->message, NULL);
    }
}

void
rb_box_openid_logout(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                     RbBoxAnswer *answer)
{
    const char *id = g_hash_table_lookup(fields, "client_id"), *state = g_hash_table_lookup(fields, "state");
    const char *to = g_hash_table_lookup(fields, "post_logout_redirect_uri");
    const RbBoxClient *client = rb_box_openid_client(idp, id);
    RbBoxSignOn *sign_on = rb_box_idp_sign_on(idp, request, now);
    g_autofree char *cookie = rb_box_request_cookie(request, RB_BOX_COOKIE), *url = NULL, *encoded = NULL;

    if (sign_on != NULL) {
        rb_box_openid_tell(idp, sign_on, id, now);
        rb_log(RB_LOG_INFO, "idp.signed_out", "person", sign_on->person->uid, "by", id, NULL);
        g_hash_table_remove(idp->sign_ons, cookie);
    }
    if (client == NULL || to == NULL || !g_strv_contains((const char *const *)client->logout_uris, to)) {
        rb_box_idp_signed_out_page(answer);
        return;
    }
    encoded = rb_uri_encode(state == NULL ? "" : state);
    url = g_strdup_printf("%s%s%s", to,
                          state == NULL             ? ""
                          : strchr(to, '?') == NULL ? "?state="
                                                    : "&state=",
                          encoded);
    rb_box_answer_redirect(answer, url);
}
