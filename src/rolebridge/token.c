#include "rolebridge/token.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TOKEN_FILE_MAX = 256 * 1024,
    REFRESH_AHEAD_S = 15 * 60, /* as the AWS SDKs do */
    USABLE_S = 60,
    LOCK_WAIT_S = 60,
};

void
rb_token_free(RbToken *token)
{
    if (token == NULL)
        return;
    rb_secret_unref(token->access_token);
    rb_secret_unref(token->refresh_token);
    rb_secret_unref(token->client_secret);
    g_free(token->client_id);
    json_decref(token->rest);
    g_free(token);
}

char *
rb_token_path(const RbCli *cli)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA1, cli->session, -1);
    g_autofree char *name = g_strconcat(digest, ".json", NULL);

    return g_build_filename(cli->aws_dir, "sso", "cache", name, NULL);
}

/* Takes member @name out of @object as a secret; NULL when it is not text. */
static RbSecret *
take_secret(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    RbSecret *secret = text == NULL ? NULL : rb_secret_new_text(text);

    (void)json_object_del(object, name);
    return secret;
}

static gint64
take_time(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    gint64 time = 0;

    if (text == NULL || !rb_time_parse(text, &time))
        time = 0; /* as good as expired */
    (void)json_object_del(object, name);
    return time;
}

static void
read_members(RbToken *token)
{
    json_t *rest = token->rest;

    token->access_token = take_secret(rest, "accessToken");
    token->refresh_token = take_secret(rest, "refreshToken");
    token->client_secret = take_secret(rest, "clientSecret");
    token->client_id = g_strdup(json_string_value(json_object_get(rest, "clientId")));
    (void)json_object_del(rest, "clientId");
    token->issued_at = take_time(rest, "issuedAt");
    token->expires_at = take_time(rest, "expiresAt");
    token->registration_expires_at = take_time(rest, "registrationExpiresAt");
}

/* SDKs write the start URL as the profile has it: with a path; or an alias, which newer AWS CLIs insist on.
 */
static gboolean
is_of(const RbToken *token, const RbCli *cli)
{
    const char *start = json_string_value(json_object_get(token->rest, "startUrl"));
    g_autofree char *origin = start == NULL ? NULL : rb_cli_origin(start, NULL);

    if (start == NULL || cli->bridge == NULL)
        return FALSE;
    return g_strcmp0(origin, cli->bridge) == 0 || g_strcmp0(start, cli->start_url) == 0;
}

RbToken *
rb_token_load(const RbCli *cli, GError **error)
{
    g_autofree char *path = rb_token_path(cli);
    g_autoptr(RbToken) token = NULL;
    g_autoptr(RbSecret) bytes = NULL;
    json_t *object;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        (void)rb_refuse(error, RB_SESSION_MISSING, "no sign-in is cached for '%s'", cli->session);
        return NULL;
    }
    bytes = rb_file_read_secret(path, TOKEN_FILE_MAX, FALSE, error);
    if (bytes == NULL)
        return NULL;
    object = json_loadb(rb_secret_reveal(bytes), rb_secret_size(bytes), JSON_REJECT_DUPLICATES, NULL);
    token = g_new0(RbToken, 1);
    token->rest = json_is_object(object) ? object : json_object();
    if (!json_is_object(object))
        json_decref(object);
    read_members(token);
    if (token->access_token == NULL) {
        (void)rb_refuse(error, RB_SESSION_MISSING, "%s holds no sign-in", path);
        return NULL;
    }
    if (!is_of(token, cli)) {
        (void)rb_refuse(error, RB_SESSION_MISSING, "the sign-in that is cached is not one at %s",
                        cli->bridge != NULL ? cli->bridge : "any bridge");
        return NULL;
    }
    return g_steal_pointer(&token);
}

static void
set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(object, name, json_string(text));
}

gboolean
rb_token_save(const RbCli *cli, const RbToken *token, GError **error)
{
    g_autofree char *path = rb_token_path(cli);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *issued = rb_time_format(token->issued_at), *expires = rb_time_format(token->expires_at);
    g_autofree char *registration = rb_time_format(token->registration_expires_at);
    json_t *object = token->rest != NULL ? json_deep_copy(token->rest) : json_object();
    char *text;
    gboolean ok;

    if (json_object_get(object, "startUrl") == NULL)
        set_text(object, "startUrl", cli->bridge);
    set_text(object, "region", cli->region);
    set_text(object, "accessToken", rb_secret_reveal(token->access_token));
    set_text(object, "issuedAt", token->issued_at > 0 ? issued : NULL); /* ours; SDKs pass it by */
    set_text(object, "expiresAt", expires);
    set_text(object, "clientId", token->client_id);
    set_text(object, "clientSecret",
             token->client_secret != NULL ? rb_secret_reveal(token->client_secret) : NULL);
    set_text(object, "registrationExpiresAt", registration);
    set_text(object, "refreshToken",
             token->refresh_token != NULL ? rb_secret_reveal(token->refresh_token) : NULL);
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    ok = rb_cli_make_folder(folder, error) && rb_file_write(path, text, strlen(text), 0600, error);
    rb_wipe(text, strlen(text));
    free(text);
    return ok;
}

gboolean
rb_token_forget(const RbCli *cli, GError **error)
{
    g_autofree char *path = rb_token_path(cli);

    if (unlink(path) == 0 || errno == ENOENT)
        return TRUE;
    return rb_fault(error, RB_FAULT_FILE, "cannot remove %s: %s", path, g_strerror(errno));
}

/* Whether @token needs no refresh now; a token that cannot be refreshed is used to its end. */
static gboolean
is_fresh(const RbToken *token, gint64 now)
{
    gint64 left = token->expires_at - now;
    gint64 ahead = REFRESH_AHEAD_S;

    if (token->issued_at > 0) /* a token that lives for minutes is not refreshed at every call */
        ahead = MIN(ahead, (token->expires_at - token->issued_at) / 4);
    return left > MAX(ahead, USABLE_S) || (left > USABLE_S && token->refresh_token == NULL);
}

/* A refreshed token works for this call even where it cannot be kept: a full disk, a read-only home. */
static void
save_or_warn(const RbCli *cli, const RbToken *token)
{
    g_autoptr(GError) error = NULL;

    if (!rb_token_save(cli, token, &error))
        fprintf(stderr, "rolebridge: warning: the renewed sign-in is not kept: %s\n", error->message);
}

static gboolean
ask_refresh(RbCli *cli, RbToken *token, gint64 now, GError **error)
{
    json_t *body, *answer;
    gint64 expires_in;
    const char *access, *refresh;
    gboolean ok;

    if (token->client_id == NULL || token->client_secret == NULL || token->refresh_token == NULL)
        return rb_refuse(error, RB_SESSION_EXPIRED, "the sign-in has expired and cannot be renewed");
    body = json_pack("{s:s, s:s, s:s, s:s}", "grantType", "refresh_token", "clientId", token->client_id,
                     "clientSecret", rb_secret_reveal(token->client_secret), "refreshToken",
                     rb_secret_reveal(token->refresh_token));
    answer = rb_bridge_post(cli, "/token", body, error);
    access = answer == NULL ? NULL : rb_bridge_text(answer, "accessToken", error);
    ok = access != NULL && rb_bridge_integer(answer, "expiresIn", &expires_in, error);
    if (ok) {
        rb_secret_unref(token->access_token);
        token->access_token = rb_secret_new_text(access);
        token->issued_at = now;
        token->expires_at = now + expires_in;
        refresh = json_string_value(json_object_get(answer, "refreshToken"));
        if (refresh != NULL) {
            rb_secret_unref(token->refresh_token);
            token->refresh_token = rb_secret_new_text(refresh);
        }
        save_or_warn(cli, token);
    }
    json_decref(answer);
    return ok;
}

/* Under the lock: another process may have refreshed meanwhile. */
static RbToken *
refresh_locked(RbCli *cli, gint64 now, gint64 sooner_s, GError **error)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(RbToken) token = rb_token_load(cli, error);

    if (token == NULL)
        return NULL;
    if (is_fresh(token, now + sooner_s) || ask_refresh(cli, token, now, &refused))
        return g_steal_pointer(&token);
    if (token->expires_at - now > USABLE_S)
        return g_steal_pointer(&token); /* good for now; the next call tries again */
    if (refused->domain == RB_REFUSAL) {
        (void)rb_refuse(error, RB_SESSION_EXPIRED, "the sign-in could not be renewed: %s", refused->message);
        return NULL;
    }
    g_propagate_error(error, g_steal_pointer(&refused));
    return NULL;
}

RbToken *
rb_token_renewed(RbCli *cli, gint64 sooner_s, GError **error)
{
    gint64 now = rb_clock_now(&cli->clock);
    g_autoptr(RbToken) token = rb_token_load(cli, error);
    int lock;

    if (token == NULL || is_fresh(token, now + sooner_s))
        return g_steal_pointer(&token);
    g_clear_pointer(&token, rb_token_free);
    lock = rb_cli_lock(cli, "refresh", LOCK_WAIT_S, NULL, error);
    if (lock < 0)
        return NULL;
    token = refresh_locked(cli, rb_clock_now(&cli->clock), sooner_s, error);
    (void)close(lock);
    return g_steal_pointer(&token);
}

RbToken *
rb_token_fresh(RbCli *cli, GError **error)
{
    return rb_token_renewed(cli, 0, error);
}
